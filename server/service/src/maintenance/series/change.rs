//! Changing and ending a series, with the windows it has made.

use super::input::{Content, SeriesInput};
use super::make::recent;
use super::telling::{changed, ended, gone};
use crate::error::Error;
use crate::maintenance::Words;
use crate::maintenance::decide::{Asked, refused};
use crate::maintenance::scope_of;
use crate::{Actor, Services};
use chrono::NaiveDate;
use domain::gate::{Purpose, Scope, Verdict};
use domain::ids::SeriesId;
use domain::maintenance::transition::{self, Change, Edit, Refusal};
use domain::maintenance::{Maintenance, Occasion, Planned};
use domain::people::Permission;
use domain::policy::Policy;
use domain::series::{Given, Occurrence, Series, follow, reshape};
use domain::text::Prose;
use domain::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;

/// What becomes of one window.
struct Step {
    before: Maintenance,
    change: Change,
    /// Which answer of the gate it goes by.
    asked: Option<usize>,
    /// Its date before, and its date and time now; none where it is called off.
    stays: Option<(NaiveDate, Occurrence)>,
}

/// The gate's answers, one per scope and length.
#[derive(Default)]
struct Answers(Vec<(Scope, Span, Asked)>);

impl Answers {
    async fn find(&mut self, services: &Services, tx: &mut Tx, now: Instant, m: &Maintenance) -> Result<usize, Error> {
        let (scope, length) = (scope_of(m), m.planned.length());
        if let Some(place) = self.0.iter().position(|(known, long, _)| *known == scope && *long == length) {
            return Ok(place);
        }
        // A new time or scope: no override can be for it.
        let (verdict, evidence) = services.gate_for_work(tx, now, Purpose::Schedule, &scope, Some(length)).await?;
        self.0.push((scope, length, Asked { verdict, evidence }));
        Ok(self.0.len() - 1)
    }

    fn get(&self, place: usize) -> Option<&Asked> {
        self.0.get(place).map(|(_, _, asked)| asked)
    }

    fn verdict(&self, place: usize) -> Option<&Verdict> {
        self.get(place).map(|asked| &asked.verdict)
    }
}

