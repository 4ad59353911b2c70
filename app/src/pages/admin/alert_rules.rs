//! Rules for alerts, and the labels that mean something.

use super::desk::{Desk, admin};
use super::edit::{Form, id, links, param, version};
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, Checkbox, Choices, DataTable, EmptyState, Fact, Facts, Field, Flash,
    Hidden, PageHeader, Picker, Section, Select, TextArea,
};
use crate::context;
use crate::form::FormData;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionGroupView, OptionView, StateView, Weight};
use domain::alert::Grade;
use domain::alert::rule::{Doing, Resolution, Rule};
use domain::ids::AlertRuleId;
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::alerts::{LabelsInput, RuleInput, RulesLook};
use service::inventory::Direction;

const LABELS: [(&str, &str); 12] = [
    ("name", "Name"),
    ("hosts", "Hosts"),
    ("components", "Components"),
    ("labels", "Labels"),
    ("severities", "Severity"),
    ("action", "What happens"),
    ("delay", "Delay"),
    ("component_state", "State of the components"),
    ("title", "Title of the incident"),
    ("text", "What customers read first"),
    ("quiet_for", "Quiet for"),
    ("resolution", "When it is over"),
];

const DONE: [(&str, &str); 4] = [
    ("saved", "Saved."),
    ("added", "The rule was added, after all others."),
    ("deleted", "The rule was deleted."),
    ("labels", "The labels were saved. They count for alerts that come from now on."),
];

fn read(form: &FormData) -> RuleInput {
    let text = |name: &str| form.get(name).to_owned();
    let all = |name: &str| form.all(name).map(ToOwned::to_owned).collect();
    RuleInput {
        name: text("name"),
        hosts: all("hosts"),
        components: all("components"),
        labels: text("labels"),
        severities: all("severities"),
        action: text("action"),
        delay: text("delay"),
        component_state: text("component_state"),
        title: text("title"),
        text: text("text"),
        quiet_for: text("quiet_for"),
        resolution: text("resolution"),
    }
}

