//! Alerts and their causes: what monitoring says, folded to what it comes from.

use super::desk::{Desk, admin};
use super::edit::{id, links, query};
use super::runs::grouped;
use super::{incident_alerts, incident_join};
use crate::components::{
    Action, Actions, ButtonLink, Card, DataTable, Disclosure, EmptyState, ErrorSummary, Fact, Facts, Flash, PageHeader,
    Pager, Section, StateBadge, TimeRange,
};
use crate::context;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, AttentionView, ColumnView, PagerView, Shape, StateView, Tone};
use domain::alert::cause::{Cause, CauseState};
use domain::alert::{Alert, Grade};
use domain::ids::CauseId;
use domain::incident::IncidentState;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::alerts::{AlertsLook, CauseLine, Worse};
use std::collections::{BTreeMap, BTreeSet};

const DONE: [(&str, &str); 1] = [("ended", "The alerts of this cause count as over.")];

/// Takes the buttons of [`Alerts`].
///
/// # Errors
/// Those that the user can not mend here.
pub async fn take(post: Post) -> Result<Posted, Error> {
    let cause: CauseId = id(post.form.get("cause"), "cause")?;
    let ended = post.services.end_cause(&post.actor, cause).await;
    post.done(ended.map(|()| "/admin/alerts?done=ended"))
}

/// `/admin/alerts`
#[component]
pub fn Alerts() -> impl IntoView {
    let before = query().get("before").to_owned();
    admin(
        |_| "Alerts".to_owned(),
        |desk: Desk| async move { desk.services.alerts_look(&desk.actor, &before).await },
        |desk, look| list(&desk, &look),
    )
}

/// "37 alerts, 1 cause".
fn counted(alerts: i64, causes: i64) -> String {
    let many = |n: i64, word: &str| if n == 1 { format!("1 {word}") } else { format!("{} {word}s", grouped(n)) };
    format!("{}, {}", many(alerts, "alert"), many(causes, "cause"))
}

fn list(desk: &Desk, look: &AlertsLook) -> AnyView {
    let headline = match look.live {
        0 => "Nothing fires now.".to_owned(),
        _ => format!("{} now.", counted(look.firing, look.live)),
    };
    let message = context::submitted().message.map(|message| view! { <ErrorSummary problems=Vec::new() message/> });
    let causes = if look.causes.is_empty() {
        view! {
            <EmptyState title="No alert yet"
                text="Alertmanager, Grafana and anything that can POST may report here, with a token of scope alert:report. Alerts with one cause become one draft of an incident."/>
        }
        .into_any()
    } else {
        look.causes.iter().map(|line| cause(desk, line, look)).collect_view().into_any()
    };
    let pager = PagerView {
        text: String::new(),
        previous: (!query().get("before").is_empty()).then(|| "/admin/alerts".to_owned()),
        next: look.next.as_ref().map(|next| format!("/admin/alerts?before={next}")),
    };
    let pager = (pager.previous.is_some() || pager.next.is_some()).then(|| view! { <Pager pager/> });
    let ignored = (!look.ignored.is_empty()).then(|| {
        let label = format!(
            "{} ignored by a rule",
            if look.ignored.len() == 1 { "1 alert".to_owned() } else { format!("{} alerts", look.ignored.len()) }
        );
        let table = table(desk, &look.ignored, look);
        view! {
            <Section id="ignored" title="Ignored">
                <Card><Disclosure label>{table}</Disclosure></Card>
            </Section>
        }
    });
    view! {
        <PageHeader title="Alerts" intro=headline>
            <ButtonLink href="/admin/alerts/rules">"Rules"</ButtonLink>
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {message}
        <div class="stack">{causes}</div>
        {pager}
        {ignored}
    }
    .into_any()
}

