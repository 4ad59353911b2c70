//! What happens by itself: checks ahead of a start, starts, holds, postponements, ends.
//!
//! Every step is taken inside a decision, from what is stored at that moment: on many nodes and
//! after a crash at any instant each happens once.

use super::decide::Asked;
use crate::error::Error;
use crate::{Actor, Services};
use domain::gate::{Purpose, Verdict};
use domain::ids::MaintenanceId;
use domain::maintenance::transition::{self, Ahead, Change, Due, Refusal, Who};
use domain::maintenance::{Maintenance, Occasion, State};
use domain::policy::Policy;
use domain::text::Prose;
use domain::time::Instant;
use storage::Tx;
use storage::maintenance::Order;

/// Windows looked at in one go; the rest is due in the next second.
const BATCH: i64 = 100;

/// Steps one window can take at one instant: both checks, start or hold, postponement, end.
const STEPS: usize = 6;

impl Services {
    /// Takes every step that is due. Cheap where nothing is. A window that can not be dealt with is
    /// logged and does not stop the others.
    ///
    /// Gives back how many windows changed.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn run_due(&self) -> Result<usize, Error> {
        let ids = self.db.read().await?.due_maintenances(self.now(), BATCH).await?;
        let mut changed = 0;
        for id in ids {
            match self.advance(id).await {
                Ok(true) => changed += 1,
                Ok(false) => {}
                Err(error) => tracing::error!(maintenance = %id, %error, "a due step failed"),
            }
        }
        Ok(changed)
    }

    /// All steps of one window that are due.
    async fn advance(&self, id: MaintenanceId) -> Result<bool, Error> {
        let mut tx = self.db.decide().await?;
        let now = self.now();
        let policy = tx.site().await?.policy;
        let first = tx.maintenance(id).await?;
        let mut m = first.clone();
        for _ in 0..STEPS {
            let Some(due) = transition::due(&m, now, &policy) else { break };
            m = self.step(&mut tx, m, due, now, &policy).await?;
        }
        if m == first {
            // The policy has changed since: look again when it says.
            let next = transition::next_due(&m, &policy);
            if next != m.next_due_at && next.is_none_or(|at| at > now) {
                tx.note_checks(&Maintenance { next_due_at: next, ..m }).await?;
                tx.commit().await?;
            }
            return Ok(false);
        }
        tx.commit().await?;
        self.outbox_filled.notify_one();
        self.requests_changed.notify_waiters();
        Ok(true)
    }

    async fn step(
        &self,
        tx: &mut Tx,
        m: Maintenance,
        due: Due,
        now: Instant,
        policy: &Policy,
    ) -> Result<Maintenance, Error> {
        match due {
            Due::DayCheck | Due::LeadCheck => {
                let (ahead, occasion) = match due {
                    Due::DayCheck => (Ahead::Day, Occasion::DayBefore),
                    _ => (Ahead::Lead, Occasion::Lead),
                };
                let asked = self.ask(tx, now, Purpose::Start, &m).await?;
                let change = transition::check_ahead(&m, now, &asked.verdict, ahead, policy);
                if ahead == Ahead::Lead && change.is_ok() {
                    self.request_for_start(tx, &m, now).await?;
                }
                self.follow(tx, &m, change, Some((occasion, &asked))).await
            }
            Due::Start => {
                let asked = self.ask(tx, now, Purpose::Start, &m).await?;
                let change = transition::start(&m, now, &asked.verdict, Who::Worker, policy);
                self.follow(tx, &m, change, Some((Occasion::Start, &asked))).await
            }
            Due::Postpone => self.follow(tx, &m, transition::postpone(&m, now, policy), None).await,
            Due::Complete => self.follow(tx, &m, transition::complete(&m, now, Who::Worker, policy), None).await,
        }
    }

    /// Stores a step with its answer of the gate. A refusal leaves the window as it is.
    async fn follow(
        &self,
        tx: &mut Tx,
        m: &Maintenance,
        change: Result<Change, Refusal>,
        asked: Option<(Occasion, &Asked)>,
    ) -> Result<Maintenance, Error> {
        let change = match change {
            Ok(change) => change,
            Err(refusal) => {
                tracing::warn!(maintenance = %m.id, %refusal, "a due step was refused");
                return Ok(m.clone());
            }
        };
        let system = Actor::system();
        if let Some((occasion, asked)) = asked {
            self.keep(tx, m.id, occasion, asked).await?;
        }
        let proof = asked.map(|(_, asked)| &asked.verdict);
        let after = self.carry_out(tx, &system, m, change, Prose::default(), proof).await?;
        let verb = match (m.state, after.state) {
            (before, after) if before == after => "maintenance.check",
            (_, State::Held) => "maintenance.hold",
            (_, State::InProgress) => "maintenance.start",
            (_, State::Postponed) => "maintenance.postpone",
            (_, State::Verifying) => "maintenance.verify",
            _ => "maintenance.complete",
        };
        self.note(tx, &system, verb, Some(m), &after).await?;
        tracing::info!(maintenance = %m.id, number = m.number, verb, "by itself");
        Ok(after)
    }

    /// Moves the instants of windows ahead where the rules of their zone have changed since they
    /// were planned (TZ-2): to be called when a program starts, with the rules it found. Whether
    /// subscribers are told of a published one is then asked ([`super::zone_moves`]).
    ///
    /// Gives back how many windows moved.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn follow_zones(&self) -> Result<usize, Error> {
        const AHEAD: [State; 3] = [State::Draft, State::Scheduled, State::Postponed];
        let mut moved = 0;
        let mut beyond = None;
        loop {
            let windows = self.db.read().await?.maintenances_in(&AHEAD, Order::Earliest, beyond, BATCH).await?;
            let Some(last) = windows.last() else { return Ok(moved) };
            beyond = Some((last.planned.starts_at, last.id));
            for m in &windows {
                match m.planned.rederive(self.zones.as_ref()) {
                    Ok(None) => {}
                    Ok(Some(_)) => moved += usize::from(self.follow_zone_of(m.id).await?),
                    Err(error) => {
                        tracing::warn!(maintenance = %m.id, number = m.number, %error, "its time is not clear any more");
                    }
                }
            }
        }
    }

    async fn follow_zone_of(&self, id: MaintenanceId) -> Result<bool, Error> {
        let mut tx = self.db.decide().await?;
        let policy = tx.site().await?.policy;
        let m = tx.maintenance(id).await?;
        let Ok(Some(planned)) = m.planned.rederive(self.zones.as_ref()) else { return Ok(false) };
        let Ok(change) = transition::follow_zone(&m, self.now(), planned, &policy) else { return Ok(false) };
        let system = Actor::system();
        let why =
            format!("The clocks of {} have new rules. The local time there stays; in UTC it moves.", m.planned.zone);
        let why = Prose::parse(&why).unwrap_or_default();
        let after = self.carry_out(&mut tx, &system, &m, change, why, None).await?;
        if after.state == State::Scheduled {
            self.keep_zone_move(&mut tx, &after).await?;
        }
        self.note(&mut tx, &system, "maintenance.follow_zone", Some(&m), &after).await?;
        tx.commit().await?;
        tracing::info!(maintenance = %id, zone = after.planned.zone, rules = self.zones.version(), "its instants moved");
        Ok(true)
    }

    /// Asks again for every window on hold: to be called after each report, and now and then in
    /// case a node died between a report (or the word of a second person) and this. What is
    /// confirmed, or covered by an override, and still fits starts.
    ///
    /// Gives back how many windows began.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn retry_held(&self) -> Result<usize, Error> {
        let held = {
            let mut tx = self.db.read().await?;
            if tx.count_maintenances(&[State::Held]).await? == 0 {
                return Ok(0);
            }
            tx.maintenances_in(&[State::Held], Order::Earliest, None, BATCH).await?
        };
        let mut began = 0;
        for m in held {
            match self.retry_one(&m).await {
                Ok(true) => began += 1,
                Ok(false) => {}
                Err(error) => tracing::error!(maintenance = %m.id, %error, "asking again for a held window failed"),
            }
        }
        Ok(began)
    }

    /// Asks again for one window on hold.
    pub(super) async fn retry_one(&self, m: &Maintenance) -> Result<bool, Error> {
        let now = self.now();
        // Most reports change nothing here: find that out without holding up other decisions.
        let worth_deciding = {
            let mut tx = self.db.read().await?;
            let verdict = self.ask(&mut tx, now, Purpose::Start, m).await?.verdict;
            verdict.allows() || {
                let last = tx.verdicts_of(m.id, 1).await?.pop();
                last.is_none_or(|last| !says_the_same(&last.verdict, &verdict))
            }
        };
        if !worth_deciding {
            return Ok(false);
        }
        let mut tx = self.db.decide().await?;
        let policy = tx.site().await?.policy;
        let m = tx.maintenance(m.id).await?;
        if m.state != State::Held {
            return Ok(false);
        }
        let asked = self.ask(&mut tx, now, Purpose::Start, &m).await?;
        if !asked.verdict.allows() {
            // Fewer or other reasons: colleagues see how far it is.
            self.keep(&mut tx, m.id, Occasion::Report, &asked).await?;
            tx.commit().await?;
            return Ok(false);
        }
        let change = transition::start(&m, now, &asked.verdict, Who::Worker, &policy);
        if matches!(change, Err(Refusal::NoLongerFits)) {
            // Its postponement is due.
            return Ok(false);
        }
        let after = self.follow(&mut tx, &m, change, Some((Occasion::Report, &asked))).await?;
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(after.state == State::InProgress)
    }
}

/// The same reasons at the same places: only ages differ.
fn says_the_same(a: &Verdict, b: &Verdict) -> bool {
    let (a, b) = (a.reasons(), b.reasons());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same_as(b))
}
