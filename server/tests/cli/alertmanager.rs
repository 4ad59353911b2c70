//! A real Alertmanager, connected as the README says: it groups what fires into one draft, and what it
//! resolves is proposed as over.

use crate::world::{World, until};
use crate::{Serving, free_port, text};
use domain::alert::cause::{Cause, CauseState};
use domain::incident::IncidentState;
use domain::people::Scope;
use domain::text::Prose;
use secrecy::ExposeSecret;
use service::Actor;
use service::alerts::{AlertsQuery, CausesQuery, RuleInput};
use service::incidents::IncidentPost;
use service::people::tokens::NewToken;
use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};

/// The README's configuration, with everything as fast as it goes.
const CONFIG: &str = r"
route:
  receiver: fermata
  group_by: [alertname, cluster]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: fermata
    webhook_configs:
      - url: SERVER/api/v1/alerts/alertmanager
        send_resolved: true
        http_config:
          authorization:
            credentials: TOKEN
";

struct Monitoring {
    world: World,
    api: String,
    _alertmanager: Serving,
}

impl Monitoring {
    async fn begin() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::begin().await;
        world.serve().await;
        let system = Actor::system();
        let new = NewToken {
            name: "alertmanager".to_owned(),
            scopes: vec![Scope::AlertReport.as_str().to_owned()],
            valid_for: String::new(),
        };
        let token = world.services.add_token(&system, &new).await.unwrap().text;
        let config = CONFIG.replace("SERVER", &world.server()).replace("TOKEN", token.expose_secret());
        let file = world.home.path("alertmanager.yml");
        std::fs::write(&file, config).unwrap();
        let listen = format!("127.0.0.1:{}", free_port());
        let alertmanager = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", world.home.path("alertmanager").display()))
            .arg(format!("--web.listen-address={listen}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let monitoring = Self { world, api: format!("http://{listen}"), _alertmanager: Serving(alertmanager) };
        until("Alertmanager is ready", async || {
            reqwest::get(format!("{}/-/ready", monitoring.api)).await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        monitoring
    }

    /// One of the alerts of the group, which fires or is over.
    async fn alert(&self, n: usize, is_over: bool) {
        let end = if is_over { "--end=2014-05-15T19:10:00Z" } else { "--end=2099-01-01T00:00:00Z" };
        let mut command = Command::new("amtool");
        command
            .args(["alert", "add", &format!("--alertmanager.url={}", self.api)])
            .args(["--start=2014-05-15T19:00:00Z", end])
            .arg(r#"--annotation=summary=web-12 does not answer"#)
            .args(["alertname=InstanceDown", "cluster=dublin", "instance=web-12:9100", "severity=critical"])
            .arg(format!("path=/shop/{n}"));
        let Output { status, stderr, .. } =
            tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(status.success(), "{}", text(&stderr));
    }

    async fn causes(&self) -> Vec<Cause> {
        self.world.services.causes(&Actor::system(), &CausesQuery::default()).await.unwrap().items
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alertmanager_fires_groups_and_resolves() {
    const ALERTS: usize = 7;
    let monitoring = Monitoring::begin().await;
    let services = &monitoring.world.services;
    let system = Actor::system();
    let rule = RuleInput { name: "at once".to_owned(), quiet_for: "0".to_owned(), ..RuleInput::default() };
    services.add_alert_rule(&system, &rule).await.unwrap();
    for n in 0..ALERTS {
        monitoring.alert(n, false).await;
    }
    until("all alerts have come", async || monitoring.causes().await.iter().any(|cause| cause.alerts == 7)).await;
    let cause = monitoring.causes().await.remove(0);
    assert_eq!(monitoring.causes().await.len(), 1, "one cause");
    assert_eq!((cause.state, cause.firing, cause.incident_state), (CauseState::Open, 7, Some(IncidentState::Draft)));
    let mut tx = services.db.read().await.unwrap();
    assert_eq!(tx.incident_drafts().await.unwrap().len(), 1, "one draft");
    drop(tx);
    let alerts = services.alerts(&system, &AlertsQuery::default()).await.unwrap().items;
    assert!(alerts.iter().all(|alert| alert.host == Some(monitoring.world.host)));
    assert_eq!(alerts[0].title.as_str(), "web-12 does not answer");

    let said = IncidentPost {
        state: IncidentState::Identified,
        body: Prose::parse("A disk has failed.").unwrap(),
        components: BTreeMap::new(),
        tell: true,
    };
    services.publish_incident(&system, cause.incident.unwrap(), None, said).await.unwrap();
    for n in 0..ALERTS {
        monitoring.alert(n, true).await;
    }
    until("the resolution is proposed", async || monitoring.causes().await[0].proposed_at.is_some()).await;
    let cause = monitoring.causes().await.remove(0);
    assert_eq!((cause.alerts, cause.firing, cause.incident_state), (7, 0, Some(IncidentState::Identified)));
    assert_eq!(services.alert_needs(&system).await.unwrap().len(), 1);
}
