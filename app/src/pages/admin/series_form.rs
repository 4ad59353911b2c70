//! The form for work that repeats, with the next dates and the gate beside it.

use super::desk::{Desk, admin};
use super::plan::{anyway, problems, query, request, scope, version};
use super::{gate, reminders, series};
use crate::api::plan::GateView;
use crate::components::{
    Actions, Button, Checkbox, ErrorSummary, Field, Flash, Hidden, Icon, PageHeader, Select, TextArea, TimeRange,
};
use crate::context::{param, submitted};
use crate::form::{FormData, Submitted};
use crate::islands::gate::GateIsland;
use crate::islands::preview::PreviewIsland;
use crate::posts::{Post, Posted};
use crate::view::{FlashView, OptionView, Shape, Tone};
use domain::people::Permission;
use domain::series::{Fate, Series, weekday_code, weekday_name};
use domain::text::{Name, Prose};
use leptos::prelude::*;
use service::Error;
use service::maintenance::{Choices, MaintenanceInput, Preview, Repeats, SeriesInput, TypedSeries, Upcoming};
use std::collections::BTreeSet;

/// What a form says.
fn read(form: &FormData) -> SeriesInput {
    let text = |name: &str| form.has(name).then(|| form.get(name).to_owned());
    let many = |name: &str| form.all(name).map(ToOwned::to_owned).collect::<Vec<_>>();
    SeriesInput {
        title: text("title"),
        message: text("message"),
        hosts: Some(many("hosts")),
        components: Some(many("components")),
        zone: text("zone"),
        start: text("start"),
        length: text("length"),
        rule: None,
        repeats: Some(Repeats {
            kind: form.get("repeat").to_owned(),
            every: form.get("every").to_owned(),
            days: many("days"),
            nth: form.get("nth").to_owned(),
            weekday: form.get("weekday").to_owned(),
            month_day: form.get("month_day").to_owned(),
            ends: form.get("ends").to_owned(),
            count: form.get("count").to_owned(),
            until: form.get("until").to_owned(),
            rule: form.get("rule").to_owned(),
        }),
        gap: text("gap"),
        fold: text("fold"),
        may_wait: text("may_wait"),
        auto_start: Some(form.has("auto_start")),
        auto_complete: Some(form.has("auto_complete")),
        checklist: Some(form.get("checklist").lines().map(ToOwned::to_owned).collect()),
        reminders: reminders::read(form),
        conflicts_why: text("conflicts_why"),
    }
}

/// Takes the form for a new series.
///
/// # Errors
/// What can not be mended in the form.
pub async fn post_new(post: Post) -> Result<Posted, Error> {
    if let Some(requested) = request(&post).await {
        return requested;
    }
    post.actor.require(Permission::Maintain)?;
    if post.form.get("do") != "create" {
        return Ok(Posted::Shown(Submitted { data: Some(post.form), ..Submitted::default() }));
    }
    let made = post.services.add_series(&post.actor, None, &read(&post.form)).await;
    let place = made.map(|series| format!("/admin/series/{}?done=added", series.id));
    post.done(place)
}

/// Takes the form for a stored series.
///
/// # Errors
/// What can not be mended in the form.
pub async fn post_edit(of: &str, post: Post) -> Result<Posted, Error> {
    let id = series::id(of)?;
    if let Some(requested) = request(&post).await {
        return requested;
    }
    post.actor.require(Permission::Maintain)?;
    if post.form.get("do") != "save" {
        return Ok(Posted::Shown(Submitted { data: Some(post.form), ..Submitted::default() }));
    }
    let version = version(&post.form).unwrap_or_default();
    let note = post.form.get("body");
    let saved = post.services.edit_series(&post.actor, id, version, &read(&post.form), note).await;
    let place = saved.map(|series| format!("/admin/series/{}?done=changed", series.id));
    post.done(place)
}

