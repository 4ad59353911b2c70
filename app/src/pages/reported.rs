//! What a report says, for its public page and for those who look at it before it is put down.

use super::plotted::bars_view;
use crate::components::{DataTable, Disclosure, Flash, Section, Tiles};
use crate::pages::count;
use crate::view::chart::TileView;
use crate::view::{ColumnView, FlashView, StateView, Tone, WhenView};
use domain::number;
use domain::report::{
    Availability, Better, Change, Content, FigureLine, IncidentLine, Share, Verdict, WindowLine, percent_text,
};
use domain::time::{Instant, Span};
use leptos::prelude::*;

/// Up to this many components are shown unfolded.
const FEW: usize = 12;

/// How the page writes times and finds other pages.
pub struct Words<'a> {
    /// An instant in a few words.
    pub short: &'a dyn Fn(Instant) -> String,
    /// The way to a public page; none where there is none to link to.
    pub link: &'a dyn Fn(&str) -> Option<String>,
}

/// A correction, ready to show.
pub struct Note {
    /// When.
    pub at: WhenView,
    /// By whom; empty in public.
    pub by: String,
    /// Why.
    pub why: String,
    /// What, before, after.
    pub changes: Vec<(String, String, String)>,
}

/// Everything a report says.
pub fn content(content: &Content, percent_before: Option<f64>, words: &Words<'_>) -> AnyView {
    let tiles = headlines(content, percent_before);
    let (figures, availability) = (figures(content), content.availability.as_ref().map(availability));
    let (incidents, windows) = (incidents(content, words), windows(content, words));
    view! {
        <Section id="short" title="In short"><Tiles tiles headlines=true/></Section>
        {figures}
        {availability}
        {incidents}
        {windows}
    }
    .into_any()
}

fn headlines(content: &Content, percent_before: Option<f64>) -> Vec<TileView> {
    let mut tiles = Vec::new();
    if let Some(availability) = &content.availability {
        let share = availability.site;
        let change = Change::between(percent_before, share.percent);
        let note = match change {
            Change::By { absolute, .. } if absolute != 0.0 => {
                format!("{} points against the month before", number::signed(absolute, 2))
            }
            Change::By { .. } => "as in the month before".to_owned(),
            Change::Unknown => String::new(),
        };
        tiles.push(TileView {
            label: "Availability".to_owned(),
            value: percent_text(share.percent),
            note,
            tone: tone(change.verdict(Better::Up)),
            more: format!("{} with planned work counted as an outage", percent_text(share.percent_with_planned)),
            ..TileView::default()
        });
    }
    let silence = content.longest_silence();
    tiles.push(TileView {
        label: "Incidents".to_owned(),
        value: content.incidents.len().to_string(),
        note: if content.incidents.is_empty() {
            String::new()
        } else {
            format!("{} of trouble, all together", content.trouble())
        },
        more: silence.map_or_else(String::new, |span| format!("Longest time to a first word: {}", length(span))),
        ..TileView::default()
    });
    let windows = &content.windows;
    let parts = [
        (windows.completed, "completed"),
        (windows.held, "held"),
        (windows.postponed, "postponed"),
        (windows.overridden, "overridden"),
        (windows.cancelled, "called off"),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    tiles.push(TileView {
        label: "Maintenance windows".to_owned(),
        value: windows.planned.to_string(),
        note: parts.join(", "),
        ..TileView::default()
    });
    let backups = content.backups;
    let text = |n: u64| number::text(n as f64, 0);
    tiles.push(match backups.percent() {
        Some(percent) => TileView {
            label: "Backups on time".to_owned(),
            value: percent_text(Some(percent)),
            note: format!("{} of {}", text(backups.on_time), text(backups.expected)),
            more: format!("{} of {} ran each time", backups.whole, count(backups.jobs, "job", "jobs")),
            ..TileView::default()
        },
        None => TileView {
            label: "Backups on time".to_owned(),
            value: "–".to_owned(),
            note: "nothing was expected".to_owned(),
            ..TileView::default()
        },
    });
    if content.drills.done > 0 {
        let drills = content.drills;
        let worst = drills
            .worst
            .filter(|worst| worst.took > worst.foretold)
            .map(|worst| format!("Slowest against its estimate: {} instead of {}", worst.took, worst.foretold));
        tiles.push(TileView {
            label: "Restores rehearsed".to_owned(),
            value: drills.done.to_string(),
            note: format!("{} succeeded", drills.succeeded),
            more: worst.or_else(|| drills.longest.map(|span| format!("The longest took {span}"))).unwrap_or_default(),
            ..TileView::default()
        });
    }
    tiles
}

const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Better => Tone::Ok,
        Verdict::Worse => Tone::Degraded,
        Verdict::Neither => Tone::Quiet,
    }
}

