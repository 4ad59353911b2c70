//! Programs that listened in the demo. Nobody is at their addresses, so that none is called any more once the demo is
//! loaded: what they heard until then counts as heard.

use super::Made;
use crate::webhooks::WebhookInput;
use crate::{Actor, Error, Services};
use domain::ids::WebhookId;
use domain::time::{Instant, Span};
use domain::webhook::Answer;
use storage::outbox::Done;

/// As many calls as there can be in a demo.
const ALL: i64 = 1_000;

impl Services {
    /// Adds them, before there is anything to hear.
    pub(super) async fn listeners(&self, system: &Actor, made: &Made) -> Result<[WebhookId; 3], Error> {
        let hooks: [(&str, &str, &[&str], &[&str]); 3] = [
            ("Team chat", "https://chat.northwind.example/hooks/status?token=demo", &[], &[]),
            ("On-call pager", "https://pager.northwind.example/v1/events", &[], &["incidents"]),
            (
                "Bakery dashboard",
                "https://dashboard.bakery.example/fermata",
                &["Cluster 11", "Cluster 12"],
                &["maintenance", "incidents"],
            ),
        ];
        let mut ids = [WebhookId(uuid::Uuid::nil()); 3];
        for (id, (name, url, components, topics)) in ids.iter_mut().zip(hooks) {
            let input = WebhookInput {
                name: name.to_owned(),
                url: url.to_owned(),
                components: components.iter().filter_map(|name| made.components.get(name).cloned()).collect(),
                topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            };
            *id = self.add_webhook(system, &input).await?.webhook.id;
        }
        Ok(ids)
    }

    /// Says that they heard everything; the last of them wanted no more of the newest.
    pub(super) async fn listened(&self, now: Instant, hooks: [WebhookId; 3]) -> Result<(), Error> {
        let [chat, pager, dashboard] = hooks;
        let mut tx = self.db.decide().await?;
        for hook in hooks {
            for (n, line) in tx.webhook_deliveries(hook, ALL).await?.into_iter().enumerate() {
                let at = Span::seconds(1).after(tx.notification(line.notification).await?.created_at).min(now);
                let is_last = hook == dashboard && n == 0;
                let done = if is_last { Done::Failed { error: "it answered 410".to_owned() } } else { Done::Sent };
                tx.finish_webhook_delivery(line.notification, hook, at, &done).await?;
                if is_last && let Some(off) = tx.webhook(hook).await?.0.answered(Answer::Gone, at) {
                    tx.note_webhook(&off).await?;
                }
            }
        }
        tx.commit().await?;
        let system = Actor::system();
        for hook in [chat, pager] {
            let version = self.webhook(&system, hook).await?.webhook.version;
            self.pause_webhook(&system, hook, version).await?;
        }
        Ok(())
    }
}
