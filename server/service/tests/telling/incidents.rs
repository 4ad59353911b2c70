use crate::{Story, confirm_link, noon};
use domain::component::ComponentState;
use domain::ids::ComponentId;
use domain::incident::{Incident, IncidentState};
use domain::subscriber::{LeftOut, Topic};
use domain::text::{Name, Prose};
use domain::time::Span;
use outbound::mail::Mail;
use service::Actor;
use service::deliveries::About;
use service::incidents::{IncidentPost, NewIncident, PastIncident};
use service::inventory::ComponentInput;
use service::subscribers::Subscribe;
use service::tell::Post;
use storage::outbox::DeliveryFilter;
use storage::testing::Engine;
use uuid::Uuid;

impl Story {
    pub(super) async fn component(&self, name: &str) -> ComponentId {
        let input = ComponentInput { name: name.to_owned(), ..ComponentInput::default() };
        self.services.add_component(&Actor::system(), input).await.unwrap().component.id
    }

    pub(super) async fn broke(&self, title: &str, components: &[(ComponentId, ComponentState)]) -> Incident {
        let new = NewIncident {
            title: Name::parse(title).unwrap(),
            severity: None,
            components: components.iter().copied().collect(),
            started_at: None,
            maintenance: None,
            state: IncidentState::Investigating,
            body: Prose::parse("It does **not** answer.").unwrap(),
            tell: true,
        };
        self.services.open_incident(&Actor::system(), new).await.unwrap()
    }

    pub(super) async fn say(&self, incident: &Incident, state: IncidentState, body: &str) {
        let body = Prose::parse(body).unwrap();
        let post = IncidentPost { state, body, components: [].into(), tell: true };
        self.services.update_incident(&Actor::system(), incident.id, None, post).await.unwrap();
    }

    pub(super) fn later(&self, minutes: i64) {
        self.services.clock.set(Span::minutes(minutes).after(self.services.now()));
    }

    /// Somebody who confirmed and follows these.
    async fn follower(&self, email: &str, components: &[ComponentId], topics: &[Topic]) {
        let subscriber = self.reader(email).await;
        let components = components.iter().map(ToString::to_string).collect::<Vec<_>>();
        let topics = topics.iter().map(|topic| topic.as_str().to_owned()).collect::<Vec<_>>();
        let link = service::keys::Purpose::Manage;
        let link = self.services.keys.link(link, subscriber.id.0, subscriber.token_version);
        self.services.change_subscription(None, &link, "Asia/Tokyo", &components, &topics).await.unwrap();
    }
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let at = mail.find(&format!("\r\n{name}: ")).unwrap_or_else(|| panic!("no {name} in {mail}")) + name.len() + 4;
    let end = mail[at..].match_indices("\r\n").find(|(i, _)| !mail[at + i + 2..].starts_with(' ')).unwrap().0;
    &mail[at..at + end]
}

fn text(mail: &Mail) -> String {
    String::from_utf8(mail.raw.clone()).unwrap()
}

async fn an_incident_is_told_from_its_opening_to_its_end_in_one_thread(engine: Engine) {
    let story = Story::begin(engine).await;
    let api = story.component("API").await;
    story.follower("ann@example.net", &[], &[]).await;
    let incident = story.broke("API does not answer", &[(api, ComponentState::PartialOutage)]).await;
    let mut mails = story.deliver().await;
    for (state, body) in [
        (IncidentState::Identified, "A disk."),
        (IncidentState::Resolved, "Mended."),
        (IncidentState::Investigating, "It is back."),
        (IncidentState::Resolved, "Mended for good."),
    ] {
        story.later(5);
        story.say(&incident, state, body).await;
        mails.extend(story.deliver().await);
    }
    let raw: Vec<String> = mails.iter().map(text).collect();
    let firsts = ["New incident: investigating", "Identified", "Resolved", "Open again: investigating", "Resolved"];
    assert_eq!(raw.len(), firsts.len());
    for (raw, first) in raw.iter().zip(firsts) {
        assert!(raw.contains(&format!("\r\n\r\n{first}\r\n")), "{first} is not the first line of {raw}");
        assert_eq!(header(raw, "Subject"), "[Northwind] API does not answer (I-1)");
        assert_eq!(header(raw, "References"), header(raw, "In-Reply-To"));
        assert_eq!(header(raw, "References"), format!("<in-{}.s1@status.example.org>", incident.id));
        assert!(header(raw, "List-Unsubscribe").contains("/unsubscribe/"), "{raw}");
        assert!(raw.contains("JST (UTC+9)") && raw.contains("UTC"), "times in the zone of the reader and in UTC");
        assert!(raw.contains(&format!("/incidents/{}", incident.id)), "{raw}");
    }
    let ids: std::collections::BTreeSet<&str> = raw.iter().map(|raw| header(raw, "Message-ID")).collect();
    assert_eq!(ids.len(), firsts.len());
    assert!(raw[0].contains("- API: Partial outage") && raw[0].contains("It does not answer."), "{}", raw[0]);
    assert!(raw[2].contains("- API: Operational") && raw[2].contains("Lasted: 10 min"), "{}", raw[2]);
    assert!(raw[4].contains("Lasted: 15 min"), "not the five between its two outages: {}", raw[4]);
    let about = story.newest(&Actor::system()).await.about;
    let name = "I-1 API does not answer".to_owned();
    assert_eq!(about, About::Incident { id: incident.id, name, state: IncidentState::Resolved });
}

