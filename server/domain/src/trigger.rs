//! Triggers: how a backup system is told that an extra run of a job is wanted.

use crate::ids::JobId;
use crate::text::{TextError, optional_line};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Characters in [`Trigger::remote_name`].
const NAME: usize = 120;

/// Whom the call speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Anything that reads Standard Webhooks.
    Generic,
    /// A small proxy in front of the Bareos or Bacula console.
    Bareos,
    /// Jenkins with the Generic Webhook Trigger plugin.
    Jenkins,
    /// A Rundeck webhook.
    Rundeck,
    /// A small proxy in front of `vzdump` of Proxmox VE.
    Proxmox,
}

impl Template {
    /// All of them, in the order in which forms offer them.
    pub const ALL: [Self; 5] = [Self::Generic, Self::Bareos, Self::Jenkins, Self::Rundeck, Self::Proxmox];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Bareos => "bareos",
            Self::Jenkins => "jenkins",
            Self::Rundeck => "rundeck",
            Self::Proxmox => "proxmox",
        }
    }

    /// For people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Generic => "Any program (Standard Webhooks)",
            Self::Bareos => "Bareos or Bacula, by a console proxy",
            Self::Jenkins => "Jenkins",
            Self::Rundeck => "Rundeck",
            Self::Proxmox => "Proxmox VE, by a vzdump proxy",
        }
    }

    /// The template of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownTemplate> {
        Self::ALL.into_iter().find(|template| template.as_str() == text.trim()).ok_or(UnknownTemplate)
    }
}

/// A template that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose generic, bareos, jenkins, rundeck or proxmox.")]
pub struct UnknownTemplate;

/// Why a name can not be that of a job in the other system.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RemoteNameError {
    /// Not a line of text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It could end the command it stands in.
    #[error("A name in the console has no quotation marks and no backslashes.")]
    Quote,
    /// Proxmox knows guests by their numbers.
    #[error("Name the guests by their numbers: 101, or 101,102.")]
    Guests,
}

/// Tells one job's backup system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Of which job.
    pub job_id: JobId,
    /// Where the call goes.
    pub url: String,
    /// What it says.
    pub template: Template,
    /// What the other system calls the job.
    pub remote_name: String,
    /// Part of the secret that signs the call; raising it revokes the old one.
    pub secret_version: i64,
    /// Counts edits.
    pub version: i64,
}

/// Reads what the other system calls the job; the job's own name where nothing was typed, unless
/// only a number will do.
///
/// # Errors
/// See [`RemoteNameError`].
pub fn remote_name(template: Template, typed: &str, job: &str) -> Result<String, RemoteNameError> {
    let name = optional_line(typed, NAME)?;
    let name = if name.is_empty() && template != Template::Proxmox { job.to_owned() } else { name };
    let guests = |name: &str| name.split(',').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    match template {
        Template::Bareos if name.contains(['"', '\\']) => Err(RemoteNameError::Quote),
        Template::Proxmox if !guests(&name) => Err(RemoteNameError::Guests),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn templates_are_read_as_they_are_written() {
        for template in Template::ALL {
            assert_eq!(Template::parse(template.as_str()), Ok(template));
            assert_eq!(serde_json::to_string(&template).unwrap(), format!("\"{}\"", template.as_str()));
        }
        assert_eq!(Template::parse("cron"), Err(UnknownTemplate));
    }

    #[test]
    fn a_name_can_not_say_more_than_a_name() {
        assert_eq!(remote_name(Template::Generic, "", "nightly").unwrap(), "nightly");
        assert_eq!(remote_name(Template::Bareos, " backup web-12 ", "nightly").unwrap(), "backup web-12");
        for bad in ["a\" yes\ndelete", "a\" yes", "a\\"] {
            assert!(remote_name(Template::Bareos, bad, "nightly").is_err(), "{bad}");
        }
        assert_eq!(remote_name(Template::Bareos, "", "a\"b"), Err(RemoteNameError::Quote));
        assert_eq!(remote_name(Template::Proxmox, "101,102", "nightly").unwrap(), "101,102");
        for bad in ["", "101;102", "101,", "vm3"] {
            assert_eq!(remote_name(Template::Proxmox, bad, "nightly"), Err(RemoteNameError::Guests), "{bad}");
        }
    }
}
