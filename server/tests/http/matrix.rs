//! Every address × everybody who may knock (SEC-5). An address that is not in these tables fails
//! the test: whoever adds one says here who may use it.
//!
//! Denied means: who is not signed in is sent to sign in (pages) or told 401 (API), who is signed
//! in but may not gets 403; and that before anything is looked up, so a made-up id tells nothing.

use crate::test_app::{TestApp, TestClient};
use domain::people::{Permission, Role, Scope};
use reqwest::{Method, Response};
use std::collections::BTreeSet;
use std::path::Path;
use storage::testing::Engine;

/// Who may.
#[derive(Clone, Copy, Debug)]
enum May {
    /// Anybody on the network.
    Anybody,
    /// Who knows the secret in the address; a wrong one leads nowhere.
    Knowing,
    /// Whose role allows this.
    Team(Permission),
}
use May::{Anybody, Knowing, Team};
use Permission::{
    Administer, Approve, EditInventory, Maintain, ReadAudit, ReportAlert, ReportBackup, ReportMetric, RequestBackup,
    RunIncidents, View,
};

/// Pages, as the router writes them.
const PAGES: &[(&str, May)] = &[
    ("/", Anybody),
    ("/history", Anybody),
    ("/history/{month}", Knowing),
    ("/announcements", Anybody),
    ("/announcements/month/{month}", Knowing),
    ("/announcements/category/{category}", Knowing),
    ("/announcements/category/{category}/{month}", Knowing),
    ("/announcements/{slug}", Knowing),
    ("/incidents/{id}/post-mortem", Knowing),
    ("/maintenance/{id}", Knowing),
    ("/incidents/{id}", Knowing),
    ("/charts", Anybody),
    ("/charts/{slug}", Knowing),
    ("/charts/{slug}/{range}", Knowing),
    ("/reports", Anybody),
    ("/reports/{month}", Knowing),
    ("/components/{slug}", Knowing),
    ("/subscribe", Anybody),
    ("/subscribe/sent", Anybody),
    ("/subscribe/confirm/{link}", Knowing),
    ("/subscriptions/{link}", Knowing),
    ("/unsubscribe/{link}", Knowing),
    ("/requests/{link}", Knowing),
    ("/team-mail/{link}", Knowing),
    ("/sign-in", Anybody),
    ("/sign-out", Anybody),
    ("/setup/{token}", Knowing),
    ("/password/{token}", Knowing),
    ("/admin", Team(View)),
    ("/admin/account", Team(View)),
    ("/admin/maintenances", Team(View)),
    ("/admin/maintenances/new", Team(Maintain)),
    ("/admin/maintenances/{id}", Team(View)),
    ("/admin/maintenances/{id}/edit", Team(Maintain)),
    ("/admin/maintenances/{id}/verdicts/{verdict}", Team(View)),
    ("/admin/alerts", Team(View)),
    ("/admin/alerts/rules", Team(View)),
    ("/admin/alerts/rules/new", Team(Administer)),
    ("/admin/alerts/rules/{id}", Team(View)),
    ("/admin/incidents", Team(View)),
    ("/admin/incidents/new", Team(RunIncidents)),
    ("/admin/incidents/backfill", Team(RunIncidents)),
    ("/admin/incidents/{id}", Team(View)),
    ("/admin/incidents/{id}/edit", Team(RunIncidents)),
    ("/admin/calendar", Team(View)),
    ("/admin/freezes", Team(View)),
    ("/admin/freezes/new", Team(Administer)),
    ("/admin/freezes/import", Team(Administer)),
    ("/admin/freezes/{id}", Team(View)),
    ("/admin/redundancy", Team(View)),
    ("/admin/redundancy/new", Team(Administer)),
    ("/admin/redundancy/{id}", Team(View)),
    ("/admin/series", Team(View)),
    ("/admin/series/new", Team(Maintain)),
    ("/admin/series/{id}", Team(View)),
    ("/admin/series/{id}/edit", Team(Maintain)),
    ("/admin/hosts", Team(View)),
    ("/admin/hosts/{id}", Team(View)),
    ("/admin/hosts/{id}/{form}", Team(View)),
    ("/admin/data-sets", Team(View)),
    ("/admin/data-sets/{id}", Team(View)),
    ("/admin/data-sets/{id}/{form}", Team(View)),
    ("/admin/jobs", Team(View)),
    ("/admin/jobs/{id}", Team(View)),
    ("/admin/jobs/{id}/{form}", Team(View)),
    ("/admin/components", Team(View)),
    ("/admin/components/{id}", Team(View)),
    ("/admin/components/{id}/{form}", Team(View)),
    ("/admin/component-groups/{id}", Team(EditInventory)),
    ("/admin/component-groups/{id}/{form}", Team(EditInventory)),
    ("/admin/corrections", Team(View)),
    ("/admin/corrections/new", Team(Administer)),
    ("/admin/corrections/{id}", Team(View)),
    ("/admin/templates", Team(View)),
    ("/admin/templates/new", Team(Maintain)),
    ("/admin/templates/{id}", Team(View)),
    ("/admin/templates/{id}/{form}", Team(View)),
    ("/admin/announcements", Team(View)),
    ("/admin/announcements/new", Team(Maintain)),
    ("/admin/announcements/{id}", Team(View)),
    ("/admin/announcements/{id}/edit", Team(Maintain)),
    ("/admin/incidents/{id}/post-mortem", Team(View)),
    ("/admin/action-items", Team(View)),
    ("/admin/action-items/{id}", Team(View)),
    ("/admin/runs", Team(View)),
    ("/admin/runs/{id}", Team(View)),
    ("/admin/coverage", Team(View)),
    ("/admin/drills", Team(View)),
    ("/admin/drills/new", Team(ReportBackup)),
    ("/admin/drills/{id}", Team(View)),
    ("/admin/findings", Team(View)),
    ("/admin/findings/{id}", Team(View)),
    ("/admin/hosts/new", Team(EditInventory)),
    ("/admin/hosts/import", Team(EditInventory)),
    ("/admin/jobs/new", Team(EditInventory)),
    ("/admin/components/new", Team(EditInventory)),
    ("/admin/components/new-group", Team(EditInventory)),
    ("/admin/subscribers", Team(View)),
    ("/admin/subscribers/{id}", Team(View)),
    ("/admin/webhooks", Team(View)),
    ("/admin/webhooks/new", Team(Administer)),
    ("/admin/webhooks/{id}", Team(View)),
    ("/admin/deliveries", Team(View)),
    ("/admin/deliveries/{notification}/{subscriber}", Team(Administer)),
    ("/admin/deliveries/team/{notification}/{person}", Team(Administer)),
    ("/admin/audit", Team(ReadAudit)),
    ("/admin/people", Team(Administer)),
    ("/admin/people/new", Team(Administer)),
    ("/admin/people/{id}", Team(Administer)),
    ("/admin/runs", Team(View)),
    ("/admin/runs/{id}", Team(View)),
    ("/admin/metrics", Team(View)),
    ("/admin/metrics/new", Team(EditInventory)),
    ("/admin/metrics/{id}", Team(View)),
    ("/admin/reports", Team(View)),
    ("/admin/reports/{month}", Team(View)),
    ("/admin/report-figures", Team(View)),
    ("/admin/report-figures/new", Team(EditInventory)),
    ("/admin/report-figures/{id}", Team(View)),
    ("/admin/settings", Team(View)),
    ("/admin/tokens", Team(Administer)),
    ("/admin/tokens/new", Team(Administer)),
    ("/admin/tokens/{id}", Team(Administer)),
];

