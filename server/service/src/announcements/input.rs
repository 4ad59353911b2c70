//! An announcement as people type it and machines send it.

use super::slug_words;
use crate::maintenance::input::{fold_name, ids, local_text, read_fold};
use crate::{Error, Fields, Services};
use chrono::SubsecRound;
use domain::announcement::{Announcement, AnnouncementState, Category, Content, UnknownCategory};
use domain::ids::ComponentId;
use domain::maintenance::{Moment, PlanField};
use domain::text::{Name, Prose, Slug};
use domain::time::{UnknownZone, ZoneRules, parse_local, parse_offset};
use storage::Tx;

/// An announcement as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnouncementInput {
    /// One line.
    pub title: String,
    /// Its part of the address; made from the title where empty. What is public keeps its own.
    pub slug: String,
    /// Markdown.
    pub body: String,
    /// One of [`Category`].
    pub category: String,
    /// Ids of components; none are the whole site.
    pub components: Vec<String>,
    /// Stands on the front page until it is unpinned.
    pub pinned: bool,
    /// Publishing it tells subscribers.
    pub tells: bool,
    /// IANA name of the zone of its times; the site's where empty.
    pub zone: String,
    /// Local end of its banner, or RFC 3339; none where empty.
    pub banner_until: String,
    /// `earlier` or `later`, where that exists twice.
    pub banner_fold: String,
}

/// When an announcement becomes public by itself, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhenInput {
    /// IANA name of the zone; that of the announcement where empty.
    pub zone: String,
    /// Local time: `2026-12-01T09:00`; or RFC 3339.
    pub at: String,
    /// `earlier` or `later`, where it exists twice.
    pub fold: String,
}

impl AnnouncementInput {
    /// What is stored, to change a part of it.
    #[must_use]
    pub fn of(stored: &Announcement) -> Self {
        let content = &stored.content;
        let banner = content.banner.as_ref();
        Self {
            title: content.title.to_string(),
            slug: stored.slug.to_string(),
            body: content.body.as_str().to_owned(),
            category: content.category.as_str().to_owned(),
            components: content.components.iter().map(ToString::to_string).collect(),
            pinned: content.pinned,
            tells: content.tells,
            zone: content.zone.clone(),
            banner_until: banner.map(|until| local_text(until.local)).unwrap_or_default(),
            banner_fold: banner.and_then(|until| until.fold).map(fold_name).unwrap_or_default().to_owned(),
        }
    }
}

impl WhenInput {
    /// Reads it.
    ///
    /// # Errors
    /// At `publish_at`, `publish_fold` or `zone`.
    pub(super) fn read(&self, rules: &dyn ZoneRules, zone: &str) -> Result<Moment, Error> {
        let mut fields = Fields::default();
        let zone = if self.zone.trim().is_empty() { zone } else { self.zone.trim() };
        match moment(&mut fields, rules, zone, ("publish_at", "publish_fold"), &self.at, &self.fold) {
            Some(moment) if fields.is_empty() => Ok(moment),
            _ => Err(fields.into_error()),
        }
    }
}

/// A local time, or an instant with its offset (RFC 3339) as the zone's clocks show it. What is wrong with it is noted
/// at its field, at that of its choice, or at `zone`.
fn moment(
    fields: &mut Fields,
    rules: &dyn ZoneRules,
    zone: &str,
    (field, fold_field): (&'static str, &'static str),
    local: &str,
    fold: &str,
) -> Option<Moment> {
    if let Some(at) = fields.take(field, parse_offset(local))? {
        let known = rules.canonical(zone).ok_or_else(|| UnknownZone(zone.to_owned()));
        // Clocks are read to the second, and what is stored is what they show.
        return fields.take("zone", known).map(|zone| Moment::of(rules, &zone, at.trunc_subsecs(0)));
    }
    let local = fields.take(field, parse_local(local))?;
    let fold = match read_fold(fold_field, fold) {
        Ok(fold) => fold,
        Err(_) => {
            fields.add(fold_field, "Choose earlier or later.");
            return None;
        }
    };
    let read = Moment::read(rules, zone, PlanField::Start, local, fold);
    read.map_err(|error| {
        let at = if error.field() == PlanField::Zone { "zone" } else { field };
        fields.add(at, error.to_string());
    })
    .ok()
}

