//! Corrections of the history: all there are, a new one, and taking one back.

use super::desk::{Desk, admin};
use super::edit::{Form, id, links, param, query, version};
use crate::components::{
    Actions, Button, ButtonLink, Card, DataTable, EmptyState, Fact, Facts, Field, Flash, Hidden, PageHeader, Section,
    Select, StateBadge, TextArea, TimeRange,
};
use crate::context;
use crate::form::FormData;
use crate::posts::{Post, Posted};
use crate::view::{ColumnView, OptionView, Shape, StateView, Tone, Weight};
use domain::correction::Correction;
use domain::ids::CorrectionId;
use domain::impact::Known;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::figures::{CorrectionInput, CorrectionLook};

const LABELS: [(&str, &str); 6] = [
    ("component", "Component"),
    ("from", "From"),
    ("to", "To"),
    ("state", "What it was"),
    ("reason", "Reason"),
    ("why", "Why"),
];

const DONE: [(&str, &str); 2] = [
    ("added", "The history was corrected. The figures follow at once."),
    ("withdrawn", "The correction was withdrawn. The log keeps it."),
];

/// Takes the forms of the pages below `/admin/corrections`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let done = match rest {
        ["new"] => {
            services.correct_history(actor, &read(form)).await.map(|_| "/admin/corrections?done=added".to_owned())
        }
        [correction] => {
            let correction: CorrectionId = id(correction, "correction")?;
            let done = services.withdraw_correction(actor, correction, version(form), form.get("why")).await;
            done.map(|_| format!("/admin/corrections/{correction}?done=withdrawn"))
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

fn read(form: &FormData) -> CorrectionInput {
    let text = |name: &str| form.get(name).to_owned();
    CorrectionInput {
        component: text("component"),
        from: text("from"),
        to: text("to"),
        state: text("state"),
        reason: text("reason"),
    }
}

/// `/admin/corrections`
#[component]
pub fn Corrections() -> impl IntoView {
    admin(
        |_| "Corrections".to_owned(),
        |desk: Desk| async move { desk.services.corrections(&desk.actor, None).await },
        |desk, look| list(&desk, &look),
    )
}

fn standing(correction: &Correction) -> StateView {
    if correction.withdrawn.is_some() {
        StateView::new(Tone::Quiet, Shape::Cancelled, "Withdrawn").plain()
    } else {
        StateView::new(Tone::Ok, Shape::Ok, "Counts").plain()
    }
}

fn list(desk: &Desk, look: &CorrectionLook) -> AnyView {
    let add = desk.may(Permission::Administer).then(|| {
        view! { <ButtonLink href="/admin/corrections/new" weight=Weight::Primary>"Correct the history"</ButtonLink> }
    });
    let table = if look.corrections.is_empty() {
        view! {
            <EmptyState title="Nothing was corrected"
                text="Where the history says something that was not so, say what was: a correction counts over everything else, and customers read why."/>
        }
        .into_any()
    } else {
        let columns = ["Component", "When", "What it was", "Entered", "Stands"].map(ColumnView::new);
        let rows = look.corrections.iter().map(|correction| row(desk, correction, look)).collect();
        view! { <DataTable caption="Corrections, the newest first" columns=columns.to_vec() rows/> }.into_any()
    };
    let by_hand: Vec<(String, String)> = look
        .by_hand
        .iter()
        .filter_map(|set| {
            let (name, state) = (look.components.get(&set.component)?, set.state.public_text());
            let named = match set.instead_of {
                Some(said) => format!("{name} ({state}, while an open incident says {})", said.public_text()),
                None => format!("{name} ({state})"),
            };
            Some((named, format!("/admin/components/{}", set.component)))
        })
        .collect();
    let by_hand = (!by_hand.is_empty()).then(|| {
        let all = links(by_hand);
        view! {
            <p class="small">
                "Set by hand now, and counted so in the figures instead of what incidents and windows say: "{all}"."
            </p>
        }
    });
    view! {
        <PageHeader title="Corrections"
            intro="What a component was, over everything else that says something about that time. Customers read them on the page of the component.">
            {add}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        <div class="stack">{by_hand}{table}</div>
    }
    .into_any()
}

fn row(desk: &Desk, correction: &Correction, look: &CorrectionLook) -> Vec<AnyView> {
    let name = look.components.get(&correction.component).cloned().unwrap_or_default();
    let when = desk.range(correction.stretch.from, correction.stretch.to);
    let state = StateView::from(correction.known).plain();
    let entered = format!("{}, {}", desk.short(correction.created_at), correction.by);
    vec![
        links(vec![(name, format!("/admin/corrections/{}", correction.id))]),
        view! { <TimeRange when stacked=true/> }.into_any(),
        view! { <StateBadge state/> }.into_any(),
        view! { <span dir="auto">{entered}</span> }.into_any(),
        view! { <StateBadge state=standing(correction)/> }.into_any(),
    ]
}

/// `/admin/corrections/new`
#[component]
pub fn NewCorrection() -> impl IntoView {
    let chosen = query().get("component").to_owned();
    admin(
        |_| "Correct the history".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::Administer)?;
            desk.services.corrections(&desk.actor, None).await
        },
        move |desk, look| new_form(&desk, &look, &chosen),
    )
}

