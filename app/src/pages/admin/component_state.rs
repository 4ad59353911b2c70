//! How a component is now, and its state set by hand.

use super::desk::Desk;
use super::edit::{AskedBack, Form, asked_back, id};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Disclosure, Fact, Facts, Flash, Select, StateBadge, TextArea, TimeRange,
};
use crate::posts::{Post, Posted};
use crate::view::{ActionView, FlashView, OptionView, StateView};
use domain::component::ComponentState;
use domain::ids::ComponentId;
use domain::impact::ComponentOverride;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::incidents::{ComponentNow, OverrideInput};

/// The names of the fields in a summary.
pub const LABELS: [(&str, &str); 3] = [("state", "State"), ("reason", "Reason"), (HIDES, "State")];

/// The answer to the question whether it is meant to be better than what incidents say.
const HIDES: &str = "hides_outage";

/// Takes a state set by hand, or takes it back.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(component: &str, post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let component: ComponentId = id(component, "component")?;
    let (result, done) = match form.get("do") {
        "withdraw" => (services.withdraw_component_override(actor, component).await, "withdrawn"),
        _ => {
            let input = OverrideInput {
                state: form.get("state").to_owned(),
                reason: form.get("reason").to_owned(),
                hides_outage: form.get(HIDES) == "yes",
            };
            (services.override_component(actor, component, &input).await, "set")
        }
    };
    post.done(result.map(|_| format!("/admin/components/{component}?done={done}")))
}

/// The state with who says so, and the form to set it.
#[must_use]
pub fn show(desk: &Desk, now: &ComponentNow) -> AnyView {
    let path = format!("/admin/components/{}", now.component.id);
    let form = Form::at(&format!("{path}/override"), "override");
    let may = desk.may(Permission::RunIncidents);
    let state = StateView::from(now.state);
    let by_hand = now.by_hand.as_ref().map(|by_hand| {
        let since = desk.instant(by_hand.since);
        let derived = StateView::from(now.derived).plain();
        let (who, reason) = (now.set_by.clone().unwrap_or_else(|| "a program".to_owned()), by_hand.reason.to_string());
        view! {
            <Fact label="Set by hand since"><TimeRange when=since/></Fact>
            <Fact label="By"><span dir="auto">{who}</span></Fact>
            <Fact label="Reason"><span dir="auto">{reason}</span></Fact>
            <Fact label="Without it"><StateBadge state=derived/></Fact>
        }
    });
    let counted = now.by_hand.as_ref().map(|by_hand| counted(now, by_hand));
    let withdraw = (may && now.by_hand.is_some()).then(|| {
        let action = ActionView::post("Take it back", format!("{path}/override"), &[("do", "withdraw")])
            .about(now.component.name.to_string());
        view! { <Action action/> }
    });
    let report = may.then(|| {
        view! { <ButtonLink href=format!("/admin/incidents/new?component={}", now.component.id)>"Report an incident"</ButtonLink> }
    });
    let set = may.then(|| set(&form, &path, now));
    view! {
        {form.summary_at(&LABELS, |field| (field == HIDES).then(|| form.id("state")))}
        <Card title="How it is now">
            <Facts>
                <Fact label="State"><StateBadge state/></Fact>
                {by_hand}
            </Facts>
            {counted}
            <Actions>{report}{withdraw}</Actions>
            {set}
        </Card>
    }
    .into_any()
}

/// What a state set by hand does to the figures.
fn counted(now: &ComponentNow, by_hand: &ComponentOverride) -> AnyView {
    let set = by_hand.state.public_text();
    if now.hides_outage() {
        let said = now.incidents.public_text();
        let text = format!(
            "An open incident says “{said}”, and the availability figures count “{set}” instead, until somebody takes it \
             back."
        );
        let flash = FlashView::warning("It is set better than incidents say", text);
        return view! { <div class="mt"><Flash flash/></div> }.into_any();
    }
    let text = format!("The availability figures count “{set}” while this holds, whatever incidents and windows say.");
    view! { <p class="small muted mt">{text}</p> }.into_any()
}

/// Whether it is meant to be better than what incidents say; nothing where nobody has to ask.
fn hides(form: &Form) -> AnyView {
    asked_back(
        form,
        HIDES,
        &AskedBack {
            title: "Is it to be counted so?",
            said: "It is said to be better than what incidents say.",
            yes: "Yes, count it so",
            no: "No: choose another state above",
        },
    )
}

fn set(form: &Form, path: &str, now: &ComponentNow) -> AnyView {
    let stored = now.by_hand.as_ref();
    let chosen = form.value("state", stored.map_or(now.state, |by_hand| by_hand.state).as_str());
    let options = ComponentState::ALL
        .into_iter()
        .map(|state| OptionView::new(state.as_str(), state.public_text()).chosen(state.as_str() == chosen))
        .collect();
    let reason = form.value("reason", stored.map_or("", |by_hand| by_hand.reason.as_str()));
    let inner = view! {
            <form class="stack" method="post" action=format!("{path}/override")>
                <Select name="state" id=form.id("state") label="State" options error=form.error("state")
                    hint="The availability figures count it instead of what incidents and windows say."/>
                {hides(form)}
                <TextArea name="reason" id=form.id("reason") label="Reason" rows=2 value=reason error=form.error("reason")
                    hint="Colleagues read it. The state holds over incidents and windows until somebody takes it back."
                    required=true/>
                <Actions><Button name="do" value="set">"Set it"</Button></Actions>
            </form>
    }
    .into_any();
    view! { <Disclosure label="Set its state by hand" open=form.came_back()>{inner}</Disclosure> }.into_any()
}
