//! Where forms go: every page posts to its own address. One table, one line per address.

use crate::form::{FormData, Submitted};
use crate::pages;
use crate::pages::admin;
use service::{Actor, Error, Services};

/// A posted form with who sent it.
#[derive(Clone, Debug)]
pub struct Post {
    /// The use cases.
    pub services: Services,
    /// Who asks.
    pub actor: Actor,
    /// What was typed.
    pub form: FormData,
    /// The query of the address.
    pub query: FormData,
    /// The session, for signing in and out.
    pub session: Option<tower_sessions::Session>,
}

/// What happens after a form.
#[derive(Debug)]
pub enum Posted {
    /// It was done; go on there (303).
    Redirect(String),
    /// The same page again, with this (422).
    Again(Submitted),
    /// Somebody else was faster: the same page again, with what both have written (409).
    Overtaken(Submitted),
    /// It was done; the same page says so, and shows what can not be shown later (200).
    Shown(Submitted),
}

impl Post {
    /// On success go to `to`; what the user can mend comes back with the form, other errors are pages.
    ///
    /// # Errors
    /// Those that the user can not mend in this form.
    pub fn done(self, result: Result<impl Into<String>, Error>) -> Result<Posted, Error> {
        match result {
            Ok(to) => Ok(Posted::Redirect(to.into())),
            Err(
                error @ (Error::Invalid(_) | Error::Refused { .. } | Error::Conflicts { .. } | Error::TooMany { .. }),
            ) => Ok(Posted::Again(Submitted::refused(self.form, error))),
            Err(error @ Error::Stale(_)) => Ok(Posted::Overtaken(Submitted::refused(self.form, error))),
            Err(error) => Err(error),
        }
    }
}

impl Post {
    /// As [`Self::done`], where two may write at once and neither may lose anything.
    ///
    /// # Errors
    /// Those that the user can not mend in this form.
    pub fn done_by_one(self, result: Result<impl Into<String>, Error>) -> Result<Posted, Error> {
        match result {
            Err(error @ Error::Stale(_)) if self.form.is_press() => {
                Ok(Posted::Overtaken(Submitted::refused(self.form, error)))
            }
            Err(error @ Error::Stale(_)) => {
                let message = Some("Somebody else has written something meanwhile.".to_owned());
                Ok(Posted::Overtaken(Submitted { message, ..Submitted::refused(self.form, error) }))
            }
            result => self.done(result),
        }
    }
}

/// Hands a form to its page. Where the database does not answer, the form comes back with what was typed: see
/// [`pages::error::error_page`], which also holds it where nobody knows whether it was stored.
///
/// # Errors
/// Those that are pages of their own.
pub async fn dispatch(path: &str, post: Post) -> Result<Posted, Error> {
    // A mail provider's one click is sent again by itself where it learns that nothing was done.
    let is_one_click = ["/unsubscribe/", "/team-mail/"].iter().any(|place| path.starts_with(place));
    let typed = (!is_one_click).then(|| post.form.clone());
    match (hand_on(path, post).await, typed) {
        (Err(error @ Error::Unavailable { .. }), Some(typed)) => Ok(Posted::Again(Submitted::refused(typed, error))),
        (posted, _) => posted,
    }
}

