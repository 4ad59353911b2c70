//! What becomes of alerts: rules in order, the first that matches counts.

use super::Grade;
use crate::component::ComponentState;
use crate::ids::{AlertRuleId, ComponentId, HostId};
use crate::template;
use crate::text::{Name, Prose};
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// What a rule does with a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// Its alerts are kept and belong to no cause.
    Ignore,
    /// An incident is drafted; a person publishes it.
    Draft,
    /// The draft is published after a delay, if something still fires then.
    Publish,
}

/// What happens when all alerts of a cause are over and have been quiet for long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// A person is asked.
    Propose,
    /// It is posted.
    Post,
}

/// A word that is none of those asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose {0}.")]
pub struct UnknownWord(&'static str);

impl Doing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ignore, Self::Draft, Self::Publish];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Draft => "draft",
            Self::Publish => "publish",
        }
    }

    /// The one of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownWord> {
        let all = Self::ALL.into_iter();
        all.clone().find(|known| known.as_str() == text.trim()).ok_or(UnknownWord("ignore, draft or publish"))
    }
}

impl Resolution {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Propose, Self::Post];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Post => "post",
        }
    }

    /// The one of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|known| known.as_str() == text.trim()).ok_or(UnknownWord("propose or post"))
    }
}

/// Which alerts a rule is about; what is empty asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// On one of these hosts, or on what runs on them.
    pub hosts: BTreeSet<HostId>,
    /// Touching one of these components.
    pub components: BTreeSet<ComponentId>,
    /// With all of these labels; `*` at an end stands for anything.
    pub labels: BTreeMap<String, String>,
    /// As bad as one of these.
    pub grades: BTreeSet<Grade>,
}

/// What becomes of a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What is done.
    pub doing: Doing,
    /// How long it must last before it is published.
    pub delay: Span,
    /// The state of the components; where empty, it follows from how bad the alerts are.
    pub component_state: Option<ComponentState>,
    /// Title of the incident; `{{components}}` may stand in it, empty for ours.
    pub title: String,
    /// What customers read first, where the rule publishes; `{{components}}` may stand in it, empty for ours.
    pub text: Prose,
    /// How long all must be quiet before it counts as over; what comes back earlier goes on.
    pub quiet_for: Span,
    /// What happens then.
    pub resolution: Resolution,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Identity.
    pub id: AlertRuleId,
    /// For people.
    pub name: Name,
    /// Its place in the order.
    pub position: i64,
    /// What it is about.
    pub when: When,
    /// What it does.
    pub then: Plan,
    /// Counts edits.
    pub version: i64,
}

/// The place of what no rule matches: after all of them.
pub const LAST: i64 = i64::MAX;

impl Default for Plan {
    fn default() -> Self {
        Self {
            doing: Doing::Draft,
            delay: Span::seconds(0),
            component_state: None,
            title: String::new(),
            text: Prose::default(),
            quiet_for: Span::minutes(5),
            resolution: Resolution::Propose,
        }
    }
}

/// An alert as rules see it.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Its host and what that runs on.
    pub hosts: &'a BTreeSet<HostId>,
    /// The components it touches.
    pub components: &'a BTreeSet<ComponentId>,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
    /// How bad it is.
    pub grade: Grade,
}

impl When {
    /// Whether an alert is meant.
    #[must_use]
    pub fn is_met(&self, of: &Subject<'_>) -> bool {
        let labels =
            self.labels.iter().all(|(name, wanted)| of.labels.get(name).is_some_and(|value| like(wanted, value)));
        (self.hosts.is_empty() || !self.hosts.is_disjoint(of.hosts))
            && (self.components.is_empty() || !self.components.is_disjoint(of.components))
            && (self.grades.is_empty() || self.grades.contains(&of.grade))
            && labels
    }
}

/// `vm*` is like `vm3`.
fn like(wanted: &str, value: &str) -> bool {
    match (wanted.strip_prefix('*'), wanted.strip_suffix('*')) {
        (Some(_), _) if wanted == "*" => true,
        (Some(rest), Some(_)) => value.contains(rest.strip_suffix('*').unwrap_or_default()),
        (Some(end), None) => value.ends_with(end),
        (None, Some(start)) => value.starts_with(start),
        (None, None) => wanted == value,
    }
}

/// The first rule that matches.
#[must_use]
pub fn first<'a>(rules: &'a [Rule], of: &Subject<'_>) -> Option<&'a Rule> {
    rules.iter().filter(|rule| rule.when.is_met(of)).min_by_key(|rule| (rule.position, rule.id))
}

/// The state of a component by how bad an alert is, where no rule says.
#[must_use]
pub const fn state_by(grade: Grade) -> ComponentState {
    match grade {
        Grade::Critical => ComponentState::MajorOutage,
        Grade::Warning | Grade::Info => ComponentState::DegradedPerformance,
    }
}

