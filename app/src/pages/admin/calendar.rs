//! `/admin/calendar`: a month or a week of windows, with freezes and backups behind them.

use super::desk::{Desk, admin};
use super::edit::query;
use crate::components::{ButtonLink, CalendarBar, DayList, Flash, MonthGrid, PageHeader, WeekGrid};
use crate::form::encode;
use crate::view::calendar::{BlockView, CalendarBarView, DayCellView, EventView, HourCellView, HourRowView, MarkView};
use crate::view::{FlashView, StateView, Weight};
use chrono::{Datelike, Days};
use domain::conflict::Force;
use domain::maintenance::State;
use domain::people::Permission;
use domain::time::{Calendar, Day, Hour, Instant, Span, Stretch, civil, hours};
use leptos::prelude::*;
use service::agenda::{Agenda, AgendaQuery, AgendaWindow, Busy};
use std::fmt::Write as _;

/// Windows side by side on a day of the week.
const LANES: usize = 4;

/// Stretches of backups spelled out for a day.
const SPELLED: usize = 6;

/// `/admin/calendar`
#[component]
pub fn CalendarPage() -> impl IntoView {
    let asked = query();
    let text = |name: &str| asked.get(name).to_owned();
    let query = AgendaQuery { month: text("month"), week: text("week"), zone: text("zone") };
    admin(
        |(agenda, _): &(Agenda, String)| format!("Calendar: {}", title(agenda)),
        move |desk: Desk| async move {
            let zone = query.zone.clone();
            Ok((desk.services.agenda(&desk.actor, &query).await?, zone))
        },
        |desk, (agenda, zone)| page(&desk, &agenda, &zone),
    )
}

fn title(agenda: &Agenda) -> String {
    match agenda.calendar {
        Calendar::Month(first) => first.format("%B %Y").to_string(),
        Calendar::Week(monday) => {
            let sunday = monday.checked_add_days(Days::new(6)).unwrap_or(monday);
            let first = if monday.month() == sunday.month() { "%-d–" } else { "%-d %b – " };
            format!("Week {}, {}{}", monday.format("%-V"), monday.format(first), sunday.format("%-d %b %Y"))
        }
    }
}

fn page(desk: &Desk, agenda: &Agenda, zone: &str) -> AnyView {
    let kept = if zone.is_empty() { String::new() } else { format!("&zone={}", encode(&agenda.zone)) };
    let to = |calendar: &Calendar| format!("/admin/calendar?{}{kept}", calendar.query());
    let painter = Painter::new(desk, agenda, &kept);
    let is_week = matches!(agenda.calendar, Calendar::Week(_));
    let first = agenda.weeks.first().and_then(|week| week.first()).map_or(agenda.today, |day| day.date);
    let week = match agenda.calendar {
        Calendar::Week(_) => agenda.calendar,
        // The week that holds today, if the month does.
        Calendar::Month(_) if agenda.calendar.holds(agenda.today) => Calendar::week_of(agenda.today),
        Calendar::Month(first) => Calendar::week_of(first),
    };
    let (month, today) = if is_week {
        (Calendar::month_of(first), Calendar::week_of(agenda.today))
    } else {
        (agenda.calendar, Calendar::month_of(agenda.today))
    };
    let bar = CalendarBarView {
        title: title(agenda),
        previous: to(&agenda.calendar.previous()),
        next: to(&agenda.calendar.next()),
        today: to(&today),
        month: to(&month),
        week: to(&week),
        is_week,
        zones: desk.zones(&agenda.zone),
        keep: vec![match agenda.calendar {
            Calendar::Month(first) => ("month".to_owned(), first.format("%Y-%m").to_string()),
            Calendar::Week(monday) => ("week".to_owned(), monday.format("%G-W%V").to_string()),
        }],
    };
    let caption = format!("{}, times in {}", title(agenda), agenda.zone);
    let cells: Vec<Vec<DayCellView>> =
        agenda.weeks.iter().map(|week| week.iter().map(|day| painter.day(day)).collect()).collect();
    let listed: Vec<DayCellView> = cells
        .iter()
        .flatten()
        .filter(|day| !day.is_other && (day.is_today || !day.events.is_empty() || !day.marks.is_empty() || is_week))
        .cloned()
        .collect();
    let grid = if is_week {
        let days: Vec<Day> = agenda.weeks.iter().flatten().copied().collect();
        let heads = cells.into_iter().flatten().collect();
        view! { <WeekGrid caption days=heads rows=painter.hours(&days)/> }.into_any()
    } else {
        view! { <MonthGrid caption weeks=cells/> }.into_any()
    };
    let more = agenda.more.then(|| {
        let flash = FlashView::warning("", "There are more windows in this time than are shown here.");
        view! { <Flash flash/> }
    });
    let plan = desk.may(Permission::Maintain).then(|| {
        view! { <ButtonLink href="/admin/maintenances/new" weight=Weight::Primary>"Plan maintenance"</ButtonLink> }
    });
    view! {
        <PageHeader title="Calendar"
            intro="Windows, with freezes and backups behind them: a good time is where the backups have just ended and nothing else stands.">
            {plan}
        </PageHeader>
        {more}
        <CalendarBar bar/>
        {grid}
        <DayList days=listed/>
        {legend()}
    }
    .into_any()
}

