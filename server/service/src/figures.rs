//! How much of the time components were there: figures, the days they are made of, and corrections.
//!
//! Days that are over are counted once ([`count`]) and read from then on, so that a page costs the same however
//! long the history is. Today, and what has changed since it was counted, is worked out from the impacts
//! themselves: nobody ever waits for the counting, and what is counted and what is worked out are the same.

mod correct;
mod count;

pub use correct::{ByHand, CorrectionInput, CorrectionLook};

use crate::{Actor, Error, Services};
use chrono::{Datelike, Days, Months, NaiveDate};
use domain::availability::{Life, Planned, Share, Tally, Weights, tallies};
use domain::ids::{ComponentId, GroupId};
use domain::impact::Impact;
use domain::people::Permission;
use domain::site::Site;
use domain::time::{Day, Instant, Span, Stretch, civil, days};
use std::collections::BTreeMap;
use storage::Tx;
use storage::figure::Counts;

/// Days of the bars on public pages, today included.
pub const BAR_DAYS: u64 = 90;

/// Time by state, with what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Time by state.
    pub tally: Tally,
    /// What trouble costs.
    pub weights: Weights,
}

/// The figure of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentFigure {
    /// Which.
    pub id: ComponentId,
    /// Its name.
    pub name: String,
    /// Its part in addresses.
    pub slug: String,
    /// How much of the time it was there.
    pub figure: Figure,
}

/// The figure of a group: each second of each of its components weighs the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFigure {
    /// Which; none for components that stand in none.
    pub id: Option<GroupId>,
    /// Its name.
    pub name: Option<String>,
    /// How much of the time its components were there.
    pub figure: Figure,
    /// In the order of the page.
    pub components: Vec<ComponentFigure>,
}

/// The figures of a stretch, of what customers know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// From when to when; what lies ahead is not in it.
    pub stretch: Stretch,
    /// What trouble costs.
    pub weights: Weights,
    /// Of everything.
    pub site: Figure,
    /// In the order of the page.
    pub groups: Vec<GroupFigure>,
}

/// Components with the time by state of each day.
pub(crate) struct DayTallies {
    /// The days, in order.
    pub days: Vec<Day>,
    /// One for each day.
    pub of: BTreeMap<ComponentId, Vec<Tally>>,
}

impl Figure {
    /// The share of the time, planned work not counted.
    #[must_use]
    pub fn share(&self) -> Option<Share> {
        self.tally.share(self.weights, Planned::NotCounted)
    }

    /// The share of the time, planned work counted.
    #[must_use]
    pub fn share_with_planned(&self) -> Option<Share> {
        self.tally.share(self.weights, Planned::Counted)
    }
}

impl Availability {
    /// Puts components together in groups and the site.
    fn of(
        stretch: Stretch,
        weights: Weights,
        names: &BTreeMap<GroupId, String>,
        components: Vec<(Counts, Tally)>,
    ) -> Self {
        let figure = |tally| Figure { tally, weights };
        let mut groups: Vec<GroupFigure> = Vec::new();
        for (component, tally) in components.into_iter().filter(|(_, tally)| tally.total() > 0) {
            let id = component.group_id.filter(|id| names.contains_key(id));
            let line =
                ComponentFigure { id: component.id, name: component.name, slug: component.slug, figure: figure(tally) };
            match groups.iter_mut().find(|group| group.id == id) {
                Some(group) => {
                    group.figure.tally += tally;
                    group.components.push(line);
                }
                None => groups.push(GroupFigure {
                    name: id.and_then(|id| names.get(&id).cloned()),
                    id,
                    figure: figure(tally),
                    components: vec![line],
                }),
            }
        }
        let site = figure(groups.iter().map(|group| group.figure.tally).sum());
        Self { stretch, weights, site, groups }
    }
}

/// Impacts by their component.
fn by_component(impacts: Vec<Impact>) -> BTreeMap<ComponentId, Vec<Impact>> {
    let mut found: BTreeMap<ComponentId, Vec<Impact>> = BTreeMap::new();
    for impact in impacts {
        found.entry(impact.component).or_default().push(impact);
    }
    found
}

