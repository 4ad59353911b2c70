//! What stands in the way in the demo: hosts that stand in for each other, and a customer's sale.

use super::{Made, ZONE};
use crate::actor::Actor;
use crate::conflicts::{FreezeInput, RedundancyInput};
use crate::maintenance::input::local_text;
use crate::{Error, Services};
use chrono::{Days, NaiveTime};
use domain::time::{Instant, civil};

impl Services {
    pub(super) async fn conflict_rules(&self, system: &Actor, now: Instant, made: &Made) -> Result<(), Error> {
        let hosts = ["shell-1", "shell-2"].iter().filter_map(|name| made.hosts.get(name).cloned()).collect();
        let group = RedundancyInput { name: "Shell nodes".to_owned(), hosts, force: String::new() };
        self.add_redundancy_group(system, &group).await?;
        let today = civil(self.zones.as_ref(), ZONE, now).local.date();
        let on = |days: u64| {
            let date = today.checked_add_days(Days::new(days)).unwrap_or(today);
            local_text(date.and_time(NaiveTime::MIN))
        };
        let sale = FreezeInput {
            name: "Sale of the bookshops on Cluster 14".to_owned(),
            zone: ZONE.to_owned(),
            start: on(4),
            end: on(7),
            whole_site: false,
            hosts: Vec::new(),
            components: made.components.get("Cluster 14").cloned().into_iter().collect(),
            force: "block".to_owned(),
        };
        self.add_freeze(system, &sale).await?;
        Ok(())
    }
}
