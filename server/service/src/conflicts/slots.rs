//! The next good times for work.

use super::{Rhythms, check_named};
use crate::gate::find_component;
use crate::runs::find_host;
use crate::{Actor, Error, Fields, Services};
use domain::conflict::{Conflict, Work};
use domain::gate::{Evidence, JobEvidence, Purpose, Scope, Verdict, ask};
use domain::ids::MaintenanceId;
use domain::maintenance::{Fold, MAX_LENGTH, Planned};
use domain::people::Permission;
use domain::policy::Policy;
use domain::rhythm::Rhythm;
use domain::slot::{HORIZON, Need, NoSlot, Slot, Way, slots};
use domain::time::{Instant, Span, Stretch, ZoneRules, parse_local};

/// Times proposed at once.
const MOST: usize = 3;

/// What a program asks about, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Hosts by id or name.
    pub hosts: Vec<String>,
    /// Components by id, slug or name.
    pub components: Vec<String>,
    /// IANA zone of `start` and `end`; the site's where empty.
    pub zone: String,
    /// Local start.
    pub start: String,
    /// `earlier` or `later`, where it exists twice.
    pub start_fold: String,
    /// Local end.
    pub end: String,
    /// `earlier` or `later`, where it exists twice.
    pub end_fold: String,
    /// How long the work takes: `2 h`.
    pub length: String,
    /// The window that is asked about, if it is stored.
    pub maintenance: String,
}

/// Times to propose, or why there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// The earliest first.
    pub slots: Vec<Slot>,
    /// All reasons, where there is no slot.
    pub none: Vec<NoSlot>,
}

impl Services {
    /// The next good times for work of a length on a scope.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn next_slots(
        &self,
        actor: &Actor,
        scope: &Scope,
        length: Span,
        except: Option<MaintenanceId>,
    ) -> Result<Slots, Error> {
        actor.require(Permission::View)?;
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let evidence = tx.evidence(scope, &site.policy).await?;
        let verdict = ask(now, Purpose::Start, scope, &evidence);
        let topology = tx.topology().await?;
        let rhythms = self.rhythms(&mut tx, &evidence).await?;
        let ahead = Stretch::new(now, length.after(HORIZON.after(now)));
        let around = self.surroundings(&mut tx, except, &evidence, &rhythms, &topology, ahead).await?;
        let seer = Seer { rules: self.zones.as_ref(), zone: &site.zone, now, ahead, rhythms: &rhythms };
        let needs = seer.needs(&verdict, &evidence);
        let work = Work::of(scope, Stretch::new(now, now), &topology);
        Ok(match slots(now, length, &work, &needs, &around, MOST) {
            Ok(slots) => Slots { slots, none: Vec::new() },
            Err(none) => Slots { slots: Vec::new(), none },
        })
    }

    /// What stands in the way of the work that a program names.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn conflicts_for(&self, actor: &Actor, asked: &Asked) -> Result<Vec<Conflict>, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let (scope, except) = self.named(&mut fields, asked).await?;
        let start = fields.take("start", parse_local(&asked.start));
        let end = fields.take("end", parse_local(&asked.end));
        let (start_fold, end_fold) =
            (fold(&mut fields, "start_fold", &asked.start_fold), fold(&mut fields, "end_fold", &asked.end_fold));
        let zone = if asked.zone.trim().is_empty() { self.site().await?.zone } else { asked.zone.clone() };
        let planned = match (start, end) {
            (Some(start), Some(end)) => {
                let planned = Planned::plan(self.zones.as_ref(), &zone, start, start_fold, end, end_fold, None);
                planned.map_err(|error| fields.add(error.field().name(), error.to_string())).ok()
            }
            _ => None,
        };
        match planned {
            Some(planned) if fields.is_empty() => {
                let stretch = Stretch::new(planned.starts_at, planned.ends_at);
                self.look_at_conflicts(actor, &scope, stretch, except).await
            }
            _ => Err(fields.into_error()),
        }
    }

    /// The next good times for the work that a program names.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn slots_for(&self, actor: &Actor, asked: &Asked) -> Result<Slots, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let (scope, except) = self.named(&mut fields, asked).await?;
        let length = fields.take("length", Span::parse(&asked.length));
        let fits = length.filter(|length| Span::default() < *length && *length <= MAX_LENGTH);
        if length.is_some() && fits.is_none() {
            fields.add("length", "A window is longer than nothing and at most 14 days long.");
        }
        match fits {
            Some(length) if fields.is_empty() => self.next_slots(actor, &scope, length, except).await,
            _ => Err(fields.into_error()),
        }
    }

    async fn named(&self, fields: &mut Fields, asked: &Asked) -> Result<(Scope, Option<MaintenanceId>), Error> {
        let mut tx = self.db.read().await?;
        let mut scope = Scope::default();
        for text in &asked.hosts {
            scope.hosts.extend(fields.take("host", find_host(&mut tx, text.trim()).await?));
        }
        for text in &asked.components {
            scope.components.extend(fields.take("component", find_component(&mut tx, text.trim()).await?));
        }
        check_named(&mut tx, fields, &scope).await?;
        let except = match asked.maintenance.trim() {
            "" => None,
            text => fields.take("maintenance", text.parse().map_err(|_| "This is no id of a window.")),
        };
        Ok((scope, except))
    }
}

