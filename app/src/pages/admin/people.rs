//! Who may sign in.

use super::desk::{Desk, admin, role};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Choices, Copy, DataTable, ErrorSummary, Field, Flash, Hidden,
    PageHeader, StateBadge,
};
use crate::context::{done, param, submitted};
use crate::form::Submitted;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, FlashView, OptionView, Shape, StateView, Tone, Weight};
use domain::ids::UserId;
use domain::people::{Permission, Role, User};
use leptos::prelude::*;
use service::Error;
use service::people::{NewPerson, Person};

/// `/admin/people`
#[component]
pub fn People() -> impl IntoView {
    let flash = done(&[("added", "The person has been added.")]);
    admin(
        |_| "People".to_owned(),
        |desk| async move { desk.services.people(&desk.actor).await },
        move |desk, people| {
            let columns = ["Name", "E-mail address", "Role", "Last signed in", "State"].map(ColumnView::new).to_vec();
            let rows = people.into_iter().map(|user| row(&desk, user)).collect::<Vec<_>>();
            view! {
                <PageHeader title="People" intro="They see the pages behind the sign-in. What they may do there depends on the role.">
                    <ButtonLink href="/admin/people/new" weight=Weight::Primary>"Add a person"</ButtonLink>
                </PageHeader>
                {flash.map(|flash| view! { <Flash flash/> })}
                <DataTable caption="People" columns rows/>
            }
        },
    )
}

fn row(desk: &Desk, user: User) -> Vec<AnyView> {
    let href = format!("/admin/people/{}", user.id);
    let signed_in = user.signed_in_at.map_or_else(|| "never".to_owned(), |at| desk.date(at));
    let state = state(&user).plain();
    vec![
        view! { <a href=href><span dir="auto">{user.name.to_string()}</span></a> }.into_any(),
        user.email.into_any(),
        role(user.role).into_any(),
        signed_in.into_any(),
        view! { <StateBadge state/> }.into_any(),
    ]
}

fn state(user: &User) -> StateView {
    if user.disabled_at.is_some() {
        StateView::new(Tone::Quiet, Shape::Close, "Disabled")
    } else if user.has_password {
        StateView::new(Tone::Ok, Shape::Ok, "Active")
    } else {
        StateView::new(Tone::Degraded, Shape::Held, "Invited")
    }
}

/// `/admin/people/new`
#[component]
pub fn AddPerson() -> impl IntoView {
    let typed = submitted();
    admin(
        |()| "Add a person".to_owned(),
        |desk| async move { desk.actor.require(Permission::Administer) },
        move |_, ()| match &typed.secret {
            Some(link) => invited(link.clone()),
            None => view! {
                <PageHeader title="Add a person" back=("People".to_owned(), "/admin/people".to_owned())
                    intro="You get a link to hand to them; with it they choose a password."/>
                <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
                <form class="form card" method="post">
                    {fields(&typed, &Person { role: Role::Operator.as_str().to_owned(), ..Person::default() })}
                    <Actions><Button weight=Weight::Primary>"Add and make a link"</Button></Actions>
                </form>
            }
            .into_any(),
        },
    )
}

fn invited(link: String) -> AnyView {
    view! {
        <PageHeader title="Add a person" back=("People".to_owned(), "/admin/people".to_owned())/>
        <Flash flash=FlashView::done("The person has been added.")>
            {link_to_hand_over(link, "seven days")}
        </Flash>
    }
    .into_any()
}

fn link_to_hand_over(link: String, lasts: &'static str) -> AnyView {
    view! {
        <p>{format!("Send them this link. It works once, within {lasts}, and is shown only now:")}</p>
        <Copy text=link/>
    }
    .into_any()
}

fn fields(typed: &Submitted, stored: &Person) -> AnyView {
    let option = |each: Role, hint: &str| {
        let chosen = typed.chosen("role", each.as_str(), stored.role == each.as_str());
        OptionView::new(each.as_str(), role(each)).hint(hint).chosen(chosen)
    };
    let roles = vec![
        option(Role::Viewer, "Sees everything here but people, tokens and the audit log."),
        option(Role::Operator, "Also plans and runs work, and keeps hosts, jobs and components."),
        option(Role::Approver, "Also confirms what others want to do against the gate, and reads the audit log."),
        option(Role::Admin, "Also settings, people and tokens."),
    ];
    view! {
        <Field name="name" label="Name" hint="Colleagues see it, customers never do." required=true
            value=typed.value("name", stored.name.clone()) error=typed.error("name")/>
        <Field name="email" label="E-mail address" hint="They sign in with it." kind="email" required=true
            value=typed.value("email", stored.email.clone()) error=typed.error("email")/>
        <Choices name="role" legend="Role" options=roles error=typed.error("role")/>
    }
    .into_any()
}