/// Where a cause stands.
fn state(cause: &Cause) -> StateView {
    match (cause.state, cause.incident_state) {
        (CauseState::Window, _) => StateView::new(Tone::Work, Shape::Work, "Attached to work: nobody alarmed"),
        (CauseState::Merged, _) => StateView::new(Tone::Quiet, Shape::Note, "Part of another cause"),
        (CauseState::Over, _) => StateView::new(Tone::Ok, Shape::Ok, "Over").plain(),
        _ if cause.proposed_at.is_some() => {
            let question =
                if is_draft(cause) { "All over: publish or discard?" } else { "All over: resolve the incident?" };
            StateView::new(Tone::Degraded, Shape::Ok, question)
        }
        (_, Some(IncidentState::Draft)) => StateView::new(Tone::Major, Shape::Draft, "Draft: nobody has published it"),
        (_, Some(IncidentState::Discarded)) => {
            StateView::new(Tone::Quiet, Shape::Cancelled, "Discarded, and still there")
        }
        (_, Some(IncidentState::Resolved)) if cause.firing == 0 => {
            StateView::new(Tone::Ok, Shape::Ok, "Resolved").plain()
        }
        (_, Some(IncidentState::Resolved)) => StateView::new(Tone::Quiet, Shape::Degraded, "Resolved, and still there"),
        _ => StateView::new(Tone::Major, Shape::Major, "Published"),
    }
}

fn firing(cause: &Cause) -> String {
    match (cause.firing, cause.alerts) {
        (0, _) => format!("{}, all over", cause.count()),
        (n, all) if n == all => cause.count(),
        (n, _) => format!("{}, {} of them firing", cause.count(), grouped(n)),
    }
}

fn cause(desk: &Desk, line: &CauseLine, look: &AlertsLook) -> AnyView {
    let cause = &line.cause;
    let leads = line
        .incident
        .iter()
        .map(|(id, number, title)| (format!("I-{number} {title}"), format!("/admin/incidents/{id}")));
    let works = line
        .maintenance
        .iter()
        .map(|(id, number, title)| (format!("M-{number} {title}"), format!("/admin/maintenances/{id}")));
    let leads: Vec<(String, String)> = leads.chain(works).collect();
    let belongs = (!leads.is_empty()).then(|| {
        let label = if line.incident.is_some() { "Incident" } else { "Maintenance" };
        let leads = links(leads);
        view! { <Fact label=label>{leads}</Fact> }
    });
    let since = desk.instant(cause.first_at);
    let quiet = cause.quiet_at.or(cause.ended_at).map(|at| {
        let when = desk.instant(at);
        view! { <Fact label="All over"><TimeRange when/></Fact> }
    });
    let publish = cause.publish_at.map(|at| {
        let when = desk.instant(at);
        view! { <Fact label="Published by rule"><TimeRange when/></Fact> }
    });
    let end = (cause.state.is_live() && cause.firing > 0 && desk.may(Permission::RunIncidents)).then(|| {
        let action = ActionView::post("Count all as over", "/admin/alerts", &[("cause", &cause.id.to_string())]);
        let action = action.about(cause.title.to_string());
        view! { <Action action small=true/> }
    });
    let belongs_to = line.incident.as_ref().filter(|_| is_draft(cause) && look.has_joinable && cause.state.is_live());
    let join = belongs_to.filter(|_| desk.may(Permission::RunIncidents)).map(|(id, ..)| {
        let href = format!("/admin/incidents/{id}#{}", incident_join::PLACE);
        let action = ActionView::link("Belongs to an open incident", href).about(cause.title.to_string());
        view! { <Action action small=true/> }
    });
    let actions = (end.is_some() || join.is_some()).then(|| view! { <Actions>{join}{end}</Actions> });
    let (folded, firing) = (folded(desk, line, look), firing(cause));
    let (title, stands) = (cause.title.to_string(), state(cause));
    view! {
        <Card>
            <h2><span dir="auto">{title}</span></h2>
            <Facts>
                <Fact label="State"><StateBadge state=stands/></Fact>
                <Fact label="Alerts">{firing}</Fact>
                {belongs}
                <Fact label="First seen"><TimeRange when=since/></Fact>
                {quiet}
                {publish}
            </Facts>
            <div class="mt">{folded}</div>
            {actions}
        </Card>
    }
    .into_any()
}

