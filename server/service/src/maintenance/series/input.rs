//! What people type and machines send to set up a series, read into domain types.

use crate::error::{Error, Fields};
use crate::maintenance::input::{DEFAULT_WAIT, checklist, chosen, local_text, reminders, title};
use chrono::NaiveDate;
use domain::maintenance::{Fold, MAX_LENGTH, Reminders};
use domain::series::{Gap, Pattern, Rule, RuleError, Series, Timing, Until, is_length, weekday_code, weekday_of};
use domain::template;
use domain::text::{Name, Prose};
use domain::time::{Span, ZoneRules, parse_local};
use serde::{Deserialize, Serialize};

/// A series as it was typed. What is missing is left as it is stored; a new one needs title, zone,
/// start, length and the rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesInput {
    /// One line: what will be done.
    pub title: Option<String>,
    /// Markdown: what customers read.
    pub message: Option<String>,
    /// Ids of hosts named.
    pub hosts: Option<Vec<String>>,
    /// Ids of components named.
    pub components: Option<Vec<String>>,
    /// IANA name of the zone.
    pub zone: Option<String>,
    /// First local start: `2026-12-01T02:00`. The rule counts from its date.
    pub start: Option<String>,
    /// How long each window lasts: `2 h`.
    pub length: Option<String>,
    /// `FREQ=WEEKLY;BYDAY=TU`
    pub rule: Option<String>,
    /// The same as a form says it; goes before `rule`.
    #[serde(skip)]
    pub repeats: Option<Repeats>,
    /// `skip` or `move`: a start that does not exist.
    pub gap: Option<String>,
    /// `earlier` or `later`: a start that exists twice.
    pub fold: Option<String>,
    /// How long after its end a window may still last if its start is held: `4 h`.
    pub may_wait: Option<String>,
    /// Windows start by themselves.
    pub auto_start: Option<bool>,
    /// Windows complete by themselves.
    pub auto_complete: Option<bool>,
    /// What is to be checked before a window is completed, line by line.
    pub checklist: Option<Vec<String>>,
    /// `default`, `none`, or lead times: `72 h, 24 h, 1 h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminders: Option<String>,
    /// Why it goes ahead in spite of what a freeze or a redundancy group warns of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicts_why: Option<String>,
}

/// How work repeats, as a form says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    /// `daily`, `weekly`, `weekday`, `monthday` or `rule`.
    pub kind: String,
    /// Every how many days, weeks or months.
    pub every: String,
    /// Weekdays of a week: `TU`.
    pub days: Vec<String>,
    /// Which of the month: `1` to `5`, or `-1`.
    pub nth: String,
    /// Weekday of the month: `TU`.
    pub weekday: String,
    /// Day of the month: `1` to `31`, or `-1`.
    pub month_day: String,
    /// `never`, `count` or `date`.
    pub ends: String,
    /// How many times.
    pub count: String,
    /// The last date: `2026-12-31`.
    pub until: String,
    /// The rule itself.
    pub rule: String,
}

/// A stored series as it is typed, to fill in a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedSeries {
    /// Zone name.
    pub zone: String,
    /// First local start.
    pub start: String,
    /// Length of each window.
    pub length: String,
    /// How long a held window waits.
    pub may_wait: String,
    /// How it repeats.
    pub repeats: Repeats,
    /// `skip` or `move`.
    pub gap: &'static str,
    /// `earlier` or `later`.
    pub fold: &'static str,
}

impl TypedSeries {
    /// For a new series in this zone.
    #[must_use]
    pub fn new(zone: String) -> Self {
        Self {
            zone,
            length: "2 h".to_owned(),
            may_wait: DEFAULT_WAIT.to_input(),
            repeats: Repeats {
                kind: "weekly".to_owned(),
                every: "1".to_owned(),
                nth: "1".to_owned(),
                weekday: "TU".to_owned(),
                month_day: "1".to_owned(),
                ends: "never".to_owned(),
                ..Repeats::default()
            },
            gap: "move",
            fold: "earlier",
            ..Self::default()
        }
    }