impl Plan {
    /// Title of the incident. What a monitoring system calls it is not for customers: only where nothing that they know
    /// by name is touched and a person looks at it first, it is the beginning.
    #[must_use]
    pub fn incident_title(&self, components: &[String], alert: &Name) -> Name {
        let wanted = if self.title.is_empty() { "Problems with {{components}}" } else { &self.title };
        if self.title.is_empty() && components.is_empty() && self.doing != Doing::Publish {
            return alert.clone();
        }
        let otherwise = if self.doing == Doing::Publish { "Problems with our services" } else { alert.as_str() };
        Name::nearest(&template::with_components(wanted, &few(components)), otherwise)
    }

    /// What customers read first.
    #[must_use]
    pub fn first_text(&self, components: &[String]) -> Prose {
        let own = "We have noticed problems with {{components}} and are looking into them.";
        let wanted = if self.text.as_str().is_empty() { own } else { self.text.as_str() };
        Prose::parse(&template::prose_with_components(wanted, &few(components))).unwrap_or_default()
    }

    /// What customers read when more is affected, or something is worse, than they know.
    #[must_use]
    pub fn worse_text(components: &[String]) -> Prose {
        let own = "We have noticed further problems with {{components}} and are looking into them.";
        Prose::parse(&template::prose_with_components(own, &few(components))).unwrap_or_default()
    }

    /// What customers read when it is over.
    #[must_use]
    pub fn last_text(components: &[String]) -> Prose {
        let own = "The problems with {{components}} are over.";
        Prose::parse(&template::prose_with_components(own, &few(components))).unwrap_or_default()
    }
}

/// Some of many names.
fn few(names: &[String]) -> Vec<String> {
    const SHOWN: usize = 3;
    if names.len() <= SHOWN + 1 {
        return names.to_vec();
    }
    names.iter().take(SHOWN).cloned().chain([format!("{} more", names.len() - SHOWN)]).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use uuid::Uuid;

    fn rule(n: i64, when: When) -> Rule {
        Rule {
            id: AlertRuleId(Uuid::from_u128(u128::from(n.unsigned_abs()))),
            name: Name::parse("r").unwrap(),
            position: n,
            when,
            then: Plan::default(),
            version: 1,
        }
    }

    #[test]
    fn the_first_rule_whose_conditions_all_hold_counts() {
        let (vm3, web) = (HostId(Uuid::from_u128(3)), HostId(Uuid::from_u128(4)));
        let labels: BTreeMap<String, String> = [("team".to_owned(), "db-eu".to_owned())].into();
        let hosts = BTreeSet::from([vm3, web]);
        let none = BTreeSet::new();
        let subject = Subject { hosts: &hosts, components: &none, labels: &labels, grade: Grade::Warning };
        let label = |value: &str| When { labels: [("team".to_owned(), value.to_owned())].into(), ..When::default() };
        let rules = vec![
            rule(5, When::default()),
            rule(1, When { grades: BTreeSet::from([Grade::Critical]), ..When::default() }),
            rule(2, When { hosts: BTreeSet::from([vm3]), grades: BTreeSet::from([Grade::Info]), ..When::default() }),
            rule(3, When { hosts: BTreeSet::from([vm3]), ..label("db*") }),
            rule(4, label("*eu")),
        ];
        assert_eq!(first(&rules, &subject).unwrap().position, 3);
        assert_eq!(first(&rules[4..], &subject).unwrap().position, 4);
        assert!(first(&rules[1..3], &subject).is_none());
        for (wanted, value, is) in [("*", "", true), ("*b-*", "db-eu", true), ("db", "db-eu", false), ("**", "x", true)]
        {
            assert_eq!(like(wanted, value), is, "{wanted} {value}");
        }
    }

    #[test]
    fn customers_read_names_they_know_and_none_of_the_monitoring_system() {
        let plan = Plan::default();
        let alert = Name::parse("InstanceDown vm3:9100").unwrap();
        let names: Vec<String> = (1..=6).map(|n| format!("Cluster {n}")).collect();
        assert_eq!(plan.incident_title(&names[..1], &alert).as_str(), "Problems with Cluster 1");
        assert_eq!(
            plan.incident_title(&names, &alert).as_str(),
            "Problems with Cluster 1, Cluster 2, Cluster 3 and 3 more"
        );
        assert_eq!(plan.incident_title(&[], &alert), alert, "a draft begins with the alert");
        let publish = Plan { doing: Doing::Publish, ..plan };
        assert_eq!(publish.incident_title(&[], &alert).as_str(), "Problems with our services");
        let nothing = Plan { title: "\u{7}".to_owned(), ..publish.clone() };
        assert_eq!(nothing.incident_title(&names, &alert).as_str(), "Problems with our services");
        assert!(publish.first_text(&["A_b".to_owned()]).as_str().contains("A\\_b"), "a name is never Markdown");
        let own = Plan { title: "{{components}} away".to_owned(), text: Prose::parse("Sorry.").unwrap(), ..publish };
        assert_eq!(own.incident_title(&names[..2], &alert).as_str(), "Cluster 1 and Cluster 2 away");
        assert_eq!(own.first_text(&names).as_str(), "Sorry.");
    }
}