fn legend() -> AnyView {
    view! {
        <ul class="cal-legend" aria-label="Legend">
            <li><span class="cal-key is-run"></span>"Backups that ran"</li>
            <li><span class="cal-key is-expected"></span>"Backups that are expected"</li>
            <li><span class="cal-key is-frozen"></span>"Freeze"</li>
            <li><span class="cal-key is-window"></span>"Window"</li>
        </ul>
    }
    .into_any()
}

struct Painter<'a> {
    desk: &'a Desk,
    agenda: &'a Agenda,
    kept: &'a str,
    may_plan: bool,
}

impl<'a> Painter<'a> {
    fn new(desk: &'a Desk, agenda: &'a Agenda, kept: &'a str) -> Self {
        Self { desk, agenda, kept, may_plan: desk.may(Permission::Maintain) }
    }

    fn clock(&self, at: Instant) -> String {
        civil(self.desk.services.zones.as_ref(), &self.agenda.zone, at).local.format("%H:%M").to_string()
    }

    /// The part of a stretch that lies on a day, in words.
    fn time(&self, of: Stretch, day: Stretch) -> String {
        match (of.from < day.from, of.to > day.to) {
            (false, false) => format!("{}–{}", self.clock(of.from), self.clock(of.to)),
            (false, true) => format!("from {}", self.clock(of.from)),
            (true, false) => format!("until {}", self.clock(of.to)),
            (true, true) => "all day".to_owned(),
        }
    }

    fn event(&self, window: &AgendaWindow, day: Stretch) -> EventView {
        let m = &window.maintenance;
        EventView {
            href: format!("/admin/maintenances/{}", m.id),
            title: m.title.to_string(),
            time: self.time(window.stretch, day),
            start: if window.stretch.from < day.from { String::new() } else { self.clock(window.stretch.from) },
            state: StateView::from(m.state),
        }
    }

