//! Going ahead against the gate, on a window's page: who asked, who decided, which reasons.

use super::desk::Desk;
use super::edit;
use super::maintenance::{version_in, was_pressed};
use crate::components::{Actions, Button, Card, Disclosure, Fact, Facts, Hidden, TextArea, TimeRange};
use crate::form::Submitted;
use crate::posts::Post;
use crate::view::{Tone, Weight};
use domain::gate::Finding;
use domain::ids::MaintenanceId;
use domain::maintenance::{Override, OverrideState};
use domain::time::Instant;
use leptos::prelude::*;
use service::Error;
use service::maintenance::{Detail, OverrideLook};

/// What can be pressed.
pub const DEEDS: [&str; 4] = ["ask-override", "confirm-override", "refuse-override", "withdraw-override"];

/// Takes what is pressed.
///
/// # Errors
/// As the use case says.
pub async fn take(id: MaintenanceId, post: &Post) -> Result<(), Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let why = form.get("why");
    if form.get("do") == "ask-override" {
        return services.ask_override(actor, id, super::plan::version(form), why).await.map(drop);
    }
    let of = edit::id(form.get("override"), "override")?;
    let result = match form.get("do") {
        "confirm-override" => services.confirm_override(actor, id, of).await,
        "refuse-override" => services.refuse_override(actor, id, of, why).await,
        _ => services.withdraw_override(actor, id, of, why).await,
    };
    result.map(drop)
}

/// All overrides of the window, the newest unfolded, and the way to ask for one.
pub(super) fn show(desk: &Desk, detail: &Detail, form: &Submitted) -> AnyView {
    let ask = detail.may_ask_override.then(|| ask(detail, form));
    let (open, past): (Vec<_>, Vec<_>) = detail.overrides.iter().partition(|look| look.of.state.is_open());
    if ask.is_none() && detail.overrides.is_empty() {
        return ().into_any();
    }
    let open = open.into_iter().map(|look| one(desk, look, form)).collect_view();
    let past = (!past.is_empty()).then(|| {
        let label =
            if past.len() == 1 { "1 earlier override".to_owned() } else { format!("{} earlier overrides", past.len()) };
        let lines = past.into_iter().map(|look| one(desk, look, form)).collect_view();
        view! { <Disclosure label>{lines}</Disclosure> }
    });
    view! {
        <div id="override">
            <Card title="Going ahead without a confirmed backup">
                {open}
                {ask}
                {past}
            </Card>
        </div>
    }
    .into_any()
}

fn ask(detail: &Detail, form: &Submitted) -> AnyView {
    let m = &detail.maintenance;
    let text = "If the work can not wait for its backup, somebody else with the approver role can let it go ahead. That covers this window with the time and scope it has, and the reasons that stand against it now; whatever else comes up stops it again. Customers read that two people decided to go ahead, and not who or why.";
    let why = why(
        form,
        "ask-override",
        "Reason for going ahead",
        "For the second person and the audit log. Name what would be lost, and what happens if you wait.",
    );
    let (version, open) = (version_in(m, form, "ask-override"), was_pressed(form, "ask-override"));
    view! {
        <Disclosure label="Ask a second person" open=open>
            <form class="stack" method="post" action="#override">
                {version}
                <p class="small muted">{text}</p>
                {why}
                <Actions><Button name="do" value="ask-override">"Ask for an override"</Button></Actions>
            </form>
        </Disclosure>
    }
    .into_any()
}

/// The field that says why, in one of several forms on the page; only one of them came back.
pub(super) fn why(form: &Submitted, deed: &str, label: &'static str, hint: &'static str) -> AnyView {
    let is_this = was_pressed(form, deed);
    let (value, error) = if is_this { (form.value("why", ""), form.error("why")) } else { (String::new(), None) };
    let id = if is_this { "why".to_owned() } else { format!("{deed}-why") };
    view! { <TextArea name="why" id=id label=label rows=3 value=value error=error required=true hint=hint maxlength=1000/> }
        .into_any()
}

