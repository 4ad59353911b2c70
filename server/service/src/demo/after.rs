//! What came after the bad day of the demo: an incident of some weeks ago, its post-mortem with the measures that the
//! rest of the demo shows, and news.

use super::Made;
use crate::actor::Actor;
use crate::announcements::AnnouncementInput;
use crate::incidents::{IncidentPost, NewIncident};
use crate::maintenance::input::local_text;
use crate::post_mortems::ItemInput;
use crate::{Error, Services};
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId};
use domain::incident::IncidentState;
use domain::incident::transition::States;
use domain::text::{Name, Prose};
use domain::time::{Instant, Span, civil};

/// The morning after the bad night, so long before the demo is loaded.
const OVER: Span = Span::days(41);

/// What broke.
const BROKEN: [&str; 2] = ["Cluster 12", "Mailboxes N–Z"];

/// Hours after the beginning, where it stood, how its components were, and what was said.
const SAID: [(i64, IncidentState, ComponentState, &str); 4] = [
    (
        0,
        IncidentState::Investigating,
        ComponentState::MajorOutage,
        "One of our virtual machine hosts did not come back after its failed disk was replaced. Sites on Cluster 12 and \
         mailboxes N to Z can not be reached.",
    ),
    (
        1,
        IncidentState::Identified,
        ComponentState::MajorOutage,
        "The second disk of the mirror is dead too. The host and everything on it are lost: we restore from the backup.",
    ),
    (
        8,
        IncidentState::Identified,
        ComponentState::PartialOutage,
        "The backup system needed seven hours only to list the files. The first mailboxes are back.",
    ),
    (
        16,
        IncidentState::Resolved,
        ComponentState::Operational,
        "Everything is back, as it was on the night before last. We are sorry. We will write down what happened.",
    ),
];

/// Before and after the timeline.
const TEXT: [&str; 2] = [
    "# Summary

A virtual machine host with a mirror of two disks lost one of them. During the planned replacement the other one turned \
     out to be dead too: the host and all its guests were gone. The newest backup was more than a day old, and the dumps \
     in it were a day older than that.

# Impact

For sixteen and a half hours sites on **Cluster 12** and mailboxes **N to Z** could not be reached. What was written in \
     the last two days before that is lost. One customer's machine, built by hand in 2009, had never been in any backup.

# Timeline
",
    "
# Root cause

| what | why it hurt |
|---|---|
| The second disk | Nobody looked at it before the work began. |
| The age of the backup | Nobody ran one before the work began. |
| The order of the night | Dumps were made *after* the file backup that was to carry them. |
| The machine built by hand | It was in no backup job, and nothing told us. |
| The time of the restore | Nobody had ever rehearsed it at this size. |

# What went well

Every other host restarted nothing and lost nothing. Customers heard from us within minutes.

# What went badly

We shut down a machine five minutes before its time, with a backup that we had not looked at.

# Remedial measures

They are listed below, with who does them and until when. They stay here until each is done.",
];

/// Title, team, day it is due and day it is done counted from the publication, and a link.
const ITEMS: [(&str, &str, i64, Option<i64>, &str); 5] = [
    ("Dumps run before the file backup that carries them", "Platform team", 7, Some(4), ""),
    ("All data of all servers is covered by a backup job, hand-built ones above all", "Platform team", 30, None, ""),
    ("Planned work begins only after a backup run", "Operations", 14, Some(12), ""),
    ("Restores are rehearsed and timed, each host twice a year", "Operations", 90, None, "https://example.com/drills"),
    ("Customers can ask for an extra backup themselves", "Web team", 60, Some(21), ""),
];

impl Services {
    /// Before there was anybody to tell.
    pub(super) async fn bad_day(&self, now: Instant, made: &Made) -> Result<(), Error> {
        let (oisin, grace) = (self.colleague("operator").await?, self.colleague("approver").await?);
        let incident = self.bad_night(&oisin, now, made).await?;
        self.lessons(&oisin, &grace, now, incident).await
    }

    /// The story, some weeks ago and on a host that is not there any more.
    async fn bad_night(&self, oisin: &Actor, now: Instant, made: &Made) -> Result<IncidentId, Error> {
        let began = Span::hours(17).before(OVER.before(now));
        let broken: Vec<ComponentId> =
            BROKEN.iter().filter_map(|name| made.components.get(name)?.parse().ok()).collect();
        let all = |state: ComponentState| broken.iter().map(|id| (*id, state)).collect::<States>();
        let mut incident = None;
        for (hours, state, components, body) in SAID {
            let node = self.at(Span::minutes(hours * 60 + 7).after(began));
            let body = Prose::parse(body).map_err(|e| Error::internal(&e))?;
            incident = Some(match incident {
                None => {
                    let title = "A virtual machine host and all its guests were lost";
                    let new = NewIncident {
                        title: Name::parse(title).map_err(|e| Error::internal(&e))?,
                        severity: None,
                        components: all(components),
                        started_at: Some(began),
                        maintenance: None,
                        state,
                        body,
                        tell: true,
                    };
                    node.open_incident(oisin, new).await?
                }
                Some(domain::incident::Incident { id, version, .. }) => {
                    let post = IncidentPost { state, body, components: all(components), tell: true };
                    node.update_incident(oisin, id, version, post).await?
                }
            });
        }
        Ok(incident.ok_or(Error::NotFound("incident"))?.id)
    }

