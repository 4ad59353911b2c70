//! Mails to the team about findings, below those to subscribers.

use super::deliveries::{letter, moment, state};
use super::desk::{Desk, admin};
use super::edit::id;
use crate::components::{Action, Card, DataTable, Fact, Facts, Flash, PageHeader, Section, StateBadge};
use crate::context::param;
use crate::view::{ActionView, ColumnView, FlashView};
use domain::ids::{NotificationId, UserId};
use domain::people::Permission;
use leptos::prelude::*;
use service::deliveries::Standing;
use service::team_mail::TeamMail;

/// The newest of them; nothing where there are none.
pub(super) fn section(desk: &Desk, mails: Vec<TeamMail>) -> AnyView {
    if mails.is_empty() {
        return ().into_any();
    }
    let reads = desk.may(Permission::Administer);
    let mut columns =
        vec![ColumnView::new("Told"), ColumnView::new("To"), ColumnView::new("State"), ColumnView::new("When")];
    if reads {
        columns.push(ColumnView::unseen("Read"));
    }
    let rows = mails.into_iter().map(|mail| row(desk, mail, reads)).collect::<Vec<_>>();
    view! {
        <Section id="team" title="Mails to the team">
            <DataTable caption="Mails to the team" columns rows/>
        </Section>
    }
    .into_any()
}

fn row(desk: &Desk, mail: TeamMail, reads: bool) -> Vec<AnyView> {
    let path = format!("/admin/deliveries/team/{}/{}", mail.notification, mail.person);
    let read = ActionView::link("Read", path).about(format!("{} to {}", mail.title, mail.name));
    let when = moment(desk, mail.standing, mail.due_at, mail.done_at);
    // Why it would have gone is said on top of the page, once.
    let error = mail.error.filter(|_| !matches!(mail.standing, Standing::LackedServer | Standing::Sent));
    let error = error.map(|error| view! { <span class="sub" dir="auto">{error}</span> });
    let (name, address, title, told) = (mail.name, mail.address, mail.title, desk.short(mail.told_at));
    let mut cells = vec![
        view! { <span dir="auto">{title}</span><span class="sub">{told}</span> }.into_any(),
        view! { <span dir="auto">{name}</span><span class="sub">{address}</span> }.into_any(),
        view! { <StateBadge state=state(mail.standing)/>{error} }.into_any(),
        when.into_any(),
    ];
    if reads {
        cells.push(view! { <Action action=read small=true/> }.into_any());
    }
    cells
}

/// `/admin/deliveries/team/:notification/:person`
#[component]
pub fn OneTeamMail() -> impl IntoView {
    let (notification, person) = (param("notification"), param("person"));
    admin(
        |(mail, _): &(TeamMail, _)| mail.title.clone(),
        |desk: Desk| async move {
            desk.actor.require(Permission::Administer)?;
            let ids: (NotificationId, UserId) = (id(&notification, "mail")?, id(&person, "mail")?);
            desk.services.team_mail(&desk.actor, ids.0, ids.1).await
        },
        move |desk, (mail, text)| {
            let text = match text {
                Ok(text) => letter(&desk, text),
                Err(error) => {
                    let text = format!("The mail can not be written: {error}.");
                    view! { <Flash flash=FlashView::refused(text)/> }.into_any()
                }
            };
            let (told, when) = (desk.short(mail.told_at), moment(&desk, mail.standing, mail.due_at, mail.done_at));
            let why = match mail.standing {
                Standing::LackedServer | Standing::NotNeeded => "Why it was not sent",
                _ => "Newest error",
            };
            let error = mail.error.clone().map(|error| {
                view! { <Fact label=why><span dir="auto">{error}</span></Fact> }
            });
            let reader = mail.name.clone();
            view! {
                <PageHeader title=mail.title.clone() back=("Deliveries".to_owned(), "/admin/deliveries#team".to_owned())
                    state=state(mail.standing)/>
                <div class="split is-wide-start">
                    <div class="stack">{text}</div>
                    <div class="stack">
                        <Card title="Delivery">
                            <Facts>
                                <Fact label="Told">{told}</Fact>
                                <Fact label="Reader"><span dir="auto">{reader}</span></Fact>
                                <Fact label="When">{when}</Fact>
                                {error}
                            </Facts>
                            <p class="small muted">
                                "Such a mail is not sent again: what is still open stands in the next one."
                            </p>
                        </Card>
                    </div>
                </div>
            }
        },
    )
}
