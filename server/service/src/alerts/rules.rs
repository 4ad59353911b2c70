//! Rules for alerts, and the labels that mean something, as people type them.

use crate::audit::Action;
use crate::conflicts::check_named;
use crate::inventory::{Direction, swap, unchanged};
use crate::maintenance::input::ids;
use crate::{Actor, Error, Fields, Services};
use domain::alert::Grade;
use domain::alert::place::{LabelNames, read_names};
use domain::alert::rule::{Doing, Plan, Resolution, Rule, When};
use domain::component::ComponentState;
use domain::gate::Scope;
use domain::ids::{AlertRuleId, ComponentId, HostId};
use domain::people::Permission;
use domain::template;
use domain::text::{Name, Prose, optional_line};
use domain::time::Span;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;

/// Most conditions on labels in one rule.
const LABELS: usize = 20;

/// A rule as it is typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleInput {
    /// For people.
    pub name: String,
    /// Ids of hosts; with what runs on them.
    pub hosts: Vec<String>,
    /// Ids of components.
    pub components: Vec<String>,
    /// `name=value`, one a line; `*` at an end of the value stands for anything.
    pub labels: String,
    /// `info`, `warning`, `critical`; none for all.
    pub severities: Vec<String>,
    /// `ignore`, `draft` or `publish`.
    pub action: String,
    /// How long it must last before it is published.
    pub delay: String,
    /// State of the components; empty where it follows from how bad the alerts are.
    pub component_state: String,
    /// Title of the incident; empty for ours.
    pub title: String,
    /// What customers read first; empty for ours.
    pub text: String,
    /// How long all must be quiet before it counts as over.
    pub quiet_for: String,
    /// `propose` or `post`.
    pub resolution: String,
}

/// The labels that mean something, as they are typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelsInput {
    /// They name the cause.
    pub cause: String,
    /// They name the host.
    pub host: String,
    /// They name a component.
    pub component: String,
}

/// The rules in their order, with the names of what they speak of.
#[derive(Clone, Debug)]
pub struct RulesLook {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The labels that mean something.
    pub labels: LabelNames,
    /// What hosts in use are called.
    pub hosts: BTreeMap<HostId, String>,
    /// What components in use are called.
    pub components: BTreeMap<ComponentId, String>,
}

impl Default for RuleInput {
    fn default() -> Self {
        let plan = Plan::default();
        Self {
            name: String::new(),
            hosts: Vec::new(),
            components: Vec::new(),
            labels: String::new(),
            severities: Vec::new(),
            action: plan.doing.as_str().to_owned(),
            delay: plan.delay.to_input(),
            component_state: String::new(),
            title: String::new(),
            text: String::new(),
            quiet_for: plan.quiet_for.to_input(),
            resolution: plan.resolution.as_str().to_owned(),
        }
    }
}

