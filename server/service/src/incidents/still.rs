//! Alerts that fire on when somebody says that their incident is over: asked back once.

use super::join::live_cause;
use crate::Error;
use domain::incident::{Incident, IncidentState};
use storage::Tx;

/// The question whether it is over although alerts of it still fire; none where nobody has to ask. What else is wrong is
/// said first: ask once all of it is well.
pub(super) async fn question(
    tx: &mut Tx,
    incident: &Incident,
    after: IncidentState,
    is_sure: bool,
) -> Result<Option<Error>, Error> {
    if is_sure {
        return Ok(None);
    }
    let cause = live_cause(tx, incident.id).await?.filter(|cause| cause.fires_on(incident.state, after) > 0);
    Ok(cause.map(|cause| {
        Error::field(
            "alerts_still_fire",
            format!("{}. Choose another state, or say that it is over all the same.", cause.still_fires()),
        )
    }))
}
