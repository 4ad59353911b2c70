//! The gate's answers in plain English, the same on every face.

use super::{Evidence, Finding, Outcome, Protection, Purpose, Reason, Verdict};
use crate::ids::{ComponentId, JobId};
use crate::time::{Instant, Span, ZoneRules, format_instant, format_short};
use std::collections::BTreeMap;

/// What jobs are called, for sentences.
pub type JobNames = BTreeMap<JobId, String>;

impl Evidence {
    /// The names of all jobs in it.
    #[must_use]
    pub fn job_names(&self) -> JobNames {
        let own = self.hosts.iter().flat_map(|host| &host.data_sets).flat_map(|data_set| &data_set.jobs);
        own.chain(self.carriers.iter().map(|(carrier, _)| carrier))
            .map(|evidence| (evidence.job.id, evidence.job.name.to_string()))
            .collect()
    }
}

impl Reason {
    /// What stands against the work, in a few words: "the dump is not in any backup".
    #[must_use]
    pub const fn headline(&self) -> &'static str {
        match self {
            Self::NothingNamed => "nothing is named that the work touches",
            Self::NoHostBehind { .. } => "no host is known behind it",
            Self::UnknownHost => "nothing is known of this host",
            Self::NoDataSet => "no data set is declared",
            Self::NoJob => "no backup job",
            Self::NeverRan { .. } => "the backup has never run",
            Self::TooOld { cut_off: None, .. } => "there is no good run yet",
            Self::TooOld { .. } => "the last good run is too old",
            Self::LastRunFailed { lost: false, .. } => "the last run failed",
            Self::LastRunFailed { lost: true, .. } => "the last run never ended",
            Self::StillRunning { .. } => "a run is still going on",
            Self::NotCarried { .. } => "the dump is not in any backup",
            Self::JobDisabled { .. } => "the backup job is switched off",
            Self::JobUnknown { .. } => "the job that should carry the dump is not there",
            Self::ClockInFuture { .. } => "a clock is wrong",
            Self::DrillOverdue { last: None, .. } => "its restore was never rehearsed",
            Self::DrillOverdue { .. } => "its last restore drill is too old",
            Self::RestoreLongerThanWindow { .. } => "a restore takes longer than the window",
            Self::RestoreLongerThanRto { .. } => "a restore takes longer than it may",
            Self::RestoreUnknown { .. } => "nobody knows how long a restore takes",
        }
    }

    /// The same name as in JSON: `not_carried`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingNamed => "nothing_named",
            Self::NoHostBehind { .. } => "no_host_behind",
            Self::UnknownHost => "unknown_host",
            Self::NoDataSet => "no_data_set",
            Self::NoJob => "no_job",
            Self::NeverRan { .. } => "never_ran",
            Self::TooOld { .. } => "too_old",
            Self::LastRunFailed { .. } => "last_run_failed",
            Self::StillRunning { .. } => "still_running",
            Self::NotCarried { .. } => "not_carried",
            Self::JobDisabled { .. } => "job_disabled",
            Self::JobUnknown { .. } => "job_unknown",
            Self::ClockInFuture { .. } => "clock_in_future",
            Self::DrillOverdue { .. } => "drill_overdue",
            Self::RestoreLongerThanWindow { .. } => "restore_longer_than_window",
            Self::RestoreLongerThanRto { .. } => "restore_longer_than_rto",
            Self::RestoreUnknown { .. } => "restore_unknown",
        }
    }

    /// The component it speaks of, if it speaks of one.
    #[must_use]
    pub const fn component(&self) -> Option<ComponentId> {
        match self {
            Self::NoHostBehind { component } => Some(*component),
            _ => None,
        }
    }

    /// The job it speaks of, if it speaks of one: the one to switch on, repair or run.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::NothingNamed
            | Self::NoHostBehind { .. }
            | Self::UnknownHost
            | Self::NoDataSet
            | Self::NoJob
            | Self::DrillOverdue { .. }
            | Self::RestoreLongerThanWindow { .. }
            | Self::RestoreLongerThanRto { .. }
            | Self::RestoreUnknown { .. } => None,
            Self::NeverRan { job }
            | Self::TooOld { job, .. }
            | Self::LastRunFailed { job, .. }
            | Self::StillRunning { job, .. }
            | Self::NotCarried { job, .. }
            | Self::JobDisabled { job }
            | Self::JobUnknown { job, .. }
            | Self::ClockInFuture { job, .. } => Some(*job),
        }
    }
}

