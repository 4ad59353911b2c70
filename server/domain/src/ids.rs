//! Identifiers: one type per thing, so that a host can not be passed for a job.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The raw UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(s).map(Self)
            }
        }
    )+};
}

ids! {
    /// A machine or service that holds data.
    HostId,
    /// Something on a host that must not be lost.
    DataSetId,
    /// What protects one data set.
    JobId,
    /// One execution of a job.
    RunId,
    /// An extra run that somebody wants.
    RequestId,
    /// A rehearsed restore.
    DrillId,
    /// An ordered group of components.
    GroupId,
    /// What customers know.
    ComponentId,
    /// A planned piece of work.
    MaintenanceId,
    /// Work that repeats.
    SeriesId,
    /// A published line in a timeline.
    UpdateId,
    /// A kept answer of the gate.
    VerdictId,
    /// A decision to go ahead against the gate.
    OverrideId,
    /// A text to begin messages with.
    TemplateId,
    /// A person who signs in.
    UserId,
    /// A bearer token of the API.
    TokenId,
    /// An address that hears from us.
    SubscriberId,
    /// A program that hears from us.
    WebhookId,
    /// Something told to many; its deliveries are one per subscriber.
    NotificationId,
    /// A line of the audit log.
    AuditId,
    /// A time in which no work is to be done.
    FreezeId,
    /// Hosts of which one may be worked on at a time.
    RedundancyGroupId,
    /// Something the site should know.
    FindingId,
    /// What broke.
    IncidentId,
    /// A published line in the timeline of an incident.
    IncidentUpdateId,
    /// A stretch of time in which a component was in a state.
    ImpactId,
    /// An alert of a monitoring system.
    AlertId,
    /// What alerts have in common.
    CauseId,
    /// What becomes of alerts.
    AlertRuleId,
    /// A series of numbers that programs push.
    MetricId,
    /// A number that the site publishes every month.
    FigureId,
    /// A change of a report after its month was closed.
    ReportCorrectionId,
    /// A correction of the history.
    CorrectionId,
    /// What customers are told beside incidents and windows.
    AnnouncementId,
    /// What is done so that an incident does not happen again.
    ActionItemId,
}