    fn windows(&self, within: Stretch) -> impl Iterator<Item = &'a AgendaWindow> {
        self.agenda.windows.iter().filter(move |window| window.stretch.overlaps(&within))
    }

    /// Freezes in a stretch: name, page, force and time.
    fn frozen(&self, within: Stretch) -> impl Iterator<Item = (&'a domain::freeze::Freeze, Stretch)> {
        let freezes = self.agenda.freezes.iter();
        freezes
            .flat_map(|freeze| freeze.times.iter().map(move |time| (freeze, time.stretch)))
            .filter(move |(_, stretch)| stretch.overlaps(&within))
    }

    fn busy(&self, within: Stretch) -> impl Iterator<Item = &'a Busy> {
        let slices = &self.agenda.backups;
        let first = slices.partition_point(|busy| busy.stretch.to <= within.from);
        slices.iter().skip(first).take_while(move |busy| busy.stretch.from < within.to)
    }

    fn plan_from(&self, at: Instant) -> String {
        if !self.may_plan || at < self.agenda.now {
            return String::new();
        }
        let local = civil(self.desk.services.zones.as_ref(), &self.agenda.zone, at).local;
        format!("/admin/maintenances/new?start={}&zone={}", local.format("%Y-%m-%dT%H:%M"), encode(&self.agenda.zone))
    }

    fn day(&self, day: &Day) -> DayCellView {
        let length = Span::between(day.stretch.from, day.stretch.to);
        let mut note = match length.as_seconds() - 86_400 {
            0 => String::new(),
            less if less < 0 => format!("{length}: the clocks go forward"),
            _ => format!("{length}: the clocks go back"),
        };
        if matches!(self.agenda.calendar, Calendar::Week(_)) {
            let without = Lanes::of(self.windows(day.stretch)).without;
            if without > 0 {
                note = format!("{note} {without} more windows than fit side by side: see the month").trim().to_owned();
            }
        }
        // On the day itself from the next full hour on; on others from the first hour.
        let next_hour = Span::seconds(3600 - self.agenda.now.timestamp().rem_euclid(3600)).after(self.agenda.now);
        let plan = if day.stretch.contains(self.agenda.now) { next_hour } else { day.stretch.from };
        DayCellView {
            date: day.date.format("%Y-%m-%d").to_string(),
            number: day.date.format("%-d").to_string(),
            weekday: day.date.format("%a").to_string(),
            label: day.date.format("%a %-d %b").to_string(),
            is_other: !self.agenda.calendar.holds(day.date),
            is_today: day.date == self.agenda.today,
            is_past: day.stretch.to <= self.agenda.now,
            plan: self.plan_from(plan),
            week: format!("/admin/calendar?{}{}", Calendar::week_of(day.date).query(), self.kept),
            events: self.windows(day.stretch).map(|window| self.event(window, day.stretch)).collect(),
            marks: self
                .frozen(day.stretch)
                .map(|(freeze, stretch)| MarkView {
                    href: format!("/admin/freezes/{}", freeze.id),
                    name: freeze.name.to_string(),
                    time: self.time(stretch, day.stretch),
                    blocks: freeze.force == Force::Block,
                })
                .collect(),
            backups: self.backups(day.stretch),
            failed: match self.busy(day.stretch).map(|busy| busy.failed).sum::<i64>() {
                0 => String::new(),
                1 => "1 run failed".to_owned(),
                n => format!("{n} runs failed"),
            },
            note,
            strip: self.strip(day.stretch),
        }
    }

    /// When backups run on a day, in words: stretches without a pause stand together.
    fn backups(&self, day: Stretch) -> String {
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut expected = false;
        for busy in self.busy(day) {
            expected |= busy.runs == 0;
            let part = Stretch::new(busy.stretch.from.max(day.from), busy.stretch.to.min(day.to));
            match stretches.last_mut() {
                Some(last) if last.to >= part.from => last.to = part.to,
                _ => stretches.push(part),
            }
        }
        if stretches.is_empty() {
            return String::new();
        }
        let shown: Vec<String> = stretches.iter().take(SPELLED).map(|stretch| self.time(*stretch, day)).collect();
        let more = stretches.len().saturating_sub(SPELLED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let what = if expected && stretches.first().is_some_and(|s| s.from >= self.agenda.now) {
            "Backups expected"
        } else {
            "Backups"
        };
        format!("{what} {}{more}", shown.join(", "))
    }

    /// The day as a line: freezes, backups, windows, one above the other.
    fn strip(&self, day: Stretch) -> String {
        let all = Span::between(day.from, day.to).as_seconds().max(1);
        let place = |at: Instant| {
            let from = Span::between(day.from, at.clamp(day.from, day.to)).as_seconds();
            from * 1440 / all
        };
        let mut drawn = String::new();
        let mut bar = |class: &str, stretch: Stretch, y: u8, height: u8| {
            let (x, end) = (place(stretch.from), place(stretch.to));
            // Writing to a string can not fail.
            let _ = write!(
                drawn,
                r#"<rect class="{class}" x="{x}" y="{y}" width="{}" height="{height}"/>"#,
                (end - x).max(6)
            );
        };
        bar("day", day, 4, 2);
        for (freeze, stretch) in self.frozen(day) {
            bar(if freeze.force == Force::Block { "frozen is-block" } else { "frozen" }, stretch, 0, 10);
        }
        let mut backups: Vec<(&str, Stretch)> = Vec::new();
        for busy in self.busy(day) {
            let class = if busy.runs > 0 { "run" } else { "expected" };
            match backups.last_mut() {
                Some((same, last)) if *same == class && last.to == busy.stretch.from => last.to = busy.stretch.to,
                _ => backups.push((class, busy.stretch)),
            }
        }
        for (class, stretch) in backups {
            bar(class, stretch, 2, 6);
        }
        for window in self.windows(day) {
            match window.maintenance.state {
                State::Cancelled => {}
                State::Draft | State::Postponed => bar("window is-open", window.stretch, 0, 10),
                _ => bar("window", window.stretch, 0, 10),
            }
        }
        drawn
    }

    /// All hours of a week: a row for each hour of the clock.
    fn hours(&self, days: &[Day]) -> Vec<HourRowView> {
        let rules = self.desk.services.zones.as_ref();
        let columns: Vec<(Vec<Hour>, Lanes<'_>)> = days
            .iter()
            .map(|day| (hours(rules, &self.agenda.zone, day), Lanes::of(self.windows(day.stretch))))
            .collect();
        (0..24)
            .map(|hour| HourRowView {
                label: format!("{hour:02}:00"),
                days: columns
                    .iter()
                    .zip(days)
                    .map(|((hours, lanes), day)| {
                        let same: Vec<&Hour> = hours.iter().filter(|of| of.hour == hour).collect();
                        let twice = same.len() > 1;
                        same.into_iter().map(|hour| self.hour(hour, twice, day, lanes)).collect()
                    })
                    .collect(),
            })
            .collect()
    }

    fn hour(&self, hour: &Hour, twice: bool, day: &Day, lanes: &Lanes<'_>) -> HourCellView {
        let which = if twice { hour.abbreviation.clone() } else { String::new() };
        let (mut most, mut ran) = (0, false);
        for busy in self.busy(hour.stretch) {
            most = most.max(busy.runs + busy.expected);
            ran |= busy.runs > 0;
        }
        let label = format!("Plan work on {}, {} {which}", day.date.format("%a %-d %b"), hour.local.format("%H:%M"));
        HourCellView {
            which,
            plan: self.plan_from(hour.stretch.from),
            plan_label: label.trim_end().to_owned(),
            busy: match most {
                0 => 0,
                1..=2 => 1,
                3..=9 => 2,
                _ => 3,
            },
            is_expected: most > 0 && !ran,
            is_now: hour.stretch.contains(self.agenda.now),
            frozen: self.frozen(hour.stretch).map(|(freeze, _)| freeze.force == Force::Block).reduce(|a, b| a || b),
            lanes: lanes.in_hour(hour.stretch, |window| BlockView {
                event: self.event(window, day.stretch),
                is_first: window.stretch.from.max(day.stretch.from) >= hour.stretch.from,
                is_last: window.stretch.to <= hour.stretch.to,
            }),
        }
    }
}

/// Windows of a day side by side: each keeps its place for as long as it lasts.
struct Lanes<'a> {
    lanes: Vec<Vec<&'a AgendaWindow>>,
    /// Windows for which there is no place.
    without: usize,
}

impl<'a> Lanes<'a> {
    fn of(windows: impl Iterator<Item = &'a AgendaWindow>) -> Self {
        let mut lanes: Vec<Vec<&AgendaWindow>> = Vec::new();
        let mut without = 0;
        for window in windows {
            let free = lanes.iter().position(|lane| lane.iter().all(|w| !w.stretch.overlaps(&window.stretch)));
            if let Some(lane) = free.and_then(|n| lanes.get_mut(n)) {
                lane.push(window);
            } else if lanes.len() < LANES {
                lanes.push(vec![window]);
            } else {
                without += 1;
            }
        }
        Self { lanes, without }
    }

    fn in_hour(&self, hour: Stretch, show: impl Fn(&AgendaWindow) -> BlockView) -> Vec<Option<BlockView>> {
        let found: Vec<Option<BlockView>> = self
            .lanes
            .iter()
            .map(|lane| lane.iter().find(|window| window.stretch.overlaps(&hour)).map(|window| show(window)))
            .collect();
        if found.iter().all(Option::is_none) { Vec::new() } else { found }
    }
}