/// Takes the form of [`AddPerson`].
///
/// # Errors
/// The actor may not.
pub async fn add(post: Post) -> Result<Posted, Error> {
    let added = post.services.add_person(&post.actor, &NewPerson::invited(typed_person(&post))).await;
    match added {
        Ok(added) => match added.link {
            Some(link) => Ok(Posted::Shown(Submitted { secret: Some(link), ..Submitted::default() })),
            None => Ok(Posted::Redirect("/admin/people?done=added".to_owned())),
        },
        Err(error) => post.done(Err::<String, _>(error)),
    }
}

fn typed_person(post: &Post) -> Person {
    let text = |name: &str| post.form.get(name).to_owned();
    Person { email: text("email"), name: text("name"), role: text("role") }
}

/// `/admin/people/{id}`
#[component]
pub fn EditPerson() -> impl IntoView {
    let (typed, id) = (submitted(), param("id").parse::<UserId>());
    let is_edit = typed.data.as_ref().is_some_and(|data| !data.is_press());
    let flash = done(&[
        ("saved", "Saved."),
        ("disabled", "This person can not sign in any more. Their sessions have ended."),
        ("enabled", "This person can sign in again."),
    ]);
    admin(
        |user: &User| user.name.to_string(),
        |desk| async move { desk.services.person(&desk.actor, id.map_err(|_| Error::NotFound("person"))?).await },
        move |desk, user| {
            let is_self = desk.actor.user_id() == Some(user.id);
            // The other buttons of the page bring no fields.
            let edit = if is_edit { typed.clone() } else { Submitted::default() };
            let stored =
                Person { email: user.email.clone(), name: user.name.to_string(), role: user.role.as_str().to_owned() };
            let lasts = if user.has_password { "24 hours" } else { "seven days" };
            let link = typed.secret.clone().map(|link| {
                view! { <Flash flash=FlashView::done("A link has been made.")>{link_to_hand_over(link, lasts)}</Flash> }
            });
            view! {
                <PageHeader title=user.name.to_string() back=("People".to_owned(), "/admin/people".to_owned())
                    state=state(&user)/>
                {flash.map(|flash| view! { <Flash flash/> })}
                {link}
                <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
                <div class="stack">
                    <form class="form card" method="post">
                        {fields(&edit, &stored)}
                        <Actions><Button weight=Weight::Primary name="do" value="save">"Save"</Button></Actions>
                        <Hidden name="version" value=edit.made_from("version", user.version)/>
                    </form>
                    {(!is_self).then(|| access(&user))}
                </div>
            }
        },
    )
}

/// What else can be done with somebody else's account.
fn access(user: &User) -> AnyView {
    let to = format!("/admin/people/{}", user.id);
    if user.disabled_at.is_some() {
        let action = ActionView::post("Let them sign in again", to, &[("do", "enable")]);
        return view! { <Card title="Access"><Actions><Action action/></Actions></Card> }.into_any();
    }
    let link = if user.has_password { "Make a link to reset the password" } else { "Make another invitation link" };
    let link = ActionView::post(link, to.clone(), &[("do", "link")]);
    let disable = ActionView::post("Disable", to, &[("do", "disable")]).weigh(Weight::Danger);
    view! {
        <Card title="Access">
            <p>"Disabling ends their sessions and links at once. What they did stays in the log."</p>
            <Actions><Action action=link/><Action action=disable/></Actions>
        </Card>
    }
    .into_any()
}

/// Takes the forms of [`EditPerson`].
///
/// # Errors
/// The actor may not, or there is no such person.
pub async fn edit(post: Post, id: &str) -> Result<Posted, Error> {
    let id: UserId = id.parse().map_err(|_| Error::NotFound("person"))?;
    let (services, actor) = (post.services.clone(), post.actor.clone());
    let done = match post.form.get("do") {
        "disable" => services.disable_person(&actor, id).await.map(|_| "disabled"),
        "enable" => services.enable_person(&actor, id).await.map(|_| "enabled"),
        "link" => {
            return match services.password_link(&actor, id).await {
                Ok(link) => Ok(Posted::Shown(Submitted { secret: Some(link), ..Submitted::default() })),
                Err(error) => post.done(Err::<String, _>(error)),
            };
        }
        _ => {
            let version = post.form.get("version").parse().map_err(|_| Error::overtaken("person"))?;
            services.edit_person(&actor, id, &typed_person(&post), version).await.map(|_| "saved")
        }
    };
    post.done(done.map(|done| format!("/admin/people/{id}?done={done}")))
}