impl Services {
    /// Changes a series and its windows ahead that were not moved. `note` is what customers read about it.
    ///
    /// # Errors
    /// Not allowed, all wrong fields, refused by the gate (nothing changes, the answer is kept), a rule
    /// stands against a window in its new place, ended, stale, or the database does not answer.
    pub async fn edit_series(
        &self,
        actor: &Actor,
        id: SeriesId,
        version: i64,
        typed: &SeriesInput,
        note: &str,
    ) -> Result<Series, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let old = self.open_series(&mut tx, id, version).await?;
        let now = self.now();
        let policy = tx.site().await?.policy;
        let note = Words::from(note).read()?;
        let content = typed.read(self.zones.as_ref(), Some(&old), now)?;
        let mut new = changed_to(&old, content);
        if new == old {
            return Ok(old);
        }
        self.check_new_scope(&mut tx, &old, &new).await?;
        new.title = self.written_out(&mut tx, &new.title, &new.hosts, &new.components).await?;
        let mut answers = Answers::default();
        let steps = match self.steps(&mut tx, &old, &new, &note, now, &policy, &mut answers).await? {
            Ok(steps) => steps,
            Err((m, refusal, place)) => {
                if let Some(asked) = place.and_then(|place| answers.get(place)) {
                    self.keep(&mut tx, m.id, Occasion::Change, asked).await?;
                    self.note_series(&mut tx, actor, "series.refuse", Some(&old), &old).await?;
                    self.commit(tx).await?;
                }
                return Err(refused(&refusal, place.and_then(|place| answers.verdict(place))));
            }
        };
        tx.update_series(&new).await?;
        let mut told = false;
        let mut placed = Vec::new();
        for step in steps {
            let Step { before, change, asked, stays } = step;
            let is_first = change.tell && !told;
            told |= is_first;
            let text = match (&stays, is_first) {
                // Its own line says why it is called off.
                (None, _) => Prose::default(),
                (Some(_), true) => changed(&note, &new.timing),
                (Some(_), false) => note.clone(),
            };
            let proof = asked.and_then(|place| answers.get(place));
            if let Some(asked) = proof {
                self.keep(&mut tx, before.id, Occasion::Change, asked).await?;
            }
            let verb = if stays.is_some() { "maintenance.edit" } else { "maintenance.cancel" };
            let change = Change { tell: is_first, ..change };
            let verdict = proof.map(|asked| &asked.verdict);
            let after = self.carry_out(&mut tx, actor, &before, change, text, verdict).await?;
            if after != before {
                self.note(&mut tx, actor, verb, Some(&before), &after).await?;
            }
            if let Some((from, occurrence)) = stays {
                tx.move_occurrence(from, &occurrence).await?;
            }
            placed.extend(proof.map(|asked| (after, &asked.evidence)));
        }
        // Only now are all of them where they will be: none stands in the way by where it was.
        for (m, evidence) in placed {
            self.mind_conflicts(&mut tx, actor, &m, evidence, typed.conflicts_why.as_deref()).await?;
        }
        let after = Series { version: new.version + 1, ..new };
        self.note_series(&mut tx, actor, "series.edit", Some(&old), &after).await?;
        // Pages of all its windows say the rule.
        tx.announce();
        self.commit(tx).await?;
        self.go_on(id).await;
        Ok(self.db.read().await?.series(id).await?)
    }

    /// Makes no more windows. With `call_off` those ahead are called off as well, with the reason that
    /// customers read; otherwise they stay as they are.
    ///
    /// # Errors
    /// Not allowed, no reason where customers know of a window, ended, stale, or the database does not answer.
    pub async fn end_series(
        &self,
        actor: &Actor,
        id: SeriesId,
        version: i64,
        call_off: bool,
        reason: &str,
    ) -> Result<Series, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let old = self.open_series(&mut tx, id, version).await?;
        let now = self.now();
        let policy = tx.site().await?.policy;
        let reason = Words::from(reason).read()?;
        let mut windows = if call_off { tx.maintenances_of_series(id, recent(now)).await? } else { Vec::new() };
        windows.retain(|m| m.state.is_ahead() || m.state == domain::maintenance::State::Draft);
        if windows.iter().any(|m| m.published_at.is_some()) && reason.as_str().trim().is_empty() {
            return Err(Error::field("body", "Write what customers should read: why it is called off."));
        }
        let new = Series { ended_at: Some(now), problem: None, ..old.clone() };
        tx.update_series(&new).await?;
        let mut told = false;
        for m in windows {
            let is_first = m.published_at.is_some() && !told;
            told |= is_first;
            let text = if is_first { ended(&reason) } else { reason.clone() };
            let change = transition::cancel(&m, now, text, &policy).map_err(|r| refused(&r, None))?;
            let change = Change { tell: is_first, ..change };
            let after = self.carry_out(&mut tx, actor, &m, change, Prose::default(), None).await?;
            self.note(&mut tx, actor, "maintenance.cancel", Some(&m), &after).await?;
        }
        let after = Series { version: new.version + 1, ..new };
        self.note_series(&mut tx, actor, "series.end", Some(&old), &after).await?;
        tx.announce();
        self.commit(tx).await?;
        Ok(after)
    }

    async fn open_series(&self, tx: &mut Tx, id: SeriesId, version: i64) -> Result<Series, Error> {
        let series = tx.series(id).await?;
        if series.version != version {
            return Err(Error::stale("series", series.version));
        }
        if series.ended_at.is_some() {
            return Err(Error::refused("wrong_state", "This series has ended and can not be changed."));
        }
        Ok(series)
    }

    /// What is named newly must be in use.
    async fn check_new_scope(&self, tx: &mut Tx, old: &Series, new: &Series) -> Result<(), Error> {
        let hosts = new.hosts.iter().copied().filter(|id| !old.hosts.contains(id)).collect();
        let components = new.components.iter().copied().filter(|id| !old.components.contains(id)).collect();
        self.check_named(tx, hosts, components).await
    }

    /// What becomes of each window ahead, by date; or the first refusal, before anything is written.
    #[expect(clippy::too_many_arguments, reason = "one transaction's worth of what was read")]
    async fn steps(
        &self,
        tx: &mut Tx,
        old: &Series,
        new: &Series,
        note: &Prose,
        now: Instant,
        policy: &Policy,
        answers: &mut Answers,
    ) -> Result<Result<Vec<Step>, (Maintenance, Refusal, Option<usize>)>, Error> {
        let mut windows: BTreeMap<_, _> =
            tx.maintenances_of_series(old.id, recent(now)).await?.into_iter().map(|m| (m.id, m)).collect();
        let mut held: BTreeMap<NaiveDate, Maintenance> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for occurrence in tx.occurrences_from(old.id, recent(now)).await? {
            match occurrence.maintenance_id.and_then(|id| windows.remove(&id)) {
                Some(m) if occurrence.follows(&m) && m.planned.starts_at > now => {
                    held.insert(occurrence.date, m);
                }
                _ => {
                    taken.insert(occurrence.date);
                }
            }
        }
        let through = held.keys().next_back().copied();
        let wanted: BTreeMap<NaiveDate, Planned> = self.wanted(new, now, through)?.into_iter().collect();
        let dates = held.keys().copied().collect();
        let reshaped = reshape(&new.timing.rule, &dates, &wanted.keys().copied().collect(), &taken);
        let mut steps: BTreeMap<NaiveDate, Step> = BTreeMap::new();
        for (from, to) in reshaped.stays {
            let (Some(m), Some(planned)) = (held.remove(&from), wanted.get(&to)) else { continue };
            let edit = follow(old, new, &m, planned.clone());
            let occurrence =
                Occurrence { series_id: old.id, date: to, maintenance_id: Some(m.id), given: Given::of(planned) };
            let (change, asked) = match self.edited(tx, &m, edit, now, policy, answers).await? {
                (Ok(change), asked) => (change, asked),
                (Err(refusal), asked) => return Ok(Err((m, refusal, asked))),
            };
            steps.insert(to, Step { before: m, change, asked, stays: Some((from, occurrence)) });
        }
        for date in reshaped.ends {
            let Some(m) = held.remove(&date) else { continue };
            let change = match transition::cancel(&m, now, gone(note, &new.timing), policy) {
                Ok(change) => change,
                Err(refusal) => return Ok(Err((m, refusal, None))),
            };
            steps.insert(date, Step { before: m, change, asked: None, stays: None });
        }
        Ok(Ok(steps.into_values().collect()))
    }

    /// The change of one window, with the gate's answer where it takes one.
    async fn edited(
        &self,
        tx: &mut Tx,
        m: &Maintenance,
        edit: Edit,
        now: Instant,
        policy: &Policy,
        answers: &mut Answers,
    ) -> Result<(Result<Change, Refusal>, Option<usize>), Error> {
        let result = transition::edit(m, now, edit.clone(), None, policy);
        if !matches!(result, Err(Refusal::NeedsVerdict)) {
            return Ok((result, None));
        }
        let as_it_would_be = Maintenance {
            hosts: edit.hosts.clone(),
            components: edit.components.clone(),
            planned: edit.planned.clone(),
            ..m.clone()
        };
        let place = answers.find(self, tx, now, &as_it_would_be).await?;
        Ok((transition::edit(m, now, edit, answers.verdict(place), policy), Some(place)))
    }
}

fn changed_to(old: &Series, content: Content) -> Series {
    let Content { title, message, hosts, components, timing, auto_start, auto_complete, checklist, reminders } =
        content;
    Series { title, message, hosts, components, timing, auto_start, auto_complete, checklist, reminders, ..old.clone() }
}
