//! Restore drills of the demo: one long ago that took as long as the one in the story, recent ones,
//! one that failed, one under way and one planned.

use crate::drills::DrillInput;
use crate::{Actor, Error, Services};
use domain::time::{Instant, Span};

/// A drill that is over: host, data set (empty for all), days ago, hours and minutes it took, minutes
/// to the first byte, bytes, by whom, and what went wrong.
type Done = (&'static str, &'static str, i64, i64, i64, &'static str, &'static str, &'static str);

const DONE: [Done; 7] = [
    ("web-12", "", 212, 7 * 60 + 19, 7 * 60, "446 GiB", "Oisín Kelly", ""),
    ("web-11", "files", 23, 190, 25, "277 GiB", "Oisín Kelly", ""),
    ("web-11", "database", 23, 44, 4, "34 GiB", "Oisín Kelly", ""),
    ("db-1", "", 41, 66, 6, "48 GiB", "Grace Nolan", ""),
    ("mail-2", "files", 97, 610, 70, "741 GiB", "Oisín Kelly", ""),
    ("shell-1", "files", 60, 85, 12, "118 GiB", "Grace Nolan", ""),
    ("web-13", "files", 3, 35, 0, "12 GiB", "Oisín Kelly", "The key in the safe is not the one of this repository."),
];

impl Services {
    pub(super) async fn rehearsals(&self, system: &Actor, now: Instant) -> Result<(), Error> {
        for (host, data_set, days, minutes, startup, bytes, who, wrong) in DONE {
            let ended = Span::days(days).before(now);
            let drill = DrillInput {
                host: host.to_owned(),
                data_set: data_set.to_owned(),
                status: if wrong.is_empty() { "succeeded" } else { "failed" }.to_owned(),
                started_at: Span::minutes(minutes).before(ended).to_rfc3339(),
                finished_at: ended.to_rfc3339(),
                bytes: bytes.to_owned(),
                startup: if startup > 0 { format!("{startup} min") } else { String::new() },
                who: who.to_owned(),
                note: wrong.to_owned(),
                ..DrillInput::default()
            };
            self.at(Span::minutes(1).after(ended)).add_drill(system, &drill).await?;
        }
        let running = DrillInput {
            host: "shell-2".to_owned(),
            data_set: "files".to_owned(),
            status: "running".to_owned(),
            started_at: Span::minutes(42).before(now).to_rfc3339(),
            who: "Grace Nolan".to_owned(),
            note: "Restored to the spare in rack 2.".to_owned(),
            ..DrillInput::default()
        };
        self.add_drill(system, &running).await?;
        let planned = DrillInput {
            host: "web-14".to_owned(),
            planned_at: Span::days(4).after(now).to_rfc3339(),
            who: "Oisín Kelly".to_owned(),
            ..DrillInput::default()
        };
        self.at(Span::days(2).before(now)).add_drill(system, &planned).await?;
        Ok(())
    }
}
