//! Mails to the team about findings: at once when there is a new one, and once a day of all. They go
//! through the same outbox worker as the mails to subscribers, from an outbox of their own.
//!
//! A mail that failed is not sent again by hand: what is still open stands in the next day's.

use crate::audit::Action;
use crate::deliveries::{Letter, Standing};
use crate::findings::page_of;
use crate::keys::{Keys, Purpose};
use crate::subscribers::{masked, shown_address};
use crate::tell::{Recipient, Sender};
use crate::{Actor, Error, Services};
use chrono::NaiveDate;
use domain::finding::Case;
use domain::ids::{NotificationId, UserId};
use domain::maintenance::State;
use domain::people::{Permission, User};
use domain::time::{Instant, Span, format_instant};
use outbound::mail::{
    FindingItem, FindingsNotice, MailContent, MailError, Times, Unsubscribe, findings, parse_address,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use storage::Tx;
use storage::maintenance::Order;
use storage::outbox::{NewNotification, Notification};
use storage::team_mail::TeamDeliveryLine;

/// The kind of notification that tells the team of findings.
pub(crate) const FINDINGS: &str = "findings";

/// Findings written out in one mail; more are counted.
const WRITTEN_OUT: usize = 30;

/// Windows named in one mail.
const WINDOWS: i64 = 10;

/// Mails to the team that are listed.
const LISTED: i64 = 30;

/// Why the team is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Nobody was ever told: days are counted from this one on.
    Begin(NaiveDate),
    /// Something is new.
    News,
    /// The daily mail of this day.
    Daily(NaiveDate),
}

/// What a mail to the team tells: everything it is made of, as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamTold {
    /// It is the daily mail, not one about news.
    pub daily: bool,
    /// What is open: of news only what is new.
    pub findings: Vec<ToldFinding>,
    /// Open findings that are not written out.
    pub more: usize,
    /// Findings that may stay for a while.
    pub acknowledged: usize,
    /// Windows that wait for a person.
    pub windows: Vec<ToldWindow>,
}

/// A finding in a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldFinding {
    /// As it was then.
    pub case: Case,
    /// It was not told of in an earlier daily mail.
    pub is_new: bool,
}

/// A window in a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldWindow {
    /// `M-42 Replace a disk: on hold`
    pub title: String,
    /// What it waits for.
    pub detail: String,
    /// Its page.
    pub path: String,
}

/// A mail to a person of the team, in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamMail {
    /// What was told.
    pub notification: NotificationId,
    /// Whom.
    pub person: UserId,
    /// Their name.
    pub name: String,
    /// The address: whole for those who may administer, partly hidden for others.
    pub address: String,
    /// `3 findings, 1 new`
    pub title: String,
    /// When it was told.
    pub told_at: Instant,
    /// How it stands.
    pub standing: Standing,
    /// When it ended.
    pub done_at: Option<Instant>,
    /// Its next turn, while it waits.
    pub due_at: Instant,
    /// The newest error, or why it was not sent; only for those who may administer.
    pub error: Option<String>,
}

/// What a link that ends mails leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamLink {
    /// The address, partly hidden.
    pub masked: String,
    /// Mails are still wanted.
    pub wanted: bool,
}

#[derive(Serialize)]
struct Choice {
    mails_about_findings: bool,
}

/// Whether a person hears of findings unless they say otherwise: who may mend them, and can sign in.
fn hears(user: &User) -> bool {
    user.disabled_at.is_none() && user.has_password && user.role.may(Permission::EditInventory)
}

