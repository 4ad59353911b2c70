//! Signatures of the Standard Webhooks specification (`v1`, HMAC-SHA256).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// The secret cannot be used to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It starts with `whsec_`, but what follows is not base64.
    #[error("the secret after whsec_ is not base64")]
    Encoding,
    /// Shorter than 16 octets.
    #[error("the secret is too short")]
    Short,
}

/// The form in which a secret is shown and typed: `whsec_` and base64.
#[must_use]
pub fn new_secret(random: &[u8; 32]) -> SecretString {
    format!("{PREFIX}{}", STANDARD.encode(random)).into()
}

/// The value of `webhook-signature`. `timestamp` is in seconds. A secret without the prefix `whsec_` is used as it is.
///
/// # Errors
/// [`SecretError`]
pub fn signature(secret: &SecretString, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SecretError> {
    let secret = secret.expose_secret();
    let key = match secret.strip_prefix(PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).map_err(|_| SecretError::Encoding)?,
        None => secret.as_bytes().to_vec(),
    };
    if key.len() < 16 {
        return Err(SecretError::Short);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| SecretError::Short)?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}
