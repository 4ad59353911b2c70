//! What a session of the admin pages holds: whose it is, and two instants by our own clock.

use chrono::{DateTime, Utc};
use domain::ids::UserId;
use domain::time::Span;
use service::Error;
use service::people::SESSION_USER;
use tower_sessions::Session;
use tower_sessions::session::Error as SessionError;
use tower_sessions::session_store::Error as StoreError;

/// Without a request for this long a session ends (SEC-1).
pub const INACTIVITY: Span = Span::hours(8);

/// However busy, a session ends this long after the sign-in (SEC-1).
pub const LONGEST: Span = Span::days(7);

/// Being seen is written down once in this time, not at every request.
const NOTE_EVERY: Span = Span::minutes(5);

const SINCE: &str = "since";
const SEEN: &str = "seen";

fn failed(error: SessionError) -> Error {
    match error {
        SessionError::Store(StoreError::Backend(cause)) => Error::unavailable(&cause),
        other => Error::internal(&other),
    }
}

/// Signs in: what the session held before is gone, its cookie's value too (SEC-2).
///
/// # Errors
/// The database does not answer.
pub async fn begin(session: &Session, user: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    session.clear().await;
    session.cycle_id().await.map_err(failed)?;
    session.insert(SESSION_USER, user).await.map_err(failed)?;
    for key in [SINCE, SEEN] {
        session.insert(key, now.timestamp_millis()).await.map_err(failed)?;
    }
    Ok(())
}

/// Signs out: the session is gone from the database, its cookie from the browser.
///
/// # Errors
/// The database does not answer.
pub async fn end(session: &Session) -> Result<(), Error> {
    session.flush().await.map_err(failed)
}

/// Whose session this is; one that lasted too long is ended.
///
/// # Errors
/// The database does not answer.
pub async fn person(session: &Session, now: DateTime<Utc>) -> Result<Option<UserId>, Error> {
    let user: Option<UserId> = session.get(SESSION_USER).await.map_err(failed)?;
    let Some(user) = user else { return Ok(None) };
    let (since, seen) = (instant(session, SINCE).await?, instant(session, SEEN).await?);
    if Span::between(since, now) >= LONGEST || Span::between(seen, now) >= INACTIVITY {
        end(session).await?;
        return Ok(None);
    }
    Ok(Some(user))
}

/// Writes down that somebody is there; not at every request.
///
/// # Errors
/// The database does not answer.
pub async fn see(session: &Session, now: DateTime<Utc>) -> Result<(), Error> {
    if Span::between(instant(session, SEEN).await?, now) >= NOTE_EVERY {
        session.insert(SEEN, now.timestamp_millis()).await.map_err(failed)?;
    }
    Ok(())
}

/// A stored instant; one that is missing is long ago.
async fn instant(session: &Session, key: &str) -> Result<DateTime<Utc>, Error> {
    let ms: Option<i64> = session.get(key).await.map_err(failed)?;
    Ok(ms.and_then(DateTime::from_timestamp_millis).unwrap_or(DateTime::<Utc>::MIN_UTC))
}