    /// The text that reads back to this series.
    #[must_use]
    pub fn of(timing: &Timing) -> Self {
        let rule = &timing.rule;
        let mut typed = Self::new(timing.zone.clone());
        let repeats = &mut typed.repeats;
        repeats.every = rule.every().to_string();
        repeats.rule = rule.to_string();
        let code = |day| weekday_code(day).to_owned();
        match rule.pattern() {
            Pattern::Daily => "daily".clone_into(&mut repeats.kind),
            Pattern::Weekly(days) => repeats.days = days.iter().copied().map(code).collect(),
            Pattern::NthWeekday(days) => match days.as_slice() {
                [(n, day)] => {
                    "weekday".clone_into(&mut repeats.kind);
                    (repeats.nth, repeats.weekday) = (n.to_string(), code(*day));
                }
                _ => "rule".clone_into(&mut repeats.kind),
            },
            Pattern::MonthDay(days) => match days.as_slice() {
                [day] => {
                    "monthday".clone_into(&mut repeats.kind);
                    repeats.month_day = day.to_string();
                }
                _ => "rule".clone_into(&mut repeats.kind),
            },
        }
        match rule.until() {
            Until::Ended => {}
            Until::Count(count) => {
                "count".clone_into(&mut repeats.ends);
                repeats.count = count.to_string();
            }
            Until::Date(date) => {
                "date".clone_into(&mut repeats.ends);
                repeats.until = date.to_string();
            }
        }
        typed.start = local_text(timing.start);
        typed.length = timing.length.to_input();
        typed.may_wait = timing.may_wait.to_input();
        typed.gap = if timing.gap == Gap::Skip { "skip" } else { "move" };
        typed.fold = crate::maintenance::input::fold_name(timing.fold);
        typed
    }
}

/// What a series is made of, without what only storage gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) title: Name,
    pub(super) message: Prose,
    pub(super) hosts: Vec<domain::ids::HostId>,
    pub(super) components: Vec<domain::ids::ComponentId>,
    pub(super) timing: Timing,
    pub(super) auto_start: bool,
    pub(super) auto_complete: bool,
    pub(super) checklist: Vec<Name>,
    pub(super) reminders: Reminders,
}

/// The field of the form that a refused rule is about.
const fn field_of(error: &RuleError) -> &'static str {
    match error {
        RuleError::Every => "every",
        RuleError::NoDays | RuleError::Day(_) => "days",
        RuleError::Number => "nth",
        RuleError::MonthDay => "month_day",
        RuleError::Count => "count",
        RuleError::Until => "until",
        _ => "rule",
    }
}

impl Repeats {
    /// The rule that was put together, or written.
    fn read(&self, fields: &mut Fields, start: NaiveDate) -> Option<Rule> {
        if self.kind == "rule" {
            return fields.take("rule", Rule::parse(&self.rule, start));
        }
        let number = |text: &str| text.trim().parse::<u32>().unwrap_or_default();
        let until = match self.ends.as_str() {
            "count" => Until::Count(number(&self.count)),
            "date" => match NaiveDate::parse_from_str(self.until.trim(), "%Y-%m-%d") {
                Ok(date) => Until::Date(date),
                Err(_) => {
                    fields.add("until", "Write the last date like 2026-12-31.");
                    return None;
                }
            },
            _ => Until::Ended,
        };
        let small = |text: &str| text.trim().parse::<i8>().unwrap_or_default();
        let pattern = match self.kind.as_str() {
            "daily" => Pattern::Daily,
            "weekly" => Pattern::Weekly(self.days.iter().filter_map(|day| weekday_of(day)).collect()),
            "weekday" => {
                Pattern::NthWeekday(weekday_of(&self.weekday).map(|day| (small(&self.nth), day)).into_iter().collect())
            }
            "monthday" => Pattern::MonthDay(vec![small(&self.month_day)]),
            _ => {
                fields.add("repeat", "Choose how the work repeats.");
                return None;
            }
        };
        let rule = match Rule::new(number(&self.every), pattern, until) {
            Ok(rule) => rule,
            Err(error) => {
                fields.add(field_of(&error), error.to_string());
                return None;
            }
        };
        if rule.dates(start).next().is_none() {
            let field = if matches!(until, Until::Date(_)) { "until" } else { "repeat" };
            fields.add(field, RuleError::Never.to_string());
            return None;
        }
        Some(rule)
    }
}

