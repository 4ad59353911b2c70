//! Alerts that fire on when somebody says that their incident is over: asked back once.

use super::join::live_cause;
use crate::Error;
use domain::incident::{Incident, IncidentState};
use storage::Tx;

/// Asks whether it is over although alerts of it still fire.
pub(super) async fn ask(tx: &mut Tx, incident: &Incident, after: IncidentState) -> Result<(), Error> {
    match live_cause(tx, incident.id).await? {
        Some(cause) if cause.fires_on(incident.state, after) > 0 => Err(Error::field(
            "alerts_still_fire",
            format!("{}. Choose another state, or say that it is over all the same.", cause.still_fires()),
        )),
        _ => Ok(()),
    }
}
