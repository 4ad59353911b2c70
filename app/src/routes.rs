//! The shell around every page, and the route table.

use crate::context::{self, Assets};
use crate::pages::{self, public};
use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::any_nested_route::IntoAnyNestedRoute;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;
use leptos_router::{MatchNestedRoutes, SsrMode};
use service::Error;
use std::sync::Arc;

/// The document. Only the pages behind the sign-in carry scripts of their own: public ones are the same bytes
/// for everybody, and have at most the one file that keeps them up to date.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let assets: Assets = use_context().unwrap_or_default();
    let uri = context::uri();
    let scripts = is_scripted(uri.path());
    let refresh =
        is_refreshed(uri.path()).then(|| view! { <noscript><meta http-equiv="refresh" content="60"/></noscript> });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="stylesheet" href=assets.css/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                {scripts.then(|| view! { <HydrationScripts options=options islands=true/> })}
                {refresh}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Every page of the product.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    if let Some(error) = use_context::<Arc<Error>>() {
        return view! { <Title formatter=escaped/><pages::error::FormError error/> }.into_any();
    }
    view! {
        // The library writes titles as they are: one of a window or a host could end the element.
        <Title formatter=escaped/>
        <Router>
            <Routes fallback=pages::error::NotFound>
                <PublicRoutes/>
                <PublicAnnouncementRoutes/>
                <Route path=path!("/sign-in") view=pages::sign_in::SignIn ssr=SsrMode::Async/>
                <Route path=path!("/sign-out") view=pages::sign_in::SignOut ssr=SsrMode::Async/>
                <Route path=path!("/setup/:token") view=pages::set_up::SetUp ssr=SsrMode::Async/>
                <Route path=path!("/password/:token") view=pages::set_up::ChoosePassword ssr=SsrMode::Async/>
                <Route path=path!("/admin/account") view=pages::admin::account::Account ssr=SsrMode::Async/>
                <Route path=path!("/admin/people") view=pages::admin::people::People ssr=SsrMode::Async/>
                <Route path=path!("/admin/people/new") view=pages::admin::people::AddPerson ssr=SsrMode::Async/>
                <Route path=path!("/admin/people/:id") view=pages::admin::people::EditPerson ssr=SsrMode::Async/>
                <Route path=path!("/admin/tokens") view=pages::admin::tokens::Tokens ssr=SsrMode::Async/>
                <Route path=path!("/admin/tokens/new") view=pages::admin::tokens::AddToken ssr=SsrMode::Async/>
                <Route path=path!("/admin/tokens/:id") view=pages::admin::tokens::TokenPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/runs") view=pages::admin::runs::Runs ssr=SsrMode::Async/>
                <Route path=path!("/admin/runs/:id") view=pages::admin::runs::OneRun ssr=SsrMode::Async/>
                <Route path=path!("/admin/settings") view=pages::admin::settings::Settings ssr=SsrMode::Async/>
                <Route path=path!("/admin/audit") view=pages::admin::audit::Audit ssr=SsrMode::Async/>
                <MaintenanceRoutes/>
                <IncidentRoutes/>
                <ConflictRoutes/>
                <AlertRoutes/>
                <InventoryRoutes/>
                <ComponentRoutes/>
                <MailRoutes/>
                <TemplateRoutes/>
                <ReportRoutes/>
                <FigureRoutes/>
                <AnnouncementRoutes/>
            </Routes>
        </Router>
    }
    .into_any()
}