fn one(desk: &Desk, look: &OverrideLook, form: &Submitted) -> AnyView {
    let of = &look.of;
    let said = |name: &str, at: Instant| format!("{name}, {}", desk.short(at));
    let confirmed = look.confirmed_by.as_ref().zip(of.confirmed_at).map(|(name, at)| {
        let text = said(name, at);
        view! { <Fact label="Confirmed by"><span dir="auto">{text}</span></Fact> }
    });
    let ended = of.ended_at.map(|at| {
        let label = match of.state {
            OverrideState::Refused => "Refused by",
            OverrideState::Withdrawn => "Withdrawn by",
            _ => "Ended",
        };
        let text = match &look.ended_by {
            Some(name) => said(name, at),
            None => format!("{}: the window has changed, or went on without it", desk.short(at)),
        };
        let why = of.end_why.as_ref().map(|why| view! { <span dir="auto">{format!("“{why}”")}</span> });
        view! { <Fact label=label><span dir="auto">{text}</span>" "{why}</Fact> }
    });
    let asked = said(&look.asked_by, of.asked_at);
    let when = desk.range(of.starts_at, of.ends_at);
    let why = format!("“{}”", of.why);
    let uncovered = (look.is_bound && !look.uncovered.is_empty()).then(|| {
        view! {
            <div class="mt">
                <p><strong>"Not covered, and in the way at this moment:"</strong></p>
                {list(&look.uncovered)}
            </div>
        }
    });
    let tone = if of.state == OverrideState::Confirmed { Tone::Degraded } else { Tone::Quiet };
    view! {
        <div class=format!("override {}", tone.class())>
            <h3>{heading(of)}</h3>
            <Facts>
                <Fact label="Asked by"><span dir="auto">{asked}</span></Fact>
                <Fact label="Why"><span dir="auto">{why}</span></Fact>
                {confirmed}
                {ended}
                <Fact label="For the time"><TimeRange when stacked=true/></Fact>
            </Facts>
            <p class="mt">"Covers what stood against it then:"</p>
            {list(&of.reasons)}
            {uncovered}
            {buttons(look, form)}
        </div>
    }
    .into_any()
}

const fn heading(of: &Override) -> &'static str {
    match of.state {
        OverrideState::Asked => "Waits for a second person",
        OverrideState::Confirmed => "Confirmed by a second person",
        OverrideState::Refused => "Refused",
        OverrideState::Withdrawn => "Withdrawn",
        OverrideState::Void => "Not in force any more",
    }
}

fn list(findings: &[Finding]) -> AnyView {
    let lines =
        findings.iter().map(|finding| view! { <li><span dir="auto">{finding.heading()}</span></li> }).collect_view();
    view! { <ul class="lines">{lines}</ul> }.into_any()
}

fn buttons(look: &OverrideLook, form: &Submitted) -> AnyView {
    let id = look.of.id.to_string();
    let confirm = look.may_confirm.then(|| {
        view! {
            <form method="post" action="#override">
                <Hidden name="override" value=id.clone()/>
                <p class="small muted">
                    "You answer for it together: the work may destroy what these backups do not hold."
                </p>
                <Actions>
                    <Button weight=Weight::Primary name="do" value="confirm-override">"Confirm the override"</Button>
                </Actions>
            </form>
        }
    });
    let refuse = look.may_refuse.then(|| {
        end(form, &id, "refuse-override", "Refuse it", "Refuse", "Reason for refusing", "Who asked reads it.")
    });
    let withdraw = look.may_withdraw.then(|| {
        let hint = "Colleagues read it; the audit log keeps it.";
        end(form, &id, "withdraw-override", "Withdraw it", "Withdraw", "Reason for withdrawing", hint)
    });
    view! { <div class="mt">{confirm}{refuse}{withdraw}</div> }.into_any()
}

fn end(
    form: &Submitted,
    id: &str,
    deed: &'static str,
    label: &'static str,
    press: &'static str,
    ask: &'static str,
    hint: &'static str,
) -> AnyView {
    let (why, open, id) = (why(form, deed, ask, hint), was_pressed(form, deed), id.to_owned());
    view! {
        <Disclosure label=label open=open>
            <form class="stack" method="post" action="#override">
                <Hidden name="override" value=id/>
                {why}
                <Actions><Button weight=Weight::Danger name="do" value=deed>{press}</Button></Actions>
            </form>
        </Disclosure>
    }
    .into_any()
}
