//! What monitoring says: a database that is slow, and what that does to the site before it.

use crate::{Actor, Error, Services};
use domain::alert::read::Sender;
use domain::time::{Instant, Span};
use serde_json::json;

impl Services {
    /// Five alerts with one cause, and nobody has published its draft yet.
    pub(super) async fn monitoring(&self, system: &Actor, now: Instant) -> Result<(), Error> {
        let alerts: [(i64, &str, &str, &str, &str); 5] = [
            (14, "DiskLatencyHigh", "db-1", "critical", "Writes on db-1 take longer than 200 ms"),
            (13, "ReplicationLag", "db-1", "warning", "The replica of db-1 is 90 s behind"),
            (13, "SlowQueries", "db-1", "warning", "More than 50 slow queries a minute on db-1"),
            (12, "RequestsSlow", "web-14", "warning", "Half of all requests to web-14 take longer than 2 s"),
            (11, "ErrorRateHigh", "web-14", "critical", "3 % of all requests to web-14 fail"),
        ];
        for (ago, name, host, severity, title) in alerts {
            let at = Span::minutes(ago).before(now);
            let alert = json!({
                "key": format!("{name} {host}"),
                "status": "firing",
                "title": title,
                "severity": severity,
                "group": "cluster 14",
                "labels": {"alertname": name, "instance": format!("{host}:9100")},
                "started_at": at.to_rfc3339(),
            });
            self.at(at).take_alerts(system, Sender::Generic, alert.to_string().as_bytes()).await?;
        }
        Ok(())
    }
}