/// Takes the forms of the pages below `/admin/alerts/rules`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let to = |done: &str| format!("/admin/alerts/rules?done={done}");
    let done = match rest {
        [] => {
            let text = |name: &str| form.get(name).to_owned();
            let labels = LabelsInput { cause: text("cause"), host: text("host"), component: text("component") };
            services.set_alert_labels(actor, version(form), &labels).await.map(|_| to("labels"))
        }
        ["new"] => services.add_alert_rule(actor, &read(form)).await.map(|_| to("added")),
        [rule] => {
            let rule: AlertRuleId = id(rule, "rule")?;
            match form.get("do") {
                "up" => services.move_alert_rule(actor, rule, Direction::Up).await.map(|_| to("")),
                "down" => services.move_alert_rule(actor, rule, Direction::Down).await.map(|_| to("")),
                "delete" => services.delete_alert_rule(actor, rule, version(form)).await.map(|()| to("deleted")),
                _ => services.edit_alert_rule(actor, rule, version(form), &read(form)).await.map(|_| to("saved")),
            }
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

fn back() -> (String, String) {
    ("Rules for alerts".to_owned(), "/admin/alerts/rules".to_owned())
}

/// `/admin/alerts/rules`
#[component]
pub fn Rules() -> impl IntoView {
    admin(
        |_| "Rules for alerts".to_owned(),
        |desk: Desk| async move { desk.services.alert_rules(&desk.actor).await },
        |desk, look| list(&desk, &look),
    )
}

fn list(desk: &Desk, look: &RulesLook) -> AnyView {
    let may = desk.may(Permission::Administer);
    let add = may.then(|| {
        view! { <ButtonLink href="/admin/alerts/rules/new" weight=Weight::Primary>"Add a rule"</ButtonLink> }
    });
    let table = if look.rules.is_empty() {
        view! {
            <EmptyState title="No rule yet"
                text="Each cause becomes a draft of an incident at once. When all of its alerts have been quiet for 5 minutes, a draft that nobody published is discarded, and a person is asked whether a published incident is over."/>
        }
        .into_any()
    } else {
        let mut columns = ["Rule", "For alerts", "What happens"].map(ColumnView::new).to_vec();
        if may {
            columns.push(ColumnView::unseen("Order"));
        }
        let rows = look.rules.iter().enumerate().map(|(n, rule)| row(look, rule, n, may)).collect();
        view! {
            <DataTable caption="Rules in their order" columns rows/>
            <p class="muted">"Where no rule matches, a draft is made at once and its resolution is proposed after 5 minutes of quiet."</p>
        }
        .into_any()
    };
    let labels = labels(look, may);
    view! {
        <PageHeader title="Rules for alerts" back=("Alerts".to_owned(), "/admin/alerts".to_owned())
            intro="The first rule that matches an alert says what becomes of its cause.">
            {add}
        </PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {table}
        {labels}
    }
    .into_any()
}

fn row(look: &RulesLook, rule: &Rule, n: usize, may: bool) -> Vec<AnyView> {
    let path = format!("/admin/alerts/rules/{}", rule.id);
    let name = links(vec![(rule.name.to_string(), path.clone())]);
    let mut cells = vec![
        view! { {name}<span class="sub">{format!("no. {}", n + 1)}</span> }.into_any(),
        view! { <span dir="auto">{matched(look, rule)}</span> }.into_any(),
        becomes(rule).into_any(),
    ];
    if may {
        let step = |label: &'static str, way: &'static str, can: bool| {
            let action =
                ActionView::post(label, path.clone(), &[("do", way)]).about(rule.name.to_string()).enabled(can);
            view! { <Action action small=true/> }
        };
        let (up, down) = (step("Up", "up", n > 0), step("Down", "down", n + 1 < look.rules.len()));
        cells.push(view! { <Actions>{up}{down}</Actions> }.into_any());
    }
    cells
}

/// What a rule is about, in words.
fn matched(look: &RulesLook, rule: &Rule) -> String {
    let when = &rule.when;
    let names = |names: Vec<String>| names.join(" or ");
    let gone = || "something that is gone".to_owned();
    let mut parts = Vec::new();
    if !when.components.is_empty() {
        let all = when.components.iter().map(|id| look.components.get(id).cloned().unwrap_or_else(gone)).collect();
        parts.push(format!("touching {}", names(all)));
    }
    if !when.hosts.is_empty() {
        let all = when.hosts.iter().map(|id| look.hosts.get(id).cloned().unwrap_or_else(gone)).collect();
        parts.push(format!("on {}, or what runs there", names(all)));
    }
    parts.extend(when.labels.iter().map(|(name, value)| format!("{name}={value}")));
    if !when.grades.is_empty() {
        parts.push(names(when.grades.iter().map(|grade| grade.as_str().to_owned()).collect()));
    }
    if parts.is_empty() { "all".to_owned() } else { parts.join("; ") }
}

/// What a rule does, in words.
fn becomes(rule: &Rule) -> String {
    let plan = &rule.then;
    let first = match plan.doing {
        Doing::Ignore => return "Ignored: kept, and no incident".to_owned(),
        Doing::Draft => "A draft at once".to_owned(),
        Doing::Publish if plan.delay.as_seconds() == 0 => "Published at once".to_owned(),
        Doing::Publish => format!("Published after {}, if it still fires", plan.delay),
    };
    let last = match plan.resolution {
        Resolution::Propose => "resolution proposed",
        Resolution::Post => "resolution posted",
    };
    format!("{first}; {last} after {} of quiet", plan.quiet_for.to_input())
}

fn labels(look: &RulesLook, may: bool) -> AnyView {
    let stored = |names: &[String]| names.join(", ");
    if !may {
        let line = |what: &str, names: &[String]| view! { <li>{format!("{what}: {}", stored(names))}</li> };
        let lines = (
            line("They name the cause", &look.labels.cause),
            line("They name the host", &look.labels.host),
            line("They name a component", &look.labels.component),
        );
        return view! { <Section id="labels" title="Labels"><Card><ul class="lines">{lines}</ul></Card></Section> }
            .into_any();
    }
    let form = Form::at("/admin/alerts/rules", "labels");
    let version = form.version(look.labels.version);
    let field = |name: &'static str, label: &'static str, hint: &'static str, names: &[String]| {
        view! {
            <Field name=name label=label hint=hint id=form.id(name) value=form.value(name, stored(names))
                error=form.error(name) after=form.stored_now(name, &stored(names))/>
        }
    };
    let fields = (
        field(
            "cause",
            "They name the cause",
            "Alerts in which all of these are the same have one cause. Empty: only the sender's groups and the hosts count.",
            &look.labels.cause,
        ),
        field(
            "host",
            "They name the host",
            "With or without port and domain; the first that names a host we know counts.",
            &look.labels.host,
        ),
        field("component", "They name a component", "By its name or by its part of addresses.", &look.labels.component),
    );
    let summary = form.summary(&[
        ("cause", "They name the cause"),
        ("host", "They name the host"),
        ("component", "They name a component"),
    ]);
    view! {
        <Section id="labels" title="Labels that mean something">
            {summary}
            <form class="form card" method="post" action="/admin/alerts/rules">
                <Hidden name="version" value=version/>
                {fields}
                <Actions><Button>"Save the labels"</Button></Actions>
            </form>
        </Section>
    }
    .into_any()
}

/// `/admin/alerts/rules/new`
#[component]
pub fn NewRule() -> impl IntoView {
    admin(
        |_| "Add a rule".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::Administer)?;
            desk.services.alert_rules(&desk.actor).await
        },
        |_, look| {
            let form = edit_form("/admin/alerts/rules/new", None, &RuleInput::default(), &look);
            view! {
                <PageHeader title="Add a rule" back=back()/>
                {Form::at("/admin/alerts/rules/new", "").summary(&LABELS)}
                {form}
            }
        },
    )
}