/// Text as it may stand in an element.
fn escaped(text: String) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Pages for customers.
#[component(transparent)]
fn PublicRoutes() -> impl MatchNestedRoutes + Clone {
    view! {
        <Route path=path!("/") view=public::home::Home ssr=SsrMode::Async/>
        <Route path=path!("/maintenance/:id") view=public::maintenance::Maintenance ssr=SsrMode::Async/>
        <Route path=path!("/incidents/:id") view=public::incident::IncidentPage ssr=SsrMode::Async/>
        <Route path=path!("/history") view=public::history::History ssr=SsrMode::Async/>
        <Route path=path!("/history/:month") view=public::history::History ssr=SsrMode::Async/>
        <Route path=path!("/components/:slug") view=public::component::Component ssr=SsrMode::Async/>
        <Route path=path!("/subscribe") view=public::subscribe::Subscribe ssr=SsrMode::Async/>
        <Route path=path!("/subscribe/sent") view=public::subscribe::Sent ssr=SsrMode::Async/>
        <Route path=path!("/subscribe/confirm/:link") view=public::subscription::Confirm ssr=SsrMode::Async/>
        <Route path=path!("/subscriptions/:link") view=public::subscription::Manage ssr=SsrMode::Async/>
        <Route path=path!("/unsubscribe/:link") view=public::subscription::Leave ssr=SsrMode::Async/>
        <Route path=path!("/requests/:link") view=public::requests::Requests ssr=SsrMode::Async/>
        <Route path=path!("/team-mail/:link") view=public::team_mail::StopTeamMail ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// What customers are told beside incidents and windows, and what was learned.
#[component(transparent)]
fn PublicAnnouncementRoutes() -> impl MatchNestedRoutes + Clone {
    use public::announcements;
    view! {
        <Route path=path!("/announcements") view=announcements::Announcements ssr=SsrMode::Async/>
        <Route path=path!("/announcements/month/:month") view=announcements::Announcements ssr=SsrMode::Async/>
        <Route path=path!("/announcements/category/:category") view=announcements::Announcements
            ssr=SsrMode::Async/>
        <Route path=path!("/announcements/category/:category/:month") view=announcements::Announcements
            ssr=SsrMode::Async/>
        <Route path=path!("/announcements/:slug") view=announcements::OneAnnouncement ssr=SsrMode::Async/>
        <Route path=path!("/incidents/:id/post-mortem") view=public::post_mortem::PostMortem ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// The same for those who write it.
#[component(transparent)]
fn AnnouncementRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::{action_items, announcement_form, announcements, post_mortem};
    view! {
        <Route path=path!("/admin/announcements") view=announcements::Announcements ssr=SsrMode::Async/>
        <Route path=path!("/admin/announcements/new") view=announcement_form::NewAnnouncement ssr=SsrMode::Async/>
        <Route path=path!("/admin/announcements/:id") view=announcements::AnnouncementPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/announcements/:id/edit") view=announcement_form::EditAnnouncement
            ssr=SsrMode::Async/>
        <Route path=path!("/admin/incidents/:id/post-mortem") view=post_mortem::PostMortemPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/action-items") view=action_items::ActionItems ssr=SsrMode::Async/>
        <Route path=path!("/admin/action-items/:id") view=action_items::ActionItemPage ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// What needs somebody now, planning and running windows.
#[component(transparent)]
fn MaintenanceRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::{maintenance, maintenances, plan, series, series_form, start};
    view! {
        <Route path=path!("/admin") view=start::AdminStart ssr=SsrMode::Async/>
        <Route path=path!("/admin/maintenances") view=maintenances::Maintenances ssr=SsrMode::Async/>
        <Route path=path!("/admin/maintenances/new") view=plan::NewMaintenance ssr=SsrMode::Async/>
        <Route path=path!("/admin/maintenances/:id") view=maintenance::MaintenancePage ssr=SsrMode::Async/>
        <Route path=path!("/admin/maintenances/:id/edit") view=plan::EditMaintenance ssr=SsrMode::Async/>
        <Route path=path!("/admin/maintenances/:id/verdicts/:verdict") view=maintenance::VerdictPage
            ssr=SsrMode::Async/>
        <Route path=path!("/admin/series") view=series::AllSeries ssr=SsrMode::Async/>
        <Route path=path!("/admin/series/new") view=series_form::NewSeries ssr=SsrMode::Async/>
        <Route path=path!("/admin/series/:id") view=series::SeriesPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/series/:id/edit") view=series_form::EditSeries ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// What is broken.
#[component(transparent)]
fn IncidentRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::{incident, incident_form, incident_past, incidents};
    view! {
        <Route path=path!("/admin/incidents") view=incidents::Incidents ssr=SsrMode::Async/>
        <Route path=path!("/admin/incidents/new") view=incident_form::NewIncident ssr=SsrMode::Async/>
        <Route path=path!("/admin/incidents/backfill") view=incident_past::BackfillIncident ssr=SsrMode::Async/>
        <Route path=path!("/admin/incidents/:id") view=incident::IncidentPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/incidents/:id/edit") view=incident_form::EditIncident ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// When work is to be done, and when not.
#[component(transparent)]
fn ConflictRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::{calendar, freeze_import, freezes, redundancy};
    view! {
        <Route path=path!("/admin/calendar") view=calendar::CalendarPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/freezes") view=freezes::Freezes ssr=SsrMode::Async/>
        <Route path=path!("/admin/freezes/new") view=freezes::NewFreeze ssr=SsrMode::Async/>
        <Route path=path!("/admin/freezes/import") view=freeze_import::ImportFreezes ssr=SsrMode::Async/>
        <Route path=path!("/admin/freezes/:id") view=freezes::FreezePage ssr=SsrMode::Async/>
        <Route path=path!("/admin/redundancy") view=redundancy::Redundancy ssr=SsrMode::Async/>
        <Route path=path!("/admin/redundancy/new") view=redundancy::NewGroup ssr=SsrMode::Async/>
        <Route path=path!("/admin/redundancy/:id") view=redundancy::GroupPage ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// What monitoring says, and what becomes of it.
#[component(transparent)]
fn AlertRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::{alert_rules, alerts};
    view! {
        <Route path=path!("/admin/alerts") view=alerts::Alerts ssr=SsrMode::Async/>
        <Route path=path!("/admin/alerts/rules") view=alert_rules::Rules ssr=SsrMode::Async/>
        <Route path=path!("/admin/alerts/rules/new") view=alert_rules::NewRule ssr=SsrMode::Async/>
        <Route path=path!("/admin/alerts/rules/:id") view=alert_rules::RulePage ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// What is protected.
#[component(transparent)]
fn InventoryRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::{coverage, data_sets, drill, drills, findings, host, hosts, import, jobs};
    view! {
        <Route path=path!("/admin/coverage") view=coverage::CoveragePage ssr=SsrMode::Async/>
        <Route path=path!("/admin/findings") view=findings::Findings ssr=SsrMode::Async/>
        <Route path=path!("/admin/findings/:id") view=findings::OneFinding ssr=SsrMode::Async/>
        <Route path=path!("/admin/hosts") view=hosts::Hosts ssr=SsrMode::Async/>
        <Route path=path!("/admin/hosts/new") view=hosts::NewHost ssr=SsrMode::Async/>
        <Route path=path!("/admin/hosts/import") view=import::ImportHosts ssr=SsrMode::Async/>
        <Route path=path!("/admin/hosts/:id") view=host::HostPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/hosts/:id/:form") view=host::HostPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/data-sets") view=data_sets::DataSets ssr=SsrMode::Async/>
        <Route path=path!("/admin/data-sets/:id") view=data_sets::DataSetPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/data-sets/:id/:form") view=data_sets::DataSetPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/jobs") view=jobs::Jobs ssr=SsrMode::Async/>
        <Route path=path!("/admin/jobs/new") view=jobs::NewJob ssr=SsrMode::Async/>
        <Route path=path!("/admin/jobs/:id") view=jobs::JobPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/jobs/:id/:form") view=jobs::JobPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/drills") view=drills::Drills ssr=SsrMode::Async/>
        <Route path=path!("/admin/drills/new") view=drills::NewDrill ssr=SsrMode::Async/>
        <Route path=path!("/admin/drills/:id") view=drill::DrillPage ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// What customers know.
#[component(transparent)]
fn ComponentRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::components;
    view! {
        <Route path=path!("/admin/components") view=components::Components ssr=SsrMode::Async/>
        <Route path=path!("/admin/components/new-group") view=components::NewGroup ssr=SsrMode::Async/>
        <Route path=path!("/admin/components/new") view=components::NewComponent ssr=SsrMode::Async/>
        <Route path=path!("/admin/components/:id") view=components::ComponentPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/components/:id/:form") view=components::ComponentPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/component-groups/:id") view=components::GroupPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/component-groups/:id/:form") view=components::GroupPage ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Who hears from us, and what was sent.
#[component(transparent)]
fn MailRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::{deliveries, subscribers, team_mails, webhooks};
    view! {
        <Route path=path!("/admin/subscribers") view=subscribers::Subscribers ssr=SsrMode::Async/>
        <Route path=path!("/admin/subscribers/:id") view=subscribers::OneSubscriber ssr=SsrMode::Async/>
        <Route path=path!("/admin/webhooks") view=webhooks::Webhooks ssr=SsrMode::Async/>
        <Route path=path!("/admin/webhooks/new") view=webhooks::NewWebhook ssr=SsrMode::Async/>
        <Route path=path!("/admin/webhooks/:id") view=webhooks::OneWebhook ssr=SsrMode::Async/>
        <Route path=path!("/admin/deliveries") view=deliveries::Deliveries ssr=SsrMode::Async/>
        <Route path=path!("/admin/deliveries/:notification/:subscriber") view=deliveries::OneMail ssr=SsrMode::Async/>
        <Route path=path!("/admin/deliveries/team/:notification/:person") view=team_mails::OneTeamMail
            ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// What was measured, and what each month was like.
#[component(transparent)]
fn ReportRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::{metrics, report_figures, reports};
    view! {
        <Route path=path!("/charts") view=public::charts::AllCharts ssr=SsrMode::Async/>
        <Route path=path!("/charts/:slug") view=public::charts::OneChart ssr=SsrMode::Async/>
        <Route path=path!("/charts/:slug/:range") view=public::charts::OneChart ssr=SsrMode::Async/>
        <Route path=path!("/reports") view=public::reports::AllReports ssr=SsrMode::Async/>
        <Route path=path!("/reports/:month") view=public::reports::OneReport ssr=SsrMode::Async/>
        <Route path=path!("/admin/metrics") view=metrics::Metrics ssr=SsrMode::Async/>
        <Route path=path!("/admin/metrics/new") view=metrics::NewMetric ssr=SsrMode::Async/>
        <Route path=path!("/admin/metrics/:id") view=metrics::MetricPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/reports") view=reports::Reports ssr=SsrMode::Async/>
        <Route path=path!("/admin/reports/:month") view=reports::ReportPage ssr=SsrMode::Async/>
        <Route path=path!("/admin/report-figures") view=report_figures::ReportFigures ssr=SsrMode::Async/>
        <Route path=path!("/admin/report-figures/new") view=report_figures::NewFigure ssr=SsrMode::Async/>
        <Route path=path!("/admin/report-figures/:id") view=report_figures::FigurePage ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Texts to begin messages with.
#[component(transparent)]
fn TemplateRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::templates;
    view! {
        <Route path=path!("/admin/templates") view=templates::Templates ssr=SsrMode::Async/>
        <Route path=path!("/admin/templates/new") view=templates::NewTemplate ssr=SsrMode::Async/>
        <Route path=path!("/admin/templates/:id") view=templates::TemplatePage ssr=SsrMode::Async/>
        <Route path=path!("/admin/templates/:id/:form") view=templates::TemplatePage ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Corrections of the history.
#[component(transparent)]
fn FigureRoutes() -> impl MatchNestedRoutes + Clone {
    use pages::admin::corrections;
    view! {
        <Route path=path!("/admin/corrections") view=corrections::Corrections ssr=SsrMode::Async/>
        <Route path=path!("/admin/corrections/new") view=corrections::NewCorrection ssr=SsrMode::Async/>
        <Route path=path!("/admin/corrections/:id") view=corrections::OneCorrection ssr=SsrMode::Async/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// Whether the page at this path carries scripts: only those behind the sign-in do.
#[must_use]
pub fn is_scripted(path: &str) -> bool {
    path == "/admin" || path.starts_with("/admin/")
}

/// Whether the page at this path follows along while it is open.
#[must_use]
pub fn is_live(path: &str) -> bool {
    is_refreshed(path) || path.starts_with("/maintenance/")
}

/// Whether the page at this path is asked for again by itself where there are no scripts. What is written afterwards is
/// read in peace.
fn is_refreshed(path: &str) -> bool {
    path == "/" || (path.starts_with("/incidents/") && !path.ends_with("/post-mortem"))
}
