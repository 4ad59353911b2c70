//! The scheduling form while it is being filled in.

use crate::view::{ActionView, BlastView, ReasonView, VerdictView, WhenView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the gate says of what is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateView {
    /// The answer.
    pub verdict: VerdictView,
    /// Everything the work can destroy; none where nothing is chosen.
    pub blast: Option<BlastView>,
    /// Who will hear of it: "Customers of Cluster 12 …".
    pub told: String,
    /// Asks for all runs that are missing, where there are any and the reader may.
    pub request_all: Option<ActionView>,
    /// What stands in the way beside the gate.
    pub in_the_way: InTheWayView,
    /// Times to propose.
    pub slots: SlotsView,
}

/// Conflicts of the time and scope that are chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InTheWayView {
    /// `In the way: 2 conflicts`, or that there is nothing; empty where no time is chosen.
    pub title: String,
    /// All of them, what blocks first.
    pub conflicts: Vec<ReasonView>,
    /// One of them blocks.
    pub blocks: bool,
    /// Going ahead takes a reason.
    pub asks_why: bool,
}

/// The next good times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotsView {
    /// `Next good times for 2 h`; empty where nothing was asked.
    pub title: String,
    /// Buttons that fill in start and end.
    pub slots: Vec<ActionView>,
    /// What they go by, or why there are none.
    pub notes: Vec<String>,
}

/// Two instants to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwiceView {
    /// Name of the choice in the form.
    pub name: String,
    /// `02:30 happens twice`
    pub title: String,
    /// What is sent and what is read, earlier first.
    pub options: Vec<(String, String)>,
    /// What was chosen already.
    pub chosen: String,
}

/// What the typed times mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeView {
    /// In the zone and in UTC, where they make a plan.
    pub when: Option<WhenView>,
    /// `2 h long. If its start is held it may last until Fri 16 May, 01:00 IST.`
    pub text: String,
    /// What stands against the times, in words.
    pub problems: Vec<String>,
    /// Times that exist twice.
    pub twice: Vec<TwiceView>,
}

/// Asks the gate about the hosts and components chosen in a form.
#[server(prefix = "/api/fn", endpoint = "gate")]
pub async fn ask_gate(
    /// The fields of the form, as a form sends them.
    form: String,
) -> Result<GateView, ServerFnError> {
    use crate::pages::admin::plan::{read_form, window_of};
    use crate::pages::admin::{answer, gate};
    let (services, actor) = (crate::context::services(), crate::context::actor());
    gate::ask(&services, &actor, &read_form(&form), window_of(&form)).await.map_err(|error| answer(&error))
}

/// Says what the times typed in a form mean.
#[server(prefix = "/api/fn", endpoint = "time")]
pub async fn read_time(
    /// The fields of the form, as a form sends them.
    form: String,
) -> Result<TimeView, ServerFnError> {
    use crate::pages::admin::plan::{read_form, time_view};
    let (services, actor) = (crate::context::services(), crate::context::actor());
    actor.require(domain::people::Permission::View).map_err(|error| crate::pages::admin::answer(&error))?;
    Ok(time_view(&services, &read_form(&form)))
}

/// Shows the message in a form as customers will read it: sanitised HTML, with placeholders resolved.
#[server(prefix = "/api/fn", endpoint = "preview")]
pub async fn preview(
    /// The fields of the form, as a form sends them.
    form: String,
) -> Result<String, ServerFnError> {
    use crate::pages::admin::answer;
    use crate::pages::admin::plan::read_form;
    let (services, actor) = (crate::context::services(), crate::context::actor());
    services.preview_message(&actor, &read_form(&form)).await.map_err(|error| answer(&error))
}
