//! Counting days that are over, and counting again what has changed since.
//!
//! Whatever changes an impact leaves a mark where that reaches into counted days (the database sees to it), so
//! that late entries, corrections and withdrawals are counted without anybody having to think of it. All writers
//! of impacts decide one after the other ([`storage::Db::decide`]), as the counting does: none can slip between
//! what was read and what is kept.

use super::by_component;
use crate::{Error, Services};
use chrono::{Days, NaiveDate};
use domain::availability::{Tally, tallies};
use domain::site::Site;
use domain::time::{Day, Stretch, days};
use std::collections::BTreeMap;
use storage::Tx;
use storage::figure::{Counted, Counts, Stale};

/// Days counted in one transaction, so that others come in between.
const PART: u64 = 62;

/// Marks seen to in one transaction.
const MARKS: i64 = 100;

impl Services {
    /// Whether days were counted by the clocks that are in use, or by newer rules of another node: two nodes that know
    /// different ones do not count everything again in turn.
    pub(super) fn counted_by_our_clocks(&self, site: &Site, counted: &Counted) -> bool {
        counted.zone == site.zone && counted.zone_rules >= self.zones.version()
    }

    /// Counts all days that are over, and what has changed since it was counted. Gives how many parts of the work
    /// that took.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn count_days(&self) -> Result<u64, Error> {
        let mut parts = 0;
        while self.is_behind().await? && self.count_part().await? {
            parts += 1;
        }
        Ok(parts)
    }

    /// Whether there is something to count.
    async fn is_behind(&self) -> Result<bool, Error> {
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let Some(counted) = tx.counted().await?.filter(|counted| self.counted_by_our_clocks(&site, counted)) else {
            return Ok(true);
        };
        let today = self.midnight(&site.zone, self.date(&site, self.now()));
        Ok(counted.until < today || !tx.stale_days(1).await?.is_empty())
    }

    /// Does one part; false where there was nothing to do.
    async fn count_part(&self) -> Result<bool, Error> {
        let mut tx = self.db.decide().await?;
        let site = tx.site().await?;
        let today = self.date(&site, self.now());
        let counted = match tx.counted().await? {
            Some(counted) if self.counted_by_our_clocks(&site, &counted) => counted,
            _ => {
                tx.forget_counted().await?;
                let first = tx.first_known().await?.map_or(today, |at| self.date(&site, at)).min(today);
                Counted {
                    zone: site.zone.clone(),
                    zone_rules: self.zones.version(),
                    until: self.midnight(&site.zone, first),
                }
            }
        };
        let marks = tx.stale_days(MARKS).await?;
        if !marks.is_empty() {
            self.count_again(&mut tx, &site, &counted, &marks).await?;
            tx.commit().await?;
            return Ok(true);
        }
        let first = self.date(&site, counted.until);
        if first >= today {
            tx.set_counted(&counted).await?;
            tx.commit().await?;
            return Ok(false);
        }
        let last = first.checked_add_days(Days::new(PART - 1)).unwrap_or(first).min(today.pred_opt().unwrap_or(first));
        let part = days(self.zones.as_ref(), &site.zone, first, last);
        let components = tx.counting(counted.until, true).await?;
        self.count_stretch(&mut tx, &components, &part).await?;
        let until = part.last().map_or(counted.until, |day| day.stretch.to);
        tx.set_counted(&Counted { until, ..counted }).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Counts what is marked, as far as it had been counted.
    async fn count_again(&self, tx: &mut Tx, site: &Site, counted: &Counted, marks: &[Stale]) -> Result<(), Error> {
        let Some(earliest) = marks.iter().map(|mark| mark.from).min() else { return Ok(()) };
        let all: BTreeMap<_, Counts> =
            tx.counting(earliest, true).await?.into_iter().map(|component| (component.id, component)).collect();
        for mark in marks {
            let to = mark.to.unwrap_or(counted.until).min(counted.until);
            let (Some(component), false) = (all.get(&mark.component), to <= mark.from) else { continue };
            let last = self.date(site, to);
            let mut part = days(self.zones.as_ref(), &site.zone, self.date(site, mark.from), last);
            part.retain(|day| day.stretch.to <= counted.until);
            self.count_stretch(tx, std::slice::from_ref(component), &part).await?;
        }
        Ok(tx.drop_stale(marks).await?)
    }

    /// Keeps what is to be said of some days: those on which nothing happened need no row.
    async fn count_stretch(&self, tx: &mut Tx, components: &[Counts], part: &[Day]) -> Result<(), Error> {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { return Ok(()) };
        let now = self.now();
        let stretches: Vec<Stretch> = part.iter().map(|day| day.stretch).collect();
        let ids: Vec<_> = components.iter().map(|component| component.id).collect();
        let only = matches!(ids.as_slice(), [_]).then_some(ids.as_slice());
        let impacts = by_component(tx.impacts_between(only, first.stretch.from, last.stretch.to).await?);
        for component in components {
            let Some(impacts) = impacts.get(&component.id) else {
                // Nothing is said any more of what may have been said before.
                if only.is_some() {
                    tx.put_component_days(component.id, first.date, last.date, &[]).await?;
                }
                continue;
            };
            let counted = tallies(component.life, impacts, &stretches, now);
            let rows: Vec<(NaiveDate, Tally)> = part
                .iter()
                .zip(counted)
                .filter(|(day, tally)| *tally != component.life.plain(day.stretch, now))
                .map(|(day, tally)| (day.date, tally))
                .collect();
            tx.put_component_days(component.id, first.date, last.date, &rows).await?;
        }
        Ok(())
    }
}
