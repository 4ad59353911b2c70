//! Hosts with data, jobs and runs to plan work on.

use crate::test_app::TestApp;
use domain::backup::Job;
use domain::component::Component;
use domain::host::{DataKind, DataSet, Host};
use domain::ids::{ComponentId, DataSetId, HostId, JobId, RunId};
use domain::policy::PolicyOverride;
use domain::run::{Run, RunState};
use domain::text::{Name, Slug};
use domain::time::{Instant, Span};
use uuid::Uuid;

/// "Thu 12:30" of the story's week, UTC.
pub(crate) fn utc(text: &str) -> Instant {
    let (day, time) = text.split_once(' ').unwrap();
    let day = match day {
        "Tue" => 13,
        "Wed" => 14,
        "Thu" => 15,
        _ => 16,
    };
    format!("2014-05-{day}T{time}:00Z").parse().unwrap()
}

pub(crate) async fn host(app: &TestApp, name: &str, runs_on: Option<HostId>) -> HostId {
    let id = HostId(Uuid::now_v7());
    let host = Host {
        id,
        name: Name::parse(name).unwrap(),
        note: String::new(),
        owner: String::new(),
        runs_on,
        exemption: None,
        policy: PolicyOverride::default(),
        retired_at: None,
        version: 1,
    };
    let mut tx = app.services.db.write().await.unwrap();
    tx.insert_host(&host, app.services.now()).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub(crate) async fn data(app: &TestApp, host: HostId, name: &str) -> DataSetId {
    let id = DataSetId(Uuid::now_v7());
    let name = Name::parse(name).unwrap();
    let set = DataSet { id, host_id: host, name, kind: DataKind::Files, retired_at: None, version: 1 };
    let mut tx = app.services.db.write().await.unwrap();
    tx.insert_data_set(&set, app.services.now()).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub(crate) async fn job(app: &TestApp, data_set: DataSetId, name: &str, carried_by: Option<JobId>) -> JobId {
    let id = JobId(Uuid::now_v7());
    let job = Job {
        id,
        data_set_id: data_set,
        name: Name::parse(name).unwrap(),
        tool: String::new(),
        carried_by,
        enabled: true,
        every: Span::hours(24),
        max_duration: Span::hours(6),
        ping_version: 1,
        retired_at: None,
        version: 1,
    };
    let mut tx = app.services.db.write().await.unwrap();
    tx.insert_job(&job, &id.to_string(), app.services.now()).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub(crate) async fn ran(app: &TestApp, job: JobId, from: &str, to: &str) {
    let run = Run {
        id: RunId(Uuid::now_v7()),
        job_id: job,
        key: from.to_owned(),
        state: RunState::Succeeded,
        started_at: utc(from),
        start_assumed: false,
        finished_at: Some(utc(to)),
        dry_run: false,
        partial: false,
        clock_fault: false,
        received_at: utc(to),
        bytes: None,
        files: None,
        snapshot: None,
        exit_code: None,
    };
    let mut tx = app.services.db.write().await.unwrap();
    tx.insert_run(&run, None).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn component(app: &TestApp, name: &str, behind: &[HostId]) -> ComponentId {
    let id = ComponentId(Uuid::now_v7());
    let name = Name::parse(name).unwrap();
    let component = Component {
        id,
        group_id: None,
        slug: Slug::from_name(&name),
        name,
        description: String::new(),
        position: 1,
        is_private: false,
        retired_at: None,
        version: 1,
    };
    let mut tx = app.services.db.write().await.unwrap();
    tx.insert_component(&component, app.services.now()).await.unwrap();
    tx.put_hosts_behind(id, behind).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// vm3 with one image that was backed up this morning, and Cluster 12 on it.
pub(crate) struct Small {
    pub(crate) vm3: HostId,
    pub(crate) image: JobId,
    pub(crate) cluster: ComponentId,
}

pub(crate) async fn small(app: &TestApp) -> Small {
    let vm3 = host(app, "vm3", None).await;
    let set = data(app, vm3, "image").await;
    let image = job(app, set, "image vm3", None).await;
    ran(app, image, "Thu 09:00", "Thu 10:00").await;
    let cluster = component(app, "Cluster 12", &[vm3]).await;
    Small { vm3, image, cluster }
}

/// The Thursday of the story: too old, not carried, no job. Gives vm3 and the data set without a job,
/// and the jobs for files, dump and image.
pub(crate) struct Story {
    pub(crate) vm3: HostId,
    pub(crate) goods: DataSetId,
    pub(crate) files: JobId,
    pub(crate) dump: JobId,
    pub(crate) image: JobId,
}

pub(crate) async fn story(app: &TestApp) -> Story {
    let vm3 = host(app, "vm3", None).await;
    let web = host(app, "web-12", Some(vm3)).await;
    let shop = host(app, "legacy-shop", Some(vm3)).await;
    let image = job(app, data(app, vm3, "image").await, "image vm3", None).await;
    let files = job(app, data(app, web, "files").await, "files web-12", None).await;
    let dump = job(app, data(app, web, "database").await, "dump web-12", Some(files)).await;
    let goods = data(app, shop, "files").await;
    ran(app, image, "Tue 21:10", "Tue 22:00").await;
    ran(app, dump, "Wed 03:05", "Wed 03:40").await;
    ran(app, files, "Wed 23:00", "Wed 23:30").await;
    ran(app, dump, "Thu 03:05", "Thu 03:40").await;
    Story { vm3, goods, files, dump, image }
}

impl Story {
    /// The backups that were missing, in the right order.
    pub(crate) async fn back_up(&self, app: &TestApp) {
        let goods = job(app, self.goods, "files legacy-shop", None).await;
        ran(app, self.dump, "Thu 11:00", "Thu 11:10").await;
        ran(app, self.files, "Thu 11:11", "Thu 11:20").await;
        ran(app, self.image, "Thu 11:21", "Thu 11:40").await;
        ran(app, goods, "Thu 11:21", "Thu 11:30").await;
    }
}