impl TeamTold {
    /// What a notification tells.
    ///
    /// # Errors
    /// It was stored by a program that knew other words.
    pub fn of(notification: &Notification) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&notification.content_json)
    }

    /// `3 findings, 1 new`, or what is new.
    #[must_use]
    pub fn title(&self) -> String {
        let new = self.findings.iter().filter(|told| told.is_new).count();
        let all = self.findings.len() + self.more;
        match self.findings.as_slice() {
            [one] if !self.daily && self.more == 0 => one.case.finding.heading(),
            _ if !self.daily => format!("{all} new findings"),
            _ if new > 0 => format!("{}, {new} new", counted(all)),
            _ => counted(all),
        }
    }

    fn intro(&self) -> String {
        let what = if self.daily {
            "This should be mended before the next maintenance."
        } else {
            "This was not known before. It should be mended before the next maintenance."
        };
        match self.acknowledged {
            0 => what.to_owned(),
            n => format!(
                "{what} {} left for later and not listed here.",
                if n == 1 { "1 finding is".to_owned() } else { format!("{n} findings are") }
            ),
        }
    }
}

fn counted(n: usize) -> String {
    if n == 1 { "1 finding".to_owned() } else { format!("{n} findings") }
}

impl Services {
    /// Writes the mail of an occasion and one delivery for everybody who hears of findings. To be called in
    /// the transaction that noticed the occasion; ring `outbox_filled` after its commit.
    pub(crate) async fn tell_team(
        &self,
        tx: &mut Tx,
        occasion: Occasion,
        cases: Vec<Case>,
        now: Instant,
    ) -> Result<(), Error> {
        let daily = match occasion {
            Occasion::Begin(day) => {
                tx.put_digest_day(day).await?;
                return Ok(());
            }
            Occasion::Daily(day) => {
                tx.put_digest_day(day).await?;
                true
            }
            Occasion::News => false,
        };
        let acknowledged = cases.iter().filter(|case| case.quiet(now).is_some()).count();
        let mut told: Vec<ToldFinding> = Vec::new();
        for case in cases.into_iter().filter(|case| case.is_open(now)) {
            let news = case.to_be_told_since(now);
            if news.is_some() {
                tx.note_finding_told(case.id, now).await?;
            }
            let is_new = news.is_some() || Span::days(1).before(now) < case.first_seen_at;
            if daily || news.is_some() {
                told.push(ToldFinding { is_new, case });
            }
        }
        let readers = self.team_readers(tx).await?;
        if told.is_empty() || readers.is_empty() {
            return Ok(());
        }
        told.sort_by_cached_key(|told| (!told.is_new, told.case.finding.what.kind(), told.case.finding.place.clone()));
        let more = told.len().saturating_sub(WRITTEN_OUT);
        told.truncate(WRITTEN_OUT);
        let windows = if daily { waiting_windows(tx).await? } else { Vec::new() };
        let content = TeamTold { daily, findings: told, more, acknowledged, windows };
        let new = NewNotification {
            id: self.new_id(),
            kind: FINDINGS,
            subject_id: None,
            content_json: serde_json::to_string(&content).map_err(|e| Error::internal(&e))?,
            created_at: now,
        };
        tx.add_notification(&new, &[]).await?;
        for person in readers.keys() {
            tx.queue_for_person(new.id, *person, now).await?;
        }
        Ok(())
    }

    /// Everybody who hears of findings.
    pub(crate) async fn team_readers(&self, tx: &mut Tx) -> Result<BTreeMap<UserId, Recipient>, Error> {
        let (zone, choices) = (tx.site().await?.zone, tx.team_mail_choices().await?);
        let users = tx.users().await?.into_iter().filter(hears);
        Ok(users
            .filter_map(|user| {
                let choice = choices.get(&user.id).copied().unwrap_or_default();
                choice.wanted.then(|| (user.id, recipient(user, zone.clone(), choice.link_version)))
            })
            .collect())
    }

