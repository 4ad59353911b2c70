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
use leptos::prelude::*;
use service::Error;
use service::site::{About, SiteSettings};

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
    let policy = &site.policy;
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
            <Select name="digest_hour" label="Daily mail to the team" options=hours error=typed.error("digest_hour")
                hint="All open findings, for operators and above who want it. A new one is mailed at once."/>
            <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
            <Hidden name="version" value=site.version.to_string()/>
        </form>
    }
    .into_any()
}

/// The policy for those who may not change it.
fn policy(site: &Site) -> AnyView {
    let (policy, zone, hour) = (site.policy, site.zone.clone(), format!("{:02}:00", site.digest_hour.get()));
    let warnings = if policy.warnings_are_good { "count as good" } else { "do not count" };
    view! {
        <Card title="Policy">
            <Facts>
                <Fact label="Oldest backup for scheduling work">{policy.schedule_max_age.to_string()}</Fact>
                <Fact label="Oldest backup for starting work">{policy.start_max_age.to_string()}</Fact>
                <Fact label="The gate is asked before the start">{policy.lead.to_string()}</Fact>
                <Fact label="Runs that report warnings">{warnings}</Fact>
                <Fact label="Time zone">{zone}</Fact>
                <Fact label="Daily mail to the team">{hour}</Fact>
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
        digest_hour: text("digest_hour"),
        version: post.form.get("version").parse().map_err(|_| Error::Stale("site"))?,
    };
    let saved = post.services.edit_site(&post.actor, &edit).await;
    post.done(saved.map(|_| "/admin/settings?done=saved"))
}