impl SeriesInput {
    /// When the windows are, over what is stored.
    pub(super) fn timing(&self, fields: &mut Fields, rules: &dyn ZoneRules, stored: Option<&Timing>) -> Option<Timing> {
        let typed = |text: &Option<String>| text.as_deref().map(str::trim).map(ToOwned::to_owned);
        let zone = match (typed(&self.zone), stored) {
            (None, Some(stored)) => Some(stored.zone.clone()),
            (text, _) => {
                let name = text.unwrap_or_default();
                fields.take("zone", rules.canonical(&name).ok_or(domain::time::UnknownZone(name)))
            }
        };
        let start = match (typed(&self.start), stored) {
            (None, Some(stored)) => Some(stored.start),
            (text, _) => fields.take("start", parse_local(&text.unwrap_or_default())),
        };
        let length = match (typed(&self.length), stored) {
            (None, Some(stored)) => Some(stored.length),
            (text, _) => fields.take("length", Span::parse(&text.unwrap_or_default())).filter(|length| {
                let fits = is_length(*length);
                if !fits {
                    fields.add("length", format!("Choose a length from 1 min to {MAX_LENGTH}."));
                }
                fits
            }),
        };
        let may_wait = match (typed(&self.may_wait).as_deref(), stored) {
            (None, Some(stored)) => Some(stored.may_wait),
            (None, None) => Some(DEFAULT_WAIT),
            (Some("" | "0"), _) => Some(Span::default()),
            (Some(text), _) => fields.take("may_wait", Span::parse(text)).filter(|wait| {
                let fits = *wait <= MAX_LENGTH;
                if !fits {
                    fields.add("may_wait", format!("At most {MAX_LENGTH}."));
                }
                fits
            }),
        };
        let gap = match (typed(&self.gap).as_deref(), stored) {
            (None, Some(stored)) => Some(stored.gap),
            (None | Some("" | "move"), _) => Some(Gap::Move),
            (Some("skip"), _) => Some(Gap::Skip),
            _ => {
                fields.add("gap", "Choose skip or move.");
                None
            }
        };
        let fold = match (typed(&self.fold).as_deref(), stored) {
            (None, Some(stored)) => Some(stored.fold),
            (None | Some("" | "earlier"), _) => Some(Fold::Earlier),
            (Some("later"), _) => Some(Fold::Later),
            _ => {
                fields.add("fold", "Choose earlier or later.");
                None
            }
        };
        let day = start.map(|start| start.date());
        let rule = match (&self.repeats, &self.rule, stored) {
            (Some(repeats), _, _) => day.and_then(|day| repeats.read(fields, day)),
            (None, None, Some(stored)) => Some(stored.rule.clone()),
            (None, text, _) => {
                let text = text.as_deref().unwrap_or_default();
                day.and_then(|day| fields.take("rule", Rule::parse(text, day)))
            }
        };
        Some(Timing {
            zone: zone?,
            start: start?,
            length: length?,
            may_wait: may_wait?,
            rule: rule?,
            gap: gap?,
            fold: fold?,
        })
    }

