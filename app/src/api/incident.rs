//! The form that reports an incident, while it is being filled in.

use crate::view::OptionView;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Who is told of what is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldView {
    /// `214 subscribers are told by mail.`
    pub text: String,
    /// `12 not told:`, or empty.
    pub left_out: String,
    /// Why not, with how many.
    pub why: Vec<String>,
    /// What is sent to say that it was seen.
    pub seen: String,
    /// The words of the button.
    pub publish: String,
}

/// Counts who is told of the incident in a form.
#[server(prefix = "/api/fn", endpoint = "audience")]
pub async fn ask_audience(
    /// The fields of the form, as a form sends them.
    form: String,
) -> Result<ToldView, ServerFnError> {
    use crate::pages::admin::{answer, incident_form};
    let (services, actor) = (crate::context::services(), crate::context::actor());
    incident_form::count(&services, &actor, &form).await.map_err(|error| answer(&error))
}

/// How an incident stands now, in a word that is another one after each change.
#[server(prefix = "/api/fn", endpoint = "stands")]
pub async fn ask_stands(
    /// Its id.
    incident: String,
) -> Result<String, ServerFnError> {
    use crate::pages::admin::answer;
    let (services, actor) = (crate::context::services(), crate::context::actor());
    services.incident_stands(&actor, &incident).await.map_err(|error| answer(&error))
}

/// Windows that may have caused what a form says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CausesView {
    /// The windows, the likeliest first, with what each of them touches; none of them is chosen.
    pub options: Vec<OptionView>,
    /// What to look at, in one sentence.
    pub hint: String,
}

/// An incident that is known already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearLine {
    /// Its page.
    pub href: String,
    /// `I-9 Sites do not answer`
    pub name: String,
    /// ` is open on Cluster 12: identified.`
    pub text: String,
}

/// Which incidents are known already of what is chosen in a form; what customers know of first.
#[server(prefix = "/api/fn", endpoint = "near")]
pub async fn ask_near(
    /// The fields of the form, as a form sends them.
    form: String,
) -> Result<Vec<NearLine>, ServerFnError> {
    use crate::pages::admin::{answer, incident_near};
    let (services, actor) = (crate::context::services(), crate::context::actor());
    incident_near::find(&services, &actor, &form).await.map_err(|error| answer(&error))
}

/// Which windows touch what is chosen in a form.
#[server(prefix = "/api/fn", endpoint = "causes")]
pub async fn ask_causes(
    /// The fields of the form, as a form sends them.
    form: String,
) -> Result<CausesView, ServerFnError> {
    use crate::pages::admin::{answer, incident_cause};
    let (services, actor) = (crate::context::services(), crate::context::actor());
    incident_cause::find(&services, &actor, &form).await.map_err(|error| answer(&error))
}
