//! The calendar: a month or a week as a table, and the same as a list where there is no room.

use super::form::options;
use super::{Icon, StateBadge};
use crate::view::Shape;
use crate::view::calendar::{BlockView, CalendarBarView, DayCellView, EventView, HourCellView, HourRowView, MarkView};
use leptos::prelude::*;

/// Windows named in a cell of the month; more are counted.
const NAMED: usize = 3;

/// Windows named on a day of the list.
const LISTED: usize = 20;

/// Where the reader is, and the ways on.
#[component]
pub fn CalendarBar(
    /// The ways.
    bar: CalendarBarView,
) -> AnyView {
    let kind = if bar.is_week { "week" } else { "month" };
    let current = |is: bool| is.then_some("page");
    view! {
        <div class="cal-bar">
            <nav class="cal-steps" aria-label="Calendar">
                <a class="btn is-small is-back" href=bar.previous rel="prev">
                    <Icon shape=Shape::Next/><span class="vh">{format!("Previous {kind}")}</span>
                </a>
                <a class="btn is-small" href=bar.next rel="next">
                    <Icon shape=Shape::Next/><span class="vh">{format!("Next {kind}")}</span>
                </a>
                <a class="btn is-small" href=bar.today>"Today"</a>
            </nav>
            <h2>{bar.title}</h2>
            <nav class="cal-kinds" aria-label="Show">
                <a class="btn is-small" href=bar.month aria-current=current(!bar.is_week)>"Month"</a>
                <a class="btn is-small" href=bar.week aria-current=current(bar.is_week)>"Week"</a>
            </nav>
            <form class="cal-zone" method="get">
                {super::button::hidden(bar.keep)}
                <label class="vh" for="zone">"Time zone"</label>
                <select class="input" id="zone" name="zone">{options(bar.zones)}</select>
                <button class="btn is-small" type="submit">"Show"</button>
            </form>
        </div>
    }
    .into_any()
}

fn event(event: EventView) -> AnyView {
    let (tone, hint) = (event.state.tone.class(), event.title.clone());
    view! {
        <a class=format!("cal-event {tone}") href=event.href title=hint>
            <Icon shape=event.state.shape/>
            {named(event.start, event.title)}
            <span class="vh">{format!(", {}, {}", event.time, event.state.label)}</span>
        </a>
    }
    .into_any()
}

/// The title after the time at which it begins; the whole time is heard instead.
fn named(start: String, title: String) -> AnyView {
    view! {
        <span class="cal-title">
            <span class="cal-time" aria-hidden="true">{start}</span>" "<span dir="auto">{title}</span>
        </span>
    }
    .into_any()
}

fn mark(mark: MarkView) -> AnyView {
    let class = if mark.blocks { "cal-mark is-block" } else { "cal-mark" };
    let says = if mark.blocks { "Freeze, blocks: " } else { "Freeze, warns: " };
    view! {
        <a class=class href=mark.href title=mark.time>
            <Icon shape=Shape::Cancelled/>
            <span class="vh">{says}</span>
            <span class="cal-title" dir="auto">{mark.name}</span>
        </a>
    }
    .into_any()
}

/// The line of a day from its first hour to its last.
fn strip(drawn: String) -> AnyView {
    view! {
        <svg class="cal-strip" viewBox="0 0 1440 10" preserveAspectRatio="none" aria-hidden="true" inner_html=drawn></svg>
    }
    .into_any()
}

fn day_class(day: &DayCellView) -> String {
    let mut class = "cal-day".to_owned();
    for (is, name) in [
        (day.is_other, " is-other"),
        (day.is_today, " is-today"),
        (day.is_past, " is-past"),
        (!day.marks.is_empty(), " is-frozen"),
        (day.marks.iter().any(|mark| mark.blocks), " is-block"),
    ] {
        if is {
            class.push_str(name);
        }
    }
    class
}

/// Backups where they are drawn as well: the words are heard, what failed is seen too.
fn drawn_too(backups: String, failed: String) -> AnyView {
    view! {
        {(!backups.is_empty()).then(|| view! { <p class="vh">{backups}</p> })}
        {(!failed.is_empty()).then(|| view! { <p class="cal-failed">{failed}</p> })}
    }
    .into_any()
}

fn note(note: String) -> AnyView {
    (!note.is_empty()).then(|| view! { <p class="cal-note">{note}</p> }).into_any()
}

