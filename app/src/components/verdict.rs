//! The gate's answer.

use super::{Action, Disclosure, Fermata, Icon};
use crate::view::{AgesView, Answer, FineView, ReasonView, Tone, VerdictView};
use leptos::prelude::*;
use std::fmt::Write as _;

/// Lines about restores that are told at once; more are folded.
const FEW: usize = 7;

/// The answer with every reason, how old each backup is, and what is fine. The fermata is closed
/// until the answer is yes, or two people decided otherwise.
#[component]
pub fn VerdictPanel(
    /// The answer.
    verdict: VerdictView,
    /// Id of its heading, unique on the page.
    #[prop(default = "verdict")]
    id: &'static str,
    /// What belongs to it: `BlastRadius`, and the buttons in a `div.verdict-foot`.
    #[prop(optional)]
    children: Option<Children>,
) -> AnyView {
    let tone = match verdict.answer {
        Answer::NotAsked => Tone::Quiet,
        Answer::Confirmed => Tone::Ok,
        Answer::Blocked => Tone::Major,
        Answer::Overridden => Tone::Degraded,
    };
    let reasons = (!verdict.reasons.is_empty()).then(|| {
        view! {
            <ol class="reasons">
                {verdict.reasons.into_iter().map(|reason| view! { <Reason reason/> }).collect_view()}
            </ol>
        }
    });
    let fine = (!verdict.fine.is_empty()).then(|| {
        let label = match verdict.fine.len() {
            1 => "1 data set is fine".to_owned(),
            n => format!("{n} data sets are fine"),
        };
        view! { <div class="block"><Disclosure label>{lines(verdict.fine)}</Disclosure></div> }
    });
    let restores = match verdict.restores.len() {
        0 => ().into_any(),
        1..=FEW => {
            view! { <div class="block"><h3>"If it must be restored"</h3>{lines(verdict.restores)}</div> }.into_any()
        }
        _ => view! {
            <div class="block">
                <Disclosure label="If it must be restored: host by host">{lines(verdict.restores)}</Disclosure>
            </div>
        }
        .into_any(),
    };
    let exempt = (!verdict.exempt.is_empty())
        .then(|| view! { <div class="block"><h3>"Exempt"</h3>{lines(verdict.exempt)}</div> });
    view! {
        <section class=format!("verdict {}", tone.class()) aria-labelledby=id>
            <header class="verdict-head">
                <Fermata open={matches!(verdict.answer, Answer::Confirmed | Answer::Overridden)}/>
                <div>
                    <h2 id=id>{verdict.title}</h2>
                    {(!verdict.detail.is_empty()).then(|| view! { <p>{verdict.detail}</p> })}
                </div>
            </header>
            {verdict.ages.filter(|ages| !ages.ages.is_empty()).map(ages)}
            {reasons}
            {fine}
            {restores}
            {exempt}
            {children.map(|children| children())}
        </section>
    }
    .into_any()
}

/// One reason, with what to do about it.
#[component]
pub fn Reason(
    /// The reason.
    reason: ReasonView,
) -> AnyView {
    let actions = (!reason.actions.is_empty()).then(|| {
        let buttons = reason.actions.into_iter();
        view! {
            <div class="actions">{buttons.map(|action| view! { <Action action small=true/> }).collect_view()}</div>
        }
    });
    view! {
        <li class=format!("reason {}", reason.tone.class())>
            <Icon shape=reason.shape/>
            <div>
                <h3><span dir="auto">{reason.heading}</span></h3>
                {(!reason.detail.is_empty()).then(|| view! { <p>{reason.detail}</p> })}
                {actions}
            </div>
        </li>
    }
    .into_any()
}

fn lines(lines: Vec<FineView>) -> AnyView {
    view! {
        <ul class="lines">
            {lines
                .into_iter()
                .map(|line| view! { <li><span dir="auto">{line.place}</span>" "<span class="muted">{line.text}</span></li> })
                .collect_view()}
        </ul>
    }
    .into_any()
}

/// Each backup on a line from now to the oldest: a disc within the limit, a triangle beyond it.
fn ages(ages: AgesView) -> AnyView {
    let oldest = ages.ages.iter().copied().max().unwrap_or(0).max(1);
    let late = ages.ages.iter().filter(|age| **age > ages.limit).count();
    let scale = (oldest.max(ages.limit) as f64) * 1.12;
    let place = |minutes: i64| (minutes.max(0) as f64) / scale * 100.0;
    let mut drawn = String::from(r#"<line class="axis" x1="0" x2="100%" y1="30" y2="30"/>"#);
    let limit = place(ages.limit);
    // Writing to a string cannot fail.
    let _ = write!(
        drawn,
        r#"<line class="limit" x1="{limit:.2}%" x2="{limit:.2}%" y1="16" y2="38"/><text x="{limit:.2}%" y="10" text-anchor="middle">limit {}</text>"#,
        span(ages.limit)
    );
    for age in &ages.ages {
        let x = place(*age);
        let _ = if *age > ages.limit {
            write!(drawn, r#"<svg class="bad" x="{x:.2}%" y="30" overflow="visible"><path d="M0-6 6 5H-6z"/></svg>"#)
        } else {
            write!(drawn, r#"<circle class="good" cx="{x:.2}%" cy="30" r="4.5"/>"#)
        };
    }
    let end = place(oldest);
    if end > 25.0 {
        drawn.push_str(r#"<text x="0" y="50">0 h</text>"#);
    }
    let anchor = if end > 25.0 { "end" } else { "start" };
    let _ = write!(drawn, r#"<text x="{end:.2}%" y="50" text-anchor="{anchor}">{}</text>"#, span(oldest));
    let label = format!(
        "How old the backups are: {} within the limit of {}, {late} beyond it; the oldest {}.",
        ages.ages.len() - late,
        span(ages.limit),
        span(oldest)
    );
    view! { <div class="ages"><svg role="img" aria-label=label inner_html=drawn></svg></div> }.into_any()
}

/// `46 h 50 min`, `24 h`, `35 min`.
fn span(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, rest) => format!("{rest} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, rest) => format!("{hours} h {rest} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_are_said_in_hours_and_minutes() {
        assert_eq!(span(2810), "46 h 50 min");
        assert_eq!(span(1440), "24 h");
        assert_eq!(span(35), "35 min");
        assert_eq!(span(0), "0 min");
    }
}
