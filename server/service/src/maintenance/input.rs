//! What people type and machines send to plan a window, read into domain types.

use crate::error::{Error, FieldError, Fields};
use chrono::NaiveDateTime;
use domain::gate::Scope;
use domain::maintenance::transition::Edit;
use domain::maintenance::{
    Fold, FoldChoice, Maintenance, Moment, PlanError, PlanField, Planned, Reminders, read_checklist,
};
use domain::template::{self, TemplateError};
use domain::text::{Name, Prose};
use domain::time::{Instant, Span, Stretch, TimeText, ZoneRules, format_range, parse_local};
use serde::{Deserialize, Serialize};

/// A window as it was typed. What is missing is left as it is stored; a new window needs all but
/// the folds, `may_wait` and the switches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceInput {
    /// One line: what will be done.
    pub title: Option<String>,
    /// Markdown: what customers read.
    pub message: Option<String>,
    /// Ids of hosts named.
    pub hosts: Option<Vec<String>>,
    /// Ids of components named.
    pub components: Option<Vec<String>>,
    /// IANA name of the zone of `start` and `end`.
    pub zone: Option<String>,
    /// Local start: `2014-05-15T20:00`.
    pub start: Option<String>,
    /// `earlier` or `later`, where the start exists twice.
    pub start_fold: Option<String>,
    /// Local end.
    pub end: Option<String>,
    /// `earlier` or `later`, where the end exists twice.
    pub end_fold: Option<String>,
    /// How long after the end the work may still last if its start is held: `4 h`.
    pub may_wait: Option<String>,
    /// Starts by itself.
    pub auto_start: Option<bool>,
    /// Completes by itself.
    pub auto_complete: Option<bool>,
    /// What is to be checked before it is completed, line by line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checklist: Option<Vec<String>>,
    /// `default`, `none`, or lead times: `72 h, 24 h, 1 h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminders: Option<String>,
    /// Stands in the message where it has `{{reason}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it goes ahead in spite of what a freeze or a redundancy group warns of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts_why: Option<String>,
}

/// What customers are to read of a step, as it was typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words<'a> {
    /// Markdown, may hold placeholders; may be empty.
    pub text: &'a str,
    /// Stands where the text has `{{reason}}`.
    pub reason: &'a str,
}

impl<'a> From<&'a str> for Words<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, reason: "" }
    }
}

impl<'a> From<&'a String> for Words<'a> {
    fn from(text: &'a String) -> Self {
        Self { text, reason: "" }
    }
}

impl Words<'_> {
    /// As it is stored: with its reason, and with placeholders that are resolved for each reader.
    ///
    /// # Errors
    /// At `body` or `reason`.
    pub fn read(self) -> Result<Prose, Error> {
        self.read_as("body")
    }

    fn read_as(self, field: &'static str) -> Result<Prose, Error> {
        let text = template::with_reason(self.text, self.reason).map_err(|error| match error {
            TemplateError::NoReason => Error::field("reason", error.to_string()),
            other => Error::field(field, other.to_string()),
        })?;
        Prose::parse(&text).map_err(|e| Error::field(field, e.to_string()))
    }
}

/// The value, or what was wrong with it among the other wrong fields.
fn noted<T>(fields: &mut Fields, result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Invalid(errors)) => {
            for error in errors {
                fields.add(error.field, error.message);
            }
            None
        }
        Err(_) => None,
    }
}

/// How long a new window waits for its backup where nobody said.
pub const DEFAULT_WAIT: Span = Span::hours(4);

/// A planned time as it is typed, to fill in a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// Zone name.
    pub zone: String,
    /// Local start.
    pub start: String,
    /// Choice for the start.
    pub start_fold: Option<Fold>,
    /// Local end.
    pub end: String,
    /// Choice for the end.
    pub end_fold: Option<Fold>,
    /// Length.
    pub may_wait: String,
}

impl Typed {
    /// The text that reads back to this plan.
    #[must_use]
    pub fn of(rules: &dyn ZoneRules, planned: &Planned) -> Self {
        let end = Moment::of(rules, &planned.zone, planned.ends_at);
        Self {
            zone: planned.zone.clone(),
            start: local_text(planned.local_start),
            start_fold: planned.start_fold,
            end: local_text(end.local),
            end_fold: end.fold,
            may_wait: Span::between(planned.ends_at, planned.latest_end_at).to_input(),
        }
    }

    /// The text that reads back to a stretch of time in a zone.
    #[must_use]
    pub fn at(rules: &dyn ZoneRules, zone: &str, stretch: Stretch) -> Self {
        let (start, end) = (Moment::of(rules, zone, stretch.from), Moment::of(rules, zone, stretch.to));
        Self {
            zone: zone.to_owned(),
            start: local_text(start.local),
            start_fold: start.fold,
            end: local_text(end.local),
            end_fold: end.fold,
            may_wait: String::new(),
        }
    }
}