impl RuleInput {
    /// A stored rule as it would be typed.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let labels: Vec<String> = rule.when.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Self {
            name: rule.name.to_string(),
            hosts: rule.when.hosts.iter().map(ToString::to_string).collect(),
            components: rule.when.components.iter().map(ToString::to_string).collect(),
            labels: labels.join("\n"),
            severities: rule.when.grades.iter().map(|grade| grade.as_str().to_owned()).collect(),
            action: rule.then.doing.as_str().to_owned(),
            delay: rule.then.delay.to_input(),
            component_state: rule.then.component_state.map_or("", ComponentState::as_str).to_owned(),
            title: rule.then.title.clone(),
            text: rule.then.text.as_str().to_owned(),
            quiet_for: rule.then.quiet_for.to_input(),
            resolution: rule.then.resolution.as_str().to_owned(),
        }
    }

    async fn read(&self, tx: &mut Tx) -> Result<(Name, When, Plan), Error> {
        let mut fields = Fields::default();
        let scope = Scope {
            hosts: ids(&mut fields, "hosts", &self.hosts).into_iter().collect(),
            components: ids(&mut fields, "components", &self.components).into_iter().collect(),
        };
        check_named(tx, &mut fields, &scope).await?;
        let name = fields.take("name", Name::parse(&self.name));
        let labels = fields.take("labels", read_labels(&self.labels));
        let grades: Result<BTreeSet<Grade>, _> = self.severities.iter().map(|text| Grade::parse(text)).collect();
        let grades = fields.take("severities", grades);
        let doing = fields.take("action", Doing::parse(&self.action));
        let resolution = fields.take("resolution", Resolution::parse(&self.resolution));
        let delay = fields.take("delay", span(&self.delay));
        let quiet_for = fields.take("quiet_for", span(&self.quiet_for));
        let component_state = fields.take("component_state", read_state(&self.component_state));
        let title = fields.take("title", optional_line(&self.title, Name::MAX));
        if let Err(wrong) = template::check_title(&self.title) {
            fields.add("title", wrong.to_string());
        }
        let text = fields.take("text", Prose::parse(&self.text));
        if let Err(wrong) = template::check(&self.text) {
            fields.add("text", wrong.to_string());
        } else if template::check_title(&self.text).is_err() {
            fields.add("text", "The text of a rule can hold {{components}} and no other placeholder.");
        }
        let plan = (|| {
            let (doing, delay, component_state) = (doing?, delay?, component_state?);
            let (title, text, quiet_for, resolution) = (title?, text?, quiet_for?, resolution?);
            Some(Plan { doing, delay, component_state, title, text, quiet_for, resolution })
        })();
        match (name, labels, grades, plan) {
            (Some(name), Some(labels), Some(grades), Some(plan)) if fields.is_empty() => {
                let Scope { hosts, components } = scope;
                Ok((name, When { hosts, components, labels, grades }, plan))
            }
            _ => Err(fields.into_error()),
        }
    }
}

/// The states that a broken component can have.
pub const STATES: [ComponentState; 3] =
    [ComponentState::DegradedPerformance, ComponentState::PartialOutage, ComponentState::MajorOutage];

fn read_state(text: &str) -> Result<Option<ComponentState>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        word => STATES
            .into_iter()
            .find(|state| state.as_str() == word)
            .map(Some)
            .ok_or("Choose degraded_performance, partial_outage or major_outage, or leave it empty."),
    }
}

/// A length of time; none where the field is empty.
fn span(text: &str) -> Result<Span, String> {
    match text.trim() {
        "" | "0" => Ok(Span::seconds(0)),
        text => Span::parse(text).map_err(|e| e.to_string()),
    }
}

fn read_labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut labels = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let pair = line.split_once('=').map(|(name, value)| (name.trim(), value.trim().trim_matches('"')));
        let Some((name, value)) = pair.filter(|(name, value)| !name.is_empty() && !value.is_empty()) else {
            let line: String = line.chars().take(40).collect();
            return Err(format!("“{line}” is no label with its value. Write one a line, like team=database."));
        };
        labels.insert(name.chars().take(100).collect(), value.chars().take(1000).collect());
    }
    if labels.len() > LABELS { Err(format!("These are too many: at most {LABELS} labels.")) } else { Ok(labels) }
}

