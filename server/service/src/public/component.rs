//! `/components/…`: one component, how it is and how it has been.

use super::{Board, LIST, OPEN, Window, one_per_series, windows};
use crate::figures::{BAR_DAYS, Figure};
use crate::{Error, Services};
use chrono::{Datelike, Days, NaiveDate};
use domain::availability::{Life, Tally, now_and_since, timeline};
use domain::component::Component;
use domain::correction::Correction;
use domain::ids::ComponentId;
use domain::impact::{Impact, Known, Source};
use domain::site::Site;
use domain::time::{Instant, Span, Stretch};
use std::collections::BTreeMap;
use storage::Tx;
use storage::figure::Counts;
pub use storage::figure::{Happening, What};
use storage::maintenance::Order;

/// Things that happened, at most, on one page.
const HAPPENINGS: i64 = 400;

/// Corrections on one page, at most.
const CORRECTIONS: i64 = 50;

/// One day of the bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarDay {
    /// Its date in the site's zone.
    pub date: NaiveDate,
    /// From when to when.
    pub stretch: Stretch,
    /// How it was.
    pub figure: Figure,
}

/// The bar of a component on the front page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The worst of each day, the oldest first; none where there was no time.
    pub days: Vec<Option<Known>>,
    /// All of them together.
    pub figure: Figure,
}

/// A component with its past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentPage {
    /// The site.
    pub site: Site,
    /// The component.
    pub component: Component,
    /// The group it stands in.
    pub group: Option<String>,
    /// How it is now.
    pub known: Known,
    /// What says so; none where nothing does.
    pub by: Option<Source>,
    /// Since when; none where it was so in all of the time that is shown.
    pub since: Option<Instant>,
    /// The days of the bar, the oldest first.
    pub days: Vec<BarDay>,
    /// The last days, so many each, and their figure.
    pub last: Vec<(u64, Figure)>,
    /// The month that is not over, by its first day.
    pub month: (NaiveDate, Figure),
    /// What happened in the days of the bar, the newest first.
    pub happened: Vec<Happening>,
    /// Planned windows that touch it, the earliest first.
    pub planned: Vec<Window>,
    /// What was corrected, the newest first.
    pub corrections: Vec<Correction>,
    /// The page changes by itself then.
    pub until: Option<Instant>,
}

impl Services {
    /// The bars of all components that customers know, and when they change by themselves.
    pub(super) async fn bars(&self, tx: &mut Tx, site: &Site) -> Result<BTreeMap<ComponentId, Bar>, Error> {
        let (first, last) = self.bar_days(site);
        let components: Vec<Counts> = tx.counting(self.now(), false).await?;
        let counted = self.day_tallies(tx, site, &components, first, last).await?;
        let bar = |days: Vec<Tally>| Bar {
            figure: Figure { tally: days.iter().copied().sum(), weights: site.weights },
            days: days.iter().map(Tally::worst).collect(),
        };
        Ok(counted.of.into_iter().map(|(id, days)| (id, bar(days))).collect())
    }

    /// The next midnight of the site: bars move on by a day.
    pub(super) fn next_midnight(&self, site: &Site) -> Instant {
        let today = self.date(site, self.now());
        self.midnight(&site.zone, today.checked_add_days(Days::new(1)).unwrap_or(today))
    }

    /// A component with its past.
    ///
    /// # Errors
    /// Customers know no component of this address, or the database does not answer.
    pub async fn public_component(&self, slug: &str) -> Result<ComponentPage, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let found = tx.counting(now, false).await?.into_iter().find(|component| component.slug == slug);
        let counts = found.ok_or(Error::NotFound("component"))?;
        let component = tx.component(counts.id).await?;
        let group = match counts.group_id {
            Some(id) => tx.groups().await?.into_iter().find(|group| group.id == id).map(|group| group.name.to_string()),
            None => None,
        };
        let (first, today) = self.bar_days(&site);
        let counted = self.day_tallies(&mut tx, &site, std::slice::from_ref(&counts), first, today).await?;
        let tallies = counted.of.into_iter().next().map(|(_, tallies)| tallies).unwrap_or_default();
        let days: Vec<BarDay> = counted
            .days
            .iter()
            .zip(tallies)
            .map(|(day, tally)| BarDay {
                date: day.date,
                stretch: day.stretch,
                figure: Figure { tally, weights: site.weights },
            })
            .collect();
        let sum = |days: &mut dyn Iterator<Item = &BarDay>| Figure {
            tally: days.map(|day| day.figure.tally).sum(),
            weights: site.weights,
        };
        let last = [7, 30, BAR_DAYS];
        let last = last.map(|n| (n, sum(&mut days.iter().rev().take(usize::try_from(n).unwrap_or(usize::MAX)))));
        let first_of_month = today.with_day(1).unwrap_or(today);
        let month = sum(&mut days.iter().filter(|day| day.date >= first_of_month));
        let begins = days.first().map_or(now, |day| day.stretch.from);
        let within = Stretch::new(begins, now);
        let impacts = tx.impacts_between(Some(&[counts.id]), within.from, within.to).await?;
        let (known, by, since) = state_now(counts.life, &impacts, within, now);
        let happened = tx.happenings(counts.id, within, HAPPENINGS).await?;
        let board = Board::load(&mut tx).await?;
        let open = tx.maintenances_in(&OPEN, Order::Earliest, None, LIST).await?;
        let mut planned = windows(&mut tx, &board, open).await?;
        planned.retain(|window| window.affected.iter().any(|(id, _)| *id == counts.id));
        let planned = one_per_series(&mut tx, planned, |_| true).await?;
        let corrections = tx.corrections(Some(counts.id), false, CORRECTIONS).await?;
        let until = Some(self.next_midnight(&site));
        let (last, month) = (last.to_vec(), (first_of_month, month));
        Ok(ComponentPage {
            site,
            component,
            group,
            known,
            by,
            since,
            days,
            last,
            month,
            happened,
            planned,
            corrections,
            until,
        })
    }
}

/// How a component is, what says so, and since when.
fn state_now(
    life: Life,
    impacts: &[Impact],
    within: Stretch,
    now: Instant,
) -> (Known, Option<Source>, Option<Instant>) {
    // What began in this very moment is so already.
    let at = Span::seconds(1).after(now);
    let segments = timeline(life, impacts, Stretch::new(within.from, at), at);
    now_and_since(&segments).unwrap_or((Known::Unknown, None, None))
}
