//! What a correction changed, in words.

use super::content::{Content, Share, percent_text};
use crate::ids::ComponentId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// One thing that a report said otherwise before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What: "Availability of Cluster 12".
    pub what: String,
    /// What it said before; "not there" where it said nothing.
    pub before: String,
    /// What it says now.
    pub after: String,
    /// Only for the team.
    #[serde(default)]
    pub is_private: bool,
    /// What it is about; everything where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentId>,
}

impl Difference {
    /// Whether everybody may read of it while these components are the team's alone.
    #[must_use]
    pub fn is_public(&self, private: &BTreeSet<ComponentId>) -> bool {
        let hidden = !self.components.is_empty() && self.components.iter().all(|id| private.contains(id));
        !self.is_private && !hidden
    }
}

const MISSING: &str = "not there";

/// One thing that a report says.
struct Said {
    what: String,
    /// Tells apart what has the same name; none where there is one of it.
    id: Option<Uuid>,
    value: String,
    is_private: bool,
    components: Vec<ComponentId>,
}

impl Said {
    fn key(&self) -> (&str, Option<Uuid>) {
        (&self.what, self.id)
    }

    fn otherwise(&self, before: &str, after: &str) -> Difference {
        Difference {
            what: self.what.clone(),
            before: before.to_owned(),
            after: after.to_owned(),
            is_private: self.is_private,
            components: self.components.clone(),
        }
    }
}

/// Everything a report says, each thing by its name.
fn said(content: &Content) -> Vec<Said> {
    let mut said = Vec::new();
    let mut of = |what: String, id: Option<Uuid>, value: String, components: Vec<ComponentId>| {
        said.push(Said { what, id, value, is_private: false, components });
    };
    let share = |share: &Share| {
        format!("{}, {} with planned work", percent_text(share.percent), percent_text(share.percent_with_planned))
    };
    if let Some(availability) = &content.availability {
        of("Availability".to_owned(), None, share(&availability.site), vec![]);
        for group in &availability.groups {
            if let Some(name) = &group.name {
                let all = group.components.iter().map(|line| line.id).collect();
                of(format!("Availability of the group {name}"), None, share(&group.share), all);
            }
            for line in &group.components {
                of(format!("Availability of {}", line.name), Some(line.id.0), share(&line.share), vec![line.id]);
            }
        }
    }
    let mut about = |what: String, value, components| of(what, None, value, components);
    for line in &content.incidents {
        let lasted = line.lasted().map_or_else(|| "not over".to_owned(), |span| span.to_string());
        let silence = line.silence().map_or_else(String::new, |span| format!(", first word after {span}"));
        let touched = line.components.iter().map(|(id, _)| *id).collect();
        about(format!("Incident I-{}", line.number), format!("{}: {lasted}{silence}", line.title), touched);
    }
    let windows = &content.windows;
    for (what, count) in [
        ("Windows planned", windows.planned),
        ("Windows held", windows.held),
        ("Windows postponed", windows.postponed),
        ("Windows overridden", windows.overridden),
        ("Windows completed", windows.completed),
        ("Windows called off", windows.cancelled),
    ] {
        about(what.to_owned(), count.to_string(), vec![]);
    }
    let backups = &content.backups;
    about("Backups on time".to_owned(), format!("{} of {}", backups.on_time, backups.expected), vec![]);
    let drills = format!("{} of {} succeeded", content.drills.succeeded, content.drills.done);
    about("Restore drills".to_owned(), drills, vec![]);
    for figure in &content.figures {
        let (what, value, is_private) = (figure.name.to_string(), figure.text(), !figure.is_public);
        said.push(Said { what, id: Some(figure.id.0), value, is_private, components: vec![] });
    }
    said
}

/// What one version of a report says otherwise than the other, in the order of the report.
#[must_use]
pub fn differences(before: &Content, after: &Content) -> Vec<Difference> {
    let (old, new) = (said(before), said(after));
    let known: BTreeMap<_, &str> = old.iter().map(|line| (line.key(), line.value.as_str())).collect();
    let stays: BTreeSet<_> = new.iter().map(Said::key).collect();
    let changed = new.iter().filter_map(|line| {
        let before = known.get(&line.key()).copied().unwrap_or(MISSING);
        (before != line.value).then(|| line.otherwise(before, &line.value))
    });
    let gone = old.iter().filter(|line| !stays.contains(&line.key()));
    changed.chain(gone.map(|line| line.otherwise(&line.value, MISSING))).collect()
}