fn fold(fields: &mut Fields, field: &'static str, text: &str) -> Option<Fold> {
    match text.trim() {
        "" => None,
        "earlier" => Some(Fold::Earlier),
        "later" => Some(Fold::Later),
        _ => {
            fields.add(field, "Choose earlier or later.");
            None
        }
    }
}

/// Foresees runs.
struct Seer<'a> {
    rules: &'a dyn ZoneRules,
    zone: &'a str,
    now: Instant,
    ahead: Stretch,
    rhythms: &'a Rhythms,
}

impl Seer<'_> {
    fn needs(&self, verdict: &Verdict, evidence: &Evidence) -> Vec<Need> {
        let without = |place: String| Need { place, limit: Span::default(), until: None, ways: Vec::new() };
        let mut needs: Vec<Need> = verdict
            .reasons()
            .iter()
            .filter(|finding| finding.data_set.is_none())
            .map(|finding| without(finding.place()))
            .filter(|need| !need.place.is_empty())
            .collect();
        for host in &evidence.hosts {
            if verdict.exemptions.iter().any(|(id, ..)| *id == host.id) {
                continue;
            }
            for set in host.data_sets.iter().filter(|set| set.data_set.retired_at.is_none()) {
                let safe = verdict.protections.iter().find(|p| p.data_set == set.data_set.id && p.ok);
                needs.push(Need {
                    place: format!("{} · {}", host.name, set.data_set.name),
                    limit: host.policy.start_max_age,
                    until: safe.and_then(|protection| protection.until),
                    ways: set.jobs.iter().filter_map(|job| self.way(job, &host.policy)).collect(),
                });
            }
        }
        needs
    }

    fn way(&self, job: &JobEvidence, policy: &Policy) -> Option<Way> {
        let own = self.rhythms.get(&job.job.id)?;
        let Some(carrier) = job.job.carried_by else { return Some(Way::Direct { runs: self.ahead_of(own) }) };
        let carriers = self.ahead_of(self.rhythms.get(&carrier)?);
        let made = job.runs.iter().filter(|run| run.is_good(policy) && run.clock_fault_at(self.now).is_none());
        let mut dumps: Vec<Stretch> =
            made.filter_map(|run| Some(Stretch::new(run.started_at, run.finished_at?))).collect();
        dumps.extend(self.ahead_of(own));
        dumps.sort_unstable();
        Some(Way::Carried { dumps, carriers })
    }

    /// The run that goes on, and those that are expected.
    fn ahead_of(&self, rhythm: &Rhythm) -> Vec<Stretch> {
        let mut runs: Vec<Stretch> = rhythm.running(self.now).into_iter().collect();
        runs.extend(rhythm.expected(self.rules, self.zone, self.ahead));
        runs
    }
}