    /// Reads everything, over what is stored where there is something.
    ///
    /// # Errors
    /// All wrong fields.
    pub(super) fn read(
        &self,
        rules: &dyn ZoneRules,
        stored: Option<&Series>,
        now: domain::time::Instant,
    ) -> Result<Content, Error> {
        let mut fields = Fields::default();
        let title = title(&mut fields, self.title.as_deref(), stored.map(|s| &s.title));
        let message = match (&self.message, stored) {
            (None, Some(s)) => Some(s.message.clone()),
            (text, _) => {
                // A series has no reason of its own: what asks for one is wrong in the message itself.
                let text = template::with_reason(text.as_deref().unwrap_or_default(), "");
                fields.take("message", text).and_then(|text| fields.take("message", Prose::parse(&text)))
            }
        };
        let hosts = chosen(&mut fields, "hosts", self.hosts.as_deref(), stored.map(|s| &s.hosts));
        let components = chosen(&mut fields, "components", self.components.as_deref(), stored.map(|s| &s.components));
        let checklist = checklist(&mut fields, self.checklist.as_deref(), stored.map(|s| s.checklist.clone()));
        let reminders = reminders(&mut fields, self.reminders.as_deref(), stored.map(|s| &s.reminders));
        let timing = self.timing(&mut fields, rules, stored.map(|s| &s.timing));
        if let Some(timing) = &timing
            && fields.is_empty()
        {
            match timing.overlaps(rules, now) {
                Ok(false) => {}
                Ok(true) => fields.add("length", "Each window would still last when the next one begins."),
                Err(error) => fields.add("zone", error.to_string()),
            }
            if stored.is_none() && timing.wanted(rules, now, None).is_ok_and(|wanted| wanted.is_empty()) {
                fields.add("start", "All its dates have passed. Choose a later start.");
            }
        }
        match (title, message, timing) {
            (Some(title), Some(message), Some(timing)) if fields.is_empty() => Ok(Content {
                title,
                message,
                hosts,
                components,
                timing,
                auto_start: self.auto_start.or(stored.map(|s| s.auto_start)).unwrap_or(true),
                auto_complete: self.auto_complete.or(stored.map(|s| s.auto_complete)).unwrap_or(false),
                checklist,
                reminders,
            }),
            _ => Err(fields.into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::zones::SystemZones;

    fn typed(start: &str, rule: &str) -> SeriesInput {
        SeriesInput {
            title: Some("Updates".to_owned()),
            zone: Some("Europe/Berlin".to_owned()),
            start: Some(start.to_owned()),
            length: Some("2 h".to_owned()),
            rule: Some(rule.to_owned()),
            ..SeriesInput::default()
        }
    }

    fn now() -> domain::time::Instant {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    fn errors(input: &SeriesInput) -> Vec<(&'static str, String)> {
        match input.read(&SystemZones::newest(), None, now()) {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| (f.field, f.message)).collect(),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn what_a_form_says_reads_back_from_what_is_stored() {
        for rule in [
            "FREQ=DAILY;INTERVAL=3;COUNT=40",
            "FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20270630",
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1SU",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "FREQ=MONTHLY;BYDAY=1TU,3TU",
        ] {
            let input = typed("2026-12-01T02:30", rule);
            let content = input.read(&SystemZones::newest(), None, now()).unwrap();
            let back = TypedSeries::of(&content.timing);
            let again = SeriesInput {
                rule: None,
                repeats: Some(back.repeats),
                start: Some(back.start),
                length: Some(back.length),
                may_wait: Some(back.may_wait),
                gap: Some(back.gap.to_owned()),
                fold: Some(back.fold.to_owned()),
                ..input
            };
            assert_eq!(again.read(&SystemZones::newest(), None, now()).unwrap(), content, "{rule}");
        }
    }

    #[test]
    fn all_wrong_fields_are_told_at_once() {
        let input = SeriesInput {
            title: Some(" ".to_owned()),
            zone: Some("Mars/Olympus".to_owned()),
            length: Some("2".to_owned()),
            gap: Some("jump".to_owned()),
            fold: Some("both".to_owned()),
            may_wait: Some("15 d".to_owned()),
            ..typed("2026-12-01T02:30", "FREQ=WEEKLY;BYHOUR=3")
        };
        let fields: Vec<&str> = errors(&input).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["title", "zone", "length", "may_wait", "gap", "fold", "rule"]);
        let long = SeriesInput { length: Some("24 h".to_owned()), ..typed("2026-12-01T02:30", "FREQ=DAILY") };
        assert!(errors(&long)[0].1.contains("when the next one begins"));
        let past = errors(&typed("2026-11-01T02:30", "FREQ=DAILY;COUNT=3"));
        assert_eq!(past[0].0, "start");
        let form = |repeats| SeriesInput { repeats: Some(repeats), ..typed("2026-12-01T02:30", "") };
        let base = || TypedSeries::new("Europe/Berlin".to_owned()).repeats;
        for (repeats, field) in [
            (base(), "days"),
            (Repeats { kind: "daily".to_owned(), every: "0".to_owned(), ..base() }, "every"),
            (Repeats { kind: "weekday".to_owned(), nth: "7".to_owned(), ..base() }, "nth"),
            (Repeats { kind: "monthday".to_owned(), month_day: "40".to_owned(), ..base() }, "month_day"),
            (Repeats { kind: "daily".to_owned(), ends: "count".to_owned(), ..base() }, "count"),
            (Repeats { kind: "daily".to_owned(), ends: "date".to_owned(), ..base() }, "until"),
            (Repeats { kind: "hourly".to_owned(), ..base() }, "repeat"),
            (Repeats { kind: "rule".to_owned(), rule: "FREQ=YEARLY".to_owned(), ..base() }, "rule"),
        ] {
            assert_eq!(errors(&form(repeats))[0].0, field);
        }
    }
}
