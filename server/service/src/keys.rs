//! Secrets that are derived, not stored: links in mails and ping addresses (SEC-14).
//!
//! A derived secret is an HMAC of the server's key over purpose, id and version. The database
//! holds at most its hash; raising the version revokes it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Bytes of the MAC kept in a link: 160 bits.
const MAC_LEN: usize = 20;

/// What a link is for: the same id gives another secret for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Confirms a subscription.
    Confirm,
    /// Leaves or manages a subscription.
    Manage,
    /// Reports runs of a job.
    Ping,
    /// Says when a public form was handed out.
    Form,
    /// Signs calls of a job's trigger.
    Trigger,
    /// Opens the page on which the holder of a token asks for extra runs.
    Requests,
    /// Ends mails to a person of the team.
    TeamMail,
    /// Signs calls of a webhook.
    Webhook,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Confirm => b"confirm",
            Self::Manage => b"manage",
            Self::Ping => b"ping",
            Self::Form => b"form",
            Self::Trigger => b"trigger",
            Self::Requests => b"requests",
            Self::TeamMail => b"team mail",
            Self::Webhook => b"webhook",
        }
    }
}

/// The server's keys: the first makes, all verify.
#[derive(Clone, Debug)]
pub struct Keys(Vec<SecretSlice<u8>>);

impl Keys {
    /// From the configured secret and earlier ones that still verify.
    #[must_use]
    pub fn new(current: SecretSlice<u8>, previous: Vec<SecretSlice<u8>>) -> Self {
        Self(std::iter::once(current).chain(previous).collect())
    }

    /// The text of a link: the id and a MAC over purpose, id and version.
    #[must_use]
    pub fn link(&self, purpose: Purpose, id: Uuid, version: i64) -> String {
        let mut bytes = id.as_bytes().to_vec();
        bytes.extend_from_slice(&mac(&self.0[0], purpose, id, version)[..MAC_LEN]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The id a link speaks of; it proves nothing until [`Self::verify`] says so.
    #[must_use]
    pub fn claimed(link: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(link).ok()?;
        if bytes.len() != 16 + MAC_LEN {
            return None;
        }
        Uuid::from_slice(&bytes[..16]).ok()
    }

    /// Whether the link was made by us for this purpose and version.
    #[must_use]
    pub fn verify(&self, purpose: Purpose, link: &str, version: i64) -> bool {
        let Some(id) = Self::claimed(link) else { return false };
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(link) else { return false };
        self.0.iter().any(|key| bool::from(mac(key, purpose, id, version)[..MAC_LEN].ct_eq(&bytes[16..])))
    }

    /// A secret that is shown once and shared with another system.
    #[must_use]
    pub fn secret(&self, purpose: Purpose, id: Uuid, version: i64) -> [u8; 32] {
        mac(&self.0[0], purpose, id, version)
    }

    /// The same by each key, the current first: one that was shared before the key changed is one
    /// of these.
    pub fn secrets(&self, purpose: Purpose, id: Uuid, version: i64) -> impl Iterator<Item = [u8; 32]> {
        self.0.iter().map(move |key| mac(key, purpose, id, version))
    }

    /// The secret UUID in a job's ping address.
    #[must_use]
    pub fn ping(&self, job: Uuid, version: i64) -> Uuid {
        ping(&self.0[0], job, version)
    }

    /// The same by each key, the current first: an address handed out before the key changed
    /// still works, and is one of these.
    pub fn pings(&self, job: Uuid, version: i64) -> impl Iterator<Item = Uuid> {
        self.0.iter().map(move |key| ping(key, job, version))
    }
}

fn ping(key: &SecretSlice<u8>, job: Uuid, version: i64) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&mac(key, Purpose::Ping, job, version)[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn mac(key: &SecretSlice<u8>, purpose: Purpose, id: Uuid, version: i64) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret()) else { return [0; 32] };
    mac.update(purpose.label());
    mac.update(&[0]);
    mac.update(id.as_bytes());
    mac.update(&version.to_be_bytes());
    mac.finalize().into_bytes().into()
}

/// Lower-case hex SHA-256, as stored for tokens and ping addresses.
#[must_use]
pub fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(seed: u8) -> Keys {
        Keys::new(vec![seed; 32].into(), vec![])
    }

    #[test]
    fn a_link_verifies_only_for_its_purpose_version_and_key() {
        let id = Uuid::from_u128(7);
        let link = keys(1).link(Purpose::Manage, id, 3);
        assert_eq!(Keys::claimed(&link), Some(id));
        assert!(keys(1).verify(Purpose::Manage, &link, 3));
        assert!(!keys(1).verify(Purpose::Confirm, &link, 3));
        assert!(!keys(1).verify(Purpose::Manage, &link, 4));
        assert!(!keys(2).verify(Purpose::Manage, &link, 3));
        assert!(Keys::new(vec![2; 32].into(), vec![vec![1; 32].into()]).verify(Purpose::Manage, &link, 3));
    }

    #[test]
    fn every_flipped_bit_of_a_link_is_refused() {
        let link = keys(1).link(Purpose::Manage, Uuid::from_u128(7), 3);
        let bytes = URL_SAFE_NO_PAD.decode(&link).unwrap_or_default();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys(1).verify(Purpose::Manage, &URL_SAFE_NO_PAD.encode(forged), 3), "bit {bit}");
        }
    }
}
