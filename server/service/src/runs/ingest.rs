//! Tools' own output, taken unchanged: read by the domain, taken in like any other report.

use super::input::door_of;
use super::take_in::{self, Door, Incoming};
use super::{Receipt, log_text};
use crate::drills::DrillReceipt;
use crate::{Actor, Error, Fields, Services};
use domain::ingest::{Said, Told, Tool};
use domain::people::Permission;
use domain::run::Signal;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the address may say beside the output. Anything else is refused: a misspelt `exit_code`
/// would make a run count.
const KNOWN: [&str; 6] = ["job", "host", "data_set", "exit_code", "zone", "stanza"];

/// A tool's output as it was sent.
#[derive(Clone, Debug)]
pub struct Output<'a> {
    /// The tool's name, as in the address.
    pub tool: &'a str,
    /// What the address says beside it: whose run it is, the exit code, the zone.
    pub asked: &'a BTreeMap<String, String>,
    /// What the tool wrote.
    pub body: &'a [u8],
}

/// What became of a tool's output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ingested {
    /// The tool.
    pub tool: &'static str,
    /// The run that it tells of.
    pub run: Option<Receipt>,
    /// The restore drill that it tells of.
    pub drill: Option<DrillReceipt>,
    /// Why it tells of neither.
    pub ignored: Option<String>,
}

impl Output<'_> {
    fn asked(&self, name: &str) -> Option<&str> {
        self.asked.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn hash(&self) -> String {
        let body = crate::keys::hash(&String::from_utf8_lossy(self.body));
        crate::keys::hash(&format!("{} {:?} {body}", self.tool, self.asked))
    }

    /// The job, by its id, its secret or its names.
    fn door(&self, fields: &mut Fields) -> Option<Door> {
        let text = |name| self.asked(name).map(ToOwned::to_owned);
        match door_of(fields, text("host"), text("data_set"), text("job"))? {
            Door::Job(id) => Some(Door::Either { id, ping: crate::keys::hash(&id.to_string()) }),
            other => Some(other),
        }
    }

    fn exit_code(&self, fields: &mut Fields) -> Option<i32> {
        let code = self.asked("exit_code")?.parse::<i32>().ok().filter(|code| (0..=255).contains(code));
        fields.take("exit_code", code.ok_or("An exit code is a number from 0 to 255."))
    }
}

impl Services {
    /// Takes a tool's own output; see [`domain::ingest`]. What tells of a restore or a check becomes a
    /// drill; what tells of neither a run nor a drill is answered with the reason, and nothing is written. With an
    /// idempotency key a request that comes again gets the first answer; without it the tool's own id of the run
    /// does the same.
    ///
    /// # Errors
    /// The actor may not report, the output is not one of this tool, something is missing in the
    /// address, no such job is in use, the report contradicts an earlier one, or the database does
    /// not answer.
    pub async fn ingest(
        &self,
        actor: &Actor,
        idempotency_key: Option<&str>,
        output: &Output<'_>,
    ) -> Result<Ingested, Error> {
        actor.require(Permission::ReportBackup)?;
        let mut fields = Fields::default();
        for name in output.asked.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            let name: String = name.chars().take(60).collect();
            fields.add("", format!("“{name}” is nothing that can be said here; there are {}.", KNOWN.join(", ")));
        }
        let tool = fields.take("tool", output.tool.parse::<Tool>());
        let door = output.door(&mut fields);
        let exit_code = output.exit_code(&mut fields);
        let (Some(tool), Some(door), true) = (tool, door, fields.is_empty()) else { return Err(fields.into_error()) };
        let now = self.now();
        let incoming = Incoming::new(self.new_id(), Signal::Fail, now);
        let told = Told {
            blank: incoming.report.clone(),
            exit_code,
            zone: output.asked("zone"),
            stanza: output.asked("stanza"),
            now,
            zones: &*self.zones,
        };
        let said = domain::ingest::read(tool, &String::from_utf8_lossy(output.body), &told);
        let mut ingested = Ingested { tool: tool.as_str(), run: None, drill: None, ignored: None };
        match said.map_err(|refusal| Error::field(refusal.field, refusal.message))? {
            Said::Nothing(why) => ingested.ignored = Some(why),
            Said::Drill(drill) => {
                // Many tools give a rehearsal no name of its own, and say the same of each that ends alike: a retry is
                // the same output on the same day, or under the same key of the caller.
                let key = drill.key.clone().unwrap_or_else(|| {
                    let own = idempotency_key.map_or_else(|| now.date_naive().to_string(), ToOwned::to_owned);
                    crate::keys::hash(&format!("{} {own}", output.hash()))
                });
                let mut tx = self.db.decide().await?;
                let job = take_in::find_job(&mut tx, &door).await?.ok_or(Error::NotFound("job"))?;
                ingested.drill = Some(self.take_drill(tx, actor, &job, tool, key, *drill).await?);
            }
            Said::Run(run) => {
                let incoming = Incoming {
                    door,
                    key: run.key,
                    exit_code: run.exit_code,
                    report: run.report,
                    log: log_text(output.body),
                    kept: super::kept(actor, idempotency_key, || output.hash())?,
                    ..incoming
                };
                ingested.run = Some(self.intake.take_in(&self.db, incoming).await?);
            }
        }
        Ok(ingested)
    }
}
