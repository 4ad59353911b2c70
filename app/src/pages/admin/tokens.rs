//! Bearer tokens for programs.

use super::desk::{Desk, admin};
use super::edit::param;
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Checkbox, Copy, DataTable, EmptyState, ErrorSummary, Fact, Facts, Field,
    Flash, PageHeader, Section, Select, StateBadge,
};
use crate::context::{done, submitted};
use crate::form::Submitted;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, FlashView, OptionView, Shape, StateView, Tone, Weight};
use domain::ids::{DataSetId, TokenId};
use domain::people::{ApiToken, Permission, Scope};
use leptos::prelude::*;
use secrecy::ExposeSecret;
use service::Error;
use service::grants::{GrantInput, TokenView};
use service::people::tokens::NewToken;

/// `/admin/tokens`
#[component]
pub fn Tokens() -> impl IntoView {
    let flash = done(&[("revoked", "The token has been revoked. It opens nothing any more.")]);
    admin(
        |_| "Tokens".to_owned(),
        |desk| async move { desk.services.tokens(&desk.actor).await },
        move |desk, tokens| {
            let list = if tokens.is_empty() { nothing() } else { table(&desk, tokens) };
            view! {
                <PageHeader title="Tokens"
                    intro="Programs use them to report backups and to work with hosts and windows. Each may do only what its scopes say.">
                    <ButtonLink href="/admin/tokens/new" weight=Weight::Primary>"Make a token"</ButtonLink>
                </PageHeader>
                {flash.map(|flash| view! { <Flash flash/> })}
                {list}
            }
        },
    )
}

fn nothing() -> AnyView {
    let action = ActionView::link("Make a token", "/admin/tokens/new").weigh(Weight::Primary);
    view! {
        <EmptyState title="No tokens yet" action=action
            text="A backup job needs none for its ping address. Programs that send JSON do."/>
    }
    .into_any()
}

fn table(desk: &Desk, tokens: Vec<ApiToken>) -> AnyView {
    let mut columns = ["Name", "Scopes", "Made", "Last used", "Ends", "State"].map(ColumnView::new).to_vec();
    columns.push(ColumnView::unseen("Actions"));
    let rows = tokens.into_iter().map(|token| row(desk, token)).collect::<Vec<_>>();
    view! { <DataTable caption="Tokens" columns rows/> }.into_any()
}

fn row(desk: &Desk, token: ApiToken) -> Vec<AnyView> {
    let date = |at: Option<_>, none: &str| at.map_or_else(|| none.to_owned(), |at| desk.date(at)).into_any();
    let scopes = token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    let state = if token.revoked_at.is_some() {
        StateView::new(Tone::Quiet, Shape::Close, "Revoked")
    } else if token.is_valid(desk.now) {
        StateView::new(Tone::Ok, Shape::Ok, "Valid")
    } else {
        StateView::new(Tone::Quiet, Shape::Close, "Ended")
    };
    let revoke = token.revoked_at.is_none().then(|| {
        let action = ActionView::post("Revoke", "/admin/tokens", &[("do", "revoke"), ("id", &token.id.to_string())])
            .about(token.name.to_string());
        view! { <Action action small=true/> }
    });
    vec![
        view! {
            <a href=format!("/admin/tokens/{}", token.id)><span dir="auto">{token.name.to_string()}</span></a>
            <span class="sub mono">{format!("fmt_{}…", &token.id.0.simple().to_string()[..8])}</span>
        }
        .into_any(),
        scopes.into_any(),
        desk.date(token.created_at).into_any(),
        date(token.last_used_at, "never"),
        date(token.expires_at, "when revoked"),
        view! { <StateBadge state=state.plain()/> }.into_any(),
        revoke.into_any(),
    ]
}

/// Takes the buttons of [`Tokens`].
///
/// # Errors
/// The actor may not, or there is no such token.
pub async fn revoke(post: Post) -> Result<Posted, Error> {
    let id: TokenId = post.form.get("id").parse().map_err(|_| Error::NotFound("token"))?;
    post.services.revoke_token(&post.actor, id).await?;
    Ok(Posted::Redirect("/admin/tokens?done=revoked".to_owned()))
}

/// `/admin/tokens/new`
#[component]
pub fn AddToken() -> impl IntoView {
    let typed = submitted();
    admin(
        |()| "Make a token".to_owned(),
        |desk| async move { desk.actor.require(Permission::Administer) },
        move |_, ()| match &typed.secret {
            Some(text) => made(text.clone()),
            None => view! {
                <PageHeader title="Make a token" back=("Tokens".to_owned(), "/admin/tokens".to_owned())/>
                <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
                <form class="form card" method="post">{fields(&typed)}</form>
            }
            .into_any(),
        },
    )
}

fn made(text: String) -> AnyView {
    view! {
        <PageHeader title="Make a token" back=("Tokens".to_owned(), "/admin/tokens".to_owned())/>
        <Flash flash=FlashView::done("The token has been made.")>
            <p>"Copy it now: it is shown only this once. Programs send it as "<code>"Authorization: Bearer …"</code></p>
            <Copy text=text/>
        </Flash>
    }
    .into_any()
}