/// Everything the form shows.
struct Plan {
    stored: Option<Series>,
    choices: Choices,
    scope: (BTreeSet<String>, BTreeSet<String>),
    typed: TypedSeries,
    gate: GateView,
    upcoming: Option<Upcoming>,
    message: String,
}

impl Plan {
    async fn open(desk: &Desk, of: Option<String>, form: Submitted, asked: FormData) -> Result<Self, Error> {
        let (services, actor) = (&desk.services, &desk.actor);
        actor.require(Permission::Maintain)?;
        let stored = match of {
            None => None,
            Some(of) => Some(services.series(actor, series::id(&of)?).await?),
        };
        if stored.as_ref().is_some_and(|series| series.ended_at.is_some()) {
            return Err(Error::refused("wrong_state", "This series has ended and can not be changed."));
        }
        let choices = services.choices(actor).await?;
        let typed = match &stored {
            Some(series) => TypedSeries::of(&series.timing),
            None => TypedSeries::new(desk.site.zone.clone()),
        };
        let all = |data: &FormData, name: &str| data.all(name).map(ToOwned::to_owned).collect::<BTreeSet<_>>();
        let scope = match (&form.data, &stored) {
            (Some(data), _) => (all(data, "hosts"), all(data, "components")),
            (None, Some(series)) => (
                series.hosts.iter().map(ToString::to_string).collect(),
                series.components.iter().map(ToString::to_string).collect(),
            ),
            (None, None) => (all(&asked, "host"), all(&asked, "component")),
        };
        let chosen = MaintenanceInput {
            hosts: Some(scope.0.iter().cloned().collect()),
            components: Some(scope.1.iter().cloned().collect()),
            ..MaintenanceInput::default()
        };
        let gate = gate::ask(services, actor, &chosen, None).await.unwrap_or_else(|_| gate::not_asked());
        let upcoming = match (&form.data, &stored) {
            (Some(data), _) => Some(services.preview_series(&read(data), None)),
            (None, Some(series)) => Some(services.preview_series(&SeriesInput::default(), Some(series))),
            (None, None) => None,
        };
        let message = form.value("message", stored.as_ref().map_or("", |series| series.message.as_str()));
        Ok(Self { stored, choices, scope, typed, gate, upcoming, message })
    }
}

/// `/admin/series/new`
#[component]
pub fn NewSeries() -> impl IntoView {
    let (form, asked) = (submitted(), query());
    let shown = form.clone();
    admin(
        |_| "Plan repeating work".to_owned(),
        |desk| async move { Plan::open(&desk, None, form, asked).await },
        move |desk, plan| page(&desk, plan, &shown),
    )
}

/// `/admin/series/:id/edit`
#[component]
pub fn EditSeries() -> impl IntoView {
    let form = submitted();
    let shown = form.clone();
    let of = param("id");
    admin(
        |plan: &Plan| plan.stored.as_ref().map_or_else(String::new, |series| format!("Change {}", series.title)),
        |desk| async move { Plan::open(&desk, Some(of), form, FormData::default()).await },
        move |desk, plan| page(&desk, plan, &shown),
    )
}

fn page(desk: &Desk, plan: Plan, form: &Submitted) -> AnyView {
    let (title, intro, back, button) = match &plan.stored {
        None => (
            "Plan repeating work".to_owned(),
            "Each date becomes a window of its own: it can be moved or called off alone, and is asked about before it starts.",
            ("Repeating work".to_owned(), "/admin/series".to_owned()),
            ("Schedule the series", "create"),
        ),
        Some(series) => (
            format!("Change {}", series.title),
            "Changes all windows ahead that have not begun and were not given a time of their own.",
            (series.title.to_string(), format!("/admin/series/{}", series.id)),
            ("Save changes", "save"),
        ),
    };
    let fields = fields(desk, &plan, form);
    let buttons = vec![(button.0.to_owned(), button.1.to_owned())];
    view! {
        <PageHeader title=title intro=intro back/>
        {form.done.clone().map(|done| view! { <Flash flash=FlashView::done(done)/> })}
        <ErrorSummary problems=problems(form) message=form.message.clone()/>
        <div class="split">
            {fields}
            <div class="sticky"><GateIsland initial=plan.gate buttons/></div>
        </div>
    }
    .into_any()
}

