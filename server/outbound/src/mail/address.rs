//! Mail addresses as people type them.

use lettre::Address;
use url::Host;

/// Longest local part and longest address (RFC 5321 §4.5.3.1; the second follows from the longest path).
const LOCAL_OCTETS: usize = 64;
const ADDRESS_OCTETS: usize = 254;

/// What is wrong with an address, in words for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("Enter an e-mail address.")]
    Empty,
    /// No `@`, or nothing on one side of it.
    #[error("An e-mail address has a name, an @ and a domain, like name@example.org.")]
    Shape,
    /// Spaces or control characters.
    #[error("An e-mail address has no spaces or line breaks.")]
    Blank,
    /// Letters beyond ASCII before the `@`. They would need SMTPUTF8 on each server on the way.
    #[error("Accented and non-Latin letters before the @ are not supported; use an address that has none there.")]
    LocalPartNotAscii,
    /// Something else is wrong before the `@`.
    #[error("The part before the @ is not valid.")]
    LocalPart,
    /// Not a domain name.
    #[error("The part after the @ is not a domain name.")]
    Domain,
    /// Longer than any mail server takes.
    #[error("This address is too long.")]
    TooLong,
}

/// Reads one address. A domain in other scripts is turned into its ASCII form (`bücher.example` into
/// `xn--bcher-kva.example`); the domain is lower-cased, the local part is kept as it is.
///
/// Quoted local parts, address literals and single-label domains other than `localhost` are refused: in a form they are
/// mistakes or attacks.
///
/// # Errors
/// [`AddressError`], whose text is meant for the form field.
pub fn parse_address(input: &str) -> Result<Address, AddressError> {
    let input = input.trim_matches([' ', '\t']);
    if input.is_empty() {
        return Err(AddressError::Empty);
    }
    if input.len() > 4 * ADDRESS_OCTETS {
        return Err(AddressError::TooLong);
    }
    if input.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(AddressError::Blank);
    }
    let (local, domain) = input.rsplit_once('@').ok_or(AddressError::Shape)?;
    if local.is_empty() || domain.is_empty() {
        return Err(AddressError::Shape);
    }
    if !local.is_ascii() {
        return Err(AddressError::LocalPartNotAscii);
    }
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    if !local.split('.').all(|part| !part.is_empty() && part.chars().all(atom)) {
        return Err(AddressError::LocalPart);
    }
    let domain = ascii_domain(domain)?;
    if local.len() > LOCAL_OCTETS || local.len() + 1 + domain.len() > ADDRESS_OCTETS {
        return Err(AddressError::TooLong);
    }
    Address::new(local, domain).map_err(|_| AddressError::Domain)
}

fn ascii_domain(domain: &str) -> Result<String, AddressError> {
    let plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !domain.chars().all(plain) {
        return Err(AddressError::Domain);
    }
    let Ok(Host::Domain(ascii)) = Host::parse(domain) else {
        return Err(AddressError::Domain);
    };
    let label =
        |label: &str| !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
    if !ascii.split('.').all(label) || !(ascii.contains('.') || ascii == "localhost") {
        return Err(AddressError::Domain);
    }
    Ok(ascii)
}

/// An address for logs: `u***@example.net`.
#[must_use]
pub fn mask(address: &Address) -> String {
    let first = address.user().chars().next().unwrap_or('?');
    format!("{first}***@{}", address.domain())
}
