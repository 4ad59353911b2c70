//! Calling backup systems: a job may have a trigger, a signed call that says an extra run is wanted.
//!
//! The secret that signs is derived from the server's key, the job and a version; the database holds
//! its hash. Whoever reads the database can neither sign nor see it.

use crate::audit::Action;
use crate::keys::{Purpose, hash};
use crate::{Actor, Error, Fields, Services, Stale};
use domain::backup::Job;
use domain::ids::JobId;
use domain::people::Permission;
use domain::request::BackupRequest;
use domain::trigger::{Template, Trigger, remote_name};
use outbound::trigger::{Guard, TriggerBackend, new_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use storage::job::PlacedJob;
use url::Url;

/// Characters in the address of a trigger.
const URL: usize = 500;

/// A trigger as typed.
#[derive(Clone, Debug, Default)]
pub struct TriggerInput {
    /// Where the call goes.
    pub url: String,
    /// Name of a [`Template`]; empty for generic.
    pub template: String,
    /// What the other system calls the job; may be empty.
    pub remote_name: String,
}

/// A trigger that was stored, with its secret where that is new: the only moment at which it is shown.
#[derive(Debug)]
pub struct StoredTrigger {
    /// What is stored.
    pub trigger: Trigger,
    /// `whsec_…`, where it is new.
    pub secret: Option<SecretString>,
}

/// What the log says of a trigger: addresses may hold secrets of the other system.
#[derive(Serialize)]
struct Logged<'a> {
    server: String,
    template: Template,
    remote_name: &'a str,
    secret_version: i64,
}

impl<'a> From<&'a Trigger> for Logged<'a> {
    fn from(trigger: &'a Trigger) -> Self {
        let Trigger { template, remote_name, secret_version, .. } = trigger;
        Self { server: server_of(&trigger.url), template: *template, remote_name, secret_version: *secret_version }
    }
}

/// The start of an address, up to its host: what everybody may see of it. Nothing of what is no address.
#[must_use]
pub fn server_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
    url.port().map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}"))
}

impl Services {
    /// Sets how backup systems are called; the first word stands.
    pub fn use_triggers(&self, backend: TriggerBackend) {
        let _ = self.triggers.set(backend);
    }

    /// The trigger of a job. Its address is only for those who may edit it.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn trigger(&self, actor: &Actor, job: JobId) -> Result<Option<Trigger>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        tx.job(job).await?;
        let found = tx.trigger_of(job).await?.map(|(trigger, _)| trigger);
        Ok(found.map(|trigger| {
            if actor.may(Permission::EditInventory) {
                trigger
            } else {
                Trigger { url: server_of(&trigger.url), ..trigger }
            }
        }))
    }

    /// Gives a job a trigger, or changes it. The secret is made with the first one, and again if
    /// `rotate` says so.
    ///
    /// # Errors
    /// Not allowed, not found, wrong fields, stale, or the database does not answer.
    pub async fn set_trigger(
        &self,
        actor: &Actor,
        id: JobId,
        version: Option<i64>,
        input: &TriggerInput,
        rotate: bool,
    ) -> Result<StoredTrigger, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let job = tx.job(id).await?;
        if job.retired_at.is_some() {
            return Err(Error::refused("retired", format!("{} is out of use and stays as it was.", job.name)));
        }
        let before = tx.trigger_of(id).await?;
        let stored = before.as_ref().map(|(trigger, _)| trigger.version);
        if stored != version {
            return Err(Error::Stale(Stale { what: "trigger", version: stored }));
        }
        let typed = self.read_trigger(&job, input)?;
        let stored = before.as_ref().map(|(trigger, _)| trigger);
        let secret_version = stored.map_or(1, |t| if rotate { t.secret_version + 1 } else { t.secret_version });
        let mut after = Trigger { secret_version, version: version.unwrap_or(1), ..typed };
        let is_new = stored.is_none_or(|t| t.secret_version != secret_version);
        let secret = is_new.then(|| new_secret(&self.keys.secret(Purpose::Trigger, id.0, secret_version)));
        let stored_hash = match (&secret, &before) {
            (Some(secret), _) => hash(secret.expose_secret()),
            (None, Some((_, stored))) => stored.clone(),
            (None, None) => return Err(Error::internal(&"a trigger without a secret")),
        };
        match stored {
            None => tx.add_trigger(&after, &stored_hash).await?,
            Some(_) => {
                tx.update_trigger(&after, &stored_hash).await?;
                after.version += 1;
            }
        }
        let log = self.audit(
            actor,
            action("job.set_trigger", &job),
            stored.map(Logged::from).as_ref(),
            Some(&Logged::from(&after)),
        );
        tx.add_audit(&log).await?;
        tx.commit().await?;
        Ok(StoredTrigger { trigger: after, secret })
    }

    /// Takes a job's trigger away.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn delete_trigger(&self, actor: &Actor, id: JobId, version: i64) -> Result<(), Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let job = tx.job(id).await?;
        let (trigger, _) = tx.trigger_of(id).await?.ok_or(Error::NotFound("trigger"))?;
        tx.delete_trigger(&Trigger { version, ..trigger.clone() }).await?;
        tx.add_audit(&self.audit(actor, action("job.delete_trigger", &job), Some(&Logged::from(&trigger)), None))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    fn read_trigger(&self, job: &Job, input: &TriggerInput) -> Result<Trigger, Error> {
        let mut fields = Fields::default();
        let url = input.url.trim().to_owned();
        let allowed = match self.triggers.get() {
            Some(backend) => backend.check(&url),
            None => Guard::default().check(&url).map(drop),
        };
        fields.take("url", allowed.map_err(|fault| format!("This address can not be called: {fault}.")));
        if url.chars().count() > URL {
            fields.add("url", format!("Use at most {URL} characters."));
        }
        let template = match input.template.trim() {
            "" => Some(Template::Generic),
            text => fields.take("template", Template::parse(text)),
        };
        let name = template.and_then(|template| {
            fields.take("remote_name", remote_name(template, &input.remote_name, job.name.as_str()))
        });
        let (Some(template), Some(remote_name), true) = (template, name, fields.is_empty()) else {
            return Err(fields.into_error());
        };
        Ok(Trigger { job_id: job.id, url, template, remote_name, secret_version: 1, version: 1 })
    }

    /// Calls the triggers of all requests whose turn it is. For the worker; any number of nodes may
    /// do it at the same time.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn call_triggers(&self) -> Result<(), Error> {
        let Some(backend) = self.triggers.get() else { return Ok(()) };
        let now = self.now();
        let open = self.db.read().await?.open_requests().await?;
        for request in open.into_iter().filter(|request| request.is_callable(now)) {
            match self.call(backend, &request).await {
                Ok(()) | Err(Error::Stale(_)) => {}
                Err(error) => tracing::error!(request = %request.id, %error, "a trigger could not be called"),
            }
        }
        Ok(())
    }

    async fn call(&self, backend: &TriggerBackend, request: &BackupRequest) -> Result<(), Error> {
        let mut tx = self.db.read().await?;
        let Some((trigger, stored)) = tx.trigger_of(request.job_id).await? else { return Ok(()) };
        let placed = tx.placed_job(request.job_id).await?;
        drop(tx);
        // Nobody else calls in the meantime; if we die now, the call is made again.
        let Some(mut calling) = request.calling(self.now()) else { return Ok(()) };
        self.store_request(&calling).await?;
        calling.version += 1;
        let secrets = self.keys.secrets(Purpose::Trigger, request.job_id.0, trigger.secret_version);
        let secret = secrets.map(|bytes| new_secret(&bytes)).find(|secret| hash(secret.expose_secret()) == stored);
        let answer = match secret {
            Some(secret) => {
                let body = body(&trigger, &placed, request);
                let fired = backend.fire(&trigger.url, &secret, &request.id.to_string(), self.now(), &body).await;
                fired.map_err(|error| (error.to_string(), error.may_pass()))
            }
            None => Err(("its secret was made with a key that is no longer configured".to_owned(), false)),
        };
        let after = match answer {
            Ok(()) => calling.sent(self.now()),
            Err((problem, may_pass)) => {
                tracing::warn!(request = %request.id, job = %request.job_id, problem, "a trigger failed");
                calling.not_sent(problem, may_pass, self.now())
            }
        };
        match after {
            Some(after) => self.store_request(&after).await,
            None => Ok(()),
        }
    }

    async fn store_request(&self, request: &BackupRequest) -> Result<(), Error> {
        let mut tx = self.db.write().await?;
        tx.update_request(request).await?;
        Ok(tx.commit().await?)
    }
}

