//! What the site is called, its zone and its policy; what the installation runs on.

use super::desk::{Desk, admin};
use crate::components::{
    Actions, Button, Card, Checkbox, ErrorSummary, Fact, Facts, Field, Flash, Hidden, PageHeader, Select,
};
use crate::context::{done, submitted};
use crate::form::Submitted;
use crate::posts::{Post, Posted};
use crate::view::{OptionView, Weight};
use domain::people::Permission;
use domain::site::Site;
use domain::time::Span;
use leptos::prelude::*;
use service::Error;
use service::site::{About, RestoreSettings, SiteSettings, WeightSettings};

/// `/admin/settings`
#[component]
pub fn Settings() -> impl IntoView {
    let (typed, flash) = (submitted(), done(&[("saved", "Saved.")]));
    admin(
        |_| "Settings".to_owned(),
        |desk| async move { desk.services.about(&desk.actor).await },
        move |desk, about| {
            let main = if desk.may(Permission::Administer) { form(&desk, &typed) } else { policy(&desk.site) };
            view! {
                <PageHeader title="Settings"/>
                {flash.map(|flash| view! { <Flash flash/> })}
                <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
                <div class="stack">{main}{installation(about)}</div>
            }
        },
    )
}

fn form(desk: &Desk, typed: &Submitted) -> AnyView {
    let site = &desk.site;
    let zones = desk.zones(&typed.value("zone", site.zone.clone()));
    let field = |name: &'static str, label: &'static str, hint: &'static str, stored: String| {
        view! {
            <Field name=name label=label hint=hint required=true value=typed.value(name, stored) error=typed.error(name)/>
        }
        .into_any()
    };
    let optional = |name: &'static str, label: &'static str, hint: &'static str, stored: Option<Span>| {
        let stored = stored.map(Span::to_input).unwrap_or_default();
        view! {
            <Field name=name label=label hint=hint optional=true value=typed.value(name, stored) error=typed.error(name)/>
        }
        .into_any()
    };
    let (policy, restore) = (&site.policy, site.policy.restore);
    let hour = typed.value("digest_hour", site.digest_hour.get().to_string());
    let hours = (0..24)
        .map(|n: u8| OptionView::new(n.to_string(), format!("{n:02}:00")).chosen(hour == n.to_string()))
        .collect();
    view! {
        <form class="form card" method="post">
            {field("name", "Name of the site", "On the public page, in mails and calendars.", site.name.to_string())}
            <Select name="zone" label="Time zone" hint="Times are shown in it, and in UTC beside it." options=zones
                error=typed.error("zone")/>
            <fieldset class="fieldset">
                <legend>"Policy"</legend>
                {field(
                    "schedule_max_age",
                    "Oldest backup for scheduling work",
                    "Older ones stand against scheduling. Write 24 h, 90 min or 1 d.",
                    policy.schedule_max_age.to_input(),
                )}
                {field(
                    "start_max_age",
                    "Oldest backup for starting work",
                    "Older ones hold the window until a new one is reported.",
                    policy.start_max_age.to_input(),
                )}
                {field(
                    "lead",
                    "Ask this long before the start",
                    "Backups that will be missing are requested then.",
                    policy.lead.to_input(),
                )}
                <Checkbox name="warnings_are_good" label="Runs that report warnings count as good"
                    hint="Otherwise only runs without a warning protect data."
                    checked=typed.ticked("warnings_are_good", policy.warnings_are_good)/>
            </fieldset>
            <fieldset class="fieldset">
                <legend>"Restores"</legend>
                {field(
                    "drill_max_age",
                    "Oldest restore drill",
                    "Where the last rehearsal is older, the gate warns.",
                    restore.drill_max_age.to_input(),
                )}
                {optional(
                    "rto",
                    "Longest restore that is accepted (RTO)",
                    "Like 8 h. A restore that takes longer by its drills is a warning.",
                    restore.rto,
                )}
                <Checkbox name="slow_restore_blocks" label="A restore that takes too long stands against the work"
                    hint="Longer than the window or the RTO, or nobody knows how long. Otherwise it is a warning."
                    checked=typed.ticked("slow_restore_blocks", restore.slow_restore_blocks)/>
            </fieldset>
            <fieldset class="fieldset">
                <legend>"Mails"</legend>
                {field(
                    "reminders",
                    "Reminders before a start",
                    "So long before each window that has no list of its own. Write 72 h, 24 h, 1 h, or none.",
                    site.reminders.to_input(),
                )}
                <Select name="digest_hour" label="Daily mail to the team" options=hours error=typed.error("digest_hour")
                    hint="All open findings, for operators and above who want it. A new one is mailed at once."/>
            </fieldset>
            <fieldset class="fieldset">
                <legend>"History"</legend>
                {optional(
                    "keep_runs",
                    "Keep backup runs for",
                    "Like 1826 d (five years), at least 62 d; empty: for ever. The newest good runs and what a verdict names stay.",
                    site.keep_runs,
                )}
            </fieldset>
            <fieldset class="fieldset">
                <legend>"Availability"</legend>
                {field(
                    "partial_weight",
                    "What a partial outage costs, in percent of its time",
                    "A major outage always costs all of it. Said on every page that shows a figure.",
                    site.weights.partial().to_string(),
                )}
                {field(
                    "degraded_weight",
                    "What degraded performance costs, in percent of its time",
                    "Not more than a partial outage. All figures are shown anew, those of the past too.",
                    site.weights.degraded().to_string(),
                )}
            </fieldset>
            <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
            <Hidden name="version" value=typed.made_from("version", site.version)/>
        </form>
    }
    .into_any()
}

