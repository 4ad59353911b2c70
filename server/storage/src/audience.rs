//! Who is told: those who want to hear of it and follow what it is about.

use crate::db::{Tx, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{ComponentId, NotificationId};
use domain::subscriber::{Audience, LeftOut, SubscriberState, Topic};
use domain::time::Instant;
use uuid::Uuid;

/// What something to tell is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern<'a> {
    /// The whole site: everybody who wants to hear of such things.
    Site,
    /// These components: who follows one of them, or everything.
    Components(&'a [ComponentId]),
}

impl Tx {
    /// Queues a delivery for every confirmed subscriber who wants to hear of a topic and follows everything or one of
    /// the notification's components, or was told of the same thing before; for all who want to hear of it where it
    /// concerns the whole site. Returns how many.
    ///
    /// # Errors
    /// The database refused.
    pub async fn queue_for_followers(
        &mut self,
        id: NotificationId,
        topic: Topic,
        whole_site: bool,
        due_at: Instant,
    ) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query(
                "insert into deliveries (notification_id, subscriber_id, state, due_at)
                 select $1, s.id, 'queued', $2 from subscribers s
                 where s.state = 'confirmed' and (s.topics & $3) <> 0 and ($4
                     or not exists (select 1 from subscriber_components f where f.subscriber_id = s.id)
                     or exists (select 1 from subscriber_components f
                         join notification_components c on c.component_id = f.component_id
                         where f.subscriber_id = s.id and c.notification_id = $1)
                     or exists (select 1 from notifications this
                         join notifications earlier on earlier.subject_id = this.subject_id
                         join deliveries d on d.notification_id = earlier.id
                         where this.id = $1 and d.subscriber_id = s.id))",
            )
            .bind(id.0)
            .bind(ms(due_at))
            .bind(topic.bit())
            .bind(whole_site)
            .execute(x)
            .await?
            .rows_affected()
        }))
    }

    /// Whom [`Self::queue_for_followers`] and [`Self::queue_for_webhooks`] would reach with something nobody was told of before, and whom not.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn audience(&mut self, topic: Topic, concern: Concern<'_>) -> Result<Audience, StoreError> {
        let (whole_site, components) = match concern {
            Concern::Site => (true, &[][..]),
            Concern::Components(components) => (false, components),
        };
        let rows: Vec<(String, bool, bool, i64)> = on_tx!(self, |x| {
            let mut query =
                sqlx::QueryBuilder::new("select a.state, a.wants, a.follows, count(*) from (select s.state, ");
            query.push("(s.topics & ").push_bind(topic.bit()).push(") <> 0 as wants, (").push_bind(whole_site);
            query.push(
                " or not exists (select 1 from subscriber_components f where f.subscriber_id = s.id)
                 or exists (select 1 from subscriber_components f where f.subscriber_id = s.id and f.component_id in (",
            );
            let mut list = query.separated(", ");
            list.push_bind(Uuid::nil());
            for component in components {
                list.push_bind(component.0);
            }
            query.push("))) as follows from subscribers s) a group by a.state, a.wants, a.follows");
            query.build_query_as().fetch_all(&mut *x).await?
        });
        let mut audience = Audience::default();
        for (text, wants, follows, n) in rows {
            let state = SubscriberState::ALL.into_iter().find(|state| state.as_str() == text);
            let state = state.ok_or_else(|| corrupt("subscribers", "", format!("state {text}")))?;
            audience.count(LeftOut::of(state, wants, follows), n);
        }
        audience.webhooks = self.webhooks_reached(topic, concern).await?;
        Ok(audience)
    }

    /// Those of some components that are not for the team alone.
    ///
    /// # Errors
    /// The database refused.
    pub async fn public_among(&mut self, components: &[ComponentId]) -> Result<Vec<ComponentId>, StoreError> {
        let private = self.private_components().await?;
        Ok(components.iter().filter(|id| !private.contains(id)).copied().collect())
    }
}