/// Hands a form to its page.
///
/// # Errors
/// No page takes forms at this address, or what the page answered.
async fn hand_on(path: &str, post: Post) -> Result<Posted, Error> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["subscribe"] => pages::public::subscribe::take(post).await,
        ["subscribe", "confirm", link] => pages::public::subscription::confirm(post, link).await,
        ["subscriptions", link] => pages::public::subscription::change(post, link).await,
        ["unsubscribe", link] => pages::public::subscription::leave(post, link).await,
        ["requests", link] => pages::public::requests::ask(post, link).await,
        ["team-mail", link] => pages::public::team_mail::stop(post, link).await,
        ["sign-in"] => pages::sign_in::sign_in(post).await,
        ["sign-out"] => pages::sign_in::sign_out(post).await,
        ["setup", token] => pages::set_up::set_up(post, token).await,
        ["password", token] => pages::set_up::choose_password(post, token).await,
        ["admin", "account"] => pages::admin::account::take(post).await,
        ["admin", "people", "new"] => pages::admin::people::add(post).await,
        ["admin", "people", id] => pages::admin::people::edit(post, id).await,
        ["admin", "tokens"] => pages::admin::tokens::revoke(post).await,
        ["admin", "tokens", "new"] => pages::admin::tokens::add(post).await,
        ["admin", "subscribers", id] => admin::subscribers::forget_one(post, id).await,
        ["admin", "webhooks", "new"] => admin::webhooks::take(&["new"], post).await,
        ["admin", "webhooks", id] => admin::webhooks::take(&[id], post).await,
        ["admin", "deliveries", notification, subscriber] => {
            admin::deliveries::send_again(post, notification, subscriber).await
        }
        ["admin", "tokens", id] => pages::admin::tokens::grant(post, id).await,
        ["admin", "settings"] => pages::admin::settings::save(post).await,
        ["admin", "maintenances", "new"] => pages::admin::plan::post_new(post).await,
        ["admin", "redundancy"] => admin::redundancy::take(&[], post).await,
        ["admin", "redundancy", "new"] => admin::redundancy::take(&["new"], post).await,
        ["admin", "redundancy", id] => admin::redundancy::take(&[id], post).await,
        ["admin", "alerts"] => admin::alerts::take(post).await,
        ["admin", "alerts", "rules"] => admin::alert_rules::take(&[], post).await,
        ["admin", "alerts", "rules", "new"] => admin::alert_rules::take(&["new"], post).await,
        ["admin", "alerts", "rules", id] => admin::alert_rules::take(&[id], post).await,
        ["admin", "freezes", "import"] => admin::freeze_import::take(post).await,
        ["admin", "freezes", "new"] => admin::freezes::take(&["new"], post).await,
        ["admin", "freezes", id] => admin::freezes::take(&[id], post).await,
        ["admin", "maintenances", id, "edit"] => pages::admin::plan::post_edit(id, post).await,
        ["admin", "maintenances", id] => pages::admin::maintenance::post(id, post).await,
        ["admin", "incidents", "new"] => admin::incident_form::post_new(post).await,
        ["admin", "incidents", "backfill"] => admin::incident_past::take(post).await,
        ["admin", "incidents", id, "edit"] => admin::incident_form::post_edit(id, post).await,
        ["admin", "incidents", id] => admin::incident::post(id, post).await,
        ["admin", "findings", id] => admin::findings::take(post, id).await,
        ["admin", "series", "new"] => admin::series_form::post_new(post).await,
        ["admin", "series", id, "edit"] => admin::series_form::post_edit(id, post).await,
        ["admin", "series", id] => admin::series::post(id, post).await,
        ["admin", "hosts", "import"] => admin::import::take(post).await,
        ["admin", "hosts", rest @ ..] => admin::hosts::take(rest, post).await,
        ["admin", "data-sets", rest @ ..] => admin::data_sets::take(rest, post).await,
        ["admin", "jobs", rest @ ..] => admin::jobs::take(rest, post).await,
        ["admin", "drills", "new"] => admin::drills::add(post).await,
        ["admin", "drills", id] => admin::drill::take(id, post).await,
        ["admin", "components", id, "override"] => admin::component_state::take(id, post).await,
        ["admin", "components", rest @ ..] => admin::components::take(rest, post).await,
        ["admin", "corrections", "new"] => admin::corrections::take(&["new"], post).await,
        ["admin", "corrections", id] => admin::corrections::take(&[id], post).await,
        ["admin", "templates", rest @ ..] => admin::templates::take(rest, post).await,
        ["admin", "metrics", "new"] => admin::metrics::take(&["new"], post).await,
        ["admin", "metrics", id] => admin::metrics::take(&[id], post).await,
        ["admin", "reports", month] => admin::reports::take(month, post).await,
        ["admin", "report-figures", "new"] => admin::report_figures::take(&["new"], post).await,
        ["admin", "report-figures", id] => admin::report_figures::take(&[id], post).await,
        ["admin", "announcements", "new"] => admin::announcement_form::post_new(post).await,
        ["admin", "announcements", id, "edit"] => admin::announcement_form::post_edit(id, post).await,
        ["admin", "announcements", id] => admin::announcements::post(id, post).await,
        ["admin", "incidents", id, "post-mortem"] => admin::post_mortem::post(id, post).await,
        ["admin", "action-items", id] => admin::action_items::post(id, post).await,
        ["admin", "component-groups", rest @ ..] => admin::components::take_group(rest, post).await,
        _ => Err(Error::NotFound("page")),
    }
}
