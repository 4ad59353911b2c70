//! `/requests/{link}`: the holder of the address asks for extra backups of their own data. What a link
//! scanner does with GET changes nothing; the buttons post.

use super::private;
use crate::components::{Actions, Button, ErrorSummary, Flash, Hidden, Sheet};
use crate::context::{load, param, services, submitted};
use crate::form::Submitted;
use crate::posts::{Post, Posted};
use crate::view::{FlashView, Weight};
use domain::site::Site;
use leptos::prelude::*;
use leptos_meta::Title as HeadTitle;
use service::grants::{Extra, Granted, Holder};
use service::{Error, Services};

/// Asks for an extra backup.
///
/// # Errors
/// Not an address of ours, or not the holder's data set.
pub async fn ask(post: Post, link: &str) -> Result<Posted, Error> {
    match post.services.request_by_link(post.actor.ip(), link, post.form.get("data_set")).await {
        Ok((_, true)) => Ok(Posted::Shown(Submitted::done("The backup is requested. Its state stands below."))),
        Ok((_, false)) => Ok(Posted::Shown(Submitted::done("This backup is requested already."))),
        Err(Error::TooMany { .. }) => {
            post.done(Err::<String, _>(Error::refused("quota", "All requests of these 24 hours are used.")))
        }
        Err(error) => post.done(Err::<String, _>(error)),
    }
}

/// `/requests/{link}`
#[component]
pub fn Requests() -> impl IntoView {
    let (services, link, typed) = (services(), param("link"), submitted());
    let loading = services.clone();
    let find = async move { Ok((loading.site().await?, loading.holder(&link).await?)) };
    let private = private();
    let page = load(find, move |(site, holder)| show(&services, &site, &holder, &typed));
    view! { {private}{page} }
}

fn show(services: &Services, site: &Site, holder: &Holder, typed: &Submitted) -> AnyView {
    let title = "Extra backups";
    let intro = match holder.left {
        0 => format!("All {} requests of these 24 hours are used.", holder.per_day),
        left => format!("{left} of {} requests in 24 hours are left.", holder.per_day),
    };
    let rows = holder.data_sets.iter().map(|set| row(services, site, set, holder.left > 0)).collect_view();
    let done = typed.done.clone().map(|done| view! { <Flash flash=FlashView::done(done)/> });
    let (problems, message) = (typed.problems(), typed.message.clone());
    let whose = format!("For {}. {intro}", holder.name);
    view! {
        <HeadTitle text=format!("{title} – {}", site.name)/>
        <Sheet site=site.name.to_string() title=title>
            {done}
            <ErrorSummary problems message/>
            <p dir="auto">{whose}</p>
            {rows}
        </Sheet>
    }
    .into_any()
}

fn row(services: &Services, site: &Site, set: &Granted, left: bool) -> AnyView {
    let state = set.newest.as_ref().map(|extra| view! { <p class="small">{said(services, site, extra)}</p> });
    let is_open = set.newest.as_ref().is_some_and(|extra| extra.request.is_open());
    let id = set.id.to_string();
    let place = format!("{} on {}", set.name, set.host);
    let about = format!(": {place}");
    let button = (left && !is_open).then(|| {
        view! {
            <form method="post">
                <Hidden name="data_set" value=id/>
                <Actions>
                    <Button weight=Weight::Primary>"Request a backup"<span class="vh">{about}</span></Button>
                </Actions>
            </form>
        }
    });
    view! {
        <section class="mt">
            <h2 class="h3" dir="auto">{place}</h2>
            {state}
            {button}
        </section>
    }
    .into_any()
}

/// How far it came, in the holder's words.
fn said(services: &Services, site: &Site, extra: &Extra) -> String {
    let (rules, zone) = (services.zones.as_ref(), site.zone.as_str());
    let mut text = extra.request.sentence(rules, zone);
    if let Some(position) = extra.position {
        text.push_str(&format!(" Place {position} in the queue."));
    }
    if let Some(carrier) = &extra.carrier {
        text.push_str(&format!(
            " It is safe once the backup of the files has copied it: {}.",
            carrier.progress(rules, zone)
        ));
    }
    text
}