fn figures(content: &Content) -> Option<AnyView> {
    let tiles: Vec<TileView> = content.figures.iter().map(|figure| figure_tile(figure, content)).collect();
    (!tiles.is_empty())
        .then(|| view! { <Section id="figures" title="Our own figures"><Tiles tiles/></Section> }.into_any())
}

fn figure_tile(figure: &FigureLine, content: &Content) -> TileView {
    let change = figure.change();
    let against = match change {
        Change::Unknown => "nothing to compare with last month".to_owned(),
        Change::By { .. } => format!("{} against last month", change.text(figure.decimals)),
    };
    let team = if figure.is_public { "" } else { "For the team alone. " };
    TileView {
        label: figure.name.to_string(),
        value: figure.text(),
        note: format!("{team}{against}"),
        tone: tone(change.verdict(figure.better)),
        bars: bars_view(figure, content.month),
        more: figure.year().unwrap_or_default(),
    }
}

fn availability(availability: &Availability) -> AnyView {
    let count: usize = availability.groups.iter().map(|group| group.components.len()).sum();
    let columns = vec![
        ColumnView::new("What"),
        ColumnView::number("Planned work left out"),
        ColumnView::number("Planned work counted"),
        ColumnView::number("Not known"),
    ];
    let row = |name: AnyView, share: &Share| {
        let unknown = if share.unknown_s > 0 { length(Span::seconds(share.unknown_s)) } else { "–".to_owned() };
        vec![
            name,
            percent_text(share.percent).into_any(),
            percent_text(share.percent_with_planned).into_any(),
            unknown.into_any(),
        ]
    };
    let heading = |name: &str| {
        let name = name.to_owned();
        view! { <strong dir="auto">{name}</strong> }.into_any()
    };
    let mut rows = vec![row(heading("Everything"), &availability.site)];
    let mut parts = Vec::new();
    for group in &availability.groups {
        if let Some(name) = &group.name {
            rows.push(row(heading(name), &group.share));
        }
        for component in &group.components {
            let name = component.name.clone();
            let line =
                row(view! { <span class="part"><span dir="auto">{name}</span></span> }.into_any(), &component.share);
            if count <= FEW { rows.push(line) } else { parts.push(line) }
        }
    }
    let parts = (!parts.is_empty()).then(|| {
        let (label, columns) = (format!("All {count} components"), columns.clone());
        view! {
            <div class="mt">
                <Disclosure label><DataTable figures=true caption="Availability of components" columns rows=parts/></Disclosure>
            </div>
        }
    });
    view! {
        <Section id="availability" title="Availability">
            <DataTable figures=true caption="Availability" columns rows/>
            {parts}
            <p class="small muted mt">"In percent of the time of which it is known; rounded down."</p>
        </Section>
    }
    .into_any()
}

/// "12 min", "under a minute", "at once".
fn length(span: Span) -> String {
    match span.as_seconds() {
        0 => "at once".to_owned(),
        1..60 => "under a minute".to_owned(),
        _ => span.to_string(),
    }
}