fn new_form(desk: &Desk, look: &CorrectionLook, chosen: &str) -> AnyView {
    let form = Form::at("/admin/corrections/new", "");
    let mut components: Vec<(&String, String)> =
        look.components.iter().map(|(id, name)| (name, id.to_string())).collect();
    components.sort();
    let components = std::iter::once(OptionView::new("", "Choose…"))
        .chain(components.into_iter().map(|(name, id)| {
            let is_chosen = form.chosen("component", &id, id == chosen);
            OptionView::new(id, name.clone()).chosen(is_chosen)
        }))
        .collect();
    let states = Known::ALL
        .into_iter()
        .map(|known| {
            let value = known.as_str();
            OptionView::new(value, known.public_text()).chosen(form.chosen("state", value, value == "operational"))
        })
        .collect();
    let back = ("Corrections".to_owned(), "/admin/corrections".to_owned());
    let zone = desk.site.zone.replace('_', " ");
    let intro = format!(
        "It counts over incidents, windows and states set by hand. The log keeps who entered it; customers read the \
         reason. Times are those of {zone}."
    );
    view! {
        <PageHeader title="Correct the history" back intro/>
        {form.summary(&LABELS)}
        <form class="form card" method="post" action="/admin/corrections/new">
            <Select name="component" label="Component" options=components error=form.error("component")/>
            <div class="fields">
                <Field name="from" label="From" hint="Like 2014-05-15 18:55:30." required=true value=form.value("from", "")
                    error=form.error("from")/>
                <Field name="to" label="To" hint="The end is not part of it." required=true value=form.value("to", "")
                    error=form.error("to")/>
            </div>
            <Select name="state" label="What it was" hint="Unknown counts neither as up nor as down." options=states
                error=form.error("state")/>
            <TextArea name="reason" label="Reason" hint="Customers read it." required=true
                value=form.value("reason", "") error=form.error("reason")/>
            <Actions><Button weight=Weight::Primary>"Correct the history"</Button></Actions>
        </form>
    }
    .into_any()
}

/// `/admin/corrections/:id`
#[component]
pub fn OneCorrection() -> impl IntoView {
    let id = param::<CorrectionId>("correction");
    admin(
        |(_, name): &(Correction, String)| format!("Correction of {name}"),
        |desk: Desk| async move { desk.services.correction(&desk.actor, id?).await },
        |desk, (correction, name)| one(&desk, &correction, &name),
    )
}

fn one(desk: &Desk, correction: &Correction, name: &str) -> AnyView {
    let path = format!("/admin/corrections/{}", correction.id);
    let form = Form::at(&path, "");
    let back = ("Corrections".to_owned(), "/admin/corrections".to_owned());
    let when = desk.range(correction.stretch.from, correction.stretch.to);
    let was = StateView::from(correction.known).plain();
    let entered = desk.instant(correction.created_at);
    let withdrawn = correction.withdrawn.as_ref().map(|withdrawn| {
        let (at, by, why) = (desk.instant(withdrawn.at), withdrawn.by.clone(), withdrawn.why.to_string());
        view! {
            <Fact label="Withdrawn"><TimeRange when=at stacked=true/></Fact>
            <Fact label="Withdrawn by"><span dir="auto">{by}</span></Fact>
            <Fact label="Withdrawn because"><span dir="auto">{why}</span></Fact>
        }
    });
    let withdraw = (desk.may(Permission::Administer) && correction.withdrawn.is_none()).then(|| {
        let (version, why, error) = (form.version(correction.version), form.value("why", ""), form.error("why"));
        view! {
            <Section id="withdraw" title="Withdraw it">
                <form class="form card" method="post" action=path>
                    <p>"The history is again what it was without it. The log keeps both."</p>
                    <Hidden name="version" value=version/>
                    <Field name="why" label="Why" required=true value=why error maxlength=1000/>
                    <Actions><Button weight=Weight::Danger>"Withdraw the correction"</Button></Actions>
                </form>
            </Section>
        }
    });
    let (by, reason) = (correction.by.clone(), correction.reason.to_string());
    let component = links(vec![(name.to_owned(), format!("/admin/components/{}", correction.component))]);
    view! {
        <PageHeader title=format!("Correction of {name}") back state=standing(correction)/>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        <Card>
            <Facts>
                <Fact label="Component">{component}</Fact>
                <Fact label="When"><TimeRange when stacked=true/></Fact>
                <Fact label="What it was"><StateBadge state=was/></Fact>
                <Fact label="Entered"><TimeRange when=entered stacked=true/></Fact>
                <Fact label="Entered by"><span dir="auto">{by}</span></Fact>
                <Fact label="Reason"><span dir="auto">{reason}</span></Fact>
                {withdrawn}
            </Facts>
        </Card>
        {withdraw}
    }
    .into_any()
}
