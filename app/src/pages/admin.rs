//! Pages for those who work here: the frame around them, and how they write times.

pub mod account;
pub mod action_items;
pub mod alert_rules;
pub mod alerts;
pub mod announcement_form;
pub mod announcements;
pub mod audience;
pub mod audit;
pub mod calendar;
pub mod checklist;
pub mod component_state;
pub mod components;
pub mod corrections;
pub mod coverage;
pub mod data_sets;
pub mod deliveries;
pub mod desk;
pub mod drill;
pub mod drills;
pub mod edit;
pub mod findings;
pub mod freeze_import;
pub mod freezes;
pub mod gate;
pub mod host;
pub mod hosts;
pub mod import;
pub mod in_the_way;
pub mod incident;
pub mod incident_alerts;
pub mod incident_cause;
pub mod incident_form;
pub mod incident_join;
pub mod incident_near;
pub mod incident_past;
pub mod incident_times;
pub mod incidents;
pub mod jobs;
pub mod maintenance;
pub mod maintenances;
pub mod metrics;
pub mod overriding;
pub mod people;
pub mod plan;
pub mod post_mortem;
pub mod redundancy;
pub mod reminders;
pub mod report_figures;
pub mod reports;
pub mod runs;
pub mod series;
pub mod series_form;
pub mod settings;
pub mod start;
pub mod subscribers;
pub mod team_mails;
pub mod templates;
pub mod tokens;
pub mod trend;
pub mod webhooks;
pub mod wording;
pub mod zone_move;

use leptos::prelude::{ServerFnError, use_context};
use leptos_axum::ResponseOptions;
use service::Error;

/// What an island hears of an error: its status and words, and nothing that only we should know.
#[must_use]
pub fn answer(error: &Error) -> ServerFnError {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(crate::context::status(error));
    }
    ServerFnError::ServerError(error.to_string())
}
