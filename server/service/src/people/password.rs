//! Passwords: argon2id in PHC strings, a bounded number at a time, and brakes on guessing
//! (SEC-10, SEC-11).

use crate::subscribers::network;
use crate::{Error, Fields};
use argon2::password_hash::{PasswordHash, PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordVerifier, Version};
use domain::people::User;
use domain::time::{Instant, Span};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use storage::people::Attempts;
use tokio::sync::Semaphore;

/// Memory in KiB, passes and lanes of argon2id.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// Characters a password has at least and at most.
const LENGTH: (usize, usize) = (12, 256);

/// Different characters a password has at least: `aaaaaaaaaaaa` is long, but not a secret.
const DIFFERENT: usize = 5;

/// Wrong guesses at one name before the first delay.
const FREE_GUESSES: i64 = 5;

/// The first delay; each further wrong guess doubles it.
const FIRST_DELAY: Span = Span::seconds(2);

/// No delay is longer: a lock for ever would let strangers lock people out.
const LONGEST_DELAY: Span = Span::minutes(15);

/// After this long without a guess the count starts again.
pub(crate) const FORGET_AFTER: Span = Span::hours(24);

/// What is verified where there is no password: it costs the same and never fits.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Zm9yZ2l2ZW1lbm90aGluZw$k5bUu2yD1ZB0cT4n3r9s8x7w6v5q4p3o2m1l0kJhGfE";

/// Hashes and checks passwords, never more at once than there are cores: each takes 19 MiB.
#[derive(Debug)]
pub struct Passwords {
    cores: Semaphore,
    checked: AtomicU64,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    paused: Cache<IpAddr, ()>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // An office behind one address mistypes less often than this; a machine guesses more often.
        let burst = NonZeroU32::new(30).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::with_period(Duration::from_secs(6)).unwrap_or_else(|| Quota::per_minute(burst)).allow_burst(burst);
        Self {
            cores: Semaphore::new(cores),
            checked: AtomicU64::new(0),
            failures: RateLimiter::keyed(quota),
            paused: Cache::builder().max_capacity(100_000).time_to_live(PAUSE).build(),
        }
    }
}

/// How long an address waits that guessed wrong too often.
const PAUSE: Duration = Duration::from_secs(60);

