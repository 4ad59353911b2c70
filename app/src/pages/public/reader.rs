//! In which zone a reader wants times, and what follows from it for the page.

use crate::context::{cacheable, uri};
use crate::form::encode;
use crate::view::{BannerView, DayView, OptionView, PublicFrame, StateView, WhenView};
use domain::maintenance::Update;
use domain::site::Site;
use domain::time::{
    Instant, ZoneRules, civil, format_brief, format_clock, format_day, format_hour, format_hours, format_instant,
    format_range, format_short_at, offset_text,
};
use leptos::prelude::use_context;
use service::announcements::Banners;
use service::public::Window;
use service::{Services, prose};
use std::sync::Arc;

/// Zones offered on every page: one well-known place for each way clocks are kept. Any other zone
/// of the database works in the address.
const OFFERED: &[&str] = &[
    "UTC",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Caracas",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Nuuk",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Toronto",
    "America/Vancouver",
    "Asia/Baghdad",
    "Asia/Baku",
    "Asia/Bangkok",
    "Asia/Beirut",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Jerusalem",
    "Asia/Kabul",
    "Asia/Karachi",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Riyadh",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tashkent",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Asia/Yangon",
    "Atlantic/Azores",
    "Atlantic/Reykjavik",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Darwin",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Brussels",
    "Europe/Bucharest",
    "Europe/Dublin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Europe/Kyiv",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Moscow",
    "Europe/Paris",
    "Europe/Prague",
    "Europe/Rome",
    "Europe/Stockholm",
    "Europe/Vienna",
    "Europe/Warsaw",
    "Europe/Zurich",
    "Pacific/Auckland",
    "Pacific/Honolulu",
];

/// The reader of a public page.
#[derive(Clone)]
pub struct Reader {
    services: Services,
    rules: Arc<dyn ZoneRules>,
    site: Site,
    now: Instant,
    path: String,
    /// The zone in the address, by its name of today.
    chosen: Option<String>,
}

/// Names of what a window touches.
fn names(window: &Window) -> Vec<String> {
    window.affected.iter().map(|(_, name)| name.clone()).collect()
}

impl Reader {
    /// Who asks for the page being rendered. A zone nobody knows is as good as none (TZ-5).
    #[must_use]
    pub fn new(services: &Services, site: &Site) -> Self {
        let uri = uri();
        let query = crate::form::FormData::parse(uri.query().unwrap_or_default().as_bytes());
        let chosen = query.all("tz").find_map(|name| services.zones.canonical(name));
        Self {
            services: services.clone(),
            rules: Arc::clone(&services.zones),
            site: site.clone(),
            now: services.now(),
            path: uri.path().to_owned(),
            chosen,
        }
    }

