//! Requests that may come twice: the second changes nothing and gets the first answer.

use crate::{Actor, Error, Services};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use storage::Tx;
use storage::idempotency::KeptAnswer;
use uuid::Uuid;

/// Who sent which request under which key.
pub(crate) struct Once {
    caller: Uuid,
    key: String,
    request_hash: String,
}

/// Who sent which request under which key; none where there is no key or nobody to tell apart.
pub(crate) fn once(actor: &Actor, key: Option<&str>, request: &impl Serialize) -> Result<Option<Once>, Error> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() || key.len() > 255 {
        return Err(Error::field("Idempotency-Key", "Use 1 to 255 characters."));
    }
    let caller = actor.token_id().map(|id| id.0).or_else(|| actor.user_id().map(|id| id.0));
    let request = serde_json::to_string(request).map_err(|e| Error::internal(&e))?;
    Ok(caller.map(|caller| Once { caller, key: key.to_owned(), request_hash: crate::keys::hash(&request) }))
}

/// The answer to a request that came before with the same key.
pub(crate) async fn answered<T: DeserializeOwned>(tx: &mut Tx, once: Option<&Once>) -> Result<Option<T>, Error> {
    let Some(once) = once else { return Ok(None) };
    let Some(before) = tx.kept_answer(once.caller, &once.key).await? else { return Ok(None) };
    if before.request_hash != once.request_hash {
        return Err(Error::field("Idempotency-Key", "This key was used for another request. Use a new one."));
    }
    // Answers that were once kept as a bare id are no JSON.
    let read = serde_json::from_str(&before.response)
        .or_else(|error| serde_json::from_value(Value::String(before.response)).map_err(|_| error));
    read.map(Some).map_err(|e| Error::internal(&e))
}

impl Services {
    /// Keeps the answer, in the transaction of the change.
    pub(crate) async fn remember(
        &self,
        tx: &mut Tx,
        once: Option<Once>,
        status: i64,
        answer: &impl Serialize,
    ) -> Result<(), Error> {
        let Some(Once { caller, key, request_hash }) = once else { return Ok(()) };
        let response = serde_json::to_string(answer).map_err(|e| Error::internal(&e))?;
        Ok(tx.keep_answer(caller, &key, &KeptAnswer { request_hash, status, response }, self.now()).await?)
    }
}
