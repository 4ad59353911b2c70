//! The checklist of a window, on its page.

use super::desk::Desk;
use super::maintenance::{version_in, was_pressed};
use super::overriding::why;
use super::wording;
use crate::components::{Actions, Button, Card, Disclosure, Hidden, Icon, TextArea};
use crate::form::Submitted;
use crate::view::{Shape, Weight};
use domain::maintenance::{CheckLine, Maintenance, State};
use domain::people::Permission;
use domain::template::MessageTemplate;
use leptos::prelude::*;

/// The lines, to be ticked while the work is being checked.
pub(super) fn show(desk: &Desk, m: &Maintenance, form: &Submitted) -> AnyView {
    if m.checklist.is_empty() {
        return ().into_any();
    }
    let may_tick = m.state == State::Verifying && desk.may(Permission::Maintain);
    let intro = match m.state {
        State::Verifying => match m.open_lines() {
            0 => "All is ticked: it can be completed.".to_owned(),
            open => format!("{open} of {} open. It is completed when all are ticked.", m.checklist.len()),
        },
        State::Completed => "As it was when the work was completed.".to_owned(),
        _ => "To be ticked when the work is done and being checked.".to_owned(),
    };
    let gone =
        form.error("line").map(|error| view! { <p class="error"><Icon shape=Shape::Major/><span>{error}</span></p> });
    let lines = m.checklist.iter().map(|line| one(desk, line, may_tick)).collect_view();
    let anyway = m.done_anyway.as_ref().map(|why| {
        view! { <p class="mt"><strong>"Completed with lines open: "</strong><span dir="auto">{why.to_string()}</span></p> }
    });
    view! {
        <div id="checklist">
            <Card title="Checklist">
                <p class="small muted">{intro}</p>
                {gone}
                <ul class="checklist">{lines}</ul>
                {anyway}
            </Card>
        </div>
    }
    .into_any()
}

fn one(desk: &Desk, line: &CheckLine, may_tick: bool) -> AnyView {
    let text = line.text.to_string();
    let (shape, unseen) = match &line.tick {
        Some(_) => (Shape::Ok, "Ticked: "),
        None => (Shape::Draft, "Open: "),
    };
    let tone = if line.tick.is_some() { "tone-ok" } else { "tone-quiet" };
    let who = line.tick.as_ref().map(|tick| {
        let text = format!("{}, {}", tick.by, desk.short(tick.at));
        view! { <span class="small muted" dir="auto">{text}</span> }
    });
    let button = may_tick.then(|| {
        let (value, label) = if line.tick.is_some() { ("untick", "Open again") } else { ("tick", "Tick") };
        let about = format!(": {text}");
        view! {
            <form method="post" action="#checklist">
                <Hidden name="line" value=text.clone()/>
                <Button small=true name="do" value=value>{label}<span class="vh">{about}</span></Button>
            </form>
        }
    });
    view! {
        <li class=tone>
            <Icon shape/>
            <div><span class="vh">{unseen}</span><span dir="auto">{text.clone()}</span>{who}</div>
            {button}
        </li>
    }
    .into_any()
}

/// The way to complete a window with lines open.
pub(super) fn complete(m: &Maintenance, templates: &[MessageTemplate], form: &Submitted) -> AnyView {
    let text = match m.state {
        State::InProgress => "Its checklist is ticked while it is being checked.",
        _ => "It can be completed when every line of its checklist is ticked.",
    };
    let is_this = was_pressed(form, "complete-anyway");
    let body = if is_this { form.value("body", "") } else { String::new() };
    let why = why(
        form,
        "complete-anyway",
        "Reason for completing with lines open",
        "For colleagues: it is kept with the window and in the audit log.",
    );
    let (aids, look) = (wording::aids(wording::ANYWAY, templates, form), wording::look(wording::ANYWAY));
    let anyway = view! {
        <form class="stack" method="post" id=wording::ANYWAY.form>
            {version_in(m, form, "complete-anyway")}
            {why}
            {aids}
            <TextArea name="body" id="complete-anyway-body" label="Message" rows=2 optional=true value=body
                hint="Markdown. What customers read beside it."/>
            <Actions>
                <Button weight=Weight::Danger name="do" value="complete-anyway">"Complete anyway"</Button>
                {look}
            </Actions>
        </form>
    }
    .into_any();
    view! {
        <p class="small muted mt">{text}</p>
        <Disclosure label="Complete with lines open" open=is_this>{anyway}</Disclosure>
    }
    .into_any()
}
