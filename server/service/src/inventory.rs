//! What is protected and what customers know: hosts, data sets, backup jobs, components.
//!
//! Nothing is forgotten by a click: what history refers to can only be retired, and nothing is
//! retired while something in use depends on it.

mod component;
mod data_set;
mod host;
mod import;
mod job;

pub(crate) use component::swap;
pub use component::{
    ComponentInput, ComponentLine, ComponentWithHosts, ComponentsView, Direction, GroupInput, GroupLine,
};
pub use data_set::{DataSetInput, DataSetView};
pub use host::{DataSetLine, HostInput, HostLine, HostView, PolicyInput, RestoreInput};
pub use import::{Change, FieldChange, HostList, Import, Line};
pub use job::{JobInput, JobView, PingAddress};
pub use storage::host::OpenWindow;
pub use storage::job::PlacedJob;

use crate::{Error, Fields};
use std::str::FromStr;
use storage::host::References;
use uuid::Uuid;

/// Most things on one page of a list.
pub const MAX_PAGE: i64 = 200;

/// Which part of a list is asked for, as typed in an address.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Where the page before ended; empty for the first.
    pub cursor: String,
    /// How many at most, 1 to 200; 50 where empty.
    pub limit: String,
    /// `true` to see retired ones too.
    pub retired: String,
}

/// A page of a list, in the order in which things were made.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last.
    pub next_cursor: Option<String>,
}

pub(crate) struct Part {
    pub(crate) after: Option<Uuid>,
    limit: i64,
    retired_too: bool,
}

impl ListQuery {
    pub(crate) fn parse(&self) -> Result<Part, Error> {
        let mut fields = Fields::default();
        let after = fields.take("cursor", optional_id::<Uuid>(&self.cursor).map_err(|_| "This is no cursor of ours."));
        let limit = match self.limit.trim() {
            "" => Some(50),
            text => text.parse().ok().filter(|n| (1..=MAX_PAGE).contains(n)),
        };
        if limit.is_none() {
            fields.add("limit", format!("Ask for 1 to {MAX_PAGE}."));
        }
        let retired_too = match self.retired.trim() {
            "" | "false" => Some(false),
            "true" => Some(true),
            _ => None,
        };
        if retired_too.is_none() {
            fields.add("retired", "Write true or false.");
        }
        match (after, limit, retired_too) {
            (Some(after), Some(limit), Some(retired_too)) => Ok(Part { after, limit, retired_too }),
            _ => Err(fields.into_error()),
        }
    }
}

impl Part {
    /// Where the page before ended.
    pub(crate) const fn after(&self) -> Option<Uuid> {
        self.after
    }

    /// One more than fits tells whether there is a next page.
    pub(crate) fn fetch(&self) -> i64 {
        self.limit + 1
    }

    pub(crate) fn page<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let fits = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > fits;
        items.truncate(fits);
        let next_cursor = items.last().filter(|_| more).map(|item| id(item).to_string());
        Page { items, next_cursor }
    }
}

/// An id, or none where the field is empty.
pub(crate) fn optional_id<T: FromStr>(text: &str) -> Result<Option<T>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| "Choose one of the list."),
    }
}

/// Goes on only with the version that was read.
pub(crate) fn unchanged(what: &'static str, stored: i64, read: i64) -> Result<(), Error> {
    if stored == read { Ok(()) } else { Err(Error::stale(what, stored)) }
}

/// "vm3, web-12 and 4 more".
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 6;
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] if names.len() <= SHOWN => format!("{} and {last}", head.join(", ")),
        _ => format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN),
    }
}

/// "web-12 runs", "web-12 and mail-3 run".
fn verb(names: &[String], one: &str, many: &str) -> Option<String> {
    (!names.is_empty()).then(|| format!("{} {}", listed(names), if names.len() == 1 { one } else { many }))
}

fn windows(windows: &[OpenWindow]) -> Vec<String> {
    windows.iter().map(|w| format!("M-{} ({})", w.number, w.title)).collect()
}

fn incidents(named: &[OpenWindow]) -> impl Iterator<Item = String> {
    named.iter().map(|incident| format!("I-{} ({})", incident.number, incident.title))
}

fn series(titles: Vec<String>) -> impl Iterator<Item = String> {
    titles.into_iter().map(|title| format!("the repeating work “{title}”"))
}

/// Refuses to retire what others depend on.
fn free_to_retire(what: &str, reasons: &[Option<String>]) -> Result<(), Error> {
    let reasons: Vec<&str> = reasons.iter().flatten().map(String::as_str).collect();
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Error::refused("in_use", format!("This {what} can not be retired: {}.", reasons.join("; "))))
}

/// Refuses to delete what something refers to.
fn free_to_delete(found: &References, retired: bool) -> Result<(), Error> {
    let counted: Vec<String> = [
        (found.runs, "run", "runs"),
        (found.maintenances, "maintenance", "maintenances"),
        (found.verdicts, "answer of the gate", "answers of the gate"),
        (found.hosts, "host on it", "hosts on it"),
        (found.components, "component", "components"),
        (found.jobs, "job that it carries", "jobs that it carries"),
        (found.subscribers, "subscriber", "subscribers"),
        (found.webhooks, "webhook", "webhooks"),
        (found.drills, "restore drill", "restore drills"),
        (found.announcements, "announcement", "announcements"),
        (found.incidents, "incident", "incidents"),
        (found.stretches, "stretch of its history", "stretches of its history"),
    ]
    .into_iter()
    .filter(|(count, _, _)| *count > 0)
    .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
    .collect();
    let alone = found.runs
        + found.maintenances
        + found.verdicts
        + found.hosts
        + found.components
        + found.jobs
        + found.subscribers
        + found.webhooks
        + found.drills
        + found.announcements
        + found.incidents
        + found.stretches
        == 1;
    if counted.is_empty() {
        return Ok(());
    }
    let instead = if retired { "it stays among the retired" } else { "retire it instead" };
    let verb = if alone { "refers" } else { "refer" };
    Err(Error::refused("in_use", format!("{} {verb} to it; {instead}.", listed(&counted))))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_refers_to_a_thing_is_counted_in_words() {
        let found = References { runs: 3, maintenances: 1, ..References::default() };
        let told = free_to_delete(&found, false).unwrap_err().to_string();
        assert_eq!(told, "3 runs and 1 maintenance refer to it; retire it instead.");
        let found = References { subscribers: 1, ..References::default() };
        let told = free_to_delete(&found, true).unwrap_err().to_string();
        assert_eq!(told, "1 subscriber refers to it; it stays among the retired.");
        assert!(free_to_delete(&References::default(), false).is_ok());
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let names: Vec<String> = (1..=9).map(|n| format!("h{n}")).collect();
        assert_eq!(listed(&names[..1]), "h1");
        assert_eq!(listed(&names[..3]), "h1, h2 and h3");
        assert_eq!(listed(&names), "h1, h2, h3, h4, h5, h6 and 3 more");
        assert_eq!(verb(&names[..2], "runs on it", "run on it").unwrap(), "h1 and h2 run on it");
    }
}