fn action(verb: &'static str, rule: &Rule) -> Action<'static> {
    Action { verb, object: "alert_rule", id: rule.id.to_string(), name: rule.name.to_string() }
}

async fn find(tx: &mut Tx, id: AlertRuleId) -> Result<Rule, Error> {
    tx.alert_rules().await?.into_iter().find(|rule| rule.id == id).ok_or(Error::NotFound("rule"))
}

impl Services {
    /// All rules in their order.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn alert_rules(&self, actor: &Actor) -> Result<RulesLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        Ok(RulesLook {
            rules: tx.alert_rules().await?,
            labels: tx.alert_labels().await?,
            hosts: tx.hosts(false).await?.into_iter().map(|host| (host.id, host.name.to_string())).collect(),
            components: tx.components(false).await?.into_iter().map(|c| (c.id, c.name.to_string())).collect(),
        })
    }

    /// One rule.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn alert_rule(&self, actor: &Actor, id: AlertRuleId) -> Result<Rule, Error> {
        actor.require(Permission::View)?;
        find(&mut self.db.read().await?, id).await
    }

    /// Adds a rule after all others. Causes that are there already go on by the rule they began with.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn add_alert_rule(&self, actor: &Actor, input: &RuleInput) -> Result<Rule, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (name, when, then) = input.read(&mut tx).await?;
        let last = tx.alert_rules().await?.last().map_or(0, |rule| rule.position);
        let rule = Rule { id: self.new_id(), name, position: last + 1, when, then, version: 1 };
        tx.insert_alert_rule(&rule).await?;
        tx.add_audit(&self.audit(actor, action("alert_rule.add", &rule), None, Some(&rule))).await?;
        tx.commit().await?;
        Ok(rule)
    }

    /// Changes a rule.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_alert_rule(
        &self,
        actor: &Actor,
        id: AlertRuleId,
        version: i64,
        input: &RuleInput,
    ) -> Result<Rule, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let before = find(&mut tx, id).await?;
        unchanged("rule", before.version, version)?;
        let (name, when, then) = input.read(&mut tx).await?;
        let mut after = Rule { name, when, then, ..before.clone() };
        if after == before {
            return Ok(after);
        }
        tx.update_alert_rule(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action("alert_rule.edit", &after), Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Moves a rule by one place.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn move_alert_rule(&self, actor: &Actor, id: AlertRuleId, to: Direction) -> Result<Rule, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let rules = tx.alert_rules().await?;
        let before = rules.iter().find(|rule| rule.id == id).cloned().ok_or(Error::NotFound("rule"))?;
        let mut order: Vec<(AlertRuleId, i64)> = rules.iter().map(|rule| (rule.id, rule.position)).collect();
        if !swap(&mut order, id, to) {
            return Ok(before);
        }
        let mut moved = before.clone();
        for ((id, _), position) in order.into_iter().zip(1..) {
            if let Some(rule) = rules.iter().find(|rule| rule.id == id && rule.position != position) {
                let mut after = Rule { position, ..rule.clone() };
                tx.update_alert_rule(&after).await?;
                after.version += 1;
                if id == before.id {
                    moved = after;
                }
            }
        }
        tx.add_audit(&self.audit(actor, action("alert_rule.move", &moved), Some(&before), Some(&moved))).await?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn delete_alert_rule(&self, actor: &Actor, id: AlertRuleId, version: i64) -> Result<(), Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let rule = find(&mut tx, id).await?;
        unchanged("rule", rule.version, version)?;
        tx.delete_alert_rule(id).await?;
        tx.add_audit(&self.audit(actor, action("alert_rule.delete", &rule), Some(&rule), None)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Says which labels mean something. Alerts that came already stay where they are.
    ///
    /// # Errors
    /// Not allowed, stale, wrong fields, or the database does not answer.
    pub async fn set_alert_labels(
        &self,
        actor: &Actor,
        version: i64,
        input: &LabelsInput,
    ) -> Result<LabelNames, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let before = tx.alert_labels().await?;
        unchanged("labels", before.version, version)?;
        let mut fields = Fields::default();
        let cause = fields.take("cause", read_names(&input.cause));
        let host = fields.take("host", read_names(&input.host));
        let component = fields.take("component", read_names(&input.component));
        let (Some(cause), Some(host), Some(component)) = (cause, host, component) else {
            return Err(fields.into_error());
        };
        let mut after = LabelNames { cause, host, component, version: before.version };
        if after == before {
            return Ok(after);
        }
        tx.update_alert_labels(&after).await?;
        after.version += 1;
        let name = "Labels of alerts".to_owned();
        let action = Action { verb: "alert_labels.edit", object: "alert_labels", id: "1".to_owned(), name };
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }
}
