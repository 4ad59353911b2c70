//! A draft of alerts joins the incident that a person has opened for the same trouble.

use crate::{World, minute};
use domain::alert::belong::Nearness;
use domain::alert::cause::{Cause, CauseState};
use domain::component::ComponentState;
use domain::ids::ComponentId;
use domain::incident::{Incident, IncidentState};
use domain::people::Scope;
use domain::text::{Name, Prose};
use serde_json::json;
use service::alerts::RuleInput;
use service::incidents::{IncidentEdit, IncidentPost, NewIncident};
use service::{Actor, Error};
use storage::testing::Engine;

impl World {
    fn new_incident(&self, title: &str, components: &[ComponentId]) -> NewIncident {
        NewIncident {
            title: Name::parse(title).unwrap(),
            severity: None,
            components: components.iter().map(|id| (*id, ComponentState::MajorOutage)).collect(),
            started_at: None,
            maintenance: None,
            state: IncidentState::Identified,
            body: Prose::parse("We are on it.").unwrap(),
            tell: true,
        }
    }

    /// A person opens an incident.
    async fn open(&self, title: &str, components: &[ComponentId]) -> Incident {
        let new = self.new_incident(title, components);
        self.services.open_incident(&self.token(Scope::IncidentWrite).await, new).await.unwrap()
    }

    /// The draft of this cause joins an incident.
    async fn join(&self, cause: &Cause, into: &Incident) -> Result<Incident, Error> {
        let person = self.token(Scope::IncidentWrite).await;
        self.services.join_incident(&person, cause.incident.unwrap(), None, &into.id.to_string()).await
    }
}

