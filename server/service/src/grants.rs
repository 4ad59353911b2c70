//! Extra backups that customers ask for: the holder of a token of scope `backup:request`, for the data
//! sets it was granted, so many a day. By the API, or on a page whose address is the secret.

use crate::audit::Action;
use crate::keys::{Keys, Purpose};
use crate::{Actor, Error, Fields, Services};
use domain::backup::Job;
use domain::gate::Missing;
use domain::ids::{DataSetId, TokenId};
use domain::people::{ApiToken, Permission, Scope};
use domain::request::{BackupRequest, Grant, GrantRefusal, MOST_PER_DAY, QUOTA_TIME};
use domain::time::Span;
use std::net::IpAddr;
use storage::{StoreError, Tx};

/// The only version of the address so far: a token that is revoked ends it.
const LINK_VERSION: i64 = 1;

/// A request as the one who asked sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// The run that was asked for.
    pub request: BackupRequest,
    /// The run that carries it, where it is a dump: only then it is safe.
    pub carrier: Option<BackupRequest>,
    /// Place among the open requests, from 1; none once it has ended.
    pub position: Option<i64>,
}

/// What a token may ask for, as typed.
#[derive(Clone, Debug, Default)]
pub struct GrantInput {
    /// Ids of data sets.
    pub data_sets: Vec<String>,
    /// How many in 24 hours.
    pub per_day: String,
}

/// A data set on a holder's page.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Which.
    pub id: DataSetId,
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub host: String,
    /// The newest request for it.
    pub newest: Option<Extra>,
}

/// What the holder of a token sees.
#[derive(Clone, Debug)]
pub struct Holder {
    /// What the token is called.
    pub name: String,
    /// What it is for.
    pub data_sets: Vec<Granted>,
    /// Requests left today.
    pub left: i64,
    /// Of so many.
    pub per_day: i64,
}

/// What a token may do for its holder, for administrators.
#[derive(Clone, Debug)]
pub struct TokenView {
    /// The token.
    pub token: ApiToken,
    /// What it was granted.
    pub grant: Option<Grant>,
    /// Address of the holder's page, where there is something to ask for.
    pub page: Option<String>,
    /// All data sets in use with their hosts, to choose from.
    pub choices: Vec<(DataSetId, String)>,
}

impl Extra {
    /// See [`BackupRequest::for_outsiders`].
    #[must_use]
    pub fn for_outsiders(self) -> Self {
        let carrier = self.carrier.map(|carrier| carrier.for_outsiders());
        Self { request: self.request.for_outsiders(), carrier, position: self.position }
    }
}

/// A grant of the actor's token that holds this data set; who has none hears of nothing.
pub(crate) async fn granted(tx: &mut Tx, actor: &Actor, data_set: DataSetId) -> Result<Grant, Error> {
    let grant = match actor.token_id() {
        Some(token) => tx.grant_of(token).await?,
        None => None,
    };
    grant.filter(|grant| grant.data_sets.contains(&data_set)).ok_or(Error::NotFound("data set"))
}

/// The request with what belongs to it.
pub(crate) async fn extra(tx: &mut Tx, request: BackupRequest, job: &Job) -> Result<Extra, Error> {
    let carrier = match job.carried_by {
        Some(carrier) => tx.requests_of(carrier, 1).await?.pop(),
        None => None,
    };
    let carrier = carrier.filter(|carrier| carrier.is_open() || carrier.asked_at >= request.asked_at);
    let position = if request.is_open() { Some(tx.requests_ahead(&request).await? + 1) } else { None };
    Ok(Extra { request, carrier, position })
}

/// The job whose run protects a data set, and the one that carries it.
async fn jobs_for(tx: &mut Tx, data_set: DataSetId) -> Result<Option<(Job, Option<Job>)>, StoreError> {
    for job in tx.jobs_of(data_set, false).await?.into_iter().filter(|job| job.enabled) {
        match job.carried_by {
            None => return Ok(Some((job, None))),
            Some(carrier) => {
                let carrier = tx.job(carrier).await?;
                if carrier.enabled && carrier.retired_at.is_none() {
                    return Ok(Some((job, Some(carrier))));
                }
            }
        }
    }
    Ok(None)
}