/// As a `datetime-local` field takes it: seconds only where there are some.
#[must_use]
pub fn local_text(local: NaiveDateTime) -> String {
    use chrono::Timelike;
    let form = if local.second() == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
    local.format(form).to_string()
}

/// `earlier` or `later`.
#[must_use]
pub const fn fold_name(fold: Fold) -> &'static str {
    match fold {
        Fold::Earlier => "earlier",
        Fold::Later => "later",
    }
}

fn fold(fields: &mut Fields, field: &'static str, text: Option<&str>) -> Option<Fold> {
    match text.map(str::trim).unwrap_or_default() {
        "" => None,
        "earlier" => Some(Fold::Earlier),
        "later" => Some(Fold::Later),
        _ => {
            fields.add(field, "Choose earlier or later.");
            None
        }
    }
}

/// The choice sent in a field of its own.
///
/// # Errors
/// Neither `earlier` nor `later` nor empty.
pub(crate) fn read_fold(field: &'static str, text: &str) -> Result<Option<Fold>, Error> {
    let mut fields = Fields::default();
    let choice = fold(&mut fields, field, Some(text));
    if fields.is_empty() { Ok(choice) } else { Err(fields.into_error()) }
}

/// The field of a form that a [`PlanError`] is about.
const fn field_of(error: &PlanError) -> &'static str {
    match error.field() {
        PlanField::Zone => "zone",
        PlanField::Start => "start",
        PlanField::End => "end",
        PlanField::LatestEnd => "may_wait",
    }
}