async fn alerts_belong_to_what_a_person_has_opened_for_the_same_trouble(engine: Engine) {
    let w = World::begin(engine).await;
    let own = w.open("Sites do not answer", &[w.cluster]).await;
    w.send("firing", &["web-12"]).await;
    let part = w.only_cause().await;
    let person = w.token(Scope::IncidentWrite).await;
    let edit = IncidentEdit { text: Some(Prose::parse("vm3 is gone.").unwrap()), ..IncidentEdit::default() };
    let draft = w.services.edit_incident(&person, part.incident.unwrap(), None, edit).await.unwrap();
    let offered = w.services.joinable(&w.system, draft.id).await.unwrap();
    assert_eq!(
        (offered.len(), offered[0].id, offered[0].shared.as_slice()),
        (1, own.id, &["Cluster 12".to_owned()][..])
    );
    assert!(w.services.alerts_look(&w.system, "").await.unwrap().has_joinable);

    let into = own.id.to_string();
    let stale = w.services.join_incident(&person, draft.id, draft.version - 1, &into).await;
    assert!(matches!(stale, Err(Error::Stale(stale)) if stale.version == Some(draft.version)));
    assert_eq!(w.audited("incident.join").await, 0);
    let changes = w.services.db.changes();
    let gone = w.services.join_incident(&person, draft.id, draft.version, &into).await.unwrap();
    assert_eq!((gone.state, gone.version), (IncidentState::Discarded, draft.version + 1));
    assert_eq!(gone.draft_text.as_str(), "vm3 is gone.", "what was written is kept");
    assert_eq!(w.incident(&part).await, gone);
    assert_eq!((w.audited("incident.join").await, w.audited("incident.discard").await), (1, 0));
    let log = w.services.audit_log(&w.system, &service::audit::AuditFilter::default()).await.unwrap();
    let line = log.entries.iter().find(|entry| entry.action == "incident.join").unwrap();
    assert_eq!(line.object_id, draft.id.to_string());
    let joined = format!(r#""joined":{{"id":"{into}","title":"I-1 Sites do not answer"}}"#);
    assert!(line.after.as_ref().unwrap().contains(&joined), "{line:?}");

    let whole = w.only_cause().await;
    assert_eq!((whole.incident, whole.incident_state, whole.firing), (Some(own.id), Some(own.state), 1));
    let look = w.services.alerts_of_incident(&w.system, own.id).await.unwrap();
    assert_eq!((look.causes[0].alerts.len(), look.causes[0].parts.len(), look.causes[0].parts[0].0), (1, 1, draft.id));
    let look = w.services.alerts_of_incident(&w.system, draft.id).await.unwrap();
    assert_eq!(look.causes[0].cause.state, CauseState::Merged);
    assert_eq!(look.causes[0].whole.as_ref().unwrap().0, own.id, "the way there stands on what was the draft");
    assert!(w.services.joinable(&w.system, draft.id).await.unwrap().is_empty());
    assert!(w.services.attention(&w.system).await.unwrap().causes.is_empty(), "nobody needs to decide on it any more");

    let Err(Error::Refused { message, .. }) = w.services.end_cause(&person, part.id).await else { panic!("it ended") };
    assert_eq!(message, format!("This cause is part of {} (I-1 Sites do not answer) now: end that one.", whole.id));

    // What comes now is counted there; the end of all of it is proposed there.
    let again = w.send("firing", &["vm3", "web-12"]).await;
    assert_eq!((again.added, again.repeated, again.causes), (1, 1, [whole.id].into()));
    assert!(w.services.db.read().await.unwrap().incident_drafts().await.unwrap().is_empty());
    w.send("resolved", &["vm3"]).await;
    assert_eq!(w.at(60).await, 0, "one still fires");
    w.send("resolved", &["web-12"]).await;
    assert_eq!(w.at(65).await, 1);
    assert!(w.only_cause().await.proposed_at.is_some());
    let end = w.services.proposed_end(&w.system, own.id).await.unwrap();
    assert!(end.unwrap().as_str().contains("Cluster 12"));
    assert!(!changes.has_changed().unwrap(), "customers were told nothing of all this");
    let over = IncidentPost {
        state: IncidentState::Resolved,
        body: Prose::parse("Done.").unwrap(),
        components: Default::default(),
        tell: false,
    };
    w.services.update_incident(&person, own.id, None, over).await.unwrap();
    assert_eq!(w.at(66).await, 1);
    assert_eq!(w.only_cause().await.state, CauseState::Over);
    w.send("firing", &["web-12"]).await;
    assert_eq!(w.causes().await[0].incident_state, Some(IncidentState::Draft), "what comes after it is new");
}

async fn a_rule_posts_the_end_where_the_alerts_have_joined(engine: Engine) {
    let w = World::begin(engine).await;
    let rule = RuleInput { action: "draft".to_owned(), resolution: "post".to_owned(), ..RuleInput::default() };
    w.rule(rule).await;
    let own = w.open("Sites do not answer", &[w.cluster]).await;
    w.send("firing", &["web-12"]).await;
    w.join(&w.only_cause().await, &own).await.unwrap();
    w.services.clock.set(minute(1));
    w.send("resolved", &["web-12"]).await;
    assert_eq!(w.at(6).await, 1);
    let whole = w.only_cause().await;
    assert_eq!((whole.state, whole.incident_state), (CauseState::Over, Some(IncidentState::Resolved)));
    assert_eq!(w.said(&whole).await.len(), 2);
}

async fn a_rule_does_not_end_what_a_person_said_of_something_else(engine: Engine) {
    for names_both in [true, false] {
        let w = World::begin(engine).await;
        let both = [w.cluster, w.add_mail().await];
        w.rule(RuleInput { action: "draft".to_owned(), resolution: "post".to_owned(), ..RuleInput::default() }).await;
        let own = w.open("Mail and sites are down", if names_both { &both } else { &[] }).await;
        w.send("firing", &["web-12"]).await;
        w.join(&w.only_cause().await, &own).await.unwrap();
        w.send("resolved", &["web-12"]).await;
        assert_eq!(w.at(6).await, 1);
        let whole = w.only_cause().await;
        assert_eq!((w.incident(&whole).await.state, w.said(&whole).await.len()), (IncidentState::Identified, 1));
        assert_eq!((whole.state, whole.proposed_at), (CauseState::Open, Some(minute(6))), "a person is asked");
        assert_eq!(w.services.alert_needs(&w.system).await.unwrap().len(), 1);
        assert_eq!(w.at(60).await, 0);
    }
}

async fn what_ended_later_than_the_rest_is_waited_for(engine: Engine) {
    let w = World::begin(engine).await;
    w.add_mail().await;
    let (action, resolution, quiet_for) = ("draft".to_owned(), "post".to_owned(), "10m".to_owned());
    w.rule(RuleInput { action, resolution, quiet_for, ..RuleInput::default() }).await;
    let own = w.open("Sites do not answer", &[w.cluster]).await;
    w.send("firing", &["web-12"]).await;
    w.join(&w.only_cause().await, &own).await.unwrap();
    w.send("firing", &["mail-3"]).await;
    w.services.clock.set(minute(1));
    w.send("resolved", &["web-12"]).await;
    w.services.clock.set(minute(10));
    w.send("resolved", &["mail-3"]).await;
    let [mail, _] = w.causes().await.try_into().unwrap();
    w.join(&mail, &own).await.unwrap();
    assert_eq!(w.at(19).await, 0, "mail-3 is quiet for 9 minutes only");
    assert_eq!(w.said(&w.only_cause().await).await.len(), 1);
    assert_eq!(w.at(20).await, 1);
    assert_eq!(w.incident(&w.only_cause().await).await.state, IncidentState::Resolved);
}

async fn what_has_joined_ends_when_all_of_it_is_quiet(engine: Engine) {
    let w = World::begin(engine).await;
    let mail = w.add_mail().await;
    let own = w.open("Nothing works", &[]).await;
    w.send("firing", &["web-12"]).await;
    w.services.clock.set(minute(1));
    w.send("firing", &["mail-3"]).await;
    let [second, first] = w.causes().await.try_into().unwrap();
    w.join(&first, &own).await.unwrap();
    w.join(&second, &own).await.unwrap();
    let whole = w.only_cause().await;
    assert_eq!((whole.alerts, whole.firing, whole.components.len()), (2, 2, 2));
    assert!(whole.components.contains_key(&mail));
    let look = w.services.alerts_of_incident(&w.system, own.id).await.unwrap();
    let parts: Vec<_> = look.causes[0].parts.iter().map(|(id, ..)| Some(*id)).collect();
    assert_eq!(parts, [second.incident, first.incident]);
    let waits = w.services.alert_needs(&w.system).await.unwrap();
    assert_eq!(waits.len(), 1, "customers read nothing of either: somebody is to say so");
    w.send("resolved", &["web-12"]).await;
    assert_eq!(w.at(30).await, 0, "mail-3 still fires");
    w.send("resolved", &["mail-3"]).await;
    assert_eq!(w.at(35).await, 1);
    assert!(w.only_cause().await.proposed_at.is_some());
}

async fn what_was_part_of_a_draft_is_named_where_that_has_joined(engine: Engine) {
    let w = World::begin(engine).await;
    w.add_mail().await;
    let own = w.open("Sites do not answer", &[w.cluster]).await;
    w.send("firing", &["web-12"]).await;
    w.send("firing", &["mail-3"]).await;
    let [second, first] = w.causes().await.try_into().unwrap();
    // One group of their sender on both hosts.
    for host in ["web-12", "mail-3"] {
        let alert = json!({"status": "firing", "fingerprint": format!("disk {host}"), "labels": {"instance": host}});
        w.send_grouped("g", alert).await;
    }
    let one = w.only_cause().await;
    assert_eq!(one.id, first.id);
    w.join(&one, &own).await.unwrap();
    let look = w.services.alerts_of_incident(&w.system, own.id).await.unwrap();
    let parts: Vec<_> = look.causes[0].parts.iter().map(|(id, ..)| Some(*id)).collect();
    assert_eq!(parts, [second.incident, first.incident]);
}

async fn what_may_not_join_says_why(engine: Engine) {
    let w = World::begin(engine).await;
    let (web, site) = (w.open("Sites", &[w.cluster]).await, w.open("All", &[]).await);
    w.send("firing", &["web-12"]).await;
    let cause = w.only_cause().await;
    let draft = cause.incident.unwrap();
    let person = w.token(Scope::IncidentWrite).await;
    let written = w.services.draft_incident(&person, w.new_incident("By hand", &[w.cluster])).await.unwrap();
    let try_it = async |actor: &Actor, of, into: &str| w.services.join_incident(actor, of, None, into).await;
    for scope in [Scope::Read, Scope::AlertReport, Scope::MaintenanceWrite] {
        let may_not = try_it(&w.token(scope).await, draft, &web.id.to_string()).await;
        assert!(matches!(may_not, Err(Error::Forbidden(_))), "{scope:?}");
    }
    let unknown = uuid::Uuid::nil().to_string();
    for (into, says) in [
        ("", "Choose the incident that it belongs to."),
        ("I-1", "There is no such incident."),
        (unknown.as_str(), "There is no such incident."),
        (&draft.to_string(), "I-3 is a draft: choose an incident that is published and not over."),
        (&written.id.to_string(), "I-4 is a draft: choose an incident that is published and not over."),
    ] {
        let Err(Error::Invalid(fields)) = try_it(&person, draft, into).await else { panic!("{into}") };
        assert_eq!((fields[0].field, fields[0].message.as_str()), ("incident", says));
    }
    for (of, says) in [
        (written.id, "No alerts are counted in this draft that could belong to another incident."),
        (web.id, "This incident is identified and can not join another: only a draft can."),
    ] {
        let Err(Error::Refused { code, message, .. }) = try_it(&person, of, &site.id.to_string()).await else {
            panic!("{says}")
        };
        assert_eq!((code, message.as_str()), ("wrong_state", says));
    }
    assert_eq!(w.audited("incident.join").await, 0);
    assert!(w.services.joinable(&w.system, written.id).await.unwrap().is_empty(), "no alerts made it");
    w.join(&cause, &web).await.unwrap();
    assert!(matches!(w.join(&cause, &site).await, Err(Error::Refused { code: "wrong_state", .. })), "once");
    let missing = w.services.join_incident(&person, uuid::Uuid::nil().into(), None, &web.id.to_string()).await;
    assert!(matches!(missing, Err(Error::NotFound(_))));
}

async fn what_alerts_add_to_a_draft_does_not_keep_it_from_joining(engine: Engine) {
    let w = World::begin(engine).await;
    let mail = w.add_mail().await;
    let own = w.open("Sites do not answer", &[w.cluster]).await;
    let alert = |host: &str| json!({"status": "firing", "fingerprint": host, "labels": {"instance": host}});
    w.send_grouped("g", alert("web-12")).await;
    let cause = w.only_cause().await;
    let read = w.incident(&cause).await;
    w.send_grouped("g", alert("mail-3")).await;
    let stored = w.incident(&cause).await;
    assert!(stored.version > read.version && stored.components.contains_key(&mail));
    let (person, into) = (w.token(Scope::IncidentWrite).await, own.id.to_string());
    let join = async |version: i64| w.services.join_incident(&person, read.id, version, &into).await;
    let newer = join(stored.version + 1).await;
    assert!(matches!(newer, Err(Error::Stale(stale)) if stale.version == Some(stored.version)), "nobody has read that");
    let joined = join(read.version).await.unwrap();
    assert_eq!((joined.state, joined.version), (IncidentState::Discarded, stored.version + 1));
    assert_eq!(w.only_cause().await.alerts, 2);
}

async fn the_likeliest_incident_is_offered_first(engine: Engine) {
    let w = World::begin(engine).await;
    let mail = w.add_mail().await;
    // It stands on vm3 beside what does not answer.
    let hosts = vec![w.vm3.to_string()];
    let shell = service::inventory::ComponentInput { name: "Shell".to_owned(), hosts, ..Default::default() };
    let shell = w.services.add_component(&w.system, shell).await.unwrap().component.id;
    for (title, components) in
        [("web", &[w.cluster, mail][..]), ("host", &[shell][..]), ("elsewhere", &[mail][..]), ("site", &[][..])]
    {
        w.open(title, components).await;
    }
    w.send("firing", &["web-12"]).await;
    let draft = w.only_cause().await.incident.unwrap();
    let offered = w.services.joinable(&w.system, draft).await.unwrap();
    let offered: Vec<_> = offered.iter().map(|one| (one.title.as_str(), one.nearness, one.shared.len())).collect();
    assert_eq!(
        offered,
        [
            ("web", Nearness::Components, 1),
            ("host", Nearness::Hosts, 0),
            ("site", Nearness::WholeSite, 0),
            ("elsewhere", Nearness::Elsewhere, 0)
        ]
    );
}

async fn who_reports_is_told_what_is_known_of_the_components(engine: Engine) {
    let w = World::begin(engine).await;
    let mail = w.add_mail().await;
    let near = async |of: &[ComponentId]| w.services.incidents_near(&w.system, of).await.unwrap();
    assert!(near(&[w.cluster, mail]).await.is_empty());
    w.send("firing", &["web-12"]).await;
    let own = w.open("Sites do not answer", &[w.cluster, mail]).await;
    assert!(near(&[]).await.is_empty(), "nothing is chosen");
    let known = near(&[w.cluster]).await;
    let known: Vec<_> = known.iter().map(|one| (one.number, one.state, one.on.join(" "))).collect();
    let on = "Cluster 12".to_owned();
    assert_eq!(known, [(2, IncidentState::Identified, on.clone()), (1, IncidentState::Draft, on)]);
    let known = near(&[mail]).await;
    assert_eq!((known.len(), known[0].id, known[0].on.as_slice()), (1, own.id, &["Mail".to_owned()][..]));
    let site = w.open("Nothing works", &[]).await;
    let known: Vec<_> = near(&[w.cluster]).await.into_iter().map(|one| (one.number, one.on.len())).collect();
    assert_eq!(known, [(2, 1), (1, 1), (site.number, 0)], "it may be this one, too");
    let well = IncidentPost {
        state: IncidentState::Monitoring,
        body: Prose::parse("Mail is back.").unwrap(),
        components: [(mail, ComponentState::Operational)].into(),
        tell: false,
    };
    w.services.update_incident(&w.system, own.id, None, well).await.unwrap();
    let known: Vec<_> = near(&[mail]).await.into_iter().map(|one| one.id).collect();
    assert_eq!(known, [site.id]);
    let may_not = w.services.incidents_near(&Actor::public(None), &[mail]).await;
    assert!(matches!(may_not, Err(Error::SignInNeeded)));
}

storage::on_both!(
    alerts_belong_to_what_a_person_has_opened_for_the_same_trouble,
    a_rule_posts_the_end_where_the_alerts_have_joined,
    a_rule_does_not_end_what_a_person_said_of_something_else,
    what_ended_later_than_the_rest_is_waited_for,
    what_has_joined_ends_when_all_of_it_is_quiet,
    what_was_part_of_a_draft_is_named_where_that_has_joined,
    what_may_not_join_says_why,
    what_alerts_add_to_a_draft_does_not_keep_it_from_joining,
    the_likeliest_incident_is_offered_first,
    who_reports_is_told_what_is_known_of_the_components,
);
