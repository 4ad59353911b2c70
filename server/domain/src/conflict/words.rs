//! Conflicts in plain English, the same on every face.

use super::{Conflict, Force};
use crate::time::{Stretch, ZoneRules, format_range};

/// "shell-1", "shell-1 and shell-2", "shell-1, shell-2 and 3 more".
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] if names.len() <= 4 => format!("{} and {last}", head.join(", ")),
        _ => format!("{} and {} more", names[..3].join(", "), names.len() - 3),
    }
}

impl Conflict {
    /// In a few words: "Freeze: Christmas trade".
    #[must_use]
    pub fn heading(&self) -> String {
        match self {
            Self::Redundancy { name, number, .. } => format!("{name}: M-{number} works on another of these hosts"),
            Self::Freeze { name, .. } => format!("Freeze: {name}"),
            Self::SameHosts { number, .. } => format!("M-{number} works on the same hosts"),
            Self::Backup { place, running: true, .. } => format!("{place}: a backup is running"),
            Self::Backup { place, running: false, .. } => format!("{place}: a backup is expected"),
        }
    }

    /// The facts, and what follows from them.
    #[must_use]
    pub fn sentence(&self, rules: &dyn ZoneRules, zone: &str) -> String {
        let when = |stretch: &Stretch| format_range(rules, zone, stretch.from, stretch.to).main;
        match self {
            Self::Redundancy { title, stretch, hosts, other_hosts, force, .. } => format!(
                "“{title}” touches {} ({}), this work touches {}. Only one of them may be worked on at a time. {}",
                listed(other_hosts),
                when(stretch),
                listed(hosts),
                follows(*force)
            ),
            Self::Freeze { stretch, force, .. } => {
                format!("No work is to be done {}. {}", when(stretch), follows(*force))
            }
            Self::SameHosts { title, stretch, hosts, .. } => {
                format!("“{title}” touches {} too, {}.", listed(hosts), when(stretch))
            }
            Self::Backup { stretch, running: true, .. } => {
                format!("It usually ends by then: {}. The work would disturb it.", when(stretch))
            }
            Self::Backup { stretch, running: false, .. } => {
                format!("It usually runs {}. The work would disturb it.", when(stretch))
            }
        }
    }
}

const fn follows(force: Force) -> &'static str {
    match force {
        Force::Block => "Choose another time.",
        Force::Warn => "Whoever has a reason may go ahead.",
    }
}

/// What stands in the way, in one line: "2 conflicts: Freeze: Christmas; M-7 works on the same hosts."
#[must_use]
pub fn summary(conflicts: &[Conflict]) -> String {
    let names: Vec<String> = conflicts.iter().map(Conflict::heading).collect();
    match conflicts.len() {
        1 => format!("1 conflict: {}.", names.join("; ")),
        n => format!("{n} conflicts: {}.", names.join("; ")),
    }
}
