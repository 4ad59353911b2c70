//! Asking the gate: the rule is the domain's, the evidence the storage's.

use crate::runs::find_host;
use crate::{Actor, Error, Fields, Services};
use domain::gate::{Evidence, Finding, Protection, Purpose, RestoreEvidence, Scope, Verdict, ask};
use domain::ids::{ComponentId, DataSetId, HostId};
use domain::people::Permission;
use domain::text::{Name, Slug};
use domain::time::{Instant, Span};
use storage::{StoreError, Tx};

/// A verdict with what it was made from.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The answer.
    pub verdict: Verdict,
    /// Its inputs; also the names of the jobs in its reasons.
    pub evidence: Evidence,
}

/// A data set (or a host without any) that stands against work on its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprotected {
    /// Where.
    pub host: HostId,
    /// The host's name.
    pub host_name: String,
    /// What; none where the host has no data set.
    pub data_set: Option<DataSetId>,
    /// Its name, empty where the host has no data set.
    pub data_set_name: String,
    /// How far it is protected all the same.
    pub protection: Option<Protection>,
    /// All reasons, with the same place.
    pub findings: Vec<Finding>,
}

/// What is not protected, of how much.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Data sets that are asked about: in use, on hosts that are not exempt.
    pub data_sets: usize,
    /// Those that are not protected well enough, and hosts that have none; by host and data set.
    pub unprotected: Vec<Unprotected>,
    /// The verdict over everything and its evidence.
    pub checked: Checked,
}

impl Services {
    /// Asks the gate inside a transaction, so that what is decided on its answer is decided on
    /// what the transaction sees. The caller keeps both (`tx.add_verdict`) where they decide
    /// something.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn gate(
        &self,
        tx: &mut Tx,
        now: Instant,
        purpose: Purpose,
        scope: &Scope,
    ) -> Result<(Verdict, Evidence), Error> {
        let site = tx.site().await?;
        let evidence = tx.evidence(scope, &site.policy).await?;
        Ok((ask(now, purpose, scope, &evidence), evidence))
    }

    /// The same about work: also whether restores were rehearsed, and whether one fits into a window
    /// of this length, where that is known.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn gate_for_work(
        &self,
        tx: &mut Tx,
        now: Instant,
        purpose: Purpose,
        scope: &Scope,
        window: Option<Span>,
    ) -> Result<(Verdict, Evidence), Error> {
        let site = tx.site().await?;
        let mut evidence = tx.evidence(scope, &site.policy).await?;
        let drills = tx.drill_facts(evidence.hosts.iter().map(|host| host.id)).await?;
        evidence.restore = Some(RestoreEvidence { window, drills });
        Ok((ask(now, purpose, scope, &evidence), evidence))
    }

    /// What the gate would say now of backups. Decides nothing.
    ///
    /// # Errors
    /// The actor may not look, or the database does not answer.
    pub async fn check_gate(&self, actor: &Actor, purpose: Purpose, scope: &Scope) -> Result<Checked, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let (verdict, evidence) = self.gate(&mut tx, self.now(), purpose, scope).await?;
        Ok(Checked { verdict, evidence })
    }

    /// What it would say of work on what programs name: hosts by id or name, components by id, slug
    /// or name; purpose `schedule` (also where it is empty) or `start`; the length of the window as
    /// people write it ("2 h"), or empty.
    ///
    /// # Errors
    /// The actor may not look, a name is not known, or the database does not answer. An unknown id
    /// is for the gate to judge.
    pub async fn check_gate_of(
        &self,
        actor: &Actor,
        hosts: &[String],
        components: &[String],
        purpose: &str,
        window: &str,
    ) -> Result<Checked, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let purpose = match purpose.trim() {
            "" | "schedule" => Purpose::Schedule,
            "start" => Purpose::Start,
            _ => {
                fields.add("purpose", "Use schedule or start.");
                Purpose::Start
            }
        };
        let window = match window.trim() {
            "" => None,
            text => fields.take("window", Span::parse(text)),
        };
        let mut scope = Scope::default();
        let mut tx = self.db.read().await?;
        for text in hosts {
            scope.hosts.extend(fields.take("host", find_host(&mut tx, text.trim()).await?));
        }
        for text in components {
            scope.components.extend(fields.take("component", find_component(&mut tx, text.trim()).await?));
        }
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let (verdict, evidence) = self.gate_for_work(&mut tx, self.now(), purpose, &scope, window).await?;
        Ok(Checked { verdict, evidence })
    }

    /// What is not protected well enough for a purpose, over all hosts in use.
    ///
    /// # Errors
    /// The actor may not look, or the database does not answer.
    pub async fn unprotected(&self, actor: &Actor, purpose: Purpose) -> Result<Coverage, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let scope = tx.whole_scope().await?;
        let (verdict, evidence) = self.gate(&mut tx, self.now(), purpose, &scope).await?;
        let mut unprotected: Vec<Unprotected> = Vec::new();
        for finding in verdict.reasons() {
            let Some(host) = finding.host else { continue };
            let same = |u: &&mut Unprotected| u.host == host && u.data_set == finding.data_set;
            if let Some(found) = unprotected.iter_mut().find(same) {
                found.findings.push(finding.clone());
                continue;
            }
            let protection = verdict.protections.iter().find(|p| Some(p.data_set) == finding.data_set);
            unprotected.push(Unprotected {
                host,
                host_name: finding.host_name.clone(),
                data_set: finding.data_set,
                data_set_name: finding.data_set_name.clone(),
                protection: protection.cloned(),
                findings: vec![finding.clone()],
            });
        }
        Ok(Coverage { data_sets: verdict.protections.len(), unprotected, checked: Checked { verdict, evidence } })
    }
}

/// A component by its id, or one in use by its slug or name; the inner error is for people.
pub(crate) async fn find_component(tx: &mut Tx, text: &str) -> Result<Result<ComponentId, String>, StoreError> {
    if let Ok(id) = text.parse() {
        return Ok(Ok(id));
    }
    let mut found = match Slug::parse(text) {
        Ok(slug) => tx.component_at(&slug).await?,
        Err(_) => None,
    };
    if let (None, Ok(name)) = (&found, Name::parse(text)) {
        found = tx.component_named(&name.key()).await?;
    }
    Ok(found.map(|component| component.id).ok_or_else(|| format!("There is no component “{text}”.")))
}