/// The policy for those who may not change it.
fn policy(site: &Site) -> AnyView {
    let (policy, zone, reminders) = (site.policy, site.zone.clone(), site.reminders.to_input());
    let hour = format!("{:02}:00", site.digest_hour.get());
    let warnings = if policy.warnings_are_good { "count as good" } else { "do not count" };
    let restore = policy.restore;
    let rto = restore.rto.map_or_else(|| "nobody has said".to_owned(), |rto| rto.to_string());
    let slow = if restore.slow_restore_blocks { "stands against the work" } else { "is a warning" };
    let weights = site.weights.sentence();
    let kept = site.keep_runs.map_or_else(|| "for ever".to_owned(), |keep| keep.to_string());
    view! {
        <Card title="Policy">
            <Facts>
                <Fact label="Oldest backup for scheduling work">{policy.schedule_max_age.to_string()}</Fact>
                <Fact label="Oldest backup for starting work">{policy.start_max_age.to_string()}</Fact>
                <Fact label="The gate is asked before the start">{policy.lead.to_string()}</Fact>
                <Fact label="Runs that report warnings">{warnings}</Fact>
                <Fact label="Reminders before a start">{reminders}</Fact>
                <Fact label="Oldest restore drill">{restore.drill_max_age.to_string()}</Fact>
                <Fact label="Longest restore that is accepted">{rto}</Fact>
                <Fact label="A restore that takes too long">{slow}</Fact>
                <Fact label="Backup runs are kept">{kept}</Fact>
                <Fact label="Time zone">{zone}</Fact>
                <Fact label="Daily mail to the team">{hour}</Fact>
                <Fact label="Figures of availability">{weights}</Fact>
            </Facts>
        </Card>
    }
    .into_any()
}

fn installation(about: About) -> AnyView {
    let mail = if about.mail_configured { "Goes out" } else { "Not configured: mails are kept and shown, not sent" };
    view! {
        <Card title="Installation">
            <Facts>
                <Fact label="Fermata">{about.version}</Fact>
                <Fact label="Database">{about.database}</Fact>
                <Fact label="Time zone rules">{about.zones}</Fact>
                <Fact label="Public address">{about.public_url}</Fact>
                <Fact label="Mail">{mail}</Fact>
            </Facts>
        </Card>
    }
    .into_any()
}

/// Takes the form of [`Settings`].
///
/// # Errors
/// The actor may not.
pub async fn save(post: Post) -> Result<Posted, Error> {
    let text = |name: &str| post.form.get(name).to_owned();
    let edit = SiteSettings {
        name: text("name"),
        zone: text("zone"),
        schedule_max_age: text("schedule_max_age"),
        start_max_age: text("start_max_age"),
        lead: text("lead"),
        warnings_are_good: post.form.has("warnings_are_good"),
        reminders: text("reminders"),
        restore: post.form.has("drill_max_age").then(|| RestoreSettings {
            drill_max_age: text("drill_max_age"),
            rto: text("rto"),
            slow_restore_blocks: post.form.has("slow_restore_blocks"),
        }),
        keep_runs: post.form.has("keep_runs").then(|| text("keep_runs")),
        digest_hour: text("digest_hour"),
        weights: post
            .form
            .has("partial_weight")
            .then(|| WeightSettings { partial: text("partial_weight"), degraded: text("degraded_weight") }),
        version: post.form.get("version").parse().map_err(|_| Error::overtaken("site"))?,
    };
    let saved = post.services.edit_site(&post.actor, &edit).await;
    post.done(saved.map(|_| "/admin/settings?done=saved"))
}