    /// Written by one, read by another, and most of it done.
    async fn lessons(&self, oisin: &Actor, grace: &Actor, now: Instant, of: IncidentId) -> Result<(), Error> {
        let published = Span::days(5).after(OVER.before(now));
        let writing = self.at(Span::days(2).before(published));
        let timeline = writing.look_at_post_mortem(oisin, of).await?.timeline;
        let text = TEXT.join(&format!("\n{timeline}\n"));
        let draft = writing.write_post_mortem(oisin, of, None, &text, false).await?;
        let draft = writing.submit_post_mortem(oisin, of, draft.version).await?;
        let mut items = Vec::with_capacity(ITEMS.len());
        for (title, owner, due, done, link) in ITEMS {
            let day = civil(self.zones.as_ref(), super::ZONE, Span::days(due).after(published)).local.date();
            let input = ItemInput {
                title: title.to_owned(),
                owner: owner.to_owned(),
                user: oisin.user_id().map(|id| id.to_string()).filter(|_| owner == "Operations").unwrap_or_default(),
                due: day.to_string(),
                link: link.to_owned(),
            };
            items.push((writing.add_action_item(oisin, of, &input).await?, done));
        }
        let read = self.at(Span::days(1).before(published)).approve_post_mortem(grace, of, draft.version).await?;
        self.at(published).publish_post_mortem(oisin, of, read.version).await?;
        for (item, done) in items {
            let (state, days) = match done {
                Some(days) => ("done", days),
                None => ("in_progress", 9),
            };
            let node = self.at(Span::days(days).after(published));
            node.put_action_item(oisin, item.id, item.version, state, "").await?;
        }
        Ok(())
    }

    /// One pinned, one on top of all pages, one of the changelog, and one that comes by itself.
    pub(super) async fn news(&self, now: Instant, made: &Made) -> Result<(), Error> {
        let oisin = &self.colleague("operator").await?;
        let usual = |title: &str, category: &str, body: &str| AnnouncementInput {
            title: title.to_owned(),
            category: category.to_owned(),
            body: body.to_owned(),
            tells: true,
            zone: super::ZONE.to_owned(),
            ..AnnouncementInput::default()
        };
        let publish = async |at: Instant, input: AnnouncementInput| -> Result<(), Error> {
            let node = self.at(at);
            let draft = node.draft_announcement(oisin, &input).await?;
            node.publish_announcement(oisin, draft.id, draft.version).await.map(drop)
        };
        let pinned = AnnouncementInput {
            pinned: true,
            ..usual(
                "Maintenance waits for the backup from now on",
                "policy",
                "Planned work on our servers begins only after a fresh backup of everything at risk was **confirmed**. If it \
                 is not there in time, the work waits, and you read here that it does.\n\nWhat led to this stands in our \
                 post-mortem.",
            )
        };
        publish(Span::days(33).before(now), pinned).await?;
        let changes = "- Git 2.x and PHP 8 on the **shell nodes**\n- Longer keys for SFTP\n- The dashboard shows when each \
                       site was last backed up";
        let changelog = AnnouncementInput {
            components: ["Shell nodes", "Dashboard"]
                .iter()
                .filter_map(|name| made.components.get(name).cloned())
                .collect(),
            ..usual("Shell nodes and dashboard: what is new", "changelog", changes)
        };
        publish(Span::days(6).before(now), changelog).await?;
        let end = civil(self.zones.as_ref(), super::ZONE, Span::days(9).after(now)).local;
        let banner = AnnouncementInput {
            banner_until: local_text(end),
            banner_fold: self.fold(Span::days(9).after(now)).unwrap_or_default(),
            ..usual(
                "Beware of mails that ask for your dashboard password",
                "security",
                "Somebody sends mails in our name that ask for the password of the dashboard. **We never do.** Do not follow \
                 the link, and change your password if you did.",
            )
        };
        publish(Span::hours(20).before(now), banner).await?;
        let waits = usual(
            "Support hours over the holidays",
            "announcement",
            "From 24 December to 1 January support answers between 10:00 and 16:00. On-call works as always.",
        );
        let draft = self.at(Span::hours(2).before(now)).draft_announcement(oisin, &waits).await?;
        let at = self.evening(now, 3, 9);
        let when = crate::announcements::WhenInput {
            zone: super::ZONE.to_owned(),
            at: local_text(civil(self.zones.as_ref(), super::ZONE, at).local),
            fold: self.fold(at).unwrap_or_default(),
        };
        self.schedule_announcement(oisin, draft.id, draft.version, &when).await?;
        Ok(())
    }
}