async fn who_is_told_can_be_known_before_and_is_right(engine: Engine) {
    let story = Story::begin(engine).await;
    let (api, dns) = (story.component("API").await, story.component("DNS").await);
    story.follower("all@example.net", &[], &[]).await;
    story.follower("api@example.net", &[api], &[]).await;
    story.follower("dns@example.net", &[dns], &[]).await;
    story.follower("plans@example.net", &[], &[Topic::Maintenance]).await;
    story.subscribe("pending@example.net").await;
    story.deliver().await;
    let mut tx = story.db.db.read().await.unwrap();
    let audience = story.services.audience(&mut tx, Topic::Incidents, &[api]).await.unwrap();
    assert_eq!(audience.mails, 2);
    let left_out = [(LeftOut::NotConfirmed, 1), (LeftOut::OtherTopics, 1), (LeftOut::OtherComponents, 1)];
    assert_eq!(audience.left_out, left_out);
    let whole = story.services.audience(&mut tx, Topic::Incidents, &[]).await.unwrap();
    assert_eq!(whole.mails, 3, "what names no component concerns the whole site");
    drop(tx);
    story.broke("API is slow", &[(api, ComponentState::DegradedPerformance)]).await;
    let to: Vec<String> = story.deliver().await.iter().map(|mail| mail.to.to_string()).collect();
    assert_eq!(to.len(), 2);
    assert!(to.contains(&"all@example.net".to_owned()) && to.contains(&"api@example.net".to_owned()), "{to:?}");
}

async fn an_update_that_waits_too_long_gives_way_to_a_newer_one(engine: Engine) {
    let story = Story::begin(engine).await;
    let api = story.component("API").await;
    story.follower("ann@example.net", &[], &[]).await;
    let incident = story.broke("API is slow", &[(api, ComponentState::DegradedPerformance)]).await;
    story.later(14);
    story.say(&incident, IncidentState::Identified, "Known.").await;
    story.later(10);
    story.say(&incident, IncidentState::Resolved, "Over.").await;
    let mut tx = story.db.db.read().await.unwrap();
    let dropped = tx.deliveries_before(None, DeliveryFilter::Dropped, 9).await.unwrap();
    assert_eq!(dropped.len(), 1, "of two that wait only the one of 24 minutes ago");
    assert_eq!(dropped[0].last_error.as_deref(), Some("superseded by a newer update"));
    drop(tx);
    let mails = story.deliver().await;
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| !text(mail).contains("New incident")), "its readers hear of the rest");
}

async fn what_is_private_or_entered_afterwards_is_told_to_nobody(engine: Engine) {
    let story = Story::begin(engine).await;
    let api = story.component("API").await;
    let input = ComponentInput { name: "Inner bus".to_owned(), is_private: true, ..ComponentInput::default() };
    let inner = story.services.add_component(&Actor::system(), input).await.unwrap().component.id;
    story.follower("ann@example.net", &[], &[]).await;
    let bus = story.broke("The bus is slow", &[(inner, ComponentState::MajorOutage)]).await;
    let past = PastIncident {
        title: Name::parse("API was away").unwrap(),
        severity: None,
        components: [(api, ComponentState::MajorOutage)].into(),
        started_at: Span::hours(3).before(noon()),
        maintenance: None,
        updates: vec![domain::incident::transition::PastPost {
            at: Span::hours(2).before(noon()),
            state: IncidentState::Resolved,
            body: Prose::parse("It was away.").unwrap(),
            components: [].into(),
        }],
    };
    let past = story.services.backfill_incident(&Actor::system(), past).await.unwrap();
    assert_eq!(story.deliver().await.len(), 0);
    let told = async |of| {
        let (_, updates) = story.services.incident_timeline(&Actor::system(), of).await.unwrap();
        updates.iter().map(|update| update.told).collect::<Vec<_>>()
    };
    assert_eq!(told(bus.id).await, [false], "nobody was there to be told");
    story.say(&past, IncidentState::Investigating, "It is away again.").await;
    let mails = story.deliver().await;
    assert!(mails.len() == 1 && text(&mails[0]).contains("It is away again."), "what happens now is news");
    assert_eq!(told(past.id).await.iter().filter(|told| **told).count(), 1);
    let mut tx = story.db.db.read().await.unwrap();
    let audience = story.services.audience(&mut tx, Topic::Incidents, &[inner]).await.unwrap();
    assert_eq!((audience.mails, audience.left_out), (0, vec![(LeftOut::Private, 1)]));
    drop(tx);
    let both = [(api, ComponentState::PartialOutage), (inner, ComponentState::MajorOutage)];
    story.broke("Two things", &both).await;
    let mails = story.deliver().await;
    assert!(mails.len() == 1 && !text(&mails[0]).contains("Inner bus"), "a mail names what is public");
}