fn fields(typed: &Submitted) -> AnyView {
    let scope = |scope: Scope, label: &str, hint: &str| {
        let checked = typed.chosen("scopes", scope.as_str(), false);
        view! { <Checkbox name="scopes" value=scope.as_str() label=label hint=hint checked=checked/> }.into_any()
    };
    let scopes = [
        scope(Scope::BackupReport, "Report backups", "backup:report"),
        scope(Scope::AlertReport, "Report alerts", "alert:report: for Alertmanager, Grafana and the like"),
        scope(
            Scope::BackupRequest,
            "Ask for extra backups",
            "backup:request: for customers; say then of which data sets",
        ),
        scope(Scope::MetricWrite, "Push metrics and our own figures", "metric:write"),
        scope(Scope::Read, "Read", "read: everything here but people, tokens and the audit log"),
        scope(Scope::InventoryWrite, "Keep hosts, data sets, jobs and components", "inventory:write"),
        scope(Scope::MaintenanceWrite, "Plan and run windows", "maintenance:write"),
        scope(Scope::IncidentWrite, "Report and run incidents", "incident:write"),
        scope(Scope::Admin, "Everything an administrator may", "admin: people and tokens too"),
    ];
    let lasts = [("", "Until it is revoked"), ("30 d", "30 days"), ("90 d", "90 days"), ("365 d", "One year")];
    let lasts = lasts
        .into_iter()
        .map(|(value, label)| OptionView::new(value, label).chosen(typed.chosen("valid_for", value, value == "365 d")))
        .collect();
    let error = typed.error("scopes").map(|error| view! { <p class="error" id="scopes-error">{error}</p> });
    view! {
        <Field name="name" label="Name" hint="Where it is used: nightly backup of vm3, deployment script." required=true
            value=typed.value("name", "") error=typed.error("name")/>
        <fieldset class="field" id="scopes"><legend>"Scopes"</legend>{scopes}{error}</fieldset>
        <Select name="valid_for" label="Valid for" options=lasts error=typed.error("valid_for")/>
        <Actions><Button weight=Weight::Primary>"Make token"</Button></Actions>
    }
    .into_any()
}

/// Takes the form of [`AddToken`].
///
/// # Errors
/// The actor may not.
pub async fn add(post: Post) -> Result<Posted, Error> {
    let new = NewToken {
        name: post.form.get("name").to_owned(),
        scopes: post.form.all("scopes").map(ToOwned::to_owned).collect(),
        valid_for: post.form.get("valid_for").to_owned(),
    };
    match post.services.add_token(&post.actor, &new).await {
        Ok(made) => {
            let secret = Some(made.text.expose_secret().to_owned());
            Ok(Posted::Shown(Submitted { secret, ..Submitted::default() }))
        }
        Err(error) => post.done(Err::<String, _>(error)),
    }
}

/// `/admin/tokens/ID`: what a customer's token may ask for.
#[component]
pub fn TokenPage() -> impl IntoView {
    let (typed, id) = (submitted(), param::<TokenId>("token"));
    let flash = done(&[("granted", "Saved.")]);
    admin(
        |view: &TokenView| format!("Token {}", view.token.name),
        |desk| async move { desk.services.token_view(&desk.actor, id?).await },
        move |desk, view| token_page(&desk, &view, &typed, flash),
    )
}

fn token_page(desk: &Desk, view: &TokenView, typed: &Submitted, flash: Option<FlashView>) -> AnyView {
    let token = &view.token;
    let scopes = token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    let (made, name) = (desk.date(token.created_at), token.name.to_string());
    let page = view.page.clone().map(|address| {
        view! {
            <Section id="page" title="Page of its holder">
                <Card>
                    <p>"Who has this address asks there for extra backups, without an account. Revoke the token to close it."</p>
                    <Copy text=address/>
                </Card>
            </Section>
        }
    });
    let form = if token.scopes.contains(&Scope::BackupRequest) {
        grant_form(view, typed)
    } else {
        view! { <p class="muted">"This token has not the scope backup:request: there is nothing to choose here."</p> }
            .into_any()
    };
    view! {
        <PageHeader title=name back=("Tokens".to_owned(), "/admin/tokens".to_owned())/>
        {flash.map(|flash| view! { <Flash flash/> })}
        <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
        <Card>
            <Facts>
                <Fact label="Scopes">{scopes}</Fact>
                <Fact label="Made">{made}</Fact>
            </Facts>
        </Card>
        {page}
        <Section id="grant" title="What its holder may ask for">{form}</Section>
    }
    .into_any()
}

fn grant_form(view: &TokenView, typed: &Submitted) -> AnyView {
    let granted = |id: DataSetId| view.grant.as_ref().is_some_and(|grant| grant.data_sets.contains(&id));
    let boxes = view
        .choices
        .iter()
        .map(|(id, place)| {
            let checked = typed.chosen("data_sets", &id.to_string(), granted(*id));
            view! { <Checkbox name="data_sets" value=id.to_string() label=place.clone() checked=checked/> }
        })
        .collect_view();
    let error = typed.error("data_sets").map(|error| view! { <p class="error" id="data_sets-error">{error}</p> });
    let per_day = view.grant.as_ref().map_or_else(|| "4".to_owned(), |grant| grant.per_day.to_string());
    view! {
        <form class="form card" method="post">
            <fieldset class="field" id="data_sets"><legend>"Extra backups of"</legend>{boxes}{error}</fieldset>
            <Field name="per_day" label="Requests in 24 hours" value=typed.value("per_day", per_day)
                error=typed.error("per_day") hint="A request for a dump and for the backup that carries it counts once." required=true/>
            <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
        </form>
    }
    .into_any()
}

/// Takes the form of [`TokenPage`].
///
/// # Errors
/// The actor may not, or there is no such token.
pub async fn grant(post: Post, id: &str) -> Result<Posted, Error> {
    let id: TokenId = id.parse().map_err(|_| Error::NotFound("token"))?;
    let input = GrantInput {
        data_sets: post.form.all("data_sets").map(ToOwned::to_owned).collect(),
        per_day: post.form.get("per_day").to_owned(),
    };
    let saved = post.services.set_grant(&post.actor, id, &input).await;
    post.done(saved.map(|_| format!("/admin/tokens/{id}?done=granted")))
}
