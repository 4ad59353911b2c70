//! How far a request came, in words.

use super::{BackupRequest, RequestState};
use crate::time::{Instant, ZoneRules, civil, format_clock, format_short};

impl BackupRequest {
    /// "Requested Thu 15 May, 14:02 IST, running since 14:05 IST." Times are in `zone`.
    #[must_use]
    pub fn sentence(&self, rules: &dyn ZoneRules, zone: &str) -> String {
        let asked = format_short(rules, zone, self.asked_at);
        format!("Requested {asked}, {}.", self.progress(rules, zone))
    }

    /// The same without who asked when: "running since 14:05 IST".
    #[must_use]
    pub fn progress(&self, rules: &dyn ZoneRules, zone: &str) -> String {
        let day = |at: Instant| civil(rules, zone, at).local.date();
        let time = |at: Option<Instant>| {
            let at = at.unwrap_or(self.asked_at);
            if day(at) == day(self.asked_at) { format_clock(rules, zone, at) } else { format_short(rules, zone, at) }
        };
        let problem = self.problem.as_deref().unwrap_or_default();
        match self.state {
            RequestState::Requested if self.waits() => "waits for the dump to end".to_owned(),
            RequestState::Requested if self.problem.is_none() => "nobody has fetched it yet".to_owned(),
            RequestState::Requested => match self.next_try_at {
                Some(at) => format!("its backup system could not be called ({problem}); next try {}", time(Some(at))),
                None => format!("its backup system can not be called ({problem})"),
            },
            RequestState::Sent => format!("its backup system was called {}", time(self.told_at)),
            RequestState::Fetched => format!("its host fetched it {}", time(self.told_at)),
            RequestState::Running => format!("running since {}", time(self.run_started_at)),
            RequestState::Done => format!("done {}", time(self.ended_at)),
            RequestState::Failed if problem.is_empty() => format!("failed {}", time(self.ended_at)),
            RequestState::Failed => format!("failed {}: {problem}", time(self.ended_at)),
            RequestState::TimedOut => {
                let why = if self.run_id.is_some() { "its run did not end in time" } else { "no run began in time" };
                format!("given up {}: {why}", time(self.ended_at))
            }
            RequestState::Cancelled => format!("taken back {}", time(self.ended_at)),
        }
    }
}