    /// What the mail to a person of the team says.
    pub(crate) fn team_mail_content(
        &self,
        sender: &Sender,
        notification: &Notification,
        to: &Recipient,
    ) -> Result<MailContent, MailError> {
        let told = TeamTold::of(notification).map_err(|e| MailError::Build(e.to_string()))?;
        let link = self.keys.link(Purpose::TeamMail, to.id, to.token_version);
        let stop_url = self.url(&format!("/team-mail/{link}"));
        let found = told.findings.iter().map(|told| FindingItem {
            is_new: told.is_new,
            title: told.case.finding.heading(),
            detail: told.case.finding.sentence(self.zones.as_ref(), &to.zone),
            advice: told.case.finding.advice().to_owned(),
            since: Some(self.times(&to.zone, told.case.since())),
            url: self.url(&page_of(told.case.finding.subject)),
        });
        let windows = told.windows.iter().map(|window| FindingItem {
            is_new: false,
            title: window.title.clone(),
            detail: window.detail.clone(),
            advice: String::new(),
            since: None,
            url: self.url(&window.path),
        });
        let notice = FindingsNotice {
            title: told.title(),
            intro: told.intro(),
            items: found.chain(windows).collect(),
            more: match told.more {
                0 => String::new(),
                1 => "1 more finding is on the page.".to_owned(),
                n => format!("{n} more findings are on the page."),
            },
            url: self.url("/admin/findings"),
            settings_url: self.url("/admin/account"),
            stop_url: stop_url.clone(),
        };
        Ok(MailContent {
            to: parse_address(&to.email).map_err(|e| MailError::Build(e.to_string()))?,
            return_path: None,
            subject: sender.letterhead.subject(&notice.title, None),
            message_id: format!("n{}.u{}", notification.number, to.id.simple()),
            thread: None,
            date: notification.created_at,
            unsubscribe: Some(Unsubscribe { url: stop_url, mailto: None }),
            body: findings(&sender.letterhead, &notice)?,
            calendar: None,
        })
    }

    fn times(&self, zone: &str, at: Instant) -> Times {
        let text = format_instant(self.zones.as_ref(), zone, at);
        Times { local: text.main, utc: text.utc }
    }

    /// Whether the one who asks wants mails about findings; none where the role does not get them.
    ///
    /// # Errors
    /// Nobody is signed in, or the database does not answer.
    pub async fn my_team_mail(&self, actor: &Actor) -> Result<Option<bool>, Error> {
        let user = actor.user().ok_or(Error::SignInNeeded)?;
        if !user.role.may(Permission::EditInventory) {
            return Ok(None);
        }
        let choices = self.db.read().await?.team_mail_choices().await?;
        Ok(Some(choices.get(&user.id).copied().unwrap_or_default().wanted))
    }

    /// Says whether the one who asks wants mails about findings.
    ///
    /// # Errors
    /// Nobody is signed in, the role does not get them, or the database does not answer.
    pub async fn choose_team_mail(&self, actor: &Actor, wanted: bool) -> Result<(), Error> {
        let user = actor.user().ok_or(Error::SignInNeeded)?;
        if !user.role.may(Permission::EditInventory) {
            return Err(Error::Forbidden(Permission::EditInventory));
        }
        self.put_team_mail(actor, user, wanted).await
    }

    /// What a link in a mail to the team leads to.
    ///
    /// # Errors
    /// Not a link of ours, or the database does not answer.
    pub async fn team_mail_by_link(&self, link: &str) -> Result<TeamLink, Error> {
        let (user, wanted) = self.team_link(link).await?;
        Ok(TeamLink { masked: masked(&user.email), wanted })
    }

    /// Ends mails about findings: one click, without signing in (MAIL-3).
    ///
    /// # Errors
    /// Not a link of ours, or the database does not answer.
    pub async fn stop_team_mail(&self, ip: Option<IpAddr>, link: &str) -> Result<(), Error> {
        let (user, _) = self.team_link(link).await?;
        self.put_team_mail(&Actor::public(ip), &user, false).await
    }

    async fn team_link(&self, link: &str) -> Result<(User, bool), Error> {
        let id = Keys::claimed(link).map(UserId).ok_or(Error::NotFound("page"))?;
        let mut tx = self.db.read().await?;
        let choice = tx.team_mail_choices().await?.get(&id).copied().unwrap_or_default();
        if !self.keys.verify(Purpose::TeamMail, link, choice.link_version) {
            return Err(Error::NotFound("page"));
        }
        Ok((tx.user(id).await?, choice.wanted))
    }