fn fields(desk: &Desk, plan: &Plan, form: &Submitted) -> AnyView {
    let stored = plan.stored.as_ref();
    let title = form.value("title", stored.map_or("", |series| series.title.as_str()));
    let preview = service::prose::html(&plan.message);
    let lines: Vec<&str> = stored.iter().flat_map(|series| &series.checklist).map(Name::as_str).collect();
    let note = stored.map(|_| {
        view! {
            <TextArea name="body" label="What customers read about this change" rows=2 optional=true
                hint="One mail, with the next window that changes; the others change on the page and in calendars."
                value=form.value("body", "") error=form.error("body")/>
        }
    });
    view! {
        <form class="form card" id="plan" method="post">
            <div>
                // Enter in a field must not publish anything.
                <button class="vh" type="submit" name="do" value="check" tabindex="-1" aria-hidden="true"
                    formnovalidate=true>
                    "Check"
                </button>
                {stored.map(|series| view! { <Hidden name="version" value=form.made_from("version", series.version)/> })}
                <Field name="title" label="What will be done" value=title error=form.error("title") required=true
                    maxlength={u32::try_from(Name::MAX).unwrap_or(u32::MAX)}/>
            </div>
            // The gate's panel and its buttons read this part of a form.
            <Hidden name="part" value="scope"/>
            {scope(&plan.choices, &plan.scope, form)}
            {repeats(&plan.typed.repeats, form)}
            {times(desk, &plan.typed, form)}
            <div class="stack" id="dates">
                <Actions><Button name="do" value="check" unchecked=true>"Show the next dates"</Button></Actions>
                {plan.upcoming.as_ref().map(|upcoming| dates(desk, upcoming, form))}
            </div>
            <fieldset class="field">
                <legend>"By itself"</legend>
                <Checkbox name="auto_start" label="Each starts by itself"
                    hint="At its start, once the backups are confirmed. Otherwise somebody presses Start."
                    checked=form.ticked("auto_start", stored.is_none_or(|series| series.auto_start))/>
                <Checkbox name="auto_complete" label="Each ends by itself"
                    hint="At its planned end. Otherwise somebody says when the work is done."
                    checked=form.ticked("auto_complete", stored.is_some_and(|series| series.auto_complete))/>
            </fieldset>
            {reminders::fields(desk, stored.map(|series| &series.reminders), form)}
            <div>
                <TextArea name="message" label="What customers read" value=plan.message.clone()
                    error=form.error("message") rows=5
                    hint="Markdown: **bold**, lists, links. It goes to the page, to subscribers and into calendars."
                    maxlength={u32::try_from(Prose::MAX).unwrap_or(u32::MAX)} optional=true/>
                <PreviewIsland initial=preview/>
            </div>
            <TextArea name="checklist" label="Checklist" rows=4 optional=true
                hint="What to check when the work is done, one thing per line, at most 20. Only colleagues see it."
                value=form.value("checklist", lines.join("\n")) error=form.error("checklist")/>
            {anyway(plan.gate.in_the_way.asks_why, form)}
            {note}
        </form>
    }
    .into_any()
}

/// A part that the style sheet shows for some choices only; without it all parts are there.
fn only(choices: &'static str, part: AnyView) -> AnyView {
    view! { <div class="only" data-for=choices>{part}</div> }.into_any()
}