/// A month.
#[component]
pub fn MonthGrid(
    /// For those who hear it: `November 2026, times in Europe/Dublin`.
    #[prop(into)]
    caption: String,
    /// Whole weeks.
    weeks: Vec<Vec<DayCellView>>,
) -> AnyView {
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let head = names.map(|name| view! { <th scope="col">{name}</th> }).collect_view();
    let rows = weeks.into_iter().map(|week| view! { <tr>{week.into_iter().map(month_day).collect_view()}</tr> });
    view! {
        <div class="cal-wrap">
            <table class="cal is-month">
                <caption class="vh">{caption}</caption>
                <thead><tr>{head}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn month_day(day: DayCellView) -> AnyView {
    let class = day_class(&day);
    let more = day.events.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| {
        let label = format!("{more} more");
        view! { <a class="cal-more" href=day.week.clone()>{label}<span class="vh">{format!(" on {}", day.label)}</span></a> }
    });
    let events = day.events.into_iter().take(NAMED).map(event).collect_view();
    let marks = day.marks.into_iter().map(mark).collect_view();
    let (backups, note) = (drawn_too(day.backups, day.failed), note(day.note));
    view! {
        <td class=class aria-current=day.is_today.then_some("date")>
            <div class="cal-head">
                <a class="cal-number" href=day.week>
                    <time datetime=day.date>{day.number}</time><span class="vh">{format!(", the week of {}", day.label)}</span>
                </a>
                {plan(day.plan, &day.label)}
            </div>
            {marks}
            {events}
            {more}
            <div class="cal-foot">{note}{backups}{strip(day.strip)}</div>
        </td>
    }
    .into_any()
}

/// Covers what is empty of a day.
fn plan(href: String, label: &str) -> AnyView {
    if href.is_empty() {
        return ().into_any();
    }
    view! {
        <a class="cal-plan" href=href><Icon shape=Shape::Plus/><span class="vh">{format!("Plan work on {label}")}</span></a>
    }
    .into_any()
}

/// A week, hour by hour.
#[component]
pub fn WeekGrid(
    /// For those who hear it.
    #[prop(into)]
    caption: String,
    /// Seven days.
    days: Vec<DayCellView>,
    /// The hours that any of them has.
    rows: Vec<HourRowView>,
) -> AnyView {
    let head = days.into_iter().map(week_day).collect_view();
    let rows = rows.into_iter().map(hour_row).collect_view();
    view! {
        <div class="cal-wrap">
            <table class="cal is-week">
                <caption class="vh">{caption}</caption>
                <thead><tr><td class="cal-hour"></td>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn week_day(day: DayCellView) -> AnyView {
    let class = day_class(&day);
    let marks = day.marks.into_iter().map(mark).collect_view();
    let (backups, note) = (drawn_too(day.backups, day.failed), note(day.note));
    view! {
        <th scope="col" class=class aria-current=day.is_today.then_some("date")>
            <div class="cal-head">
                <time datetime=day.date><span class="cal-weekday">{day.weekday}</span>" "<b>{day.number}</b></time>
                {plan(day.plan, &day.label)}
            </div>
            {marks}
            {note}
            {backups}
        </th>
    }
    .into_any()
}

fn hour_row(row: HourRowView) -> AnyView {
    let cells = row.days.into_iter().map(|hours| {
        if hours.is_empty() {
            return view! { <td class="cal-cell is-missing"><span class="vh">"does not exist"</span></td> }.into_any();
        }
        view! { <td class="cal-cell">{hours.into_iter().map(hour).collect_view()}</td> }.into_any()
    });
    view! {
        <tr>
            <th scope="row" class="cal-hour">{row.label}</th>
            {cells.collect_view()}
        </tr>
    }
    .into_any()
}

fn hour(hour: HourCellView) -> AnyView {
    let mut class = format!("cal-slot busy-{}", hour.busy);
    for (is, name) in [
        (hour.is_expected, " is-expected"),
        (hour.is_now, " is-now"),
        (hour.frozen.is_some(), " is-frozen"),
        (hour.frozen == Some(true), " is-block"),
    ] {
        if is {
            class.push_str(name);
        }
    }
    let which = (!hour.which.is_empty()).then(|| view! { <span class="cal-which">{hour.which}</span> });
    // The day's own link is for the keyboard: 168 more would be in the way.
    let plan = (!hour.plan.is_empty()).then(|| {
        view! { <a class="cal-plan" href=hour.plan tabindex="-1"><span class="vh">{hour.plan_label}</span></a> }
    });
    let lanes = hour.lanes.into_iter().map(lane).collect_view();
    view! { <div class=class>{plan}{which}{lanes}</div> }.into_any()
}

fn lane(block: Option<BlockView>) -> AnyView {
    let Some(BlockView { event: of, is_first, is_last }) = block else {
        return view! { <span class="cal-gap"></span> }.into_any();
    };
    let (tone, hint) = (of.state.tone.class(), of.title.clone());
    let end = if is_last { " is-last" } else { "" };
    if is_first {
        return view! {
            <a class=format!("cal-block is-first{end} {tone}") href=of.href title=hint>
                <Icon shape=of.state.shape/>
                {named(of.start, of.title)}
                <span class="vh">{format!(", {}, {}", of.time, of.state.label)}</span>
            </a>
        }
        .into_any();
    }
    view! { <a class=format!("cal-block{end} {tone}") href=of.href tabindex="-1" aria-hidden="true"></a> }.into_any()
}

/// The same as a list: for narrow screens.
#[component]
pub fn DayList(
    /// The days that have something, and today.
    days: Vec<DayCellView>,
) -> AnyView {
    view! { <ol class="cal-list">{days.into_iter().map(list_day).collect_view()}</ol> }.into_any()
}

fn list_day(day: DayCellView) -> AnyView {
    let class = day_class(&day);
    let more = day.events.len().saturating_sub(LISTED);
    let more = (more > 0).then(|| view! { <li class="muted">{format!("and {more} more")}</li> });
    let marks = day.marks.into_iter().map(|of| {
        let time = of.time.clone();
        view! { <li>{mark(of)}" "<span class="muted small">{time}</span></li> }
    });
    let events = day.events.into_iter().take(LISTED).map(|of| {
        view! {
            <li>
                <a href=of.href><span dir="auto">{of.title}</span></a>
                <span class="sub">{of.time}" "<StateBadge state=of.state.plain()/></span>
            </li>
        }
    });
    let backups = (!day.backups.is_empty()).then(|| view! { <p class="cal-backups">{day.backups}</p> });
    let failed = (!day.failed.is_empty()).then(|| view! { <p class="cal-failed">{day.failed}</p> });
    let note = note(day.note);
    view! {
        <li class=class>
            <div class="cal-head"><h3><time datetime=day.date>{day.label.clone()}</time></h3>{plan(day.plan, &day.label)}</div>
            <ul>{marks.collect_view()}{events.collect_view()}{more}</ul>
            {note}
            {backups}
            {failed}
            {strip(day.strip)}
        </li>
    }
    .into_any()
}