/// `/admin/alerts/rules/:id`
#[component]
pub fn RulePage() -> impl IntoView {
    let id = param::<AlertRuleId>("rule");
    admin(
        |(rule, _): &(Rule, RulesLook)| rule.name.to_string(),
        |desk: Desk| async move {
            let rule = desk.services.alert_rule(&desk.actor, id?).await?;
            Ok((rule, desk.services.alert_rules(&desk.actor).await?))
        },
        |desk, (rule, look)| one(&desk, &rule, &look),
    )
}

fn one(desk: &Desk, rule: &Rule, look: &RulesLook) -> AnyView {
    let path = format!("/admin/alerts/rules/{}", rule.id);
    if !desk.may(Permission::Administer) {
        let (when, then) = (matched(look, rule), becomes(rule));
        return view! {
            <PageHeader title=rule.name.to_string() back=back()/>
            <Card title="For alerts"><p dir="auto">{when}</p></Card>
            <Card title="What happens"><p>{then}</p></Card>
        }
        .into_any();
    }
    let came_back = Form::at(&path, "");
    let stored_now = came_back.is_stale().then(|| stored_now(rule, look));
    let form = edit_form(&path, Some(rule.version), &RuleInput::of(rule), look);
    let version = rule.version.to_string();
    let action = ActionView::post("Delete", path, &[("do", "delete"), ("version", &version)]);
    let action = action.weigh(Weight::Danger).about(rule.name.to_string());
    view! {
        <PageHeader title=rule.name.to_string() back=back()/>
        {came_back.summary(&LABELS)}
        {stored_now}
        {form}
        <Section id="end" title="Delete it">
            <Card>
                <p>"Causes that are there already go on as it said."</p>
                <Actions><Action action/></Actions>
            </Card>
        </Section>
    }
    .into_any()
}

/// What somebody else stored meanwhile, beside what was typed.
fn stored_now(rule: &Rule, look: &RulesLook) -> AnyView {
    let (when, then, stored) = (matched(look, rule), becomes(rule), RuleInput::of(rule));
    let state = service::alerts::STATES.into_iter().find(|state| state.as_str() == stored.component_state);
    let state = state.map_or_else(|| "By severity".to_owned(), |state| StateView::from(state).label);
    let fact = |label: &'static str, text: String| {
        (!text.is_empty()).then(|| view! { <Fact label=label><span dir="auto">{text}</span></Fact> })
    };
    view! {
        <Card title="What is stored now">
            <Facts>
                {fact("Name", stored.name)}
                {fact("For alerts", when)}
                {fact("What happens", then)}
                {fact("Components", state)}
                {fact("Title", stored.title)}
                {fact("Text", stored.text)}
            </Facts>
        </Card>
    }
    .into_any()
}