async fn group_names(tx: &mut Tx) -> Result<BTreeMap<GroupId, String>, Error> {
    Ok(tx.groups().await?.into_iter().map(|group| (group.id, group.name.to_string())).collect())
}

impl Services {
    /// The date of an instant in the site's zone.
    pub(crate) fn date(&self, site: &Site, at: Instant) -> NaiveDate {
        civil(self.zones.as_ref(), &site.zone, at).local.date()
    }

    /// The first and the last day of the bars.
    pub(crate) fn bar_days(&self, site: &Site) -> (NaiveDate, NaiveDate) {
        let today = self.date(site, self.now());
        (today.checked_sub_days(Days::new(BAR_DAYS - 1)).unwrap_or(today), today)
    }

    /// Time by state of some components in each day from one date to another.
    pub(crate) async fn day_tallies(
        &self,
        tx: &mut Tx,
        site: &Site,
        components: &[Counts],
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<DayTallies, Error> {
        let now = self.now();
        let days = days(self.zones.as_ref(), &site.zone, first, last);
        let (Some(from), Some(to)) = (days.first().map(|d| d.stretch.from), days.last().map(|d| d.stretch.to)) else {
            return Ok(DayTallies { days, of: BTreeMap::new() });
        };
        let counted = tx.counted().await?.filter(|counted| self.counted_by_our_clocks(site, counted));
        let until = counted.map_or(from, |counted| counted.until).clamp(from, to);
        let ready = days.partition_point(|day| day.stretch.to <= until);
        let (settled, fresh) = days.split_at(ready);
        let stretches = |days: &[Day]| days.iter().map(|day| day.stretch).collect::<Vec<_>>();
        let (all, fresh) = (stretches(&days), stretches(fresh));
        let only = match components {
            [one] => Some(one.id),
            _ => None,
        };
        let stale = tx.stale_within(Stretch::new(from, until)).await?;
        let mut rows: BTreeMap<ComponentId, Vec<(NaiveDate, Tally)>> = BTreeMap::new();
        if let Some(last) = settled.last() {
            for (id, day, tally) in tx.component_days(only, first, last.date).await? {
                rows.entry(id).or_default().push((day, tally));
            }
        }
        let one = only.map(|id| vec![id]);
        let live = match fresh.first() {
            Some(begins) => by_component(tx.impacts_between(one.as_deref(), begins.from, to).await?),
            None => BTreeMap::new(),
        };
        let changed: Vec<ComponentId> = components.iter().map(|c| c.id).filter(|id| stale.contains(id)).collect();
        let again = if changed.is_empty() {
            BTreeMap::new()
        } else {
            by_component(tx.impacts_between(Some(&changed), from, to).await?)
        };
        // Most components were in use all the time, and on most days nothing happened: that is worked out once.
        let always = Life { created_at: from, retired_at: None };
        let quiet: Vec<Tally> = all.iter().map(|stretch| always.plain(*stretch, now)).collect();
        let of = components.iter().map(|component| {
            let life = component.life;
            if stale.contains(&component.id) {
                return (component.id, tallies(life, again.get(&component.id).map_or(&[], Vec::as_slice), &all, now));
            }
            let mut counted = if life.created_at <= from && life.retired_at.is_none() {
                quiet.clone()
            } else {
                all.iter().map(|stretch| life.plain(*stretch, now)).collect()
            };
            for (date, tally) in rows.remove(&component.id).unwrap_or_default() {
                let place = usize::try_from(date.signed_duration_since(first).num_days()).unwrap_or(usize::MAX);
                if let Some(day) = counted.get_mut(place) {
                    *day = tally;
                }
            }
            if let Some(impacts) = live.get(&component.id) {
                counted.truncate(ready);
                counted.extend(tallies(life, impacts, &fresh, now));
            }
            (component.id, counted)
        });
        let of = of.collect();
        Ok(DayTallies { days, of })
    }

    /// The figures of a month, of what customers know; up to now where it is not over. For a month ahead there
    /// are none.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn availability_of_month(&self, tx: &mut Tx, first_day: NaiveDate) -> Result<Availability, Error> {
        let site = tx.site().await?;
        let first = first_day.with_day(1).unwrap_or(first_day);
        let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
        let last = next.pred_opt().unwrap_or(first);
        let begins = self.midnight(&site.zone, first);
        let components = tx.counting(begins, false).await?;
        let names = group_names(tx).await?;
        let mut counted = self.day_tallies(tx, &site, &components, first, last).await?;
        let stretch = Stretch::new(begins, self.midnight(&site.zone, next).min(self.now()));
        let sums = components.into_iter().map(|component| {
            let tally = counted.of.remove(&component.id).unwrap_or_default().into_iter().sum();
            (component, tally)
        });
        Ok(Availability::of(stretch, site.weights, &names, sums.collect()))
    }

