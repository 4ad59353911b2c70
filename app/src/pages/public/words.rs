//! What the services answer, in the words of the page.

use super::Reader;
use crate::components::{Fact, TimeRange};
use crate::view::{
    ActionView, ComponentView, DayView, EntryView, FigureView, GroupView, LogView, PastView, ProofView, Shape,
    StateView, Tone, WhenView, WindowView,
};
use domain::availability::{Share, Tally};
use domain::component::ComponentState;
use domain::ids::ComponentId;
use domain::maintenance::{Maintenance, State, Update, UpdateKind};
use leptos::prelude::*;
use service::figures::{BAR_DAYS, Figure};
use service::public::{Bar, GroupLines, Proof, Window};
use std::collections::BTreeMap;

/// Up to this many components every group is unfolded.
const FEW: usize = 24;

/// The state of a window in the customers' words.
pub(super) fn state(state: State) -> StateView {
    StateView::from(state).labelled(state.public_text())
}

/// The page of a window.
pub(super) fn page_of(m: &Maintenance) -> String {
    format!("/maintenance/{}", m.id)
}

/// Names of components in a sentence's place: "Cluster 12, Shell nodes".
pub(super) fn affected(window: &Window) -> String {
    let names: Vec<&str> = window.affected.iter().map(|(_, name)| name.as_str()).collect();
    names.join(", ")
}

/// The proof of the backup in one line.
pub(super) fn proof(reader: &Reader, window: &Window) -> Option<ProofView> {
    Some(match window.proof? {
        Proof::Confirmed { data_sets, from, to } => {
            let between = reader.between(from, to);
            ProofView::confirmed(match data_sets {
                1 => format!("The data at risk was backed up first, {between}"),
                n => format!("All {n} data sets at risk were backed up first, {between}"),
            })
        }
        Proof::Overridden { good, data_sets } => ProofView::overridden(format!(
            "Goes ahead without a confirmed backup; two people of our team decided so. Backed up first: {good} of the \
             {data_sets} data sets at risk"
        )),
        Proof::NotNeeded => {
            ProofView::overridden("May start without a confirmed backup; two people of our team decided so")
        }
        Proof::WillBeAsked => ProofView::waiting("Starts only after a fresh backup is confirmed"),
        Proof::Waiting => ProofView::waiting("Starts by itself once the backup is confirmed"),
    })
}

/// When a window is, was, or was to be.
pub(super) fn when(reader: &Reader, m: &Maintenance) -> WhenView {
    reader.range(m.begins_at(), m.finishes_at())
}

/// A label over a time.
pub(super) fn time_fact(label: &'static str, when: WhenView) -> AnyView {
    view! { <Fact label=label><TimeRange when stacked=true/></Fact> }.into_any()
}

/// A window in the list of what is planned.
pub(super) fn planned(reader: &Reader, window: &Window) -> WindowView {
    let m = &window.maintenance;
    let (mut day, mut when) = (reader.day(m.begins_at()), when(reader, m));
    if m.state == State::Postponed {
        day = DayView { day: "?".to_owned(), ..DayView::default() };
        when.text = format!("Was planned for {}", when.text);
    }
    WindowView {
        day,
        title: m.title.to_string(),
        href: reader.link(&page_of(m)),
        when,
        state: match &window.repeats {
            Some(repeats) => state(m.state).labelled(format!("Scheduled; repeats {repeats}")),
            None => state(m.state),
        },
        proof: proof(reader, window),
        components: window.affected.iter().map(|(_, name)| name.clone()).collect(),
        action: Some(ActionView::link("Add to calendar", format!("{}.ics", page_of(m))).about(m.title.to_string())),
    }
}

/// A window in the list of what has been.
pub(super) fn past(reader: &Reader, window: &Window) -> LogView {
    let m = &window.maintenance;
    let last = window.updates.first().filter(|update| !update.body.as_str().is_empty());
    let mut when = reader.hours(m.begins_at(), Some(m.finishes_at()));
    if m.state == State::Cancelled && m.started_at.is_none() {
        when.text = format!("Was planned for {}", when.text);
    }
    LogView {
        anchor: None,
        date: reader.day_text(m.begins_at()),
        title: m.title.to_string(),
        href: reader.link(&page_of(m)),
        learned: String::new(),
        when,
        html: last.map(|update| reader.update(window, update)).unwrap_or_default(),
        state: state(m.state).labelled(format!("Maintenance · {}", m.state.public_text())).plain(),
        components: few(window.affected.iter().map(|(_, name)| name.clone()).collect()),
    }
}

/// Names of components in a list of many things.
pub(super) fn few(mut names: Vec<String>) -> Vec<String> {
    let more = names.len().saturating_sub(6);
    if more > 0 {
        names.truncate(6);
        names.push(format!("{more} more"));
    }
    names
}