fn repeats(typed: &Repeats, form: &Submitted) -> AnyView {
    let chosen = form.value("repeat", typed.kind.clone());
    let kinds = [
        ("daily", "By days"),
        ("weekly", "By weeks: on certain weekdays"),
        ("weekday", "By months: on a weekday, like the first Tuesday"),
        ("monthday", "By months: on a day, like the 15th"),
        ("rule", "By a rule, as calendars write it"),
    ]
    .map(|(value, label)| OptionView::new(value, label).chosen(chosen == value))
    .to_vec();
    let week = [
        chrono::Weekday::Mon,
        chrono::Weekday::Tue,
        chrono::Weekday::Wed,
        chrono::Weekday::Thu,
        chrono::Weekday::Fri,
        chrono::Weekday::Sat,
        chrono::Weekday::Sun,
    ];
    let days_error = form.error("days");
    let days_class = if days_error.is_some() { "field has-error" } else { "field" };
    let days_described = days_error.is_some().then_some("days-error");
    let days = view! {
        <fieldset class=days_class id="days" aria-describedby=days_described>
            <legend>"Weekdays"</legend>
            <div class="boxes">
                {week
                    .map(|day| {
                        let code = weekday_code(day);
                        let ticked = form.chosen("days", code, typed.days.iter().any(|day| day == code));
                        view! { <Checkbox name="days" label=weekday_name(day) value=code checked=ticked/> }
                    })
                    .collect_view()}
            </div>
            {days_error.map(|error| view! { <p class="error" id="days-error">{error}</p> })}
        </fieldset>
    }
    .into_any();
    let nth = form.value("nth", typed.nth.clone());
    let nths = [("1", "first"), ("2", "second"), ("3", "third"), ("4", "fourth"), ("5", "fifth"), ("-1", "last")]
        .map(|(value, label)| OptionView::new(value, label).chosen(nth == value))
        .to_vec();
    let weekday = form.value("weekday", typed.weekday.clone());
    let weekdays = week
        .map(|day| OptionView::new(weekday_code(day), weekday_name(day)).chosen(weekday == weekday_code(day)))
        .to_vec();
    let month_day = form.value("month_day", typed.month_day.clone());
    let month_days = (1..=31)
        .map(|day| (day.to_string(), day.to_string()))
        .chain([("-1".to_owned(), "the last day".to_owned())])
        .map(|(value, label)| OptionView::new(value.clone(), label).chosen(month_day == value))
        .collect();
    let ends = form.value("ends", typed.ends.clone());
    let endings = [("never", "Until somebody ends it"), ("count", "After a number of times"), ("date", "On a date")]
        .map(|(value, label)| OptionView::new(value, label).chosen(ends == value))
        .to_vec();
    let every = view! {
        <Field name="every" label="Every" kind="number" min="1" step="1" value=form.value("every", typed.every.clone())
            hint="1: each day, week or month. 2: every other." error=form.error("every")/>
    }
    .into_any();
    let of_month = view! {
        <div class="fields">
            <Select name="nth" label="Which" options=nths error=form.error("nth")/>
            <Select name="weekday" label="Weekday" options=weekdays/>
        </div>
    }
    .into_any();
    let day = view! {
        <Select name="month_day" label="Day of the month" options=month_days error=form.error("month_day")
            hint="A month without this day is left out."/>
    }
    .into_any();
    let rule = view! {
        <Field name="rule" label="Rule" mono=true value=form.value("rule", typed.rule.clone()) error=form.error("rule")
            hint="FREQ=DAILY, WEEKLY or MONTHLY with INTERVAL, BYDAY, BYMONTHDAY, and COUNT or UNTIL: FREQ=MONTHLY;BYDAY=1TU,3TU"/>
    }
    .into_any();
    let end = view! {
        <div class="fields">
            <Select name="ends" label="Goes on" options=endings/>
            {only("count", view! {
                <Field name="count" label="Times" kind="number" min="1" step="1"
                    value=form.value("count", typed.count.clone()) error=form.error("count")/>
            }.into_any())}
            {only("date", view! {
                <Field name="until" label="Last date" kind="date" value=form.value("until", typed.until.clone())
                    error=form.error("until")/>
            }.into_any())}
        </div>
    }
    .into_any();
    view! {
        <div class="stack repeats">
            <Select name="repeat" label="How it repeats" options=kinds error=form.error("repeat")/>
            {only("daily weekly weekday monthday", every)}
            {only("weekly", days)}
            {only("weekday", of_month)}
            {only("monthday", day)}
            {only("rule", rule)}
            {only("daily weekly weekday monthday", end)}
        </div>
    }
    .into_any()
}