impl Services {
    /// Asks for an extra backup of a data set; the open request for it, where there is one. Says
    /// whether it is new.
    ///
    /// # Errors
    /// Not allowed, not granted, the quota is used up, nothing backs the data set up, or the database
    /// does not answer.
    pub async fn request_extra(&self, actor: &Actor, data_set: &str) -> Result<(Extra, bool), Error> {
        actor.require(Permission::RequestBackup)?;
        let id: DataSetId =
            data_set.trim().parse().map_err(|_| Error::field("data_set", "Send the id of the data set."))?;
        let mut tx = self.db.decide().await?;
        let now = self.now();
        let grant = if actor.may(Permission::Maintain) { None } else { Some(granted(&mut tx, actor, id).await?) };
        if tx.data_set(id).await?.retired_at.is_some() {
            return Err(Error::NotFound("data set"));
        }
        let Some((job, carrier)) = jobs_for(&mut tx, id).await? else {
            return Err(Error::refused("no_job", "No backup job in use protects this data set."));
        };
        if let Some(open) = tx.open_request_of(job.id).await? {
            let open = extra(&mut tx, open, &job).await?;
            return Ok((if actor.may(Permission::View) { open } else { open.for_outsiders() }, false));
        }
        if let Some(grant) = &grant {
            let used = tx.grant_uses(grant.token_id, QUOTA_TIME.before(now)).await?;
            match grant.check(id, &used, now) {
                Ok(()) => {}
                Err(GrantRefusal::NotYours) => return Err(Error::NotFound("data set")),
                Err(GrantRefusal::UsedUp { until }) => {
                    let retry_after_s = Span::between(now, until).as_seconds().max(1);
                    return Err(Error::TooMany { retry_after_s });
                }
            }
        }
        let request = self.ask_for(&mut tx, actor, Missing { job: job.id, running: None }, None).await?;
        if let Some(carrier) = carrier {
            self.ask_for(&mut tx, actor, Missing { job: carrier.id, running: None }, None).await?;
        }
        if let Some(grant) = grant {
            tx.add_grant_use(grant.token_id, request.id, now).await?;
        }
        let extra = extra(&mut tx, request, &job).await?;
        tx.commit().await?;
        self.requests_changed.notify_waiters();
        Ok((if actor.may(Permission::View) { extra } else { extra.for_outsiders() }, true))
    }

    /// One token with what it was granted.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn token_view(&self, actor: &Actor, id: TokenId) -> Result<TokenView, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.read().await?;
        let (token, _) = tx.token(id).await?;
        let grant = tx.grant_of(id).await?;
        let usable = token.is_valid(self.now()) && token.scopes.contains(&Scope::BackupRequest);
        let page = grant.as_ref().filter(|_| usable).map(|_| self.holder_page(id));
        let mut choices = Vec::new();
        for placed in tx.placed_jobs().await? {
            let choice = (placed.job.data_set_id, format!("{} · {}", placed.host, placed.data_set));
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
        Ok(TokenView { token, grant, page, choices })
    }

    fn holder_page(&self, token: TokenId) -> String {
        self.url(&format!("/requests/{}", self.keys.link(Purpose::Requests, token.0, LINK_VERSION)))
    }

