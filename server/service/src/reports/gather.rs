//! Gathers what a month was like.

use crate::{Error, Services};
use domain::drill::Drill;
use domain::gate::{Scope, Topology};
use domain::ids::{ComponentId, HostId, IncidentId, MaintenanceId};
use domain::incident::{Incident, IncidentUpdate};
use domain::maintenance::{UpdateKind, affected_components};
use domain::report::{
    Availability, ComponentShare, Content, FigureLine, GroupShare, IncidentLine, Month, PLOTTED, Share, WindowFact,
    backups, drills, windows,
};
use domain::time::{Instant, Stretch};
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;

/// Drills of one month that are looked at.
const MOST_DRILLS: i64 = 1_000;

impl Services {
    /// Everything the report of a month says, up to now where the month goes on. Without what concerns only private
    /// components.
    pub(super) async fn gather(&self, tx: &mut Tx, month: Month, now: Instant) -> Result<Content, Error> {
        let zone = tx.site().await?.zone;
        let whole = month.stretch(self.zones.as_ref(), &zone);
        let within = Stretch::new(whole.from, whole.to.min(now.max(whole.from)));
        let private = tx.private_components().await?;
        let ended = tx.drills_ended(within, MOST_DRILLS).await?;
        let hosts: BTreeSet<HostId> = ended.iter().map(|drill: &Drill| drill.host_id).collect();
        let known = tx.drill_facts(hosts).await?;
        let content = Content {
            month,
            zone,
            stretch: within,
            availability: self.availability(tx, month).await?,
            incidents: incidents(tx, within, &private).await?,
            windows: windows(within, &window_facts(tx, within).await?),
            backups: backups(within, &tx.backup_facts(within).await?),
            drills: drills(&ended, &known),
            figures: figure_lines(tx, month).await?,
        };
        // What is only for the team stays in the report; what nobody outside may ever know of does not.
        let figures = content.figures.clone();
        Ok(Content { figures, ..content.public(&private) })
    }

    async fn availability(&self, tx: &mut Tx, month: Month) -> Result<Option<Availability>, Error> {
        let found = self.availability_of_month(tx, month.first()).await?;
        let share = |figure: &crate::figures::Figure| Share {
            percent: figure.share().map(domain::availability::Share::percent),
            percent_with_planned: figure.share_with_planned().map(domain::availability::Share::percent),
            unknown_s: domain::availability::Tally::span(figure.tally.unknown).as_seconds(),
        };
        let groups: Vec<GroupShare> = found
            .groups
            .iter()
            .map(|group| GroupShare {
                name: group.name.clone(),
                share: share(&group.figure),
                components: group
                    .components
                    .iter()
                    .map(|c| ComponentShare { id: c.id, name: c.name.clone(), share: share(&c.figure) })
                    .collect(),
            })
            .collect();
        Ok((!groups.is_empty()).then(|| Availability { site: share(&found.site), groups }))
    }
}

/// Published incidents that began in the month; how bad they were says nothing of private components.
async fn incidents(tx: &mut Tx, within: Stretch, private: &BTreeSet<ComponentId>) -> Result<Vec<IncidentLine>, Error> {
    let mut found = tx.incidents_between(within.from, within.to).await?;
    found.retain(|incident| incident.state.is_public() && within.contains(incident.started_at));
    found.sort_by_key(|incident| (incident.started_at, incident.number));
    let ids: Vec<_> = found.iter().map(|incident| incident.id).collect();
    let mut updates: BTreeMap<IncidentId, Vec<IncidentUpdate>> = BTreeMap::new();
    for update in tx.incident_updates_of(&ids).await? {
        updates.entry(update.incident).or_default().push(update);
    }
    let said = |incident: &Incident| updates.get(&incident.id).map(Vec::as_slice).unwrap_or_default();
    let first = |incident: &Incident| said(incident).iter().map(|update| update.at).min();
    let severity = |incident: &Incident| {
        let mut known = incident.clone();
        known.hide(private, said(incident));
        known.severity()
    };
    let all = tx.components(true).await?;
    let name = |id: &ComponentId| {
        let known = all.iter().find(|component| component.id == *id);
        (*id, known.map_or_else(String::new, |component| component.name.to_string()))
    };
    Ok(found
        .into_iter()
        .map(|incident| IncidentLine {
            severity: severity(&incident),
            components: incident.components.keys().map(name).collect(),
            first_update_at: first(&incident).filter(|_| !incident.is_backfilled),
            open_for: incident.lasted_in_all(said(&incident)),
            id: incident.id,
            number: incident.number,
            title: incident.title,
            started_at: incident.started_at,
            resolved_at: incident.resolved_at,
        })
        .collect())
}

async fn window_facts(tx: &mut Tx, within: Stretch) -> Result<Vec<WindowFact>, Error> {
    let found = tx.windows_of(within).await?;
    let ids: Vec<MaintenanceId> = found.iter().map(|m| m.id).collect();
    let overridden = tx.overridden_among(&ids).await?;
    let mut told: BTreeMap<MaintenanceId, Vec<(UpdateKind, Instant)>> = BTreeMap::new();
    for update in tx.updates_of(&ids).await? {
        told.entry(update.maintenance_id).or_default().push((update.kind, update.at));
    }
    let topology: Topology = tx.topology().await?;
    let touched = |hosts: &[HostId], components: &[ComponentId]| {
        let scope = Scope { hosts: hosts.iter().copied().collect(), components: components.iter().copied().collect() };
        affected_components(&scope, &topology).into_iter().collect()
    };
    Ok(found
        .into_iter()
        .map(|m| WindowFact {
            components: touched(&m.hosts, &m.components),
            overridden: overridden.contains(&m.id),
            told: told.remove(&m.id).unwrap_or_default(),
            id: m.id,
            title: m.title,
            state: m.state,
            starts_at: m.planned.starts_at,
            started_at: m.started_at,
            ended_at: m.ended_at,
        })
        .collect())
}

async fn figure_lines(tx: &mut Tx, month: Month) -> Result<Vec<FigureLine>, Error> {
    let values = tx.figure_values(month.earlier(PLOTTED), month).await?;
    let figures = tx.report_figures(false).await?;
    Ok(figures
        .iter()
        .map(|figure| {
            let of = |m: Month| values.iter().find(|v| v.month == m && v.figure == figure.id).map(|v| v.value);
            FigureLine::of(figure, month, of)
        })
        .collect())
}