fn action(verb: &'static str, job: &Job) -> Action<'static> {
    Action { verb, object: "job", id: job.id.to_string(), name: job.name.to_string() }
}

/// What the call says. No address at which runs are reported: the other system has its own.
fn body(trigger: &Trigger, placed: &PlacedJob, request: &BackupRequest) -> Value {
    let name = &trigger.remote_name;
    match trigger.template {
        Template::Generic => json!({
            "type": "backup.requested",
            "timestamp": request.asked_at,
            "data": {
                "request": request.id,
                "job": request.job_id,
                "name": name,
                "host": placed.host,
                "data_set": placed.data_set,
            },
        }),
        Template::Bareos => json!({ "command": format!("run job=\"{name}\" yes"), "request": request.id }),
        Template::Jenkins => json!({ "job": name, "cause": "Requested by Fermata", "request": request.id }),
        Template::Rundeck => json!({ "job": name, "options": { "request": request.id, "host": placed.host } }),
        Template::Proxmox => json!({ "vmid": name, "mode": "snapshot", "request": request.id }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_everybody_sees_the_server_alone() {
        for (url, server) in [
            ("https://hooks.example.net/T/SECRET", "https://hooks.example.net"),
            ("https://hooks.example.net?token=SECRET", "https://hooks.example.net"),
            ("https://hooks.example.net#SECRET", "https://hooks.example.net"),
            ("https://hooks.example.net:8443/SECRET", "https://hooks.example.net:8443"),
            ("https://hooks.example.net:443/SECRET", "https://hooks.example.net"),
            ("https://user:SECRET@hooks.example.net/", "https://hooks.example.net"),
            ("https://user:SECRET@a@hooks.example.net/", "https://hooks.example.net"),
            ("https:\\\\hooks.example.net\\T\\SECRET", "https://hooks.example.net"),
            ("https://hooks.example.net\\T\\SECRET", "https://hooks.example.net"),
            ("https:hooks.example.net/SECRET", "https://hooks.example.net"),
            ("https:/hooks.example.net/SECRET", "https://hooks.example.net"),
            ("HTTPS://Hooks.Example.NET/SECRET", "https://hooks.example.net"),
            ("http://[2001:db8::1]:80/SECRET", "http://[2001:db8::1]"),
            ("https://hooks.example.net", "https://hooks.example.net"),
            ("SECRET", ""),
            ("", ""),
        ] {
            assert_eq!(server_of(url), server, "{url}");
        }
    }
}