/// The form without its summary: what was typed is in it only if it is this form that came back.
fn edit_form(path: &str, version: Option<i64>, stored: &RuleInput, look: &RulesLook) -> AnyView {
    let form = Form::at(path, "");
    let form = form.only_if(!matches!(form.pressed(), "up" | "down" | "delete"));
    let group = |label: &str, name: &'static str, names: Vec<(String, String)>, stored: &[String]| {
        let mut names = names;
        names.sort();
        let options = names.into_iter().map(|(label, id)| {
            let chosen = form.chosen(name, &id, stored.contains(&id));
            OptionView::new(id, label).chosen(chosen)
        });
        OptionGroupView { label: label.to_owned(), name: name.to_owned(), options: options.collect() }
    };
    let components = look.components.iter().map(|(id, name)| (name.clone(), id.to_string())).collect();
    let hosts = look.hosts.iter().map(|(id, name)| (name.clone(), id.to_string())).collect();
    let groups = vec![
        group("Components", "components", components, &stored.components),
        group("Hosts", "hosts", hosts, &stored.hosts),
    ];
    let grades = Grade::ALL.map(|grade| {
        let word = grade.as_str();
        let checked = form.chosen("severities", word, stored.severities.iter().any(|known| known == word));
        view! { <Checkbox name="severities" value=word label=super::edit::capital(word) checked=checked/> }.into_any()
    });
    let grade_error = form.error("severities").map(|error| view! { <p class="error">{error}</p> });
    let actions = Doing::ALL.map(|doing| {
        let (label, hint) = match doing {
            Doing::Ignore => ("Ignore", "The alerts are kept, and nothing comes of them."),
            Doing::Draft => ("Draft an incident", "At once, for the team alone; a person publishes it."),
            Doing::Publish => {
                let hint = "After the delay, if something still fires then: subscribers are told. What touches no component of yours stays a draft: it would concern the whole site, so a person decides.";
                ("Draft and publish it", hint)
            }
        };
        let word = doing.as_str();
        OptionView::new(word, label).hint(hint).chosen(form.chosen("action", word, stored.action == word))
    });
    let endings = Resolution::ALL.map(|resolution| {
        let (label, hint) = match resolution {
            Resolution::Propose => ("Ask a person", "“All 37 alerts are over. Resolve?”"),
            Resolution::Post => ("Post the resolution", "Subscribers are told. A person is asked where more is out."),
        };
        let word = resolution.as_str();
        OptionView::new(word, label).hint(hint).chosen(form.chosen("resolution", word, stored.resolution == word))
    });
    let words = [("", "By severity: critical is a major outage, else degraded".to_owned())]
        .into_iter()
        .chain(service::alerts::STATES.map(|state| (state.as_str(), StateView::from(state).label)));
    let states = words
        .map(|(word, label)| {
            OptionView::new(word, label).chosen(form.chosen("component_state", word, stored.component_state == word))
        })
        .collect();
    let picker_error = form.error("hosts").or(form.error("components"));
    view! {
        <form class="form card" method="post" action=path.to_owned()>
            {version.map(|version| view! { <Hidden name="version" value=form.version(version)/> })}
            <Hidden name="do" value="save"/>
            <Field name="name" label="Name" required=true maxlength=120 value=form.value("name", stored.name.clone())
                error=form.error("name") after=form.stored_now("name", &stored.name)/>
            <Picker id="hosts" legend="Touching or on" groups error=picker_error
                hint="Nothing chosen: anything. A host counts with what runs on it."/>
            <TextArea name="labels" label="Labels" rows=3 hint="One a line, all must match: team=database. * at an end stands for anything: instance=web-*."
                value=form.value("labels", stored.labels.clone()) error=form.error("labels")/>
            <fieldset class="field" id="severities"><legend>"Severity"</legend>{grades}
                <p class="hint">"None ticked: all."</p>{grade_error}</fieldset>
            <Choices name="action" legend="What happens" options=actions.to_vec() error=form.error("action")/>
            <Field name="delay" label="Delay" hint="Before it is published: 0, 2 min, 10 min."
                value=form.value("delay", stored.delay.clone()) error=form.error("delay")/>
            <Select name="component_state" label="State of the components" options=states error=form.error("component_state")/>
            <Field name="title" label="Title of the incident" maxlength=120
                hint="{{components}} may stand in it. Empty: “Problems with {{components}}”."
                value=form.value("title", stored.title.clone()) error=form.error("title")/>
            <TextArea name="text" label="What customers read first" rows=4
                hint="Where the rule publishes. Markdown; {{components}} may stand in it. Empty: a sentence of ours."
                value=form.value("text", stored.text.clone()) error=form.error("text")/>
            <Field name="quiet_for" label="Quiet for" hint="So long all alerts must be over before it counts as over; what comes back earlier goes on."
                value=form.value("quiet_for", stored.quiet_for.clone()) error=form.error("quiet_for")/>
            <Choices name="resolution" legend="When it is over" options=endings.to_vec() error=form.error("resolution")/>
            <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
        </form>
    }
    .into_any()
}