    async fn put_team_mail(&self, actor: &Actor, user: &User, wanted: bool) -> Result<(), Error> {
        let mut tx = self.db.decide().await?;
        let mut choice = tx.team_mail_choices().await?.get(&user.id).copied().unwrap_or_default();
        if choice.wanted == wanted {
            return Ok(());
        }
        let before = Choice { mails_about_findings: choice.wanted };
        choice.wanted = wanted;
        // Who wants them again is not to lose them by a link in an old mail.
        choice.link_version += i64::from(wanted);
        tx.put_team_mail_choice(user.id, choice).await?;
        let after = Choice { mails_about_findings: wanted };
        let (id, name) = (user.id.to_string(), user.name.to_string());
        let action = Action { verb: "person.choose_mail", object: "person", id, name };
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        Ok(tx.commit().await?)
    }

    /// The newest mails to the team.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn team_mails(&self, actor: &Actor) -> Result<Vec<TeamMail>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let mut titles: BTreeMap<NotificationId, (String, Instant)> = BTreeMap::new();
        let mut mails = Vec::new();
        for line in tx.team_deliveries(LISTED).await? {
            let (title, told_at) = match titles.get(&line.notification) {
                Some(known) => known.clone(),
                None => {
                    let notification = tx.notification(line.notification).await?;
                    let title = TeamTold::of(&notification).map_err(|e| Error::internal(&e))?.title();
                    titles.entry(line.notification).or_insert((title, notification.created_at)).clone()
                }
            };
            mails.push(listed(actor, line, title, told_at));
        }
        Ok(mails)
    }

    /// A mail to a person of the team as they get it.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn team_mail(
        &self,
        actor: &Actor,
        notification: NotificationId,
        person: UserId,
    ) -> Result<(TeamMail, Result<Letter, MailError>), Error> {
        actor.require(Permission::Administer)?;
        let sender = self.sender().await?;
        let mut tx = self.db.read().await?;
        let line = tx.team_delivery(notification, person).await?;
        let notification = tx.notification(notification).await?;
        let title = TeamTold::of(&notification).map_err(|e| Error::internal(&e))?.title();
        let choice = tx.team_mail_choices().await?.get(&person).copied().unwrap_or_default();
        let to = recipient(tx.user(person).await?, sender.site.zone.clone(), choice.link_version);
        let letter = self.mail_content(&sender, &notification, &to).and_then(|content| Letter::of(&sender, content));
        Ok((listed(actor, line, title, notification.created_at), letter))
    }
}

fn recipient(user: User, zone: String, link_version: i64) -> Recipient {
    Recipient { id: user.id.0, number: 0, email: user.email, zone, token_version: link_version, confirm_sent_at: None }
}

fn listed(actor: &Actor, line: TeamDeliveryLine, title: String, told_at: Instant) -> TeamMail {
    TeamMail {
        notification: line.notification,
        person: line.person,
        name: line.name,
        address: shown_address(actor, &line.email),
        title,
        told_at,
        standing: Standing::of(line.state, line.attempts, line.last_error.as_deref()),
        done_at: line.done_at,
        due_at: line.due_at,
        error: line.last_error.filter(|_| actor.may(Permission::Administer)),
    }
}

/// Windows that do not go on without a person.
async fn waiting_windows(tx: &mut Tx) -> Result<Vec<ToldWindow>, Error> {
    let windows = tx.maintenances_in(&[State::Held, State::Postponed], Order::Earliest, None, WINDOWS).await?;
    let told = windows.into_iter().map(|m| {
        let (state, detail) = if m.state == State::Held {
            ("on hold", "It waits for a backup to be confirmed.")
        } else {
            ("needs a new time", "It did not begin in its time; customers wait for a new one.")
        };
        ToldWindow {
            title: format!("M-{} {}: {state}", m.number, m.title),
            detail: detail.to_owned(),
            path: format!("/admin/maintenances/{}", m.id),
        }
    });
    Ok(told.collect())
}