fn times(desk: &Desk, typed: &TypedSeries, form: &Submitted) -> AnyView {
    let zone = form.value("zone", typed.zone.clone());
    let gap = form.value("gap", typed.gap);
    let gaps = [("move", "Begin right after the gap"), ("skip", "Leave that date out")]
        .map(|(value, label)| OptionView::new(value, label).chosen(gap == value))
        .to_vec();
    let fold = form.value("fold", typed.fold);
    let folds = [("earlier", "Take the first"), ("later", "Take the second")]
        .map(|(value, label)| OptionView::new(value, label).chosen(fold == value))
        .to_vec();
    view! {
        <div class="stack">
            <div class="fields">
                <Field name="start" label="First start" kind="datetime-local" required=true
                    hint="Local time. The first date that fits is this one or after it."
                    value=form.value("start", typed.start.clone()) error=form.error("start")/>
                <Field name="length" label="Length" hint="Like 90 min or 2 h." required=true
                    value=form.value("length", typed.length.clone()) error=form.error("length")/>
                <Select name="zone" label="Time zone" options=desk.zones(&zone) error=form.error("zone") wide=true/>
                <Select name="gap" label="If the clocks skip the start (spring)" options=gaps error=form.error("gap")/>
                <Select name="fold" label="If the start exists twice (autumn)" options=folds error=form.error("fold")/>
            </div>
            <Field name="may_wait" label="May begin late by"
                hint="If a backup is missing at the start, the window waits this long for it."
                value=form.value("may_wait", typed.may_wait.clone()) error=form.error("may_wait")/>
        </div>
    }
    .into_any()
}

/// The next dates, with what the clocks do to them.
fn dates(desk: &Desk, upcoming: &Upcoming, form: &Submitted) -> AnyView {
    let Some(words) = &upcoming.words else {
        // Errors stand at their fields where the form came back with them.
        let problems = if form.errors.is_empty() { upcoming.problems.clone() } else { Vec::new() };
        let lines = problems.into_iter().map(|problem| view! { <p class="error">{problem.message}</p> }).collect_view();
        return lines.into_any();
    };
    let lines = upcoming.dates.iter().map(|preview| line(desk, preview)).collect_view();
    let words = format!("Next dates: {words}");
    view! {
        <div class="stack">
            <p id="next-dates"><strong>{words}</strong></p>
            <ol class="timeline" aria-labelledby="next-dates">{lines}</ol>
        </div>
    }
    .into_any()
}

fn line(desk: &Desk, preview: &Preview) -> AnyView {
    let when = match preview.text.clone() {
        Some(text) => view! { <TimeRange when=text.into()/> }.into_any(),
        None => preview.slot.date.format("%a %-d %b %Y").to_string().into_any(),
    };
    let clocks = match &preview.slot.fate {
        Fate::Plain(_) => None,
        Fate::AfterGap(planned) => {
            Some(format!("The clocks go forward: it begins at {}.", planned.local_start.format("%H:%M")))
        }
        Fate::Twice(planned) => {
            let clock = desk.clock_in(&planned.zone, planned.starts_at);
            Some(format!("The clocks go back and show this time twice: it is {clock}."))
        }
        Fate::Skipped => Some("Left out: the clocks go forward, and this time does not exist.".to_owned()),
    };
    let (tone, shape) = match (&clocks, preview.slot.planned()) {
        (None, _) => (Tone::Work, Shape::Scheduled),
        (Some(_), Some(_)) => (Tone::Degraded, Shape::Degraded),
        (Some(_), None) => (Tone::Quiet, Shape::Cancelled),
    };
    view! {
        <li class=tone.class()>
            <Icon shape/>
            <div class="timeline-head">{when}</div>
            {clocks.map(|text| view! { <p class="small">{text}</p> })}
        </li>
    }
    .into_any()
}