/// Files behind the sign-in.
const FILES: &[(&str, May)] = &[
    ("/admin/deliveries/{notification}/{subscriber}/mail.eml", Team(Administer)),
    ("/admin/coverage.csv", Team(View)),
];

/// Forms, by the address they are posted to, with what it takes to get past reading the form.
const FORMS: &[(&str, &str, May)] = &[
    ("/subscribe", "", Anybody),
    ("/subscribe/confirm/{link}", "", Knowing),
    ("/subscriptions/{link}", "zone=UTC", Knowing),
    ("/unsubscribe/{link}", "", Knowing),
    ("/requests/{link}", "data_set=x", Knowing),
    ("/team-mail/{link}", "", Knowing),
    ("/sign-in", "", Anybody),
    ("/sign-out", "", Anybody),
    ("/setup/{token}", "", Knowing),
    ("/password/{token}", "", Knowing),
    ("/admin/account", "password=correct+horse+battery&again=correct+horse+battery", Team(View)),
    ("/admin/account", "do=mail", Team(EditInventory)),
    ("/admin/findings/{id}", "do=acknowledge&version=1", Team(EditInventory)),
    ("/admin/findings/{id}", "do=end&version=1", Team(EditInventory)),
    ("/subscriptions/{link}", "do=add-webhook&url=x", Knowing),
    ("/subscriptions/{link}", "do=remove-webhook&webhook=00000000-0000-0000-0000-000000000000", Knowing),
    ("/admin/webhooks/new", "name=x", Team(Administer)),
    ("/admin/webhooks/{id}", "do=save&version=1", Team(Administer)),
    ("/admin/webhooks/{id}", "do=test&version=1", Team(Administer)),
    ("/admin/webhooks/{id}", "do=pause&version=1", Team(Administer)),
    ("/admin/webhooks/{id}", "do=resume&version=1", Team(Administer)),
    ("/admin/webhooks/{id}", "do=rotate&version=1", Team(Administer)),
    ("/admin/webhooks/{id}", "do=again&call=00000000-0000-0000-0000-000000000000", Team(Administer)),
    ("/admin/webhooks/{id}", "do=delete&version=1", Team(Administer)),
    ("/admin/incidents/new", "do=publish", Team(RunIncidents)),
    ("/admin/incidents/new", "do=draft", Team(RunIncidents)),
    ("/admin/incidents/new", "do=check", Team(RunIncidents)),
    ("/admin/incidents/new", "do=template:incident&template=00000000-0000-0000-0000-000000000000", Team(RunIncidents)),
    ("/admin/incidents/backfill", "title=x", Team(RunIncidents)),
    ("/admin/incidents/{id}", "do=say&version=1&body=x", Team(RunIncidents)),
    ("/admin/incidents/{id}", "do=edit&version=1&title=x", Team(RunIncidents)),
    ("/admin/incidents/{id}", "do=mend:00000000-0000-0000-0000-000000000000&version=1&mended=x", Team(RunIncidents)),
    ("/admin/incidents/{id}", "do=discard&version=1", Team(RunIncidents)),
    ("/admin/incidents/{id}", "do=times&version=1", Team(RunIncidents)),
    ("/admin/incidents/{id}", "do=join&version=1&incident=x", Team(RunIncidents)),
    ("/admin/incidents/{id}", "do=link:00000000-0000-0000-0000-000000000000&version=1", Team(RunIncidents)),
    (
        "/admin/incidents/{id}",
        "do=template:incident-update&template=00000000-0000-0000-0000-000000000000",
        Team(RunIncidents),
    ),
    ("/admin/incidents/{id}/edit", "do=publish&version=1", Team(RunIncidents)),
    ("/admin/incidents/{id}/edit", "do=draft&version=1", Team(RunIncidents)),
    ("/admin/components/{id}/override", "do=set&state=operational&reason=x", Team(RunIncidents)),
    ("/admin/components/{id}/override", "do=withdraw", Team(RunIncidents)),
    ("/admin/maintenances/new", "do=draft", Team(Maintain)),
    ("/admin/maintenances/new", "do=schedule", Team(Maintain)),
    ("/admin/maintenances/new", "do=request", Team(Maintain)),
    ("/admin/maintenances/new", "do=template:plan&template=00000000-0000-0000-0000-000000000000", Team(Maintain)),
    ("/admin/maintenances/new", "do=mail:plan", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=template:update&template=00000000-0000-0000-0000-000000000000", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=mail:update&body=x", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=start&version=1", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=extend&version=1&by=1+h", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=verify&version=1", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=complete&version=1", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=cancel&version=1", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=update&body=x", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=schedule&version=1", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=delete&version=1", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=complete-anyway&version=1&why=x", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=tick&line=x", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=untick&line=x", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=ask-override&version=1&why=x", Team(Maintain)),
    (
        "/admin/maintenances/{id}",
        "do=withdraw-override&why=x&override=00000000-0000-0000-0000-000000000000",
        Team(Maintain),
    ),
    ("/admin/maintenances/{id}", "do=confirm-override&override=00000000-0000-0000-0000-000000000000", Team(Approve)),
    (
        "/admin/maintenances/{id}",
        "do=refuse-override&why=x&override=00000000-0000-0000-0000-000000000000",
        Team(Approve),
    ),
    ("/admin/maintenances/{id}", "do=request", Team(Maintain)),
    ("/admin/maintenances/{id}/edit", "do=draft&version=1", Team(Maintain)),
    ("/admin/maintenances/{id}/edit", "do=schedule&version=1", Team(Maintain)),
    ("/admin/maintenances/{id}/edit", "do=request", Team(Maintain)),
    ("/admin/maintenances/new", "do=slot:2026-11-28T01:00/2026-11-28T03:00", Team(Maintain)),
    ("/admin/maintenances/{id}/edit", "do=slot:2026-11-28T01:00/2026-11-28T03:00", Team(Maintain)),
    ("/admin/alerts", "cause=00000000-0000-0000-0000-000000000000", Team(RunIncidents)),
    ("/admin/alerts/rules", "version=1", Team(Administer)),
    ("/admin/alerts/rules/new", "name=x", Team(Administer)),
    ("/admin/alerts/rules/{id}", "do=save&version=1", Team(Administer)),
    ("/admin/alerts/rules/{id}", "do=up", Team(Administer)),
    ("/admin/alerts/rules/{id}", "do=down", Team(Administer)),
    ("/admin/alerts/rules/{id}", "do=delete&version=1", Team(Administer)),
    ("/admin/freezes/new", "name=x", Team(Administer)),
    ("/admin/freezes/import", "ics=x&do=check", Team(Administer)),
    ("/admin/freezes/import", "ics=x&do=apply", Team(Administer)),
    ("/admin/freezes/{id}", "do=save&version=1", Team(Administer)),
    ("/admin/freezes/{id}", "do=delete&version=1", Team(Administer)),
    ("/admin/redundancy", "redundancy=warn&version=1", Team(Administer)),
    ("/admin/redundancy/new", "name=x", Team(Administer)),
    ("/admin/redundancy/{id}", "do=save&version=1", Team(Administer)),
    ("/admin/redundancy/{id}", "do=delete&version=1", Team(Administer)),
    ("/admin/maintenances/{id}", "do=tell-move", Team(Maintain)),
    ("/admin/maintenances/{id}", "do=leave-quiet", Team(Maintain)),
    ("/admin/series/new", "do=create", Team(Maintain)),
    ("/admin/series/new", "do=check", Team(Maintain)),
    ("/admin/series/new", "do=request", Team(Maintain)),
    ("/admin/series/{id}/edit", "do=save&version=1", Team(Maintain)),
    ("/admin/series/{id}", "do=end&version=1", Team(Maintain)),
    ("/admin/hosts/{id}", "version=1", Team(EditInventory)),
    ("/admin/hosts/import", "csv=host&do=check", Team(EditInventory)),
    ("/admin/hosts/import", "csv=host&do=apply", Team(EditInventory)),
    ("/admin/data-sets/{id}", "version=1", Team(EditInventory)),
    ("/admin/jobs/{id}", "version=1", Team(EditInventory)),
    ("/admin/drills/new", "status=planned", Team(ReportBackup)),
    ("/admin/drills/{id}", "do=start&version=1", Team(ReportBackup)),
    ("/admin/drills/{id}", "do=finish&version=1", Team(ReportBackup)),
    ("/admin/drills/{id}", "do=abandon&version=1", Team(ReportBackup)),
    ("/admin/components/{id}", "version=1", Team(EditInventory)),
    ("/admin/component-groups/{id}", "version=1", Team(EditInventory)),
    ("/admin/corrections/new", "state=unknown", Team(Administer)),
    ("/admin/corrections/{id}", "version=1&why=x", Team(Administer)),
    ("/admin/templates/{id}", "version=1", Team(Maintain)),
    ("/admin/templates/{id}", "do=mail", Team(Maintain)),
    ("/admin/maintenances/{id}/edit", "do=mail:plan", Team(Maintain)),
    ("/admin/announcements/new", "title=x", Team(Maintain)),
    ("/admin/announcements/new", "do=preview", Team(Maintain)),
    ("/admin/announcements/{id}/edit", "version=1", Team(Maintain)),
    ("/admin/announcements/{id}/edit", "do=preview", Team(Maintain)),
    ("/admin/announcements/{id}", "do=publish&version=1", Team(Maintain)),
    ("/admin/announcements/{id}", "do=schedule&version=1", Team(Maintain)),
    ("/admin/announcements/{id}", "do=unschedule&version=1", Team(Maintain)),
    ("/admin/announcements/{id}", "do=withdraw&version=1", Team(Maintain)),
    ("/admin/announcements/{id}", "do=delete&version=1", Team(Maintain)),
    ("/admin/incidents/{id}/post-mortem", "do=save&body=x", Team(RunIncidents)),
    ("/admin/incidents/{id}/post-mortem", "do=preview", Team(RunIncidents)),
    ("/admin/incidents/{id}/post-mortem", "do=timeline", Team(RunIncidents)),
    ("/admin/incidents/{id}/post-mortem", "do=submit&version=1", Team(RunIncidents)),
    ("/admin/incidents/{id}/post-mortem", "do=approve&version=1", Team(Approve)),
    ("/admin/incidents/{id}/post-mortem", "do=send-back&version=1&why=x", Team(Approve)),
    ("/admin/incidents/{id}/post-mortem", "do=publish&version=1", Team(RunIncidents)),
    ("/admin/incidents/{id}/post-mortem", "do=add-item&title=x", Team(RunIncidents)),
    ("/admin/action-items/{id}", "do=save&version=1", Team(RunIncidents)),
    ("/admin/action-items/{id}", "do=put&version=1&state=done", Team(RunIncidents)),
    ("/admin/action-items/{id}", "do=raise&version=1", Team(RunIncidents)),
    ("/admin/action-items/{id}", "do=delete&version=1", Team(RunIncidents)),
    ("/admin/people/new", "", Team(Administer)),
    ("/admin/people/{id}", "do=disable", Team(Administer)),
    ("/admin/people/{id}", "do=enable", Team(Administer)),
    ("/admin/people/{id}", "do=link", Team(Administer)),
    ("/admin/people/{id}", "do=save&version=1", Team(Administer)),
    ("/admin/metrics/new", "name=x", Team(EditInventory)),
    ("/admin/metrics/{id}", "version=1", Team(EditInventory)),
    ("/admin/metrics/{id}", "do=retire&version=1", Team(EditInventory)),
    ("/admin/reports/{month}", "do=figures", Team(ReportMetric)),
    ("/admin/reports/{month}", "do=freeze", Team(Maintain)),
    ("/admin/reports/{month}", "do=correct&version=1&why=x", Team(Maintain)),
    ("/admin/report-figures/new", "name=x", Team(EditInventory)),
    ("/admin/report-figures/{id}", "version=1", Team(EditInventory)),
    ("/admin/report-figures/{id}", "do=retire&version=1", Team(EditInventory)),
    ("/admin/settings", "version=1", Team(Administer)),
    ("/admin/subscribers/{id}", "do=forget", Team(Administer)),
    ("/admin/deliveries/{notification}/{subscriber}", "do=send", Team(Administer)),
    ("/admin/tokens", "id=00000000-0000-0000-0000-000000000000", Team(Administer)),
    ("/admin/tokens/new", "", Team(Administer)),
    ("/admin/tokens/{id}", "per_day=1", Team(Administer)),
];