/// "token monitoring": what told of these alerts.
fn sources(line: &CauseLine, look: &AlertsLook) -> String {
    let names: BTreeSet<&String> = line.alerts.iter().filter_map(|alert| look.sources.get(&alert.source)).collect();
    names.into_iter().map(|name| format!("token {name}")).collect::<Vec<_>>().join(", ")
}

fn folded(desk: &Desk, line: &CauseLine, look: &AlertsLook) -> AnyView {
    let shown = i64::try_from(line.alerts.len()).unwrap_or(i64::MAX);
    let label = if shown < line.cause.alerts {
        format!("The newest {shown} of {} alerts", grouped(line.cause.alerts))
    } else {
        line.cause.count()
    };
    let table = table(desk, &line.alerts, look);
    view! { <Disclosure label>{table}</Disclosure> }.into_any()
}

fn grade(alert: &Alert) -> StateView {
    let (tone, shape, label) = match (alert.ended_at, alert.grade) {
        (Some(_), _) => return StateView::new(Tone::Ok, Shape::Ok, "Over").plain(),
        (None, Grade::Critical) => (Tone::Major, Shape::Major, "Critical"),
        (None, Grade::Warning) => (Tone::Degraded, Shape::Degraded, "Warning"),
        (None, Grade::Info) => (Tone::Quiet, Shape::Info, "Info"),
    };
    StateView::new(tone, shape, label)
}

fn table(desk: &Desk, alerts: &[Alert], look: &AlertsLook) -> AnyView {
    let columns = ["Alert", "State", "Labels", "Began", "Ended"].map(ColumnView::new).to_vec();
    let rows = alerts
        .iter()
        .map(|alert| {
            let title = alert.title.to_string();
            let title = match &alert.link {
                Some(link) => {
                    view! { <a href=link.clone() rel="noreferrer"><span dir="auto">{title}</span></a> }.into_any()
                }
                None => view! { <span dir="auto">{title}</span> }.into_any(),
            };
            let host = alert.host.and_then(|id| Some((look.hosts.get(&id)?.clone(), format!("/admin/hosts/{id}"))));
            let named = alert.components.iter();
            let named =
                named.filter_map(|id| Some((look.components.get(id)?.clone(), format!("/admin/components/{id}"))));
            let place: Vec<(String, String)> = host.into_iter().chain(named).collect();
            let place = (!place.is_empty()).then(|| {
                let place = links(place);
                view! { <span class="sub">"on "{place}</span> }
            });
            let flaps = (alert.flaps > 0).then(|| {
                let text = if alert.flaps == 1 {
                    "came back once".to_owned()
                } else {
                    format!("came back {} times", alert.flaps)
                };
                view! { <span class="sub">{text}</span> }
            });
            let ended = alert.ended_at.map_or_else(|| "not yet".to_owned(), |at| desk.short(at));
            vec![
                view! { {title}{place} }.into_any(),
                view! { <span class="nowrap"><StateBadge state=grade(alert)/></span>{flaps} }.into_any(),
                labels(&alert.labels),
                desk.short(alert.started_at).into_any(),
                ended.into_any(),
            ]
        })
        .collect();
    view! { <DataTable caption="Alerts of this cause, the newest first" columns rows/> }.into_any()
}

fn labels(labels: &BTreeMap<String, String>) -> AnyView {
    let all = labels.iter().map(|(name, value)| view! { <li dir="auto" class="mono">{format!("{name}={value}")}</li> });
    view! { <ul class="chips" aria-label="Labels">{all.collect_view()}</ul> }.into_any()
}

/// The alerts of an incident, for its page: folded, and with the question whether it is over. Nothing where it has none.
/// `next` is the id of the form for its next update, where that is filled in from the alerts.
pub fn of_incident(desk: &Desk, look: &AlertsLook, worse: &[Worse], next: Option<&'static str>) -> AnyView {
    section(desk, look, "Alerts", worse, next)
}

/// The alerts that are attached to a window, for its page. Nothing where it has none.
pub fn of_window(desk: &Desk, look: &AlertsLook) -> AnyView {
    section(desk, look, "Alerts during the work", &[], None)
}

