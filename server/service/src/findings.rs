//! Findings: looked for again and again, kept while they are there, told once, and quiet for a while
//! where somebody says so.

use crate::audit::Action;
use crate::team_mail::Occasion;
use crate::{Actor, Error, Fields, Services};
use chrono::NaiveDate;
use domain::finding::digest::news_is_due;
use domain::finding::{Acknowledgement, Case, Kind, Settled, Subject, UnknownKind, findings, settle};
use domain::ids::{FindingId, JobId};
use domain::people::Permission;
use domain::text::optional_line;
use domain::time::{Instant, Span};
use std::str::FromStr;
use storage::Tx;

/// Characters in the reason of an acknowledgement.
const REASON: usize = 300;

/// Longest acknowledgement.
const LONGEST: Span = Span::days(366);

/// How long findings that are gone are shown.
const CLOSED_SHOWN: Span = Span::days(14);

/// Most of them that are shown.
const CLOSED_MOST: i64 = 50;

/// What is still there is written down this often.
const SEEN_EVERY: Span = Span::minutes(10);

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It asks for somebody.
    Open,
    /// Somebody said that it may stay for a while.
    Acknowledged,
    /// Gone lately.
    Closed,
}

/// Not how a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Choose one of: open, acknowledged, closed.")]
pub struct UnknownStanding;

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Closed];

    /// As sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    /// How a finding stands now.
    #[must_use]
    pub fn of(case: &Case, now: Instant) -> Self {
        match case.closed_at {
            Some(_) => Self::Closed,
            None if case.quiet(now).is_some() => Self::Acknowledged,
            None => Self::Open,
        }
    }
}

impl FromStr for Standing {
    type Err = UnknownStanding;
    fn from_str(text: &str) -> Result<Self, UnknownStanding> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == text.trim()).ok_or(UnknownStanding)
    }
}

/// Which findings are asked for, as typed in an address; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct FindingsQuery {
    /// One of [`Kind`].
    pub kind: String,
    /// One of [`Standing`].
    pub state: String,
}

/// Findings, the most urgent kind first.
#[derive(Clone, Debug)]
pub struct FindingsView {
    /// When this was.
    pub asked_at: Instant,
    /// How many are open, of each kind, whatever kind is asked for.
    pub counts: Vec<(Kind, usize)>,
    /// Those that ask for somebody.
    pub open: Vec<Case>,
    /// Those that may stay for a while.
    pub acknowledged: Vec<Case>,
    /// Gone in the last two weeks, the newest first.
    pub closed: Vec<Case>,
}

/// What a person says who acknowledges a finding, as typed.
#[derive(Clone, Debug, Default)]
pub struct AcknowledgementInput {
    /// Why it may stay for now.
    pub reason: String,
    /// The day on which it comes back, at the hour of the daily mail: `2026-12-01`.
    pub until: String,
}

/// The page on which something can be mended.
#[must_use]
pub fn page_of(subject: Subject) -> String {
    match subject {
        Subject::Host(id) => format!("/admin/hosts/{id}"),
        Subject::DataSet(id) => format!("/admin/data-sets/{id}"),
        Subject::Job(id) => format!("/admin/jobs/{id}"),
    }
}