    /// Says what a token of scope `backup:request` may ask for.
    ///
    /// # Errors
    /// Not allowed, not found, the token has not that scope, wrong fields, or the database does not
    /// answer.
    pub async fn set_grant(&self, actor: &Actor, id: TokenId, input: &GrantInput) -> Result<Grant, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (token, _) = tx.token(id).await?;
        if !token.scopes.contains(&Scope::BackupRequest) {
            return Err(Error::refused("wrong_scope", "This token has not the scope backup:request."));
        }
        let mut fields = Fields::default();
        let per_day = input.per_day.trim().parse().ok().filter(|n| (1..=MOST_PER_DAY).contains(n));
        if per_day.is_none() {
            fields.add("per_day", format!("Choose a number from 1 to {MOST_PER_DAY}."));
        }
        let mut data_sets = Vec::new();
        for text in &input.data_sets {
            let found = match text.trim().parse() {
                Ok(id) => tx.data_set(id).await.ok().filter(|set| set.retired_at.is_none()),
                Err(_) => None,
            };
            match found {
                Some(set) if !data_sets.contains(&set.id) => data_sets.push(set.id),
                Some(_) => {}
                None => fields.add("data_sets", format!("There is no data set {text} in use.")),
            }
        }
        if input.data_sets.is_empty() {
            fields.add("data_sets", "Choose at least one.");
        }
        let (Some(per_day), true) = (per_day, fields.is_empty()) else { return Err(fields.into_error()) };
        data_sets.sort_unstable();
        let before = tx.grant_of(id).await?;
        let after = Grant { token_id: id, data_sets, per_day };
        tx.put_grant(&after).await?;
        let action = Action { verb: "token.grant", object: "token", id: id.to_string(), name: token.name.to_string() };
        tx.add_audit(&self.audit(actor, action, before.as_ref(), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Who holds the address of a page.
    async fn holder_of(&self, link: &str, ip: Option<IpAddr>) -> Result<(Actor, ApiToken), Error> {
        let nothing = || Error::NotFound("page");
        let id = Keys::claimed(link).map(TokenId).ok_or_else(nothing)?;
        if !self.keys.verify(Purpose::Requests, link, LINK_VERSION) {
            return Err(nothing());
        }
        let (token, _) = self.db.read().await?.token(id).await.map_err(|_| nothing())?;
        if !token.is_valid(self.now()) || !token.scopes.contains(&Scope::BackupRequest) {
            return Err(nothing());
        }
        // The address opens this page, not what else the token may do.
        let token = ApiToken { scopes: vec![Scope::BackupRequest], ..token };
        Ok((Actor::token(token.clone(), ip), token))
    }

    /// What the holder of an address sees. Changes nothing.
    ///
    /// # Errors
    /// Not an address of ours (any more), or the database does not answer.
    pub async fn holder(&self, link: &str) -> Result<Holder, Error> {
        let (_, token) = self.holder_of(link, None).await?;
        let mut tx = self.db.read().await?;
        let grant = tx.grant_of(token.id).await?.ok_or(Error::NotFound("page"))?;
        let mut data_sets = Vec::new();
        for id in &grant.data_sets {
            let set = tx.data_set(*id).await?;
            if set.retired_at.is_some() {
                continue;
            }
            let host = tx.host(set.host_id).await?.name.to_string();
            let newest = match jobs_for(&mut tx, *id).await? {
                Some((job, _)) => match tx.requests_of(job.id, 1).await?.pop() {
                    Some(request) => Some(extra(&mut tx, request, &job).await?.for_outsiders()),
                    None => None,
                },
                None => None,
            };
            data_sets.push(Granted { id: *id, name: set.name.to_string(), host, newest });
        }
        data_sets.sort_by(|a, b| (&a.host, &a.name).cmp(&(&b.host, &b.name)));
        let now = self.now();
        let used = tx.grant_uses(token.id, QUOTA_TIME.before(now)).await?;
        let left = grant.left(&used, now);
        Ok(Holder { name: token.name.to_string(), data_sets, left, per_day: grant.per_day })
    }

    /// Asks on a holder's page.
    ///
    /// # Errors
    /// As [`Self::request_extra`]; not an address of ours (any more).
    pub async fn request_by_link(
        &self,
        ip: Option<IpAddr>,
        link: &str,
        data_set: &str,
    ) -> Result<(Extra, bool), Error> {
        let (actor, _) = self.holder_of(link, ip).await?;
        self.request_extra(&actor, data_set).await
    }
}
