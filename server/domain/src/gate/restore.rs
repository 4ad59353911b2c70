//! What the gate says of restores: were they rehearsed, and do they fit into the window and the RTO?
//!
//! Backups decide whether data survives; this decides how long it is away. By default it warns.
//! Where the policy says `slow_restore_blocks`, a restore that does not fit stands against the work,
//! and so does one of which nobody knows how long it takes: not knowing never opens the gate. What
//! a drill measures is a fact about the world, not a vote for the work: a new drill that was slower
//! than the ones before, or a backup that has grown, may close a gate that stood open on better
//! news. No drill at all never does better than a slow one.

use super::ask::{Answer, own_runs};
use super::{DataSetEvidence, Finding, HostEvidence, Reason, Restore, RestoreEvidence};
use crate::drill::{DrillFact, estimate, last_proof, overdue};
use crate::policy::Policy;
use crate::time::{Instant, Span};

/// How big a data set is: the bytes of the newest good run that tells them of each job in use, the
/// most of them.
pub(super) fn size(now: Instant, data_set: &DataSetEvidence, policy: &Policy) -> Option<i64> {
    let jobs = data_set
        .jobs
        .iter()
        .filter(|job| job.job.enabled && job.job.retired_at.is_none() && job.job.data_set_id == data_set.data_set.id);
    let newest = jobs.filter_map(|job| {
        own_runs(job)
            .filter(|run| run.is_good(policy) && run.clock_fault_at(now).is_none())
            .filter(|run| run.bytes.is_some_and(|bytes| bytes > 0))
            .max_by_key(|run| (run.started_at, run.finished_at, run.id))
    });
    newest.filter_map(|run| run.bytes).max()
}

impl Answer {
    pub(super) fn check_restore(&mut self, now: Instant, host: &HostEvidence, restore: &RestoreEvidence) {
        let policy = &host.policy.restore;
        let in_use: Vec<&DataSetEvidence> = host.data_sets.iter().filter(|d| d.data_set.retired_at.is_none()).collect();
        if in_use.is_empty() {
            // That nothing is declared is said already; there is nothing to restore.
            return;
        }
        let drills: Vec<&DrillFact> = restore.drills.iter().filter(|drill| drill.host == host.id).collect();
        let sizes: Vec<_> = in_use.iter().map(|d| (d.data_set.id, size(now, d, &host.policy))).collect();
        let estimate = estimate(&sizes, drills.iter().copied());
        let finding = |reason: Reason| Finding {
            host: Some(host.id),
            host_name: host.name.clone(),
            data_set: None,
            data_set_name: String::new(),
            reason,
        };
        let mut found = Vec::new();
        match estimate.takes {
            Some(takes) => {
                let window = restore.window.filter(|window| takes > *window);
                found.extend(window.map(|window| Reason::RestoreLongerThanWindow { takes, window }));
                let rto = policy.rto.filter(|rto| takes > *rto);
                found.extend(rto.map(|rto| Reason::RestoreLongerThanRto { takes, rto }));
            }
            None if policy.slow_restore_blocks => found.push(Reason::RestoreUnknown {
                without_drill: estimate.without_drill,
                without_size: estimate.without_size,
            }),
            None => {}
        }
        let against = if policy.slow_restore_blocks { &mut self.reasons } else { &mut self.warnings };
        against.extend(found.into_iter().map(finding));
        let proofs: Vec<_> =
            in_use.iter().map(|d| (d.data_set.id, last_proof(d.data_set.id, drills.iter().copied()))).collect();
        if let Some(late) = overdue(now, &proofs, policy.drill_max_age) {
            self.warnings.push(finding(Reason::DrillOverdue {
                data_sets: late.data_sets.len(),
                of: late.of,
                last: late.last,
                age: late.last.map(|at| Span::between(at, now)),
                limit: policy.drill_max_age,
            }));
        }
        self.restores.push(Restore {
            host: host.id,
            host_name: host.name.clone(),
            estimate,
            rto: policy.rto,
            window: restore.window,
        });
    }
}

impl Restore {
    /// Longer than the window or the RTO.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        let over = |limit: Option<Span>| self.estimate.takes.zip(limit).is_some_and(|(takes, limit)| takes > limit);
        over(self.window) || over(self.rto)
    }

    /// "about 7 h 20 min; the window is 2 h, the RTO 8 h".
    #[must_use]
    pub fn text(&self) -> String {
        let mut limits = Vec::new();
        limits.extend(self.window.map(|window| format!("the window is {window}")));
        limits.extend(self.rto.map(|rto| format!("the RTO {rto}")));
        let mut text = self.estimate.text();
        if !limits.is_empty() {
            text.push_str("; ");
            text.push_str(&limits.join(", "));
        }
        text
    }
}