impl Services {
    /// Looks for findings once: keeps new ones, closes those that are gone, and tells the team of what it
    /// does not know yet and, at its hour, of all that is open. Any node may do it at any time: each thing
    /// is done in one transaction that sees what others did.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn watch_findings(&self) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let open = tx.open_findings().await?;
        let settled = look(&mut tx, &open, now).await?;
        let unseen = open.iter().map(|case| case.last_seen_at).min().is_some_and(|at| SEEN_EVERY.after(at) <= now);
        let is_idle = settled.is_empty() && !unseen && self.occasion(&mut tx, &open, now).await?.is_none();
        drop(tx);
        if is_idle {
            return Ok(());
        }
        // Another node may have been faster: look again where nothing changes meanwhile.
        let mut tx = self.db.decide().await?;
        let open = tx.open_findings().await?;
        let settled = look(&mut tx, &open, now).await?;
        for id in settled.gone {
            tx.close_finding(id, now).await?;
        }
        for (id, finding) in settled.moved {
            tx.move_finding(id, &finding).await?;
        }
        for finding in settled.new {
            tx.insert_finding(self.new_id(), &finding, now).await?;
        }
        tx.see_findings(now).await?;
        let open = tx.open_findings().await?;
        let occasion = self.occasion(&mut tx, &open, now).await?;
        if let Some(occasion) = occasion {
            self.tell_team(&mut tx, occasion, open, now).await?;
        }
        tx.commit().await?;
        if occasion.is_some() {
            self.outbox_filled.notify_one();
        }
        Ok(())
    }

    /// Why the team is to be told now, if so.
    async fn occasion(&self, tx: &mut Tx, open: &[Case], now: Instant) -> Result<Option<Occasion>, Error> {
        let site = tx.site().await?;
        let zones = self.zones.as_ref();
        let due = match tx.digest_day().await? {
            Some(last) => site.digest_hour.due(zones, &site.zone, last, now),
            // The first day begins with the next digest: what is new is told anyway.
            None => return Ok(Some(Occasion::Begin(site.digest_hour.newest_day(zones, &site.zone, now)))),
        };
        let news = open.iter().filter_map(|case| case.to_be_told_since(now));
        Ok(match due {
            Some(day) => Some(Occasion::Daily(day)),
            None if news_is_due(news, now) => Some(Occasion::News),
            None => None,
        })
    }

    /// Findings of the asked kind.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn findings(&self, actor: &Actor, query: &FindingsQuery) -> Result<FindingsView, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let kind = match query.kind.trim() {
            "" => None,
            text => fields.take::<Kind, UnknownKind>("kind", text.parse()),
        };
        let state = match query.state.trim() {
            "" => None,
            text => fields.take::<Standing, UnknownStanding>("state", text.parse()),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let now = self.now();
        let mut tx = self.db.read().await?;
        let mut kept = tx.open_findings().await?;
        kept.sort_by_cached_key(|case| (case.finding.what.kind(), case.finding.place.to_lowercase(), case.id));
        let closed = tx.closed_findings(CLOSED_SHOWN.before(now), CLOSED_MOST).await?;
        let of = |kind: Kind| kept.iter().filter(|case| case.is_open(now) && case.finding.what.kind() == kind).count();
        let counts = Kind::ALL.into_iter().map(|kind| (kind, of(kind))).collect();
        let is_asked = |case: &Case| {
            kind.is_none_or(|kind| case.finding.what.kind() == kind)
                && state.is_none_or(|state| Standing::of(case, now) == state)
        };
        let (open, acknowledged) = kept.into_iter().filter(is_asked).partition(|case| case.is_open(now));
        let closed = closed.into_iter().filter(is_asked).collect();
        Ok(FindingsView { asked_at: now, counts, open, acknowledged, closed })
    }

    /// Open findings about one job.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn findings_of_job(&self, actor: &Actor, job: JobId) -> Result<Vec<Case>, Error> {
        actor.require(Permission::View)?;
        let mut cases = self.db.read().await?.open_findings().await?;
        cases.retain(|case| case.finding.subject == Subject::Job(job));
        Ok(cases)
    }

    /// How many findings ask for somebody, for the navigation of every page.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn count_findings(&self, actor: &Actor) -> Result<u64, Error> {
        actor.require(Permission::View)?;
        self.count_findings_in(&mut self.db.read().await?).await
    }

    pub(crate) async fn count_findings_in(&self, tx: &mut Tx) -> Result<u64, Error> {
        let count = tx.count_open_findings(self.now()).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// One finding.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn finding(&self, actor: &Actor, id: FindingId) -> Result<Case, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.finding(id).await?)
    }

    /// Lets a finding stay until a day, with a reason. It comes back then, if it is still there.
    ///
    /// # Errors
    /// Not allowed, not found, stale, gone, wrong fields, or the database does not answer.
    pub async fn acknowledge_finding(
        &self,
        actor: &Actor,
        id: FindingId,
        version: i64,
        input: &AcknowledgementInput,
    ) -> Result<Case, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let (case, site, now) = (open_case(&mut tx, id, version).await?, tx.site().await?, self.now());
        let mut fields = Fields::default();
        let reason = fields.take("reason", optional_line(&input.reason, REASON));
        if reason.as_ref().is_some_and(String::is_empty) {
            fields.add("reason", "Say why it may stay for now.");
        }
        let day = input.until.trim().parse::<NaiveDate>();
        let day = fields.take("until", day.map_err(|_| "Choose a day, written like 2026-12-01."));
        let until = day.map(|day| site.digest_hour.on(self.zones.as_ref(), &site.zone, day));
        match until {
            Some(until) if until <= now => fields.add("until", "Choose a day that is still to come."),
            Some(until) if LONGEST.after(now) < until => fields.add("until", "Choose a day within the next year."),
            _ => {}
        }
        let (Some(reason), Some(until), true) = (reason, until, fields.is_empty()) else {
            return Err(fields.into_error());
        };
        let acknowledged = Acknowledgement { reason, by: actor.label(), at: now, until };
        self.store_acknowledgement(actor, tx, "finding.acknowledge", case, Some(acknowledged)).await
    }

    /// Ends an acknowledgement before its day.
    ///
    /// # Errors
    /// Not allowed, not found, stale, gone, or the database does not answer.
    pub async fn end_acknowledgement(&self, actor: &Actor, id: FindingId, version: i64) -> Result<Case, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let case = open_case(&mut tx, id, version).await?;
        if case.acknowledged.is_none() {
            return Ok(case);
        }
        self.store_acknowledgement(actor, tx, "finding.end_acknowledgement", case, None).await
    }

    async fn store_acknowledgement(
        &self,
        actor: &Actor,
        mut tx: Tx,
        verb: &'static str,
        before: Case,
        acknowledged: Option<Acknowledgement>,
    ) -> Result<Case, Error> {
        let mut after = Case { acknowledged, ..before.clone() };
        tx.acknowledge_finding(&after).await?;
        after.version += 1;
        let action = Action { verb, object: "finding", id: after.id.to_string(), name: after.finding.heading() };
        let entry = self.audit(actor, action, before.acknowledged.as_ref(), after.acknowledged.as_ref());
        tx.add_audit(&entry).await?;
        tx.commit().await?;
        Ok(after)
    }
}

/// What is to be found now, against what is open.
async fn look(tx: &mut Tx, open: &[Case], now: Instant) -> Result<Settled, Error> {
    let facts = tx.finding_facts(now).await?;
    let known = open.iter().map(|case| case.finding.key()).collect();
    Ok(settle(open, findings(now, &facts, &known)))
}

async fn open_case(tx: &mut Tx, id: FindingId, version: i64) -> Result<Case, Error> {
    let case = tx.finding(id).await?;
    if case.closed_at.is_some() {
        return Err(Error::refused("gone", "This finding is gone already."));
    }
    if case.version == version { Ok(case) } else { Err(Error::stale("finding", case.version)) }
}