/// The API, with a body that can be read.
pub(crate) const API: &[(&str, &str, &str, Permission)] = &[
    ("GET", "/api/v1/alerts", "", View),
    ("POST", "/api/v1/alerts/alertmanager", "{}", ReportAlert),
    ("POST", "/api/v1/alerts/grafana", "{}", ReportAlert),
    ("POST", "/api/v1/alerts/generic", "{}", ReportAlert),
    ("GET", "/api/v1/causes", "", View),
    ("GET", "/api/v1/causes/{id}", "", View),
    ("POST", "/api/v1/causes/{id}/end", "", RunIncidents),
    ("GET", "/api/v1/alert-rules", "", View),
    ("POST", "/api/v1/alert-rules", "{}", Administer),
    ("GET", "/api/v1/alert-rules/{id}", "", View),
    ("PATCH", "/api/v1/alert-rules/{id}", r#"{"version":1}"#, Administer),
    ("DELETE", "/api/v1/alert-rules/{id}?version=1", "", Administer),
    ("POST", "/api/v1/alert-rules/{id}/move", r#"{"to":"up"}"#, Administer),
    ("GET", "/api/v1/alert-labels", "", View),
    ("PUT", "/api/v1/alert-labels", r#"{"version":1}"#, Administer),
    ("GET", "/api/v1/announcements", "", View),
    ("POST", "/api/v1/announcements", "{}", Maintain),
    ("GET", "/api/v1/announcements/{id}", "", View),
    ("PATCH", "/api/v1/announcements/{id}", r#"{"version":1}"#, Maintain),
    ("DELETE", "/api/v1/announcements/{id}?version=1", "", Maintain),
    ("GET", "/api/v1/announcements/{id}/audience", "", View),
    ("POST", "/api/v1/announcements/{id}/publish", r#"{"version":1}"#, Maintain),
    ("POST", "/api/v1/announcements/{id}/schedule", r#"{"version":1}"#, Maintain),
    ("DELETE", "/api/v1/announcements/{id}/schedule?version=1", "", Maintain),
    ("POST", "/api/v1/announcements/{id}/withdraw", r#"{"version":1}"#, Maintain),
    ("GET", "/api/v1/incidents/{id}/post-mortem", "", View),
    ("PUT", "/api/v1/incidents/{id}/post-mortem", "{}", RunIncidents),
    ("POST", "/api/v1/incidents/{id}/post-mortem/submit", r#"{"version":1}"#, RunIncidents),
    ("POST", "/api/v1/incidents/{id}/post-mortem/publish", r#"{"version":1}"#, RunIncidents),
    ("POST", "/api/v1/incidents/{id}/action-items", "{}", RunIncidents),
    ("GET", "/api/v1/action-items", "", View),
    ("GET", "/api/v1/action-items/{id}", "", View),
    ("PATCH", "/api/v1/action-items/{id}", r#"{"version":1}"#, RunIncidents),
    ("DELETE", "/api/v1/action-items/{id}?version=1", "", RunIncidents),
    ("POST", "/api/v1/action-items/{id}/raise", r#"{"version":1}"#, RunIncidents),
    ("POST", "/api/v1/action-items/{id}/state", r#"{"version":1}"#, RunIncidents),
    ("GET", "/api/v1/backup-runs", "", View),
    ("POST", "/api/v1/backup-runs", r#"{"job":"00000000-0000-0000-0000-000000000000"}"#, ReportBackup),
    ("GET", "/api/v1/backup-runs/{id}", "", View),
    ("POST", "/api/v1/backup-requests", r#"{"data_set":"x"}"#, RequestBackup),
    ("GET", "/api/v1/backup-requests/{id}", "", RequestBackup),
    ("POST", "/api/v1/backup-requests/{id}/cancel", "", Maintain),
    ("GET", "/api/v1/availability", "", View),
    ("GET", "/api/v1/components/{id}/availability", "", View),
    ("GET", "/api/v1/components/{id}/corrections", "", View),
    ("POST", "/api/v1/components/{id}/corrections", "{}", Administer),
    ("GET", "/api/v1/corrections/{id}", "", View),
    ("POST", "/api/v1/corrections/{id}/withdraw", r#"{"version":1,"why":"x"}"#, Administer),
    ("GET", "/api/v1/component-groups", "", View),
    ("POST", "/api/v1/component-groups", "{}", EditInventory),
    ("GET", "/api/v1/component-groups/{id}", "", View),
    ("PATCH", "/api/v1/component-groups/{id}", r#"{"version":1}"#, EditInventory),
    ("DELETE", "/api/v1/component-groups/{id}?version=1", "", EditInventory),
    ("POST", "/api/v1/component-groups/{id}/move", r#"{"to":"up"}"#, EditInventory),
    ("GET", "/api/v1/components", "", View),
    ("POST", "/api/v1/components", "{}", EditInventory),
    ("GET", "/api/v1/components/{id}", "", View),
    ("PATCH", "/api/v1/components/{id}", r#"{"version":1}"#, EditInventory),
    ("DELETE", "/api/v1/components/{id}?version=1", "", EditInventory),
    ("POST", "/api/v1/components/{id}/move", r#"{"to":"up"}"#, EditInventory),
    ("POST", "/api/v1/components/{id}/retire", r#"{"version":1}"#, EditInventory),
    ("GET", "/api/v1/components/{id}/override", "", View),
    ("PUT", "/api/v1/components/{id}/override", r#"{"state":"operational","reason":"x"}"#, RunIncidents),
    ("DELETE", "/api/v1/components/{id}/override", "", RunIncidents),
    ("GET", "/api/v1/incidents", "", View),
    ("POST", "/api/v1/incidents", "{}", RunIncidents),
    ("GET", "/api/v1/incidents/audience", "", View),
    ("GET", "/api/v1/incidents/causes", "", View),
    ("GET", "/api/v1/incidents/near", "", View),
    ("POST", "/api/v1/incidents/backfill", "{}", RunIncidents),
    ("GET", "/api/v1/incidents/{id}", "", View),
    ("PATCH", "/api/v1/incidents/{id}", r#"{"version":1}"#, RunIncidents),
    ("POST", "/api/v1/incidents/{id}/discard", r#"{"version":1}"#, RunIncidents),
    ("POST", "/api/v1/incidents/{id}/join", r#"{"version":1}"#, RunIncidents),
    ("POST", "/api/v1/incidents/{id}/publish", r#"{"version":1}"#, RunIncidents),
    ("POST", "/api/v1/incidents/{id}/reopen", r#"{"body":"x"}"#, RunIncidents),
    ("POST", "/api/v1/incidents/{id}/resolve", r#"{"body":"x"}"#, RunIncidents),
    ("POST", "/api/v1/incidents/{id}/updates", r#"{"body":"x"}"#, RunIncidents),
    ("PATCH", "/api/v1/incidents/{id}/updates/{update}", r#"{"version":1,"body":"x"}"#, RunIncidents),
    ("GET", "/api/v1/coverage", "", View),
    ("GET", "/api/v1/data-sets", "", View),
    ("POST", "/api/v1/data-sets", r#"{"host_id":"00000000-0000-0000-0000-000000000000"}"#, EditInventory),
    ("GET", "/api/v1/data-sets/{id}", "", View),
    ("PATCH", "/api/v1/data-sets/{id}", r#"{"version":1}"#, EditInventory),
    ("DELETE", "/api/v1/data-sets/{id}?version=1", "", EditInventory),
    ("POST", "/api/v1/data-sets/{id}/retire", r#"{"version":1}"#, EditInventory),
    ("GET", "/api/v1/drills", "", View),
    ("POST", "/api/v1/drills", "{}", ReportBackup),
    ("GET", "/api/v1/drills/{id}", "", View),
    ("POST", "/api/v1/drills/{id}/abandon", "{}", ReportBackup),
    ("POST", "/api/v1/drills/{id}/finish", "{}", ReportBackup),
    ("POST", "/api/v1/drills/{id}/start", "{}", ReportBackup),
    ("GET", "/api/v1/findings", "", View),
    ("GET", "/api/v1/findings/{id}", "", View),
    ("POST", "/api/v1/findings/{id}/acknowledge", r#"{"version":1}"#, EditInventory),
    ("DELETE", "/api/v1/findings/{id}/acknowledge?version=1", "", EditInventory),
    ("GET", "/api/v1/gate", "", View),
    ("GET", "/api/v1/hosts", "", View),
    ("POST", "/api/v1/hosts", "{}", EditInventory),
    ("POST", "/api/v1/hosts/import", "[]", EditInventory),
    ("POST", "/api/v1/hosts/import?apply=true", "[]", EditInventory),
    ("GET", "/api/v1/hosts/{id}", "", View),
    ("PATCH", "/api/v1/hosts/{id}", r#"{"version":1}"#, EditInventory),
    ("DELETE", "/api/v1/hosts/{id}?version=1", "", EditInventory),
    ("PUT", "/api/v1/hosts/{id}/exemption", r#"{"version":1}"#, EditInventory),
    ("DELETE", "/api/v1/hosts/{id}/exemption?version=1", "", EditInventory),
    ("PUT", "/api/v1/hosts/{id}/policy", r#"{"version":1}"#, Administer),
    ("GET", "/api/v1/hosts/{id}/restore", "", View),
    ("POST", "/api/v1/hosts/{id}/retire", r#"{"version":1}"#, EditInventory),
    ("POST", "/api/v1/ingest/{tool}", "", ReportBackup),
    ("GET", "/api/v1/jobs", "", View),
    ("POST", "/api/v1/jobs", r#"{"data_set_id":"00000000-0000-0000-0000-000000000000"}"#, EditInventory),
    ("GET", "/api/v1/jobs/{id}", "", View),
    ("PATCH", "/api/v1/jobs/{id}", r#"{"version":1}"#, EditInventory),
    ("DELETE", "/api/v1/jobs/{id}?version=1", "", EditInventory),
    ("POST", "/api/v1/jobs/{id}/disable", r#"{"version":1}"#, EditInventory),
    ("POST", "/api/v1/jobs/{id}/enable", r#"{"version":1}"#, EditInventory),
    ("GET", "/api/v1/jobs/{id}/requests", "", ReportBackup),
    ("POST", "/api/v1/jobs/{id}/requests", "", Maintain),
    ("POST", "/api/v1/jobs/{id}/requests/fetch", "", ReportBackup),
    ("POST", "/api/v1/jobs/{id}/retire", r#"{"version":1}"#, EditInventory),
    ("GET", "/api/v1/jobs/{id}/series", "", View),
    ("GET", "/api/v1/jobs/{id}/trigger", "", View),
    ("PUT", "/api/v1/jobs/{id}/trigger", r#"{"url":"https://backup.example.org"}"#, EditInventory),
    ("DELETE", "/api/v1/jobs/{id}/trigger?version=1", "", EditInventory),
    ("POST", "/api/v1/jobs/{id}/rotate-ping", r#"{"version":1}"#, EditInventory),
    ("GET", "/api/v1/calendar", "", View),
    ("GET", "/api/v1/conflict-policy", "", View),
    ("PUT", "/api/v1/conflict-policy", r#"{"version":1,"redundancy":"warn"}"#, Administer),
    ("GET", "/api/v1/conflicts", "", View),
    ("GET", "/api/v1/freezes", "", View),
    ("POST", "/api/v1/freezes", "{}", Administer),
    ("POST", "/api/v1/freezes/import", "x", Administer),
    ("POST", "/api/v1/freezes/import?apply=true", "x", Administer),
    ("GET", "/api/v1/freezes/{id}", "", View),
    ("PATCH", "/api/v1/freezes/{id}", r#"{"version":1}"#, Administer),
    ("DELETE", "/api/v1/freezes/{id}?version=1", "", Administer),
    ("GET", "/api/v1/maintenances/{id}/conflicts", "", View),
    ("GET", "/api/v1/redundancy-groups", "", View),
    ("POST", "/api/v1/redundancy-groups", "{}", Administer),
    ("GET", "/api/v1/redundancy-groups/{id}", "", View),
    ("PATCH", "/api/v1/redundancy-groups/{id}", r#"{"version":1}"#, Administer),
    ("DELETE", "/api/v1/redundancy-groups/{id}?version=1", "", Administer),
    ("GET", "/api/v1/slots", "", View),
    ("GET", "/api/v1/maintenances", "", View),
    ("POST", "/api/v1/maintenances", "{}", Maintain),
    ("GET", "/api/v1/maintenances/{id}", "", View),
    ("PATCH", "/api/v1/maintenances/{id}", r#"{"version":1}"#, Maintain),
    ("DELETE", "/api/v1/maintenances/{id}?version=1", "", Maintain),
    ("POST", "/api/v1/maintenances/{id}/cancel", r#"{"body":"x"}"#, Maintain),
    ("POST", "/api/v1/maintenances/{id}/checklist", r#"{"line":"x","ticked":true}"#, Maintain),
    ("POST", "/api/v1/maintenances/{id}/complete", "", Maintain),
    ("POST", "/api/v1/maintenances/{id}/extend", r#"{"by":"1 h"}"#, Maintain),
    ("GET", "/api/v1/maintenances/{id}/overrides", "", View),
    ("GET", "/api/v1/maintenances/{id}/reminders", "", View),
    ("POST", "/api/v1/maintenances/{id}/schedule", "", Maintain),
    ("POST", "/api/v1/maintenances/{id}/start", "", Maintain),
    ("POST", "/api/v1/maintenances/{id}/updates", r#"{"body":"x"}"#, Maintain),
    ("GET", "/api/v1/maintenances/{id}/verdicts", "", View),
    ("GET", "/api/v1/maintenances/{id}/verdicts/{verdict}", "", View),
    ("POST", "/api/v1/maintenances/{id}/verify", "", Maintain),
    ("POST", "/api/v1/maintenances/{id}/zone-move", r#"{"tell":true}"#, Maintain),
    ("GET", "/api/v1/metrics", "", View),
    ("POST", "/api/v1/metrics", "{}", EditInventory),
    ("GET", "/api/v1/metrics/{id}", "", View),
    ("PATCH", "/api/v1/metrics/{id}", r#"{"version":1}"#, EditInventory),
    ("GET", "/api/v1/metrics/{id}/points", "", View),
    ("POST", "/api/v1/metrics/{id}/points", "[]", ReportMetric),
    ("POST", "/api/v1/metrics/{id}/retire", r#"{"version":1}"#, EditInventory),
    ("GET", "/api/v1/people", "", Administer),
    ("POST", "/api/v1/people", "{}", Administer),
    ("GET", "/api/v1/people/{id}", "", Administer),
    ("PATCH", "/api/v1/people/{id}", r#"{"version":1}"#, Administer),
    ("POST", "/api/v1/people/{id}/disable", "{}", Administer),
    ("POST", "/api/v1/people/{id}/enable", "{}", Administer),
    ("POST", "/api/v1/previews", r#"{"what":{"update":{"body":"x"}}}"#, Maintain),
    ("GET", "/api/v1/report-figures", "", View),
    ("POST", "/api/v1/report-figures", "{}", EditInventory),
    ("GET", "/api/v1/report-figures/{id}", "", View),
    ("PATCH", "/api/v1/report-figures/{id}", r#"{"version":1}"#, EditInventory),
    ("POST", "/api/v1/report-figures/{id}/retire", r#"{"version":1}"#, EditInventory),
    ("GET", "/api/v1/reports", "", View),
    ("GET", "/api/v1/reports/{id}", "", View),
    ("POST", "/api/v1/reports/{id}/corrections", r#"{"version":1,"why":"x"}"#, Maintain),
    ("PUT", "/api/v1/reports/{id}/figures/{figure}", r#"{"value":1}"#, ReportMetric),
    ("POST", "/api/v1/reports/{id}/freeze", "", Maintain),
    ("GET", "/api/v1/series", "", View),
    ("POST", "/api/v1/series", "{}", Maintain),
    ("GET", "/api/v1/series/{id}", "", View),
    ("PATCH", "/api/v1/series/{id}", r#"{"version":1}"#, Maintain),
    ("POST", "/api/v1/series/{id}/end", r#"{"version":1}"#, Maintain),
    ("GET", "/api/v1/site", "", View),
    ("PATCH", "/api/v1/site", r#"{"version":1}"#, Administer),
    ("GET", "/api/v1/templates", "", View),
    ("POST", "/api/v1/templates", "{}", Maintain),
    ("GET", "/api/v1/templates/{id}", "", View),
    ("PATCH", "/api/v1/templates/{id}", r#"{"version":1}"#, Maintain),
    ("POST", "/api/v1/templates/{id}/retire", r#"{"version":1}"#, Maintain),
    ("GET", "/api/v1/webhooks", "", View),
    ("POST", "/api/v1/webhooks", "{}", Administer),
    ("GET", "/api/v1/webhooks/{id}", "", View),
    ("PATCH", "/api/v1/webhooks/{id}", r#"{"version":1}"#, Administer),
    ("DELETE", "/api/v1/webhooks/{id}?version=1", "", Administer),
    ("GET", "/api/v1/webhooks/{id}/calls", "", View),
    ("POST", "/api/v1/webhooks/{id}/calls/{notification}/again", "", Administer),
    ("POST", "/api/v1/webhooks/{id}/pause", r#"{"version":1}"#, Administer),
    ("POST", "/api/v1/webhooks/{id}/resume", r#"{"version":1}"#, Administer),
    ("POST", "/api/v1/webhooks/{id}/rotate", r#"{"version":1}"#, Administer),
    ("POST", "/api/v1/webhooks/{id}/test", "", Administer),
    ("GET", "/api/v1/tokens", "", Administer),
    ("POST", "/api/v1/tokens", "{}", Administer),
    ("DELETE", "/api/v1/tokens/{id}", "", Administer),
    ("PUT", "/api/v1/tokens/{id}/grant", r#"{"per_day":1}"#, Administer),
];

/// What else the router knows, and why nobody has to say who they are there.
const OPEN: &[(&str, &str)] = &[
    ("/api/fn/{*name}", "server functions, each in FUNCTIONS"),
    ("/api/{*rest}", "says that there is nothing"),
    ("/calendar.ics", "published windows"),
    ("/events", "says that something has changed, not what"),
    ("/healthz", "for load balancers, says nothing but yes"),
    ("/readyz", "for load balancers, says nothing but yes or no"),
    ("/metrics", "only on a listener of its own, or with a token of its own"),
    ("/api/push/{token}", "the address is the secret"),
    ("/ping/{address}", "the address is the secret"),
    ("/ping/{address}/", "the address is the secret"),
    ("/ping/{address}/wanted", "the address is the secret"),
    ("/ping/{address}/{signal}", "the address is the secret"),
    ("/ping/{address}/{signal}/", "the address is the secret"),
];

/// Server functions of the islands.
const FUNCTIONS: &[(&str, &str, Permission)] = &[
    ("/api/fn/audience", "form=", View),
    ("/api/fn/causes", "form=", View),
    ("/api/fn/gate", "form=", View),
    ("/api/fn/near", "form=", View),
    ("/api/fn/preview", "form=", View),
    ("/api/fn/stands", "incident=", View),
    ("/api/fn/time", "form=", View),
];

/// An address with made-up ids.
pub(crate) fn made_up(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        let (name, query) =
            part.split_once('?').map_or((part, String::new()), |(name, query)| (name, format!("?{query}")));
        if name.starts_with('{') { format!("00000000-0000-0000-0000-000000000000{query}") } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("/")
}

fn fields(form: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn sent_to_sign_in(response: &Response) -> bool {
    let place = response.headers().get("location").map_or("", |place| place.to_str().unwrap());
    response.status() == 303 && place.starts_with("/sign-in?")
}

/// Checks one answer to one who is nobody (`None`) or has a role.
fn check(what: &str, response: &Response, role: Option<Role>, may: May) -> Option<String> {
    let status = response.status().as_u16();
    let refused = sent_to_sign_in(response) || matches!(status, 401 | 403);
    let right = match (may, role) {
        (Anybody, _) => !refused && status != 404,
        (Knowing, _) => status == 404,
        // A form in which something was typed is held for whoever signs in again.
        (Team(_), None) => sent_to_sign_in(response) || status == 401,
        (Team(permission), Some(role)) if role.may(permission) => !refused,
        (Team(_), Some(_)) => status == 403,
    };
    (!right || status >= 500).then(|| format!("{what} as {role:?}: {status}"))
}

/// Nobody, then everybody by their role; each time somebody new, for forms end sessions.
async fn knock(app: &TestApp, role: Option<Role>) -> TestClient {
    match role {
        None => app.stranger(),
        Some(role) => app.sign_in_as(role).await,
    }
}

fn everybody() -> impl Iterator<Item = Option<Role>> {
    std::iter::once(None).chain(Role::ALL.into_iter().map(Some))
}

async fn each_page_is_for_those_who_may(engine: Engine) {
    let app = TestApp::start(engine).await;
    let mut wrong = Vec::new();
    for (path, may) in PAGES.iter().chain(FILES) {
        for role in everybody() {
            let response = knock(&app, role).await.get(&made_up(path)).await;
            wrong.extend(check(path, &response, role, *may));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn each_form_is_for_those_who_may(engine: Engine) {
    let app = TestApp::start(engine).await;
    let mut wrong = Vec::new();
    for (path, form, may) in FORMS {
        let fields = fields(form);
        for role in everybody() {
            let response = knock(&app, role).await.post_form(&made_up(path), &borrowed(&fields)).await;
            wrong.extend(check(&format!("POST {path} {form}"), &response, role, *may));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn each_function_is_for_those_who_may(engine: Engine) {
    let app = TestApp::start(engine).await;
    for (path, form, permission) in FUNCTIONS {
        let fields = fields(form);
        for role in everybody() {
            let status = knock(&app, role).await.post_form(path, &borrowed(&fields)).await.status().as_u16();
            let right = match role {
                None => status == 401,
                Some(role) if role.may(*permission) => status < 500 && !matches!(status, 401 | 403 | 404),
                Some(_) => status == 403,
            };
            assert!(right, "{path} as {role:?}: {status}");
        }
    }
}

async fn each_door_of_the_api_asks_for_its_scope(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let mut programs = Vec::new();
    for scope in Scope::ALL {
        programs.push((scope, app.with_token(&app.token(&[scope]).await)));
    }
    let mut wrong = Vec::new();
    for (method, path, body, permission) in API {
        let method: Method = method.parse().unwrap();
        let place = format!("{}{}", app.base, made_up(path));
        let send = |client: &TestClient| {
            let request = client.http.request(method.clone(), &place).header("sec-fetch-site", "same-origin");
            let request = request.header("content-type", "application/json");
            async move { request.body(*body).send().await.unwrap().status().as_u16() }
        };
        let mut say = |who: String, status: u16| wrong.push(format!("{method} {path} with {who}: {status}"));
        for (who, client) in [("no token", &app.anyone), ("only a session", &admin)] {
            let status = send(client).await;
            if status != 401 {
                say(who.to_owned(), status);
            }
        }
        for (scope, client) in &programs {
            let status = send(client).await;
            // Who may look may learn first that there is nothing with a made-up id.
            let nothing = status == 404 && scope.grants(View) && path.contains("{id}");
            let right = match scope.grants(*permission) {
                true => status < 500 && !matches!(status, 401 | 403 | 405 | 415),
                false => status == 403 || nothing,
            };
            if !right {
                say(format!("{scope:?}"), status);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_page_is_forgotten() {
    let routed: BTreeSet<String> =
        leptos_axum::generate_route_list(app::App).iter().map(|listing| listing.path().to_owned()).collect();
    let listed: BTreeSet<String> = PAGES.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(routed, listed, "left: the router, right: PAGES");
}

#[test]
fn no_form_is_forgotten() {
    let table = std::fs::read_to_string(root().join("app/src/posts.rs")).unwrap();
    let arms = table.lines().filter_map(|line| line.trim().strip_prefix('[')?.split_once("] =>").map(|(arm, _)| arm));
    let routed: BTreeSet<String> = arms.map(|arm| pattern(arm.split(',').map(str::trim))).collect();
    let listed: BTreeSet<String> = FORMS.iter().map(|(path, ..)| unnamed(path)).collect();
    assert!(!routed.is_empty());
    assert_eq!(routed, listed, "left: app/src/posts.rs, right: FORMS");
}

#[test]
fn no_function_is_forgotten() {
    let routed: BTreeSet<String> =
        leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    let listed: BTreeSet<String> = FUNCTIONS.iter().map(|(path, ..)| (*path).to_owned()).collect();
    assert_eq!(routed, listed, "left: the server functions, right: FUNCTIONS");
}

#[test]
fn no_other_route_is_forgotten() {
    let mut routed = BTreeSet::new();
    for file in sources(&root().join("server/src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for part in text.split(".route(\"").skip(1) {
            let (path, rest) = part.split_once('"').unwrap();
            let call = rest.split(".route(").next().unwrap().split(".merge(").next().unwrap();
            let call = call.split(['\n', ';']).next().unwrap();
            if !path.starts_with("/api/v1/") {
                routed.insert(path.to_owned());
                continue;
            }
            let methods = ["get", "post", "put", "patch", "delete", "any"];
            let found: Vec<_> = methods.iter().filter(|name| call.contains(&format!("{name}("))).collect();
            assert!(!found.is_empty(), "{path} in {}: write its methods on the same line", file.display());
            routed.extend(found.iter().map(|name| format!("{} {}", name.to_uppercase(), unnamed(path))));
        }
    }
    let bare = |path: &str| unnamed(path.split('?').next().unwrap());
    let api = API.iter().map(|(method, path, ..)| format!("{method} {}", bare(path)));
    let others = OPEN.iter().map(|(path, _)| *path).chain(FILES.iter().map(|(path, _)| *path));
    let listed: BTreeSet<String> = api.chain(others.map(ToOwned::to_owned)).collect();
    assert_eq!(routed, listed, "left: .route(…) in server/src, right: API, OPEN and FILES");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    found
}

/// `"admin", "people", id` as `/admin/people/{}`.
fn pattern<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.map(|part| format!("/{}", if part.starts_with('"') { part.trim_matches('"') } else { "{}" })).collect()
}

/// `/admin/people/{id}` as `/admin/people/{}`.
fn unnamed(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

storage::on_both!(
    each_page_is_for_those_who_may,
    each_form_is_for_those_who_may,
    each_function_is_for_those_who_may,
    each_door_of_the_api_asks_for_its_scope,
);