impl Services {
    /// Reads an announcement, over what is stored where there is something.
    ///
    /// # Errors
    /// All wrong fields, or the database does not answer.
    pub(super) async fn read_announcement(
        &self,
        tx: &mut Tx,
        input: &AnnouncementInput,
        stored: Option<&Announcement>,
    ) -> Result<(Slug, Content), Error> {
        let mut fields = Fields::default();
        let title = fields.take("title", Name::parse(&input.title));
        let body = fields.take("body", Prose::parse(&input.body));
        let category = fields.take::<Category, UnknownCategory>("category", input.category.parse());
        let zone = match input.zone.trim() {
            "" => Some(tx.site().await?.zone),
            text => {
                let known = self.zones.canonical(text).ok_or(UnknownZone(text.to_owned()));
                fields.take("zone", known)
            }
        };
        let banner = match (input.banner_until.trim(), &zone) {
            ("", _) | (_, None) => None,
            (text, Some(zone)) => {
                let names = ("banner_until", "banner_fold");
                moment(&mut fields, self.zones.as_ref(), zone, names, text, &input.banner_fold)
            }
        };
        let components: Vec<ComponentId> = ids(&mut fields, "components", &input.components);
        let known = tx.components(true).await?;
        if components.iter().any(|id| !known.iter().any(|component| component.id == *id)) {
            fields.add("components", "One of these components does not exist.");
        }
        let slug = match (&title, category) {
            (Some(title), Some(category)) => self.read_slug(tx, &mut fields, input, title, category, stored).await?,
            _ => None,
        };
        match (title, body, category, zone, slug) {
            (Some(title), Some(body), Some(category), Some(zone), Some(slug)) if fields.is_empty() => {
                let (pinned, tells) = (input.pinned, input.tells);
                Ok((slug, Content { title, body, category, components, pinned, tells, zone, banner }))
            }
            _ => Err(fields.into_error()),
        }
    }

    /// Its part of the address: what was typed, or made from the title with a number where it is taken.
    async fn read_slug(
        &self,
        tx: &mut Tx,
        fields: &mut Fields,
        input: &AnnouncementInput,
        title: &Name,
        category: Category,
        stored: Option<&Announcement>,
    ) -> Result<Option<Slug>, Error> {
        let typed = input.slug.trim();
        if let Some(stored) = stored {
            let is_fixed = matches!(stored.state, AnnouncementState::Published | AnnouncementState::Withdrawn);
            if typed.is_empty() || typed == stored.slug.as_str() {
                return Ok(Some(stored.slug.clone()));
            }
            if is_fixed {
                fields.add("slug", "Readers know this address already: it stays as it is.");
                return Ok(None);
            }
        }
        if typed.is_empty() {
            let wanted = Slug::from_name(&slug_words(title, category));
            let taken = tx.announcement_slugs_like(&wanted).await?;
            return Ok(free(&wanted, |slug| taken.contains(slug)));
        }
        let Some(slug) = fields.take("slug", Slug::parse(typed)) else { return Ok(None) };
        if tx.announcement_at(&slug).await?.is_some_and(|other| stored.is_none_or(|stored| stored.id != other.id)) {
            fields.add("slug", "Another announcement has this address already.");
            return Ok(None);
        }
        Ok(Some(slug))
    }
}

/// The slug, or the first of `slug-2`, `slug-3`, … that is free.
fn free(wanted: &Slug, is_taken: impl Fn(&str) -> bool) -> Option<Slug> {
    if !is_taken(wanted.as_str()) {
        return Some(wanted.clone());
    }
    let stem: String = wanted.as_str().chars().take(Slug::MAX - 8).collect();
    let stem = stem.trim_end_matches('-');
    (2..1_000_000).map(|n| format!("{stem}-{n}")).find(|slug| !is_taken(slug)).and_then(|slug| Slug::parse(&slug).ok())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_address_that_is_taken_gets_a_number() {
        let slug = Slug::parse("news").unwrap();
        assert_eq!(free(&slug, |_| false).unwrap().as_str(), "news");
        assert_eq!(free(&slug, |taken| matches!(taken, "news" | "news-2")).unwrap().as_str(), "news-3");
        let long = Slug::parse(&"a".repeat(80)).unwrap();
        assert_eq!(free(&long, |taken| taken == long.as_str()).unwrap().as_str(), format!("{}-2", "a".repeat(72)));
    }
}