impl Reason {
    /// The jobs it speaks of: [`Reason::job`], and the one that should have carried it.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> + use<> {
        let carrier = match self {
            Self::NotCarried { carrier, .. } => Some(*carrier),
            _ => None,
        };
        self.job().into_iter().chain(carrier)
    }
}

impl Finding {
    /// "web-12 · database", "legacy-shop", "Cluster 12"; empty where the whole window is meant.
    #[must_use]
    pub fn place(&self) -> String {
        match (self.host_name.is_empty(), self.data_set_name.is_empty()) {
            (false, false) => format!("{} · {}", self.host_name, self.data_set_name),
            (false, true) => self.host_name.clone(),
            (true, _) => self.host.map(|id| format!("Host {id}")).unwrap_or_default(),
        }
    }

    /// "web-12 · database: the dump is not in any backup".
    #[must_use]
    pub fn heading(&self) -> String {
        let place = self.place();
        let headline = self.reason.headline();
        if place.is_empty() {
            let mut letters = headline.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        } else {
            format!("{place}: {headline}")
        }
    }

    /// The facts behind the heading, and what to do, in a sentence or two.
    /// Times are in `zone`; a job without a name in `jobs` is "the job".
    #[must_use]
    pub fn sentence(&self, jobs: &JobNames, rules: &dyn ZoneRules, zone: &str) -> String {
        let name = |job: &JobId| match jobs.get(job) {
            Some(name) => format!("“{name}”"),
            None => "the job".to_owned(),
        };
        let time = |at: &Instant| format_short(rules, zone, *at);
        let protected = |cut_off: &Option<Instant>, age: &Option<Span>, limit: &Span| match (cut_off, age) {
            (Some(at), Some(age)) => {
                format!("Protected up to {}, {age} ago; the limit is {limit}.", time(at))
            }
            _ => "Nothing older is protected either.".to_owned(),
        };
        match &self.reason {
            Reason::NothingNamed => {
                "Name the hosts or components the work touches, so that it can be checked what is at risk.".to_owned()
            }
            Reason::NoHostBehind { .. } => {
                "Nobody knows what the work puts at risk: say which hosts are behind this component.".to_owned()
            }
            Reason::UnknownHost => {
                "It was named, or something named runs on it, but it is not (or no longer) in use.".to_owned()
            }
            Reason::NoDataSet => {
                "Nothing on this host has ever been declared worth saving. Declare its data sets, or exempt the host with a reason.".to_owned()
            }
            Reason::NoJob => "Nothing protects this data set. Add a backup job.".to_owned(),
            Reason::NeverRan { job } => {
                format!("{} has not reported a single run.", capital(&name(job)))
            }
            Reason::TooOld { job, cut_off, age, limit } => match (cut_off, age) {
                (Some(at), Some(age)) => format!(
                    "{}: the last good run started {}, {age} ago; the limit is {limit}.",
                    capital(&name(job)),
                    time(at)
                ),
                _ => format!("{} has not had a good run yet.", capital(&name(job))),
            },
            Reason::LastRunFailed { job, started_at, lost: false } => {
                format!("The run of {} started {} failed.", name(job), time(started_at))
            }
            Reason::LastRunFailed { job, started_at, lost: true } => format!(
                "The run of {} started {} never reported its end.",
                name(job),
                time(started_at)
            ),
            Reason::StillRunning { job, started_at } => format!(
                "A run of {} started {} and has not ended. It counts once it has ended well.",
                name(job),
                time(started_at)
            ),
            Reason::NotCarried {
                carrier,
                dump_finished_at,
                carrier_started_at,
                cut_off,
                age,
                limit,
                ..
            } => {
                let ended = time(dump_finished_at);
                let first = match carrier_started_at {
                    Some(at) => format!(
                        "The last dump ended {ended}, after its carrier {} had started ({}).",
                        name(carrier),
                        time(at)
                    ),
                    None => format!(
                        "The last dump ended {ended}, but its carrier {} has never had a good run.",
                        name(carrier)
                    ),
                };
                format!("{first} {}", protected(cut_off, age, limit))
            }
            Reason::JobDisabled { job } => {
                format!("{} is switched off and protects nothing.", capital(&name(job)))
            }
            Reason::JobUnknown { job, .. } => format!(
                "{} names a job that should copy its dump, but that one is not in use or can not carry it.",
                capital(&name(job))
            ),
            Reason::ClockInFuture { job, at } => format!(
                "A run of {} says {}, which can not be. Correct the clock of the machine that reports it; until then its runs do not count.",
                name(job),
                format_instant(rules, zone, *at).main
            ),
            Reason::DrillOverdue { data_sets, of, last, age, limit } => {
                let which = match (*data_sets, *of) {
                    (all, of) if all == of => String::new(),
                    (some, of) => format!(" for {some} of {of} data sets"),
                };
                match (last, age) {
                    (Some(last), Some(age)) => {
                        format!("The last drill{which} ended {}, {age} ago; the limit is {limit}.", time(last))
                    }
                    _ => format!("No restore was ever rehearsed{which}. Plan a drill; they are wanted every {limit}."),
                }
            }
            Reason::RestoreLongerThanWindow { takes, window } => format!(
                "By its drills a full restore takes about {takes}; the window is {window} long. If the work goes wrong, it ends late."
            ),
            Reason::RestoreLongerThanRto { takes, rto } => {
                format!("By its drills a full restore takes about {takes}; at most {rto} is accepted.")
            }
            Reason::RestoreUnknown { without_drill, without_size } => {
                let sets = |n: usize| if n == 1 { "1 data set".to_owned() } else { format!("{n} data sets") };
                let mut missing = Vec::new();
                if *without_drill > 0 {
                    missing.push(format!("a measured drill for {}", sets(*without_drill)));
                }
                if *without_size > 0 {
                    missing.push(format!("the size of the last good run of {}", sets(*without_size)));
                }
                format!("The policy asks for it. What is missing: {}.", missing.join(", and "))
            }
        }
    }
}

