//! What every admin page starts from: who is there, what waits, and the site's zone.

use crate::components::AdminLayout;
use crate::context;
use crate::view::{AdminFrame, DayView, OptionView, Waiting, WhenView};
use domain::people::{Permission, Role};
use domain::site::Site;
use domain::time::{Instant, civil, format_clock, format_instant, format_range, format_short_at, offset_text};
use leptos::prelude::*;
use leptos_meta::Title;
use service::attention::Attention;
use service::{Actor, Error, Services};
use std::future::Future;

/// Who looks at an admin page, with everything to show it.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The use cases.
    pub services: Services,
    /// Who asks.
    pub actor: Actor,
    /// Name, zone and policy.
    pub site: Site,
    /// When the page was asked for.
    pub now: Instant,
    /// What waits for somebody.
    pub(super) attention: Attention,
    waiting: Waiting,
    path: String,
}

/// Loads, then shows inside the admin frame. Only for those who may look; others get the page
/// that says so, or the way to the sign-in. The heading is up to `show`, its words are `title`'s.
pub fn admin<T, F, V>(
    title: impl FnOnce(&T) -> String + Send + 'static,
    find: impl FnOnce(Desk) -> F + Send + 'static,
    show: impl FnOnce(Desk, T) -> V + Send + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
    V: IntoView + 'static,
{
    let (services, actor) = (context::services(), context::actor());
    let path = context::uri().path().to_owned();
    let found = async move {
        let desk = Desk::open(services, actor, path).await?;
        let data = find(desk.clone()).await?;
        Ok((desk, data))
    };
    context::load(found, move |(desk, data)| {
        let title = format!("{} – Fermata", title(&data));
        let frame = desk.frame();
        let kept = kept(&desk.actor);
        let content = show(desk, data).into_any();
        view! {
            <Title text=title/>
            <AdminLayout frame>{kept}{content}</AdminLayout>
        }
        .into_any()
    })
}

/// What keeps the text of the other forms of a page, where one is sent, and says that it is back. On every page: each
/// can sign out, after which nothing is kept.
fn kept(actor: &Actor) -> AnyView {
    let context::Assets { keep, .. } = use_context().unwrap_or_default();
    let who = actor.user_id().map(|id| id.to_string());
    let again = context::submitted().data.map(|data| data.get("do").to_owned()).filter(|deed| !deed.is_empty());
    view! {
        <div class="kept" id="kept" aria-live="polite" data-who=who data-again=again
            data-says="What you had typed is still here."></div>
        <script src=keep nonce=leptos::nonce::use_nonce() defer=true></script>
    }
    .into_any()
}

impl Desk {
    async fn open(services: Services, actor: Actor, path: String) -> Result<Self, Error> {
        let frame = services.frame(&actor).await?;
        let (attention, now) = (frame.attention, services.now());
        let stuck = attention.mail.stuck;
        let waiting = Waiting {
            attention: attention.count(now),
            alerts: u64::try_from(attention.causes.len()).unwrap_or_default(),
            stuck_mails: u64::try_from(stuck.late + stuck.failed).unwrap_or_default(),
            webhooks_off: u64::try_from(attention.webhooks.len()).unwrap_or_default(),
            findings: frame.findings,
            incidents: u64::try_from(frame.incidents).unwrap_or_default(),
            ..Waiting::default()
        };
        Ok(Self { services, actor, site: frame.site, now, attention, waiting, path })
    }

    fn frame(&self) -> AdminFrame {
        let user = self.actor.user();
        AdminFrame {
            path: self.path.clone(),
            user: self.actor.label(),
            role: user.map_or("", |user| role(user.role)).to_owned(),
            is_admin: self.actor.may(Permission::Administer),
            reads_audit: self.actor.may(Permission::ReadAudit),
            runs_incidents: self.actor.may(Permission::RunIncidents),
            waiting: self.waiting,
        }
    }

    /// Whether the one who looks may do something.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.actor.may(permission)
    }

    /// A span of time in the site's zone and in UTC.
    #[must_use]
    pub fn range(&self, start: Instant, end: Instant) -> WhenView {
        self.range_in(&self.site.zone, start, end)
    }

    /// A span of time in a zone and in UTC.
    #[must_use]
    pub fn range_in(&self, zone: &str, start: Instant, end: Instant) -> WhenView {
        format_range(self.services.zones.as_ref(), zone, start, end).into()
    }

    /// An instant in the site's zone and in UTC.
    #[must_use]
    pub fn instant(&self, at: Instant) -> WhenView {
        format_instant(self.services.zones.as_ref(), &self.site.zone, at).into()
    }

    /// An instant inside a sentence: "Thu 15 May, 03:40 IST".
    #[must_use]
    pub fn short(&self, at: Instant) -> String {
        format_short_at(self.services.zones.as_ref(), &self.site.zone, at, self.now)
    }

    /// The day alone: "15 May 2014".
    #[must_use]
    pub fn date(&self, at: Instant) -> String {
        civil(self.services.zones.as_ref(), &self.site.zone, at).local.format("%-d %b %Y").to_string()
    }

    /// "20:49 IST".
    #[must_use]
    pub fn clock(&self, at: Instant) -> String {
        format_clock(self.services.zones.as_ref(), &self.site.zone, at)
    }

    /// "02:30 CEST", in a zone.
    #[must_use]
    pub fn clock_in(&self, zone: &str, at: Instant) -> String {
        format_clock(self.services.zones.as_ref(), zone, at)
    }

    /// An instant in UTC inside a sentence: "Thu 15 May, 02:40 UTC".
    #[must_use]
    pub fn utc(&self, at: Instant) -> String {
        format_short_at(self.services.zones.as_ref(), "UTC", at, self.now)
    }

    /// The leaf of the calendar.
    #[must_use]
    pub fn day(&self, at: Instant) -> DayView {
        let local = civil(self.services.zones.as_ref(), &self.site.zone, at).local;
        DayView {
            weekday: local.format("%a").to_string(),
            day: local.format("%-d").to_string(),
            month: local.format("%b").to_string(),
        }
    }

    /// All zones, with today's offset; `chosen` is among them even where it is not in the list.
    #[must_use]
    pub fn zones(&self, chosen: &str) -> Vec<OptionView> {
        let rules = self.services.zones.as_ref();
        let mut names = rules.names();
        if !names.iter().any(|name| name == chosen) {
            names.insert(0, chosen.to_owned());
        }
        names
            .into_iter()
            .map(|name| {
                let label = match rules.local(&name, self.now) {
                    Ok(civil) if name != "UTC" => format!("{name} ({})", offset_text(civil.offset)),
                    _ => name.clone(),
                };
                OptionView::new(name.clone(), label).chosen(name == chosen)
            })
            .collect()
    }
}

/// A role in words.
#[must_use]
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Operator => "Operator",
        Role::Approver => "Approver",
        Role::Admin => "Admin",
    }
}