    /// The figures of any stretch, exact to the millisecond: worked out from what is known of each instant.
    ///
    /// # Errors
    /// Not allowed, the stretch is empty, or the database does not answer.
    pub async fn availability_between(&self, actor: &Actor, stretch: Stretch) -> Result<Availability, Error> {
        actor.require(Permission::View)?;
        let stretch = self.lookable(stretch)?;
        let now = self.now();
        let mut tx = self.db.read().await?;
        let weights = tx.site().await?.weights;
        let components = tx.counting(stretch.from, false).await?;
        let names = group_names(&mut tx).await?;
        let impacts = by_component(tx.impacts_between(None, stretch.from, stretch.to).await?);
        drop(tx);
        let nothing = Vec::new();
        let counted = components.into_iter().map(|component| {
            let impacts = impacts.get(&component.id).unwrap_or(&nothing);
            let tally = tallies(component.life, impacts, &[stretch], now).into_iter().sum();
            (component, tally)
        });
        Ok(Availability::of(stretch, weights, &names, counted.collect()))
    }

    /// The figure of one component, private ones too, in any stretch.
    ///
    /// # Errors
    /// Not allowed, not found, the stretch is empty, or the database does not answer.
    pub async fn availability_of_component(
        &self,
        actor: &Actor,
        id: ComponentId,
        stretch: Stretch,
    ) -> Result<(Stretch, Figure), Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        tx.component(id).await?;
        let stretch = self.lookable(stretch)?;
        let weights = tx.site().await?.weights;
        let mut tally = Tally::default();
        // One that was out of use by then has no time in it.
        if let Some(component) = tx.counting(stretch.from, true).await?.into_iter().find(|c| c.id == id) {
            let impacts = tx.impacts_between(Some(&[id]), stretch.from, stretch.to).await?;
            tally = tallies(component.life, &impacts, &[stretch], self.now()).into_iter().sum();
        }
        Ok((stretch, Figure { tally, weights }))
    }

    /// A stretch as asked for, up to now.
    fn lookable(&self, stretch: Stretch) -> Result<Stretch, Error> {
        if stretch.is_empty() {
            return Err(Error::field("to", "The end must be after the beginning."));
        }
        let now = self.now();
        if stretch.from >= now {
            return Err(Error::field("from", "This lies in the future: nothing is known of it yet."));
        }
        Ok(Stretch::new(stretch.from, stretch.to.min(now)))
    }

    /// Reads the ends of a stretch: RFC 3339, or a local time of the site. The last thirty days where empty.
    ///
    /// # Errors
    /// One of them is no time, or the database does not answer.
    pub async fn read_stretch(&self, from: &str, to: &str) -> Result<Stretch, Error> {
        let zone = self.site().await?.zone;
        let mut fields = crate::Fields::default();
        let to = match to.trim() {
            "" => Some(self.now()),
            text => fields.take("to", self.read_instant(&zone, text)),
        };
        let from = match (from.trim(), to) {
            ("", to) => to.map(|to| Span::days(30).before(to)),
            (text, _) => fields.take("from", self.read_instant(&zone, text)),
        };
        match (from, to) {
            (Some(from), Some(to)) => Ok(Stretch::new(from, to)),
            _ => Err(fields.into_error()),
        }
    }
}