fn capital(text: &str) -> String {
    text.strip_prefix("the ").map_or_else(|| text.to_owned(), |rest| format!("The {rest}"))
}

fn reasons_text(count: usize) -> String {
    if count == 1 { "1 reason".to_owned() } else { format!("{count} reasons") }
}

impl Verdict {
    /// "Safe to schedule", "Not safe to start: 3 reasons", "To start by an override: 3 reasons".
    #[must_use]
    pub fn headline(&self) -> String {
        let what = match self.purpose {
            Purpose::Schedule => "schedule",
            Purpose::Start => "start",
        };
        match (self.reasons().len(), self.allows()) {
            (0, _) => format!("Safe to {what}"),
            (count, false) => format!("Not safe to {what}: {}", reasons_text(count)),
            (count, true) => format!("To {what} by an override: {}", reasons_text(count)),
        }
    }

    /// What customers read of the backup behind the work; nothing while the work may not go on.
    /// That it goes on without one is said, and by how many people; not who they are, nor why.
    #[must_use]
    pub fn proof(&self) -> Option<String> {
        match self.outcome {
            Outcome::Confirmed { .. } => Some(self.summary()),
            Outcome::Blocked { .. } => None,
            Outcome::Overridden { .. } => Some(format!(
                "This work goes ahead without a confirmed backup; two people of our team decided so. {}",
                self.summary()
            )),
        }
    }

    /// "11 of 14 data sets are backed up well enough."
    #[must_use]
    pub fn summary(&self) -> String {
        let all = self.protections.len();
        let good = self.protections.iter().filter(|p| p.ok).count();
        match (good, all) {
            (0, 0) if !self.exemptions.is_empty() && self.is_confirmed() => {
                "Nothing here needs a backup: every host is exempt.".to_owned()
            }
            (0, 0) => "No data set is known here.".to_owned(),
            (1, 1) => "The one data set is backed up well enough.".to_owned(),
            (good, all) if good == all => format!("All {all} data sets are backed up well enough."),
            (good, 1) => format!("{good} of 1 data set is backed up well enough."),
            (good, all) => format!("{good} of {all} data sets are backed up well enough."),
        }
    }
}

impl Protection {
    /// "web-12 · database".
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} · {}", self.host_name, self.data_set_name)
    }
}
