//! How long an incident lasted that was over and was opened again.

use crate::{Story, news};
use domain::component::ComponentState;
use domain::impact::Source;
use domain::incident::Incident;
use domain::time::Span;
use service::Error;
use service::incidents::{BackfillInput, Deed, EditInput, IncidentsListing};
use storage::testing::Engine;

impl Story {
    /// Down for ten minutes on the 12th, entered on the 15th; then again, up to its end if it has one.
    async fn again(&self, ends: Option<&str>) -> Incident {
        let input = BackfillInput {
            title: "{{components}} was away".to_owned(),
            components: self.states(&[(self.cluster, ComponentState::MajorOutage)]),
            started_at: "2014-05-12T10:00:00Z".to_owned(),
            resolved_at: "2014-05-12T10:10:00Z".to_owned(),
            body: "The cable is mended.".to_owned(),
            ..BackfillInput::default()
        };
        let incident = self.services.enter_past_incident(&self.ada, None, &input).await.unwrap();
        self.at("15 19:52");
        let again = news("", "It is away again.");
        let opened = self.services.post_incident_update(&self.ada, None, incident.id, Some(1), Deed::Reopen, &again);
        let opened = opened.await.unwrap();
        let Some(end) = ends else { return opened };
        self.at(end);
        self.say(&opened, news("resolved", "Another cable.")).await.unwrap()
    }

    async fn listed(&self, listing: IncidentsListing) -> Vec<Option<Span>> {
        let list = self.services.incidents(&self.ada, listing, None, 10).await.unwrap();
        list.into_iter().map(|line| line.lasted).collect()
    }
}

async fn the_days_in_which_it_was_over_are_counted_nowhere(engine: Engine) {
    let story = Story::begin(engine).await;
    let services = &story.services;
    let incident = story.again(None).await;
    story.at("15 19:55");
    services.report_incident(&story.ada, None, &story.outage(), false).await.unwrap();
    assert_eq!(story.listed(IncidentsListing::Open).await, [Some(Span::minutes(13))], "so far");
    assert_eq!(story.listed(IncidentsListing::Drafts).await, [None]);
    assert_eq!(services.public_incident(incident.id).await.unwrap().1.lasted, None, "it goes on");
    story.at("15 19:57");
    story.say(&incident, news("resolved", "Another cable.")).await.unwrap();
    let lasted = Some(Span::minutes(15));
    story.at("16 12:00");
    story.say(&Incident { version: 3, ..incident.clone() }, news("resolved", "For good.")).await.unwrap();
    assert_eq!(story.listed(IncidentsListing::Past).await, [lasted]);
    assert_eq!(services.public_incident(incident.id).await.unwrap().1.lasted, lasted);
    assert_eq!(services.incident_detail(&story.ada, incident.id).await.unwrap().lasted, lasted);
    services.clock.set("2014-06-01T12:00:00Z".parse().unwrap());
    services.freeze_due_reports().await.unwrap();
    let report = services.public_report("2014-05").await.unwrap();
    assert_eq!((report.content.incidents[0].lasted(), report.content.trouble()), (lasted, Span::minutes(15)));
    assert!(report.csv().contains("was away,15,min,"), "{}", report.csv());
    assert!(report.json().unwrap().contains("\"lasted_s\": 900"), "{}", report.json().unwrap());
}

async fn its_end_is_never_mended_to_before_it_was_opened_again(engine: Engine) {
    let story = Story::begin(engine).await;
    let incident = story.again(Some("15 19:57")).await;
    story.at("15 20:00");
    let history = story.history(Source::Incident, incident.id.0).await;
    let mend = async |end: &str| {
        let input = EditInput { resolved_at: Some(format!("2014-05-{end}:00Z")), ..EditInput::default() };
        story.services.change_incident(&story.ada, incident.id, Some(incident.version), &input).await
    };
    for end in ["12T10:05", "12T10:10", "15T19:52"] {
        let Err(Error::Invalid(wrong)) = mend(end).await else { panic!("{end} was taken") };
        assert_eq!((wrong.len(), wrong[0].field), (1, "resolved_at"));
        assert!(wrong[0].message.starts_with("It was opened again after that"), "{wrong:?}");
    }
    assert_eq!(story.history(Source::Incident, incident.id.0).await, history, "nothing is lost");
    let mended = mend("15T19:53").await.unwrap();
    let shown = story.services.public_incident(mended.id).await.unwrap().1;
    assert_eq!(shown.lasted, Some(Span::minutes(11)));
    assert_eq!(story.history(Source::Incident, incident.id.0).await.len(), 2);
}

storage::on_both!(
    the_days_in_which_it_was_over_are_counted_nowhere,
    its_end_is_never_mended_to_before_it_was_opened_again,
);