async fn what_is_published_is_told_to_those_who_want_it(engine: Engine) {
    let story = Story::begin(engine).await;
    story.follower("usual@example.net", &[], &[]).await;
    story.follower("reports@example.net", &[], &[Topic::Reports]).await;
    let post = |topic, title: &str| Post {
        topic,
        subject: ("report", Uuid::from_u128(7)),
        thread: "report-2014-05".to_owned(),
        title: Name::parse(title).unwrap(),
        lead: "The month in figures.".to_owned(),
        message: Prose::parse("99.97 % of the time.").unwrap(),
        path: "/reports/2014-05".to_owned(),
        components: Vec::new(),
    };
    for (topic, title, told) in
        [(Topic::Reports, "May 2014", "reports@example.net"), (Topic::Announcements, "A new name", "usual@example.net")]
    {
        let mut tx = story.db.db.decide().await.unwrap();
        let subject = ("post", Uuid::from_u128(topic.bit() as u128));
        assert_eq!(story.services.tell_post(&mut tx, &Post { subject, ..post(topic, title) }).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let mails = story.deliver().await;
        let raw = text(&mails[0]);
        assert_eq!(mails[0].to.to_string(), told);
        assert_eq!(header(&raw, "Subject"), format!("[Northwind] {title}"));
        assert!(raw.contains("https://status.example.org/reports/2014-05") && raw.contains("99.97 % of the time."));
    }
    let About::Post { label, name, path } = story.newest(&Actor::system()).await.about else { panic!("no post") };
    assert_eq!((label, name.as_str(), path.as_str()), ("Announcement", "A new name", "/reports/2014-05"));
}

async fn topics_are_chosen_on_the_form_and_behind_the_link(engine: Engine) {
    let story = Story::begin(engine).await;
    let ask = |topics: &[&str]| Subscribe {
        email: "ann@example.net".to_owned(),
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        ..Subscribe::default()
    };
    for none in [&[""][..], &["", "weather"]] {
        let refused = story.services.subscribe(None, ask(none)).await.unwrap_err();
        assert!(matches!(&refused, service::Error::Invalid(fields) if fields[0].field == "topics"), "{refused:?}");
    }
    story.services.subscribe(None, ask(&["", "incidents", "reports"])).await.unwrap();
    let link = confirm_link(&story.deliver().await[0]);
    let subscription = story.services.confirm(None, &link).await.unwrap();
    let topics: Vec<Topic> = subscription.subscriber.topics.iter().collect();
    assert_eq!(topics, [Topic::Incidents, Topic::Reports]);
    let link = subscription.manage_link;
    let change = async |topics: &[&str]| {
        let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
        story.services.change_subscription(None, &link, "UTC", &[], &topics).await
    };
    assert!(change(&[""]).await.is_err());
    let kept = change(&[]).await.unwrap().subscriber.topics;
    assert_eq!(kept.iter().count(), 2, "who says nothing of topics changes none");
    let all = change(&["", "maintenance", "action_items"]).await.unwrap().subscriber.topics;
    assert!(all.has(Topic::Maintenance) && all.has(Topic::ActionItems) && !all.has(Topic::Incidents));
}

storage::on_both!(
    an_incident_is_told_from_its_opening_to_its_end_in_one_thread,
    who_is_told_can_be_known_before_and_is_right,
    an_update_that_waits_too_long_gives_way_to_a_newer_one,
    what_is_private_or_entered_afterwards_is_told_to_nobody,
    what_is_published_is_told_to_those_who_want_it,
    topics_are_chosen_on_the_form_and_behind_the_link,
);