impl Passwords {
    /// Makes the PHC string of a password.
    ///
    /// # Errors
    /// The operating system has no randomness, or the program is going down.
    pub async fn hash(&self, password: &SecretString) -> Result<String, Error> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|e| Error::internal(&e))?;
        let password = password.clone();
        self.on_a_core(move || {
            let salt = SaltString::encode_b64(&salt).map_err(|e| Error::internal(&e))?;
            let hash = argon2()?.hash_password(password.expose_secret().as_bytes(), &salt);
            Ok(hash.map_err(|e| Error::internal(&e))?.to_string())
        })
        .await?
    }

    /// Whether a password fits a PHC string. Without one it takes as long and never fits.
    ///
    /// # Errors
    /// The program is going down.
    pub async fn fits(&self, password: &SecretString, phc: Option<&str>) -> Result<bool, Error> {
        self.checked.fetch_add(1, Ordering::Relaxed);
        let password = password.clone();
        let phc = phc.unwrap_or(NOBODY).to_owned();
        self.on_a_core(move || {
            PasswordHash::new(&phc)
                .is_ok_and(|hash| Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
        })
        .await
    }

    /// How many guesses were let through to argon2 so far.
    #[must_use]
    pub fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// Goes on unless too many guesses of this address were wrong.
    pub(super) fn admit(&self, ip: Option<IpAddr>) -> Result<(), Error> {
        match ip {
            Some(ip) if self.paused.contains_key(&network(ip)) => {
                Err(Error::TooMany { retry_after_s: i64::try_from(PAUSE.as_secs()).unwrap_or(i64::MAX) })
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong guess of an address.
    pub(super) fn count_failure(&self, ip: Option<IpAddr>) {
        let Some(network) = ip.map(network) else { return };
        if self.failures.check_key(&network).is_err() {
            self.paused.insert(network, ());
        }
        if self.failures.len() > 100_000 {
            self.failures.retain_recent();
        }
    }

    async fn on_a_core<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _core = self.cores.acquire().await.map_err(|e| Error::internal(&e))?;
        tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(&e))
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|e| Error::internal(&e))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Whether a PHC string was made with other costs than today's.
pub(super) fn is_outdated(phc: &str) -> bool {
    let (memory, passes, lanes) = COST;
    !phc.starts_with(&format!("$argon2id$v=19$m={memory},t={passes},p={lanes}$"))
}

/// Takes a new password as typed, if it may be one: long enough is what counts, there are no rules
/// about kinds of characters.
pub(super) fn take(
    fields: &mut Fields,
    field: &'static str,
    typed: &str,
    whose: Option<&User>,
) -> Option<SecretString> {
    let (least, most) = LENGTH;
    let length = typed.chars().count();
    let is_theirs = whose.is_some_and(|user| {
        [user.email.as_str(), user.name.as_str()]
            .iter()
            .any(|known| known.to_lowercase() == typed.trim().to_lowercase())
    });
    let wrong = if length < least {
        format!("Use at least {least} characters. A few words in a row are easy to remember.")
    } else if length > most {
        format!("Use at most {most} characters.")
    } else if is_theirs || typed.chars().collect::<BTreeSet<_>>().len() < DIFFERENT {
        "This is too easy to guess.".to_owned()
    } else {
        return Some(typed.into());
    };
    fields.add(field, wrong);
    None
}

/// Counts one more guess at a name before it is checked, so that guesses made at the same time
/// count too; a right one clears the count afterwards.
///
/// # Errors
/// Seconds to wait, when this one comes too early.
pub(super) fn next_guess(so_far: Option<Attempts>, now: Instant) -> Result<Attempts, i64> {
    let so_far = so_far.filter(|a| Span::between(a.last_at, now) < FORGET_AFTER);
    let failed = match so_far {
        Some(a) if a.failed >= FREE_GUESSES && now < a.retry_at => {
            // Rounded up: who waits as long as told is let through.
            return Err(Span::between(now, a.retry_at).as_seconds() + 1);
        }
        Some(a) => a.failed + 1,
        None => 1,
    };
    Ok(Attempts { failed, last_at: now, retry_at: delay(failed).after(now) })
}

/// Whether this guess is the first that a delay follows.
pub(super) const fn begins_delay(attempts: &Attempts) -> bool {
    attempts.failed == FREE_GUESSES
}

fn delay(failed: i64) -> Span {
    if failed < FREE_GUESSES {
        return Span::seconds(0);
    }
    let doublings = u32::try_from(failed - FREE_GUESSES).unwrap_or(u32::MAX).min(16);
    Span::seconds(FIRST_DELAY.as_seconds() << doublings).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(s: i64) -> Instant {
        Instant::from_timestamp(s, 0).unwrap()
    }

    #[tokio::test]
    async fn a_password_fits_only_its_own_hash() {
        let passwords = Passwords::default();
        let right: SecretString = "correct horse battery".into();
        let phc = passwords.hash(&right).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(!is_outdated(&phc) && is_outdated("$argon2id$v=19$m=4096,t=3,p=1$x$y") && is_outdated(""));
        assert!(passwords.fits(&right, Some(&phc)).await.unwrap());
        assert!(!passwords.fits(&"correct horse batterz".into(), Some(&phc)).await.unwrap());
        assert!(!passwords.fits(&"".into(), Some("")).await.unwrap());
        assert_eq!(passwords.checked(), 3);
    }

    #[tokio::test]
    async fn checking_against_nobody_is_real_work() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(hash.hash.unwrap().len(), 32);
        assert!(!is_outdated(NOBODY));
        assert!(!Passwords::default().fits(&"correct horse battery".into(), None).await.unwrap());
    }

    #[test]
    fn two_hundred_guesses_in_a_minute_are_few() {
        let (mut state, mut checked) = (None, 0);
        for n in 0..200_i64 {
            if let Ok(next) = next_guess(state, at(n * 60 / 200)) {
                state = Some(next);
                checked += 1;
            }
        }
        assert_eq!(checked, 9);
    }

    #[test]
    fn the_delay_doubles_up_to_a_quarter_of_an_hour() {
        let seconds: Vec<i64> = (4..17).map(|failed| delay(failed).as_seconds()).collect();
        assert_eq!(seconds, [0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(delay(i64::MAX), LONGEST_DELAY);
        let many = Attempts { failed: 40, last_at: at(0), retry_at: at(900) };
        assert_eq!(next_guess(Some(many), at(898)), Err(3));
        assert_eq!(next_guess(Some(many), at(900)).unwrap().failed, 41);
        assert_eq!(next_guess(Some(many), at(24 * 3600)).unwrap().failed, 1);
    }

    #[test]
    fn only_length_and_the_obvious_count() {
        let user = User {
            id: uuid::Uuid::nil().into(),
            email: "ada.lovelace@example.org".to_owned(),
            name: domain::text::Name::parse("Ada King Lovelace").unwrap(),
            role: domain::people::Role::Viewer,
            disabled_at: None,
            has_password: false,
            signed_in_at: None,
            version: 1,
        };
        let taken = |typed: &str| take(&mut Fields::default(), "password", typed, Some(&user)).is_some();
        for good in ["correct horse", "пароль-пароль", "            abcde", &"x1y2z".repeat(50)] {
            assert!(taken(good), "{good}");
        }
        for bad in [
            "",
            "short",
            "elevenchars",
            "aaaaaaaaaaaa",
            "121212121212",
            "Ada.Lovelace@example.org",
            "ADA king lovelace",
            &"x1y2z".repeat(60),
        ] {
            assert!(!taken(bad), "{bad}");
        }
    }

    #[test]
    fn an_address_that_guesses_wrong_too_often_waits() {
        let passwords = Passwords::default();
        let (one, other): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "2001:db8:0:1::1".parse().unwrap());
        for n in 0..32 {
            assert!(n < 31 || passwords.admit(Some(one)).is_err(), "{n}");
            passwords.count_failure(Some(one));
        }
        assert!(passwords.admit(Some("2001:db8::ffff".parse().unwrap())).is_err());
        assert!(passwords.admit(Some(other)).is_ok() && passwords.admit(None).is_ok());
    }
}
