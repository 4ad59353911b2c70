//! Telling subscribers of incidents.

use super::{INCIDENT, Reach, Recipient, SUPERSEDED_AFTER, Sender, address, message_id, send};
use crate::keys::Purpose;
use crate::{Error, Services};
use domain::component::ComponentState;
use domain::ids::{ComponentId, NotificationId};
use domain::incident::{Incident, IncidentState, IncidentUpdate};
use domain::subscriber::Topic;
use domain::time::{Instant, Span, format_instant};
use outbound::mail::{
    AffectedComponent, IncidentNews, IncidentNotice, MailContent, MailError, Times, Unsubscribe, incident,
};
use serde::{Deserialize, Serialize};
use storage::Tx;
use storage::outbox::{NewNotification, Notification};

/// What a notification about an incident tells: everything its mails are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentTold {
    /// The incident as it was then.
    pub incident: Incident,
    /// The line of its timeline.
    pub update: IncidentUpdate,
    /// What its readers had heard before: where it stood; none where this is the first they hear.
    pub heard: Option<IncidentState>,
    /// How long it was open, where this says that it is over; none in what was stored before that was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted: Option<Span>,
    /// Affected components, in the order of the page; none that is for the team alone.
    pub affected: Vec<ToldComponent>,
    /// The title at the first mail: subjects must not change, or Gmail opens a new thread (MAIL-1).
    pub subject: String,
}

/// How a component was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldComponent {
    /// Its name.
    pub name: String,
    /// How it was.
    pub state: ComponentState,
}

impl IncidentTold {
    /// What a notification about an incident tells.
    ///
    /// # Errors
    /// It was stored by a program that knew other words.
    pub fn of(notification: &Notification) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&notification.content_json)
    }

    /// What it is to its readers.
    #[must_use]
    pub fn news(&self) -> IncidentNews {
        match (self.heard, self.update.state) {
            (_, IncidentState::Resolved) => IncidentNews::Resolved,
            (None, _) => IncidentNews::Opened,
            (Some(IncidentState::Resolved), _) => IncidentNews::Reopened,
            (Some(_), _) => IncidentNews::Update,
        }
    }
}

impl Services {
    /// Writes the notification of an update of an incident and one delivery per follower; gives back whether it is for
    /// anybody at all. To be called in the transaction of the change; ring `outbox_filled` after its commit.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn tell_incident(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        update: &IncidentUpdate,
    ) -> Result<bool, Error> {
        let ids: Vec<ComponentId> = incident.components.keys().copied().collect();
        let reach = Reach::of(tx, Topic::Incidents, &ids).await?;
        if reach == Reach::Nobody {
            return Ok(false);
        }
        let (new, told) = self.incident_notification(tx, incident, update, &reach).await?;
        if send(tx, &new, Topic::Incidents, &reach).await?.webhooks > 0 {
            self.keep_incident_body(tx, &new, &told, &reach).await?;
        }
        let (now, reason) = (new.created_at, "superseded by a newer update");
        tx.drop_waiting(incident.id.0, new.id, SUPERSEDED_AFTER.before(now), now, reason).await?;
        Ok(true)
    }

    async fn incident_notification(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        update: &IncidentUpdate,
        reach: &Reach,
    ) -> Result<(NewNotification, IncidentTold), Error> {
        let read = |json: Option<String>| json.and_then(|json| serde_json::from_str::<IncidentTold>(&json).ok());
        let first = read(tx.first_notification_content(incident.id.0).await?);
        let newest = read(tx.newest_notification_content(incident.id.0).await?);
        let is_over = update.state == IncidentState::Resolved;
        let components = tx.components(true).await?.into_iter();
        let affected = components
            .filter(|component| reach.components().contains(&component.id))
            .filter_map(|component| {
                let said = *incident.components.get(&component.id)?;
                let state = if is_over { ComponentState::Operational } else { said };
                Some(ToldComponent { name: component.name.to_string(), state })
            })
            .collect();
        let mut known = incident.clone();
        let said = tx.incident_updates_of(&[incident.id]).await?;
        known.hide(&tx.private_components().await?, &said);
        let told = IncidentTold {
            incident: known,
            update: update.clone(),
            heard: newest.map(|told| told.update.state),
            lasted: incident.lasted_in_all(&said),
            affected,
            subject: first.map_or_else(|| incident.title.to_string(), |told| told.subject),
        };
        let new = NewNotification {
            id: self.new_id::<NotificationId>(),
            kind: INCIDENT,
            subject_id: Some(incident.id.0),
            content_json: serde_json::to_string(&told).map_err(|e| Error::internal(&e))?,
            created_at: self.now(),
        };
        Ok((new, told))
    }

    /// The public page of an incident.
    #[must_use]
    pub fn incident_url(&self, incident: &Incident) -> String {
        self.url(&format!("/incidents/{}", incident.id))
    }

    pub(super) fn incident_mail(
        &self,
        sender: &Sender,
        notification: &Notification,
        to: &Recipient,
    ) -> Result<MailContent, MailError> {
        let told = IncidentTold::of(notification).map_err(|e| MailError::Build(e.to_string()))?;
        let manage = self.keys.link(Purpose::Manage, to.id, to.token_version);
        let unsubscribe = self.url(&format!("/unsubscribe/{manage}"));
        let times = |at: Instant| {
            let text = format_instant(self.zones.as_ref(), &to.zone, at);
            Times { local: text.main, utc: text.utc }
        };
        let i = &told.incident;
        let ended = i.resolved_at.filter(|_| told.update.state == IncidentState::Resolved);
        let lasted = ended.map(|at| told.lasted.unwrap_or_else(|| Span::between(i.started_at, at)).in_words());
        let affected = told.affected.iter().map(|component| AffectedComponent {
            name: component.name.clone(),
            state: component.state.public_text().to_owned(),
        });
        let notice = IncidentNotice {
            news: told.news(),
            state: told.update.state,
            severity: i.severity(),
            title: i.title.to_string(),
            at: times(told.update.at),
            since: times(i.started_at),
            ended: ended.map(times),
            lasted: lasted.unwrap_or_default(),
            affected: affected.collect(),
            message: told.update.body.as_str().to_owned(),
            url: self.incident_url(i),
            manage_url: Some(self.url(&format!("/subscriptions/{manage}"))),
            unsubscribe_url: Some(unsubscribe.clone()),
        };
        Ok(MailContent {
            to: address(to)?,
            return_path: None,
            subject: sender.letterhead.subject(&told.subject, Some(&i.reference())),
            message_id: message_id(notification, to),
            thread: Some(format!("in-{}.s{}", i.id, to.number)),
            date: notification.created_at,
            unsubscribe: Some(Unsubscribe { url: unsubscribe, mailto: None }),
            body: incident(&sender.letterhead, &notice)?,
            calendar: None,
        })
    }
}
