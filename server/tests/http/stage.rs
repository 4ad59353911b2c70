//! What tests of pages put on the page: hosts with backups behind components, and windows.

use crate::test_app::TestApp;
use chrono::{DateTime, Utc};
use domain::ids::{HostId, JobId, MaintenanceId, RunId};
use domain::maintenance::Maintenance;
use domain::run::{Run, RunState};
use domain::time::Span;
use service::inventory::{ComponentInput, DataSetInput, GroupInput, HostInput, JobInput};
use service::maintenance::{MaintenanceInput, Planning, Target};
use service::{Actor, Services};
use uuid::Uuid;

/// "15 19:00" is the 15th of May 2014, 19:00 UTC.
pub(crate) fn utc(text: &str) -> DateTime<Utc> {
    let (day, time) = text.split_once(' ').unwrap();
    format!("2014-05-{day}T{time}:00Z").parse().unwrap()
}

/// A host that is backed up every night, with the components on it.
pub(crate) struct Stage {
    pub(crate) services: Services,
    pub(crate) vm3: HostId,
    pub(crate) image: JobId,
}

impl Stage {
    /// Two groups; Cluster 12 and Shell nodes stand on vm3, whose image was backed up at three in the morning.
    pub(crate) async fn set(app: &TestApp) -> Self {
        Self::on(app.services.clone()).await
    }

    pub(crate) async fn on(services: Services) -> Self {
        let a = Actor::system();
        let host = services.add_host(&a, HostInput { name: "vm3".to_owned(), ..HostInput::default() }).await.unwrap();
        let set = DataSetInput { name: "image".to_owned(), kind: "image".to_owned() };
        let set = services.add_data_set(&a, host.id, set).await.unwrap();
        let job = JobInput {
            name: "image vm3".to_owned(),
            tool: "borgmatic".to_owned(),
            carried_by: String::new(),
            every: "24 h".to_owned(),
            max_duration: "6 h".to_owned(),
        };
        let job = services.add_job(&a, set.id, job).await.unwrap();
        let stage = Self { services, vm3: host.id, image: job.id };
        stage.group("Clusters", &["Cluster 11", "Cluster 12", "Cluster 14"], &["Cluster 12"]).await;
        stage.group("Access", &["Shell nodes", "Dashboard", "DNS", "E-mail"], &["Shell nodes"]).await;
        stage.ran("15 02:10", "15 03:05").await;
        stage
    }

    /// A group of components, some of them on vm3.
    pub(crate) async fn group(&self, name: &str, components: &[&str], on_vm3: &[&str]) {
        let a = Actor::system();
        let group = self.services.add_group(&a, GroupInput { name: name.to_owned() }).await.unwrap();
        for component in components {
            let hosts = if on_vm3.contains(component) { vec![self.vm3.to_string()] } else { Vec::new() };
            let input = ComponentInput {
                name: (*component).to_owned(),
                group_id: group.id.to_string(),
                hosts,
                ..ComponentInput::default()
            };
            self.services.add_component(&a, input).await.unwrap();
        }
    }

    pub(crate) async fn component(&self, name: &str) -> String {
        let lines = self.services.public_components().await.unwrap();
        let found = lines.iter().flat_map(|g| &g.components).find(|line| line.component.name.as_str() == name);
        found.unwrap().component.id.to_string()
    }

    pub(crate) fn at(&self, time: &str) {
        self.services.clock.set(utc(time));
    }

    /// A good backup of vm3.
    pub(crate) async fn ran(&self, from: &str, to: &str) {
        let run = Run {
            id: RunId(Uuid::now_v7()),
            job_id: self.image,
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
        let mut tx = self.services.db.write().await.unwrap();
        tx.insert_run(&run, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Everything that is due happens, as the worker does it.
    pub(crate) async fn pass(&self, time: &str) {
        self.at(time);
        while self.services.run_due().await.unwrap() > 0 {}
    }

    /// A window on vm3: local times in Dublin (an hour ahead of UTC).
    pub(crate) fn input(&self, title: &str, start: &str, end: &str) -> MaintenanceInput {
        let local = |text: &str| text.split_once(' ').map(|(day, time)| format!("2014-05-{day}T{time}"));
        MaintenanceInput {
            title: Some(title.to_owned()),
            message: Some("Sites on this cluster are *offline* for about ten minutes.".to_owned()),
            hosts: Some(vec![self.vm3.to_string()]),
            components: Some(vec![]),
            zone: Some("Europe/Dublin".to_owned()),
            start: local(start),
            end: local(end),
            may_wait: Some("2 h".to_owned()),
            auto_start: Some(true),
            auto_complete: Some(true),
            ..MaintenanceInput::default()
        }
    }

    pub(crate) async fn draft(&self, title: &str, start: &str, end: &str) -> Maintenance {
        let input = self.input(title, start, end);
        self.services.draft_maintenance(&Actor::system(), &input).await.unwrap()
    }

    pub(crate) async fn scheduled(&self, title: &str, start: &str, end: &str) -> Maintenance {
        let input = self.input(title, start, end);
        match self.services.schedule_maintenance(&Actor::system(), Target::New, &input).await.unwrap() {
            Planning::Scheduled(m) => m,
            other => unreachable!("{other:?}"),
        }
    }

    /// The story's window: Thursday, 20:00 to 22:00 in Dublin, may last until midnight.
    pub(crate) async fn thursday(&self) -> Maintenance {
        self.scheduled("Replace a failed disk in vm3", "15 20:00", "15 22:00").await
    }

    pub(crate) async fn post(&self, id: MaintenanceId, body: &str) {
        self.services.post_update(&Actor::system(), id, None, body).await.unwrap();
    }
}

/// So many seconds later.
pub(crate) fn later(services: &Services, seconds: i64) {
    services.clock.set(Span::seconds(seconds).after(services.now()));
}
