//! Findings in words.

use super::order::Order;
use super::{Finding, Kind, What};
use crate::time::{Instant, Span, ZoneRules, format_clock, format_instant};

impl Kind {
    /// What it is, in a few words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::UnclaimedHost => "Unclaimed host",
            Self::NoDumpJob => "Database without a dump",
            Self::NoJob => "No backup job",
            Self::DumpLate => "Dump ends too late",
            Self::DumpDrifting => "Dump will soon end too late",
            Self::SilentJob => "Silent job",
        }
    }
}

/// A change of less than this in a day is none for people.
const STEADY: Span = Span::minutes(1);

impl Order {
    /// "Dump ended 23:41 IST, carrier started 01:00 IST: gap 1 h 19 min, shrinking 4 min a day."
    #[must_use]
    pub fn sentence(&self, rules: &dyn ZoneRules, zone: &str) -> String {
        let (pair, gap) = (&self.newest, self.newest.gap());
        let (dump, carrier) =
            (format_clock(rules, zone, pair.dump_ended), format_clock(rules, zone, pair.carrier_started));
        let size = |span: Span| Span::seconds(span.as_seconds().abs());
        let gap = if gap < Span::seconds(0) { format!("{} too late", size(gap)) } else { format!("gap {gap}") };
        let moves = match self.trend.map(|trend| trend.per_day) {
            None => String::new(),
            Some(per_day) if size(per_day) < STEADY => ", steady".to_owned(),
            Some(per_day) if per_day < Span::seconds(0) => format!(", shrinking {} a day", size(per_day)),
            Some(per_day) => format!(", growing {per_day} a day"),
        };
        format!("Dump ended {dump}, carrier started {carrier}: {gap}{moves}.")
    }
}

impl Finding {
    /// "Dump ends too late: web-12 · database: nightly dump"
    #[must_use]
    pub fn heading(&self) -> String {
        format!("{}: {}", self.what.kind().text(), self.place)
    }

    /// The facts in one or two sentences.
    #[must_use]
    pub fn sentence(&self, rules: &dyn ZoneRules, zone: &str) -> String {
        let at = |instant: Instant| format_instant(rules, zone, instant).both();
        match &self.what {
            What::UnclaimedHost => {
                "It has no owner, no data set is declared on it, and nobody said that it needs no backup.".to_owned()
            }
            What::NoDumpJob { beside: Some(job) } => format!(
                "No job dumps it. “{job}” on the same host copies files only, and the files of a running database are no backup of it."
            ),
            What::NoDumpJob { beside: None } | What::NoJob => "No job that is switched on protects it.".to_owned(),
            What::DumpLate { carrier, pair } => format!(
                "The newest dump ended {} after “{carrier}” had started: that backup holds an older dump, or half of this one.",
                Span::seconds(pair.gap().as_seconds().abs())
            ),
            What::DumpDrifting { carrier, trend } => {
                let days = trend.lasts().map_or(0, |lasts| lasts.as_seconds() / 86_400);
                let left = match days {
                    0 => "within a day".to_owned(),
                    1 => "in 1 day".to_owned(),
                    n => format!("in {n} days"),
                };
                format!(
                    "The dump is ready {} before “{carrier}” starts, {} less each day. If it goes on like this it comes too late {left}.",
                    trend.gap,
                    Span::seconds(trend.per_day.as_seconds().abs())
                )
            }
            What::SilentJob { last_at: Some(last), every } => {
                format!("It is to report every {every}. Its last report came {}.", at(*last))
            }
            What::SilentJob { last_at: None, every } => format!("It is to report every {every}, and never did."),
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match &self.what {
            What::UnclaimedHost => {
                "Declare what must not be lost on it, name its owner, or say why it needs no backup."
            }
            What::NoDumpJob { .. } => "Add a job that dumps it, carried by the job that copies the files.",
            What::NoJob => "Add a backup job, or switch one on.",
            What::DumpLate { .. } | What::DumpDrifting { .. } => {
                "Start the dump earlier, or the job that carries it later."
            }
            What::SilentJob { .. } => {
                "See whether it still runs and still reports; switch it off if it is not needed any more."
            }
        }
    }
}