    /// The zone in which times are shown.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.chosen.as_deref().unwrap_or(&self.site.zone)
    }

    /// The message of a window as HTML, with times in this zone.
    #[must_use]
    pub fn message(&self, window: &Window) -> String {
        prose::html(&self.services.message_for(self.zone(), &window.maintenance, &names(window)))
    }

    /// What an update of a window says as HTML, with times in this zone.
    #[must_use]
    pub fn update(&self, window: &Window, update: &Update) -> String {
        prose::html(&self.services.update_for(self.zone(), &window.maintenance, &names(window), update))
    }

    /// The site's name.
    #[must_use]
    pub fn site(&self) -> String {
        self.site.name.to_string()
    }

    /// Tells the page cache what this page answers for, and when it changes by itself: also when something goes from
    /// the top of all pages.
    pub fn keep(&self, until: Option<Instant>) {
        let banners = use_context::<Banners>().and_then(|banners| banners.until);
        cacheable(&self.link(&self.path), until.into_iter().chain(banners).min());
    }

    /// What stands on top of the page, unless the page itself says it.
    fn banners(&self) -> Vec<BannerView> {
        let banners = use_context::<Banners>().unwrap_or_default().shown.into_iter();
        let others = banners.filter(|banner| banner.path != self.path);
        others
            .map(|banner| BannerView {
                state: StateView::from(banner.category),
                title: banner.title,
                href: self.link(&banner.path),
            })
            .collect()
    }

    /// The query that keeps the chosen zone: `?tz=Asia%2FTokyo`, or empty.
    #[must_use]
    pub fn query(&self) -> String {
        self.chosen.as_ref().map(|zone| format!("?tz={}", encode(zone))).unwrap_or_default()
    }

    /// An address of this site that keeps the chosen zone.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{path}{}", self.query())
    }

    /// What the frame around the page shows.
    #[must_use]
    pub fn frame(&self) -> PublicFrame {
        let zone = self.zone().to_owned();
        let mut names: Vec<String> = OFFERED.iter().filter_map(|name| self.rules.canonical(name)).collect();
        names.extend([zone.clone(), self.site.zone.clone()]);
        PublicFrame {
            site: self.site(),
            zones: labelled(self.rules.as_ref(), self.now, names, &zone),
            zone: label(self.rules.as_ref(), self.now, &zone),
            keep: Vec::new(),
            support: String::new(),
            query: self.query(),
            banners: self.banners(),
        }
    }

    /// From an instant to another.
    #[must_use]
    pub fn range(&self, start: Instant, end: Instant) -> WhenView {
        format_range(self.rules.as_ref(), self.zone(), start, end).into()
    }

    /// From an instant on, beside its date: since then where there is no end.
    #[must_use]
    pub fn hours(&self, start: Instant, end: Option<Instant>) -> WhenView {
        match end {
            Some(end) => format_hours(self.rules.as_ref(), self.zone(), start, end).into(),
            None => {
                let when = self.clock(start);
                WhenView { text: format!("Since {}", when.text), ..when }
            }
        }
    }

    /// An instant beside its date.
    #[must_use]
    pub fn clock(&self, at: Instant) -> WhenView {
        format_hour(self.rules.as_ref(), self.zone(), at).into()
    }

    /// An instant with its date.
    #[must_use]
    pub fn instant(&self, at: Instant) -> WhenView {
        format_instant(self.rules.as_ref(), self.zone(), at).into()
    }

    /// An instant near the time of what the page is about, without its year.
    #[must_use]
    pub fn brief(&self, at: Instant) -> WhenView {
        format_brief(self.rules.as_ref(), self.zone(), at, self.now).into()
    }

    /// "Thu 15 May, 03:40 IST", for sentences.
    #[must_use]
    pub fn short(&self, at: Instant) -> String {
        format_short_at(self.rules.as_ref(), self.zone(), at, self.now)
    }

    /// "Thu 15 May, 22:45 IST (21:45 UTC)", for sentences.
    #[must_use]
    pub fn short_both(&self, at: Instant) -> String {
        let when = self.brief(at);
        if when.utc.is_empty() { when.text } else { format!("{} ({})", when.text, when.utc) }
    }

    /// "Thu 15 May, 18:10 IST and 19:35 IST", for sentences.
    #[must_use]
    pub fn between(&self, from: Instant, to: Instant) -> String {
        let date = |at| civil(self.rules.as_ref(), self.zone(), at).local.date();
        if from == to {
            format!("on {}", self.short(from))
        } else if date(from) == date(to) {
            format!("between {} and {}", self.short(from), format_clock(self.rules.as_ref(), self.zone(), to))
        } else {
            format!("between {} and {}", self.short(from), self.short(to))
        }
    }

    /// "Thu 15 May", with its year where that is another one than now.
    #[must_use]
    pub fn day_text(&self, at: Instant) -> String {
        format_day(self.rules.as_ref(), self.zone(), at, self.now)
    }

    /// The date of an instant in the site's zone, by which days are counted whoever reads.
    #[must_use]
    pub fn site_date(&self, at: Instant) -> chrono::NaiveDate {
        civil(self.rules.as_ref(), &self.site.zone, at).local.date()
    }

    /// The zone by which days are counted.
    #[must_use]
    pub fn site_zone(&self) -> &str {
        &self.site.zone
    }

    /// "15 May 2014"
    #[must_use]
    pub fn date(&self, at: Instant) -> String {
        civil(self.rules.as_ref(), self.zone(), at).local.format("%-d %b %Y").to_string()
    }

    /// The leaf of the calendar for an instant.
    #[must_use]
    pub fn day(&self, at: Instant) -> DayView {
        let local = civil(self.rules.as_ref(), self.zone(), at).local;
        let part = |format: &str| local.format(format).to_string();
        DayView { weekday: part("%a"), day: part("%-d"), month: part("%b") }
    }
}

/// Every zone there is, for a `select`; `chosen` is chosen.
#[must_use]
pub fn zone_options(services: &Services, chosen: &str) -> Vec<OptionView> {
    labelled(services.zones.as_ref(), services.now(), services.zones.names(), chosen)
}

/// Names with the offset of now: "America/New York (UTC−4)".
fn labelled(rules: &dyn ZoneRules, now: Instant, mut names: Vec<String>, chosen: &str) -> Vec<OptionView> {
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let (label, is_chosen) = (label(rules, now, &name), name == chosen);
            OptionView::new(name, label).chosen(is_chosen)
        })
        .collect()
}

fn label(rules: &dyn ZoneRules, now: Instant, name: &str) -> String {
    if name == "UTC" {
        return name.to_owned();
    }
    format!("{} ({})", name.replace('_', " "), offset_text(civil(rules, name, now).offset))
}