/// A line of a window's timeline.
pub(super) fn entry(reader: &Reader, window: &Window, update: &Update) -> EntryView {
    let mut html = reader.update(window, update);
    let says_time = update.kind == UpdateKind::Scheduled;
    if html.is_empty() && !says_time {
        html = paragraph(update.kind.public_sentence());
    }
    let range = || one_line(&reader.range(update.starts_at, update.ends_at));
    let (old_start, old_end) =
        (update.old_starts_at.unwrap_or(update.starts_at), update.old_ends_at.unwrap_or(update.ends_at));
    html.push_str(&match update.kind {
        UpdateKind::Scheduled => paragraph(&format!("Planned for {}.", range())),
        UpdateKind::Rescheduled => {
            paragraph(&format!("New time: {}. It was {}.", range(), one_line(&reader.range(old_start, old_end))))
        }
        UpdateKind::Extended => paragraph(&format!(
            "New end: {}. It was {}.",
            reader.short_both(update.ends_at),
            reader.short_both(old_end)
        )),
        _ => String::new(),
    });
    EntryView {
        id: format!("u-{}", update.id),
        state: StateView::from(update.kind).labelled(update.kind.public_text()),
        when: reader.brief(update.at),
        html,
        author: String::new(),
    }
}

/// Both zones in one line.
pub(super) fn one_line(when: &WhenView) -> String {
    if when.utc.is_empty() { when.text.clone() } else { format!("{} · {}", when.text, when.utc) }
}

/// Plain text as a paragraph of HTML.
fn paragraph(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<p>{text}</p>")
}

/// Components in their groups. Few are all shown; of many only the groups in which something is not as it should be.
pub(super) fn groups(reader: &Reader, groups: Vec<GroupLines>, mut bars: BTreeMap<ComponentId, Bar>) -> Vec<GroupView> {
    let total: usize = groups.iter().map(|group| group.components.len()).sum();
    let alone = groups.len() == 1;
    groups
        .into_iter()
        .map(|group| {
            let state = group_state(&group);
            let worst = group.worst();
            GroupView {
                name: group.name.unwrap_or_else(|| if alone { "All components" } else { "General" }.to_owned()),
                state,
                open: total <= FEW || worst != ComponentState::Operational,
                components: group
                    .components
                    .into_iter()
                    .map(|line| ComponentView {
                        name: line.component.name.to_string(),
                        href: reader.link(&format!("/components/{}", line.component.slug)),
                        state: line.state.into(),
                        past: bars.remove(&line.component.id).map(past_days),
                    })
                    .collect(),
            }
        })
        .collect()
}

fn past_days(bar: Bar) -> PastView {
    PastView {
        figure: share(bar.figure.share()),
        meaning: format!("available in the last {BAR_DAYS} days"),
        days: bar.days,
    }
}

/// "99.95 %", or that there is none.
pub(super) fn share(share: Option<Share>) -> String {
    share.map_or_else(|| "Not known".to_owned(), |share| share.to_string())
}

/// One figure with what else there is to know about it.
pub(super) fn figure(label: impl Into<String>, figure: &Figure) -> FigureView {
    let [mut one, with_planned] = both_figures(label, figure);
    if figure.share_with_planned().is_some() {
        one.notes.insert(0, format!("{} with planned work counted", with_planned.value));
    }
    one
}

/// Both figures, with what was lost and what nobody knows.
pub(super) fn both_figures(label: impl Into<String>, figure: &Figure) -> [FigureView; 2] {
    let lost = |of: Option<Share>| of.filter(|share| !share.is_whole()).map(|share| format!("{} lost", share.lost()));
    let unknown =
        (figure.tally.unknown > 0).then(|| format!("{} not known, left out", Tally::span(figure.tally.unknown)));
    let (without, with) = (figure.share(), figure.share_with_planned());
    [
        FigureView {
            label: label.into(),
            value: share(without),
            notes: lost(without).into_iter().chain(unknown).collect(),
        },
        FigureView {
            label: "With planned work counted".to_owned(),
            value: share(with),
            notes: lost(with).into_iter().collect(),
        },
    ]
}

/// "Operational", or how many are not: "2 under maintenance".
fn group_state(group: &GroupLines) -> StateView {
    let worst = group.worst();
    let view = StateView::from(worst);
    if worst == ComponentState::Operational {
        return view;
    }
    let count = group.components.iter().filter(|line| line.state == worst).count();
    let words = worst.public_text().to_lowercase();
    view.labelled(if count == group.components.len() && count > 1 {
        format!("All {words}")
    } else {
        format!("{count} {words}")
    })
}

/// Colour and shape of the whole page.
pub(super) fn overall(windows: &[Window]) -> (Tone, Shape) {
    let any = |wanted: fn(State) -> bool| windows.iter().any(|w| wanted(w.maintenance.state));
    if any(State::is_under_way) {
        (Tone::Work, Shape::Work)
    } else if any(|state| state == State::Held) {
        (Tone::Degraded, Shape::Held)
    } else {
        (Tone::Ok, Shape::Ok)
    }
}