/// Ids, each once; the first that is none is noted.
pub(crate) fn ids<T: std::str::FromStr + Ord>(fields: &mut Fields, field: &'static str, texts: &[String]) -> Vec<T> {
    let mut found: Vec<T> = Vec::with_capacity(texts.len());
    for text in texts {
        match text.trim().parse() {
            Ok(id) => found.push(id),
            Err(_) => {
                fields.add(field, format!("“{}” is not an id.", text.chars().take(40).collect::<String>()));
                break;
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// What is said of a window and of a series alike, over what is stored: the title.
pub(super) fn title(fields: &mut Fields, text: Option<&str>, stored: Option<&Name>) -> Option<Name> {
    match (text, stored) {
        (None, Some(stored)) => Some(stored.clone()),
        (text, _) => {
            let text = text.unwrap_or_default();
            fields.take("title", template::check_title(text)).and_then(|()| fields.take("title", Name::parse(text)))
        }
    }
}

/// The hosts or components.
pub(super) fn chosen<T: std::str::FromStr + Ord + Clone>(
    fields: &mut Fields,
    field: &'static str,
    texts: Option<&[String]>,
    stored: Option<&Vec<T>>,
) -> Vec<T> {
    match (texts, stored) {
        (None, Some(stored)) => stored.clone(),
        (texts, _) => ids(fields, field, texts.unwrap_or_default()),
    }
}

/// The lines of the checklist.
pub(super) fn checklist(fields: &mut Fields, lines: Option<&[String]>, stored: Option<Vec<Name>>) -> Vec<Name> {
    match (lines, stored) {
        (None, Some(stored)) => stored,
        (lines, _) => {
            let lines = lines.unwrap_or_default().iter().map(String::as_str);
            fields.take("checklist", read_checklist(lines)).unwrap_or_default()
        }
    }
}

/// Which reminders go.
pub(super) fn reminders(fields: &mut Fields, text: Option<&str>, stored: Option<&Reminders>) -> Reminders {
    match text {
        None => stored.cloned().unwrap_or_default(),
        Some(text) => fields.take("reminders", Reminders::parse(text)).unwrap_or_default(),
    }
}

impl MaintenanceInput {
    /// Whether the planned time is spoken of.
    fn has_time(&self) -> bool {
        [&self.zone, &self.start, &self.start_fold, &self.end, &self.end_fold, &self.may_wait]
            .iter()
            .any(|field| field.is_some())
    }

    /// Reads everything, over what is stored where there is something.
    ///
    /// # Errors
    /// All wrong fields.
    pub fn read(&self, rules: &dyn ZoneRules, stored: Option<&Maintenance>) -> Result<Edit, Error> {
        let mut fields = Fields::default();
        let title = title(&mut fields, self.title.as_deref(), stored.map(|m| &m.title));
        let message = match (&self.message, stored) {
            (None, Some(m)) => Some(m.message.clone()),
            (text, _) => {
                let text = text.as_deref().unwrap_or_default();
                let words = Words { text, reason: self.reason.as_deref().unwrap_or_default() };
                noted(&mut fields, words.read_as("message"))
            }
        };
        let hosts = chosen(&mut fields, "hosts", self.hosts.as_deref(), stored.map(|m| &m.hosts));
        let components = chosen(&mut fields, "components", self.components.as_deref(), stored.map(|m| &m.components));
        let kept = stored.map(|m| m.checklist.iter().map(|line| line.text.clone()).collect());
        let checklist = checklist(&mut fields, self.checklist.as_deref(), kept);
        let reminders = reminders(&mut fields, self.reminders.as_deref(), stored.map(|m| &m.reminders));
        let planned = match stored {
            Some(m) if !self.has_time() => Some(m.planned.clone()),
            _ => self.plan(&mut fields, rules, stored.map(|m| Typed::of(rules, &m.planned))),
        };
        match (title, message, planned) {
            (Some(title), Some(message), Some(planned)) if fields.is_empty() => Ok(Edit {
                title,
                message,
                planned,
                hosts,
                components,
                auto_start: self.auto_start.or(stored.map(|m| m.auto_start)).unwrap_or(true),
                auto_complete: self.auto_complete.or(stored.map(|m| m.auto_complete)).unwrap_or(false),
                reminders,
                checklist,
            }),
            _ => Err(fields.into_error()),
        }
    }

    /// The planned time, over what is stored.
    fn plan(&self, fields: &mut Fields, rules: &dyn ZoneRules, stored: Option<Typed>) -> Option<Planned> {
        let has_stored = stored.is_some();
        let stored = stored.unwrap_or_default();
        let zone = self.zone.as_deref().unwrap_or(&stored.zone);
        let start = fields.take("start", parse_local(self.start.as_deref().unwrap_or(&stored.start)));
        let end = fields.take("end", parse_local(self.end.as_deref().unwrap_or(&stored.end)));
        // A choice belongs to the time it was made for.
        let kept = |typed: &Option<String>, stored: Option<Fold>| if typed.is_none() { stored } else { None };
        let start_fold =
            fold(fields, "start_fold", self.start_fold.as_deref()).or(kept(&self.start, stored.start_fold));
        let end_fold = fold(fields, "end_fold", self.end_fold.as_deref()).or(kept(&self.end, stored.end_fold));
        let wait = match self.may_wait.as_deref().or(has_stored.then_some(stored.may_wait.as_str())) {
            None => Some(DEFAULT_WAIT),
            Some(text) if text.trim().is_empty() || text.trim() == "0" => Some(Span::default()),
            Some(text) => fields.take("may_wait", Span::parse(text)),
        };
        let (start, end, wait) = (start?, end?, wait?);
        match Planned::plan(rules, zone, start, start_fold, end, end_fold, Some(wait)) {
            Ok(planned) => Some(planned),
            Err(error) => {
                fields.add(field_of(&error), error.to_string());
                // Both may be hard: say so at once.
                if error.field() == PlanField::Start
                    && let Err(second @ (PlanError::Gap { .. } | PlanError::Fold { .. })) =
                        Planned::plan(rules, zone, end, end_fold, end, end_fold, None)
                {
                    fields.add("end", second.to_string());
                }
                None
            }
        }
    }

    /// What is named, as far as it can be read: a check must not wait for the title.
    ///
    /// # Errors
    /// Something named is no id.
    pub fn scope(&self) -> Result<Scope, Error> {
        let mut fields = Fields::default();
        let scope = Scope {
            hosts: ids(&mut fields, "hosts", self.hosts.as_deref().unwrap_or_default()).into_iter().collect(),
            components: ids(&mut fields, "components", self.components.as_deref().unwrap_or_default())
                .into_iter()
                .collect(),
        };
        if fields.is_empty() { Ok(scope) } else { Err(fields.into_error()) }
    }

    /// What the typed times mean, for a look before anything is stored.
    #[must_use]
    pub fn look_at_time(&self, rules: &dyn ZoneRules) -> TimeLook {
        let mut fields = Fields::default();
        let planned = self.plan(&mut fields, rules, None);
        let zone = self.zone.as_deref().unwrap_or_default();
        let choices = |text: &Option<String>| fold_choices(rules, zone, text.as_deref().unwrap_or_default());
        let problems = match fields.into_error() {
            Error::Invalid(problems) => problems,
            _ => Vec::new(),
        };
        TimeLook {
            problems,
            text: planned.as_ref().map(|p| format_range(rules, &p.zone, p.starts_at, p.ends_at)),
            length: planned.as_ref().map(Planned::length),
            latest_end_at: planned.as_ref().map(|p| p.latest_end_at),
            start_choices: choices(&self.start),
            end_choices: choices(&self.end),
            planned,
        }
    }
}

/// What typed times mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeLook {
    /// What stands against the times.
    pub problems: Vec<FieldError>,
    /// The plan, if the times make one.
    pub planned: Option<Planned>,
    /// In the zone and in UTC.
    pub text: Option<TimeText>,
    /// Elapsed time.
    pub length: Option<Span>,
    /// When the work must be over if its start was held.
    pub latest_end_at: Option<Instant>,
    /// The two instants of a start that exists twice.
    pub start_choices: Option<[FoldChoice; 2]>,
    /// The two instants of an end that exists twice.
    pub end_choices: Option<[FoldChoice; 2]>,
}

/// The two instants that a local time means, where it exists twice.
#[must_use]
pub fn fold_choices(rules: &dyn ZoneRules, zone: &str, local: &str) -> Option<[FoldChoice; 2]> {
    let local = parse_local(local).ok()?;
    // Asked as the start of something: that is where a fold is never settled by itself.
    let end = local.checked_add_signed(chrono::TimeDelta::days(1))?;
    match Planned::plan(rules, zone, local, None, end, Some(Fold::Later), None) {
        Err(PlanError::Fold { earlier, later, .. }) => Some([*earlier, *later]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::zones::SystemZones;

    fn typed(zone: &str, start: &str, end: &str) -> MaintenanceInput {
        MaintenanceInput {
            title: Some("Replace a disk".to_owned()),
            zone: Some(zone.to_owned()),
            start: Some(start.to_owned()),
            end: Some(end.to_owned()),
            ..MaintenanceInput::default()
        }
    }

    fn errors(input: &MaintenanceInput) -> Vec<(&'static str, String)> {
        match input.read(&SystemZones::newest(), None) {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| (f.field, f.message)).collect(),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn all_wrong_fields_are_told_at_once() {
        let input = MaintenanceInput {
            title: Some(" ".to_owned()),
            message: Some("\u{7}".to_owned()),
            hosts: Some(vec!["vm3".to_owned()]),
            may_wait: Some("long".to_owned()),
            ..typed("Mars/Olympus", "tomorrow", "")
        };
        let fields: Vec<&str> = errors(&input).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["title", "message", "hosts", "start", "end", "may_wait"]);
        let zone = errors(&typed("Mars/Olympus", "2026-06-01T12:00", "2026-06-01T13:00"));
        assert_eq!(zone[0].0, "zone");
    }

    #[test]
    fn a_start_and_an_end_that_do_not_exist_are_both_asked_back() {
        let both = errors(&typed("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T02:45"));
        assert_eq!(both.iter().map(|(f, _)| *f).collect::<Vec<_>>(), ["start", "end"]);
        assert!(both[0].1.contains("01:59") && both[0].1.contains("03:00"), "{}", both[0].1);
    }

    #[test]
    fn a_time_that_exists_twice_is_offered_with_both_offsets() {
        let rules = SystemZones::newest();
        let input = typed("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T06:00");
        assert_eq!(errors(&input)[0].0, "start");
        let look = input.look_at_time(&rules);
        let [earlier, later] = look.start_choices.unwrap();
        assert_eq!((earlier.text.as_str(), later.text.as_str()), ("02:30 CEST (UTC+2)", "02:30 CET (UTC+1)"));
        assert!(look.text.is_none() && look.end_choices.is_none());
        let chosen = MaintenanceInput { start_fold: Some("later".to_owned()), ..input };
        let edit = chosen.read(&rules, None).unwrap();
        assert_eq!(edit.planned.starts_at.to_rfc3339(), "2026-10-25T01:30:00+00:00");
        assert_eq!(chosen.look_at_time(&rules).text.unwrap().utc, "01:30–05:00 UTC");
    }

    #[test]
    fn what_is_typed_reads_back_from_what_is_stored() {
        let rules = SystemZones::newest();
        for (start, start_fold, end, end_fold) in [
            ("2026-10-25T01:00", None, "2026-10-25T02:30", Some("earlier")),
            ("2026-10-25T02:30", Some("earlier"), "2026-10-25T02:30", Some("later")),
            ("2026-10-25T02:30", Some("later"), "2026-10-25T04:00", None),
            ("2026-06-01T12:00", None, "2026-06-01T12:00:30", None),
        ] {
            let input = MaintenanceInput {
                start_fold: start_fold.map(str::to_owned),
                end_fold: end_fold.map(str::to_owned),
                may_wait: Some("1 h 30 min".to_owned()),
                ..typed("Europe/Berlin", start, end)
            };
            let planned = input.read(&rules, None).unwrap().planned;
            let back = Typed::of(&rules, &planned);
            assert_eq!((back.start.as_str(), back.end.as_str(), back.may_wait.as_str()), (start, end, "1 h 30 min"));
            assert_eq!(back.start_fold.map(fold_name), start_fold);
            assert_eq!(back.end_fold.map(fold_name), end_fold);
        }
    }
}