fn section(
    desk: &Desk,
    look: &AlertsLook,
    title: &'static str,
    worse: &[Worse],
    next: Option<&'static str>,
) -> AnyView {
    if look.causes.is_empty() {
        return ().into_any();
    }
    let causes = look.causes.iter().map(|line| {
        let over = (line.cause.proposed_at.is_some() && !line.cause.is_decided())
            .then(|| view! { <p><strong>{over_question(&line.cause)}</strong>{incident_alerts::way(next)}</p> });
        let folded = folded(desk, line, look);
        let whole = line.whole.as_ref().map(|(id, number, title)| {
            let to = links(vec![(format!("I-{number} {title}"), format!("/admin/incidents/{id}"))]);
            let stays = if is_draft(&line.cause) {
                "What you wrote here stays, to be published or discarded."
            } else {
                "What was written here stays for the record."
            };
            view! { <p>"Its alerts are counted there now: "{to}". "{stays}</p> }
        });
        let sources = sources(line, look);
        let told = (!sources.is_empty())
            .then(|| view! { <p class="small muted" dir="auto">{format!("Reported by {sources}.")}</p> });
        let drafts = line
            .parts
            .iter()
            .map(|(id, number, title)| (format!("I-{number} {title}"), format!("/admin/incidents/{id}")));
        let drafts: Vec<(String, String)> = drafts.collect();
        let parts = (!drafts.is_empty()).then(|| {
            let drafts = links(drafts);
            view! { <p class="small muted">"Among them the alerts of drafts that became part of it: "{drafts}</p> }
        });
        let counted = line.whole.is_none().then(|| view! { <p>{firing(&line.cause)}</p>{told}{over}{parts}{folded} });
        view! { <div><StateBadge state=state(&line.cause)/>{whole}{counted}</div> }
    });
    let causes = causes.collect_view();
    let worse = incident_alerts::worse(worse, next);
    view! { <Section id="alerts" title more=("All alerts".to_owned(), "/admin/alerts".to_owned())><Card><div class="stack">{worse}{causes}</div></Card></Section> }
        .into_any()
}

/// "All 37 alerts are over. Resolve?"
fn over_question(cause: &Cause) -> String {
    let over = match cause.alerts {
        1 => "Its alert is over.".to_owned(),
        n => format!("All {} alerts are over.", grouped(n)),
    };
    let question = if is_draft(cause) { "Publish or discard the draft?" } else { "Resolve?" };
    format!("{over} {question}")
}

fn is_draft(cause: &Cause) -> bool {
    cause.incident_state == Some(IncidentState::Draft)
}

/// A cause among what needs somebody now.
pub(super) fn item(desk: &Desk, cause: &Cause) -> AttentionView {
    let href = cause.incident.map_or_else(|| "/admin/alerts".to_owned(), |id| format!("/admin/incidents/{id}"));
    let (tone, shape, detail, label) = if cause.proposed_at.is_some() {
        (Tone::Degraded, Shape::Ok, over_question(cause), if is_draft(cause) { "Decide" } else { "Resolve it" })
    } else if cause.incident_state == Some(IncidentState::Resolved) {
        let detail = format!("{}, and customers read that it is over.", cause.still_fires());
        (Tone::Degraded, Shape::Degraded, detail, "Look again")
    } else if !is_draft(cause) {
        let detail = format!("{}. Something is worse than customers know.", firing(cause));
        (Tone::Partial, Shape::Partial, detail, "Post an update")
    } else {
        let since = desk.short(cause.first_at);
        let by_itself = match cause.publish_at {
            Some(at) => Some(format!(" It is published by a rule {}.", desk.short(at))),
            None if cause.components.is_empty() => {
                Some(" It touches no component that we know: published, it concerns the whole site.".to_owned())
            }
            None => None,
        };
        let detail = format!(
            "{}, one cause, since {since}. Nobody has told customers.{}",
            firing(cause),
            by_itself.unwrap_or_default()
        );
        (Tone::Major, Shape::Draft, detail, "Look and publish")
    };
    let title = cause.title.to_string();
    let actions = vec![ActionView::link(label, href.clone()).about(title.clone())];
    AttentionView { tone, shape, title, href, detail, actions }
}