fn incidents(content: &Content, words: &Words<'_>) -> AnyView {
    let columns = vec![
        ColumnView::new("Incident"),
        ColumnView::new("Began"),
        ColumnView::number("Lasted"),
        ColumnView::number("First word after"),
    ];
    let row = |line: &IncidentLine| {
        let title = line.title.to_string();
        let title = match (words.link)(&format!("/incidents/{}", line.id)) {
            Some(href) => view! { <a href=href dir="auto">{title}</a> }.into_any(),
            None => view! { <span dir="auto">{title}</span> }.into_any(),
        };
        let names: Vec<&str> = line.components.iter().map(|(_, name)| name.as_str()).collect();
        let names = names.join(", ");
        let touched = (!names.is_empty()).then(|| view! { <span class="sub" dir="auto">{names}</span> });
        vec![
            view! { {title}{touched} }.into_any(),
            (words.short)(line.started_at).into_any(),
            line.lasted().map_or_else(|| "not over".to_owned(), length).into_any(),
            line.silence().map_or_else(|| "entered afterwards".to_owned(), length).into_any(),
        ]
    };
    let rows: Vec<Vec<AnyView>> = content.incidents.iter().map(row).collect();
    if rows.is_empty() {
        return ().into_any();
    }
    view! { <Section id="incidents" title="Incidents"><DataTable caption="Incidents" columns rows/></Section> }
        .into_any()
}

fn windows(content: &Content, words: &Words<'_>) -> AnyView {
    let columns = vec![
        ColumnView::new("Work"),
        ColumnView::new("Planned for"),
        ColumnView::number("Lasted"),
        ColumnView::new("What became of it"),
    ];
    let row = |line: &WindowLine| {
        let title = line.title.to_string();
        let title = match (words.link)(&format!("/maintenance/{}", line.id)) {
            Some(href) => view! { <a href=href dir="auto">{title}</a> }.into_any(),
            None => view! { <span dir="auto">{title}</span> }.into_any(),
        };
        let lasted = match (line.started_at, line.ended_at) {
            (Some(from), Some(to)) => length(Span::between(from, to)),
            _ => "–".to_owned(),
        };
        let mut became = vec![StateView::from(line.state).labelled(line.state.public_text()).label];
        became.extend(line.held.then(|| "waited for a backup".to_owned()));
        became.extend(line.postponed.then(|| "needed a new time".to_owned()));
        became.extend(line.overridden.then(|| "went ahead without a confirmed backup".to_owned()));
        vec![title, (words.short)(line.starts_at).into_any(), lasted.into_any(), became.join(", ").into_any()]
    };
    let rows: Vec<Vec<AnyView>> = content.windows.list.iter().map(row).collect();
    if rows.is_empty() {
        return ().into_any();
    }
    view! { <Section id="work" title="Planned work"><DataTable caption="Planned work" columns rows/></Section> }
        .into_any()
}

/// That it was corrected, on top of the page.
pub fn corrected(notes: &[Note]) -> Option<AnyView> {
    let newest = notes.first()?;
    let text = format!("Last on {}: {}", newest.at.text, newest.why);
    let flash = FlashView { tone: Tone::Work, title: "This report was corrected".to_owned(), text };
    Some(view! { <Flash flash><p><a href="#corrections">"What was changed"</a></p></Flash> }.into_any())
}

/// All corrections, newest first.
pub fn corrections(notes: &[Note]) -> Option<AnyView> {
    if notes.is_empty() {
        return None;
    }
    let notes = notes
        .iter()
        .map(|note| {
            let columns = vec![ColumnView::new("What"), ColumnView::new("Before"), ColumnView::new("Now")];
            let rows = note
                .changes
                .iter()
                .cloned()
                .map(|(what, before, after)| {
                    vec![
                        view! { <span dir="auto">{what}</span> }.into_any(),
                        view! { <del>{before}</del> }.into_any(),
                        view! { <ins>{after}</ins> }.into_any(),
                    ]
                })
                .collect();
            let (when, why) = (note.at.clone(), note.why.clone());
            let by = (!note.by.is_empty()).then(|| format!(", by {}", note.by));
            view! {
                <li class="card">
                    <p><time datetime=when.datetime>{when.text}</time>{by}": "<span dir="auto">{why}</span></p>
                    <DataTable caption="What was changed" columns rows/>
                </li>
            }
        })
        .collect_view();
    Some(view! { <Section id="corrections" title="Corrections"><ul class="notes">{notes}</ul></Section> }.into_any())
}
