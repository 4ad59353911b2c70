use crate::test_app::{TestApp, TestClient};
use crate::windows::{Small, ran, small, story, utc};
use domain::ids::MaintenanceId;
use domain::maintenance::{Maintenance, State};
use domain::people::Role;
use reqwest::Response;
use service::Actor;
use service::maintenance::{Listing, MaintenanceInput, Planning, Target};
use storage::testing::Engine;

const NEW: &str = "/admin/maintenances/new";

type Form = Vec<(&'static str, String)>;

/// What the form for a new window sends when it is filled in.
fn thursday(hosts: &[String], then: &str) -> Form {
    let mut form: Form = vec![
        ("title", "Replace a failed disk in vm3".to_owned()),
        ("part", "scope".to_owned()),
        ("zone", "Europe/Dublin".to_owned()),
        ("start", "2014-05-15T20:00".to_owned()),
        ("end", "2014-05-15T22:00".to_owned()),
        ("may_wait", "2 h".to_owned()),
        ("part", "start".to_owned()),
        ("auto_start", "on".to_owned()),
        ("part", "end".to_owned()),
        ("message", "Sites will be *offline*.".to_owned()),
        ("do", then.to_owned()),
    ];
    form.extend(hosts.iter().map(|host| ("hosts", host.clone())));
    form
}

fn set(mut form: Form, name: &'static str, value: &str) -> Form {
    form.retain(|(n, _)| *n != name);
    form.push((name, value.to_owned()));
    form
}

async fn send(client: &TestClient, path: &str, form: &Form) -> Response {
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    client.post_form(path, &fields).await
}

/// Status and text with entities and the renderer's marks taken out.
async fn read(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let html = answer.text().await.unwrap();
    (status, html.replace("<!>", "").replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&"))
}

fn goes_to(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn window(app: &TestApp, path: &str) -> Maintenance {
    let id: MaintenanceId = path.split('/').nth(3).unwrap().parse().unwrap();
    app.services.maintenance(&Actor::system(), id).await.unwrap()
}

async fn drafts(app: &TestApp) -> usize {
    app.services.maintenances(&Actor::system(), Listing::Drafts, None, 99).await.unwrap().len()
}

async fn the_form_is_kept_as_a_draft_and_comes_back_filled_in(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, cluster, .. } = small(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let (status, page) = read(oisin.get(&format!("{NEW}?host={vm3}")).await).await;
    assert_eq!(status, 200);
    for part in ["Cluster 12", "What customers read", "Keep as draft", "Europe/Dublin", "Safe to schedule"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let form = thursday(&[vm3.to_string()], "draft");
    let mut form = set(form, "components", &cluster.to_string());
    form.retain(|(name, _)| *name != "auto_start");
    let place = goes_to(&send(&oisin, NEW, &form).await);
    let m = window(&app, &place).await;
    assert_eq!((m.state, m.number, m.auto_start, m.auto_complete), (State::Draft, 1, false, false));
    assert_eq!((m.hosts.as_slice(), m.components.as_slice()), ([vm3].as_slice(), [cluster].as_slice()));
    assert_eq!((m.planned.starts_at, m.planned.latest_end_at), (utc("Thu 19:00"), utc("Thu 23:00")));

    let (_, edit) = read(oisin.get(&format!("{place}/edit")).await).await;
    for part in ["2014-05-15T20:00", "2014-05-15T22:00", "Replace a failed disk in vm3", "<em>offline</em>", "2 h"] {
        assert!(edit.contains(part), "{part}: {edit}");
    }
    let mut again = set(form, "title", "Replace both disks");
    again.push(("version", m.version.to_string()));
    assert_eq!(goes_to(&send(&oisin, &format!("{place}/edit"), &again).await), place);
    let changed = window(&app, &place).await;
    assert_eq!((changed.title.as_str(), changed.version), ("Replace both disks", 2));
    let (status, stale) = read(send(&oisin, &format!("{place}/edit"), &again).await).await;
    assert!(status == 409 && stale.contains("changed by somebody else"), "{status}: {stale}");
}

async fn a_refused_window_is_kept_with_all_its_reasons_until_the_backup_is_there(engine: Engine) {
    let app = TestApp::start(engine).await;
    let story = story(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let place = goes_to(&send(&oisin, NEW, &thursday(&[story.vm3.to_string()], "schedule")).await);
    assert!(place.ends_with("/edit"), "{place}");
    let (_, page) = read(oisin.get(&place).await).await;
    for part in [
        "Not scheduled: M-1 is kept as a draft",
        "Not safe to schedule: 3 reasons",
        "legacy-shop · files: no backup job",
        "vm3 · image: the last good run is too old",
        "web-12 · database: the dump is not in any backup",
        "Blast radius: 3 hosts, 4 data sets",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(window(&app, &place).await.state, State::Draft);
    let (_, start) = read(oisin.get("/admin").await).await;
    assert!(start.contains("This draft can not be scheduled."), "{start}");

    story.back_up(&app).await;
    let m = window(&app, &place).await;
    let detail = place.trim_end_matches("/edit");
    let form = vec![("do", "schedule".to_owned()), ("version", m.version.to_string())];
    assert_eq!(goes_to(&send(&oisin, detail, &form).await), detail);
    let m = window(&app, &place).await;
    assert_eq!((m.state, m.published_at), (State::Scheduled, Some(app.services.now())));
    let (_, page) = read(oisin.get(detail).await).await;
    for part in ["What customers see", "Safe to schedule", "Not safe to schedule: 3 reasons", "Start early"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let verdict = page.split('"').find(|part| part.contains("/verdicts/")).unwrap().to_owned();
    let (status, kept) = read(oisin.get(&verdict).await).await;
    assert!(status == 200 && kept.contains("Runs it was made from") && kept.contains("files web-12"), "{kept}");
}

async fn asking_and_looking_change_nothing(engine: Engine) {
    let app = TestApp::start(engine).await;
    let story = story(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let host = story.vm3.to_string();
    let message = "Sites <script>alert(1)</script> are **off** & <b>gone</b>.";
    for then in ["check", "preview", ""] {
        let form = set(set(thursday(std::slice::from_ref(&host), then), "title", ""), "message", message);
        let (status, page) = read(send(&oisin, NEW, &form).await).await;
        assert_eq!(status, 200, "{then}");
        for part in ["Not safe to schedule: 3 reasons", "2014-05-15T20:00", "<strong>off</strong>", "19:00–21:00 UTC"]
        {
            assert!(page.contains(part), "{then} {part}: {page}");
        }
        assert!(!page.contains("<script>alert") && !page.contains("<b>gone"), "{page}");
    }
    assert_eq!(drafts(&app).await, 0);
}

async fn nothing_typed_becomes_a_part_of_the_page(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let evil = "</title></textarea></script><script>alert(1)</script>";
    let form = set(set(thursday(&[vm3.to_string()], "schedule"), "title", evil), "message", evil);
    let place = goes_to(&send(&oisin, NEW, &form).await);
    let public = place.replace("/admin/maintenances/", "/maintenance/");
    for path in
        [place.clone(), format!("{place}/edit"), "/admin".into(), "/admin/maintenances".into(), "/".into(), public]
    {
        let html = oisin.get(&path).await.text().await.unwrap();
        assert!(!html.contains("<script>alert"), "{path}: {html}");
    }
}

async fn wrong_fields_are_all_told_and_what_was_typed_is_kept(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let form = thursday(&[vm3.to_string()], "draft");
    let form = set(set(set(form, "title", " "), "may_wait", "4"), "end", "2014-05-15T19:00");
    let (status, page) = read(send(&oisin, NEW, &form).await).await;
    assert_eq!(status, 422);
    for part in ["This must not be empty.", "Add a unit to 4", "value=\"4\"", "2014-05-15T19:00", "href=\"#title\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let form = set(thursday(&[vm3.to_string()], "schedule"), "start", "2014-05-15T11:00");
    let (status, page) = read(send(&oisin, NEW, &form).await).await;
    assert!(status == 422 && page.contains("The start has passed."), "{status}: {page}");
    assert_eq!(drafts(&app).await, 0);
}

/// TZ-4: what a person may type on the hard days, and what it means.
async fn hard_days_are_asked_back_or_read_right(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let typed = |zone: &str, start: &str, end: &str| {
        set(set(set(thursday(&[vm3.to_string()], "draft"), "zone", zone), "start", start), "end", end)
    };
    for (zone, start, before, after) in [
        ("Europe/Berlin", "2026-03-29T02:30", "01:59", "03:00"),
        ("Africa/Cairo", "2026-04-24T00:30", "Thu 23 Apr, 23:59", "01:00"),
        ("America/Santiago", "2026-09-06T00:30", "Sat 5 Sep, 23:59", "01:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "01:59", "02:30"),
    ] {
        let end = format!("{}T12:00", &start[..10]);
        let (status, page) = read(send(&oisin, NEW, &typed(zone, start, &end)).await).await;
        let asked = format!(
            "does not exist in {zone}: the clocks go forward. Choose {before} or earlier, or {after} or later."
        );
        assert!(status == 422 && page.contains(&asked) && page.contains(start), "{zone} {status}: {page}");
    }
    for (zone, start, utc) in [
        ("America/Vancouver", "2026-12-15T12:00", "2026-12-15T19:00:00Z"),
        ("Asia/Kathmandu", "2026-06-01T12:00", "2026-06-01T06:15:00Z"),
        ("Europe/Kiev", "2026-06-01T12:00", "2026-06-01T09:00:00Z"),
    ] {
        let end = format!("{}T14:00", &start[..10]);
        let place = goes_to(&send(&oisin, NEW, &typed(zone, start, &end)).await);
        assert_eq!(window(&app, &place).await.planned.starts_at, utc.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    }
    // Twice: both are offered with their offsets, and the choice is sent back with the form.
    let form = typed("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T06:00");
    let (status, page) = read(send(&oisin, NEW, &form).await).await;
    assert_eq!(status, 422);
    for part in ["exists twice in Europe/Berlin", "02:30 CEST (UTC+2)", "02:30 CET (UTC+1)", "name=\"start_fold\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for (fold, utc) in [("earlier", "2026-10-25T00:30:00Z"), ("later", "2026-10-25T01:30:00Z")] {
        let place = goes_to(&send(&oisin, NEW, &set(form.clone(), "start_fold", fold)).await);
        let planned = window(&app, &place).await.planned;
        assert_eq!(planned.starts_at, utc.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        let (_, edit) = read(oisin.get(&format!("{place}/edit")).await).await;
        let radio = edit.split("<input").find(|tag| tag.contains(&format!("value=\"{fold}\""))).unwrap();
        assert!(radio.contains("checked"), "{radio}");
    }
}

async fn a_window_is_run_from_its_page(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, image, .. } = small(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let mut form = thursday(&[vm3.to_string()], "schedule");
    form.retain(|(name, _)| *name != "auto_start");
    let place = goes_to(&send(&oisin, NEW, &form).await);
    let press = |pairs: &[(&'static str, &str)]| {
        let form: Form = pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let (oisin, place) = (&oisin, &place);
        async move { send(oisin, place, &form).await }
    };
    app.services.clock.set(utc("Thu 18:55"));
    let (status, early) = read(press(&[("do", "start")]).await).await;
    assert!(status == 422 && early.contains("Not safe to start: 1 reason"), "{status}: {early}");
    assert_eq!(window(&app, &place).await.state, State::Scheduled);
    app.services.clock.set(utc("Thu 19:00"));
    let (_, start) = read(oisin.get("/admin").await).await;
    assert!(start.contains("by hand"), "{start}");
    let (status, held) = read(press(&[("do", "start")]).await).await;
    assert!(status == 422 && held.contains("On hold: waiting for a backup"), "{status}: {held}");
    let (_, start) = read(oisin.get("/admin").await).await;
    assert!(start.contains("On hold; it can wait until"), "{start}");
    app.services.clock.set(utc("Thu 19:21"));
    ran(&app, image, "Thu 19:01", "Thu 19:20").await;
    let _ = press(&[("do", "start")]).await;
    assert_eq!(window(&app, &place).await.state, State::InProgress);

    let (status, wrong) = read(press(&[("do", "extend"), ("by", "a bit")]).await).await;
    assert!(status == 422 && wrong.contains("is not a length of time") && wrong.contains("a bit"), "{wrong}");
    goes_to(&press(&[("do", "extend"), ("by", "30 min")]).await);
    goes_to(&press(&[("do", "update"), ("body", "It takes *longer*.")]).await);
    let (_, page) = read(oisin.get(&place).await).await;
    assert!(page.contains("It takes <em>longer</em>.") && page.contains("Takes longer"), "{page}");
    let (status, silent) = read(press(&[("do", "cancel"), ("body", "")]).await).await;
    assert!(status == 422 && silent.contains("why it is called off"), "{silent}");
    let old = window(&app, &place).await.version - 1;
    let (status, _) = read(press(&[("do", "complete"), ("version", &old.to_string())]).await).await;
    assert_eq!(status, 409);
    goes_to(&press(&[("do", "verify")]).await);
    goes_to(&press(&[("do", "complete"), ("body", "All disks are well.")]).await);
    let done = window(&app, &place).await;
    assert_eq!((done.state, done.ended_at), (State::Completed, Some(utc("Thu 19:21"))));
    let (_, list) = read(oisin.get("/admin/maintenances?show=ended").await).await;
    assert!(list.contains("M-1 Replace a failed disk in vm3"), "{list}");
    assert_eq!(oisin.get(&format!("{place}/edit")).await.status(), 409);
    assert_eq!(press(&[("do", "dance")]).await.status(), 404);
}

async fn two_people_let_a_refused_draft_go_ahead_and_everybody_reads_of_it(engine: Engine) {
    let app = TestApp::start(engine).await;
    let story = story(&app).await;
    let (oisin, grace) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Approver).await);
    let place = goes_to(&send(&oisin, NEW, &thursday(&[story.vm3.to_string()], "schedule")).await);
    let here = place.trim_end_matches("/edit").to_owned();
    let press = async |client: &TestClient, pairs: &[(&'static str, &str)]| {
        let form: Form = pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        send(client, &here, &form).await
    };
    let (_, page) = read(oisin.get(&here).await).await;
    assert!(page.contains("Ask for an override"), "{page}");
    let (status, silent) = read(press(&oisin, &[("do", "ask-override"), ("why", " ")]).await).await;
    assert!(status == 422 && silent.contains("Say why the work can not wait") && silent.contains("#why"), "{silent}");
    let why = "It dies <tonight>.";
    goes_to(&press(&oisin, &[("do", "ask-override"), ("why", why)]).await);

    let (_, own) = read(oisin.get(&here).await).await;
    assert!(own.contains("Waits for a second person") && own.contains("Withdraw it"), "{own}");
    assert!(!own.contains("Confirm the override") && !own.contains("Ask for an override"), "{own}");
    let (_, start) = read(grace.get("/admin").await).await;
    assert!(start.contains("M-1 asks for a second person") && start.contains("It dies &lt;tonight"), "{start}");
    let (_, none) = read(oisin.get("/admin").await).await;
    assert!(!none.contains("asks for a second person"), "{none}");
    let (_, page) = read(grace.get(&here).await).await;
    for part in ["operator ", "vm3 · image: the last good run is too old", "Confirm the override", "Refuse it"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let of = page.split("name=\"override\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(press(&oisin, &[("do", "confirm-override"), ("override", &of)]).await.status(), 403);
    assert_eq!(press(&grace, &[("do", "confirm-override"), ("override", "x")]).await.status(), 404);
    goes_to(&press(&grace, &[("do", "confirm-override"), ("override", &of)]).await);
    let (status, twice) = read(press(&grace, &[("do", "confirm-override"), ("override", &of)]).await).await;
    assert!(status == 422 && twice.contains("This override is confirmed already."), "{twice}");

    let (_, edit) = read(oisin.get(&place).await).await;
    assert!(edit.contains("An override is confirmed"), "{edit}");
    goes_to(&press(&oisin, &[("do", "schedule")]).await);
    let (_, page) = read(oisin.get(&here).await).await;
    for part in ["To schedule by an override: 3 reasons", "Confirmed by a second person", "approver "] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let verdict = page.split('"').find(|part| part.contains("/verdicts/")).unwrap().to_owned();
    let (_, kept) = read(oisin.get(&verdict).await).await;
    assert!(kept.contains("By an override"), "{kept}");
    let public = here.replace("/admin/maintenances/", "/maintenance/");
    for path in [public.as_str(), "/"] {
        let (_, page) = read(app.get(path).await).await;
        assert!(page.contains("May start without a confirmed backup; two people of our team decided so"), "{page}");
        for private in ["operator ", "approver ", "tonight", "vm3 ·"] {
            assert!(!page.contains(private), "{private}: {page}");
        }
    }
    let back = press(&oisin, &[("do", "withdraw-override"), ("override", &of), ("why", "It can wait.")]).await;
    goes_to(&back);
    let (_, page) = read(app.get(&public).await).await;
    assert!(page.contains("Starts only after a fresh backup is confirmed"), "{page}");
    let (_, page) = read(grace.get(&here).await).await;
    assert!(page.contains("Withdrawn by") && page.contains("“It can wait.”"), "{page}");
    let (_, log) = read(grace.get("/admin/audit?object=override").await).await;
    assert!(log.contains("override.confirm") && log.contains("Override for M-1"), "{log}");
}

async fn a_checklist_is_written_ticked_and_worked_off_without_scripts(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let form = set(thursday(&[vm3.to_string()], "schedule"), "checklist", "RAID is clean\r\n\r\nSites answer");
    let (status, wrong) = read(send(&oisin, NEW, &set(form.clone(), "checklist", "a\r\na")).await).await;
    assert!(status == 422 && wrong.contains("“a” stands there twice."), "{wrong}");
    let place = goes_to(&send(&oisin, NEW, &form).await);
    let press = async |pairs: &[(&'static str, &str)]| {
        let form: Form = pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        send(&oisin, &place, &form).await
    };
    let (_, edit) = read(oisin.get(&format!("{place}/edit")).await).await;
    assert!(edit.contains("RAID is clean\nSites answer"), "{edit}");
    goes_to(&press(&[("do", "start")]).await);
    let (_, page) = read(oisin.get(&place).await).await;
    assert!(page.contains("Complete with lines open") && !page.contains(">Tick<"), "{page}");
    goes_to(&press(&[("do", "verify")]).await);
    let (_, edit) = read(oisin.get(&format!("{place}/edit")).await).await;
    assert!(!edit.contains("name=\"checklist\""), "{edit}");
    let (status, open) = read(press(&[("do", "complete")]).await).await;
    assert!(status == 422 && open.contains("2 lines are open of the checklist"), "{open}");
    assert_eq!(goes_to(&press(&[("do", "tick"), ("line", "RAID is clean")]).await), format!("{place}#checklist"));
    let (_, page) = read(oisin.get(&place).await).await;
    assert!(page.contains("1 of 2 open") && page.contains("Open again") && page.contains("operator "), "{page}");
    let (status, gone) = read(press(&[("do", "tick"), ("line", "Mail flows")]).await).await;
    assert!(status == 422 && gone.contains("no such line"), "{gone}");
    let (status, silent) = read(press(&[("do", "complete-anyway"), ("why", "")]).await).await;
    assert!(status == 422 && silent.contains("Say why it is completed with lines open"), "{silent}");
    let public = place.replace("/admin/maintenances/", "/maintenance/");
    let (_, seen) = read(app.get(&public).await).await;
    assert!(seen.contains("Verifying") && !seen.contains("RAID is clean"), "{seen}");
    let why = "The sites are <not> ours.";
    goes_to(&press(&[("do", "complete-anyway"), ("why", why), ("body", "Done.")]).await);
    let (_, page) = read(oisin.get(&place).await).await;
    assert!(page.contains("Completed with lines open") && page.contains("The sites are &lt;not"), "{page}");
    assert_eq!(window(&app, &place).await.state, State::Completed);
    let (_, seen) = read(app.get(&public).await).await;
    assert!(!seen.contains("ours.") && seen.contains("Done."), "{seen}");
}

async fn those_who_may_only_look_see_no_buttons_and_can_press_none(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let input = MaintenanceInput {
        title: Some("Replace a disk".to_owned()),
        hosts: Some(vec![vm3.to_string()]),
        zone: Some("UTC".to_owned()),
        start: Some("2014-05-15T19:00".to_owned()),
        end: Some("2014-05-15T21:00".to_owned()),
        ..MaintenanceInput::default()
    };
    let planned = app.services.schedule_maintenance(&Actor::system(), Target::New, &input).await.unwrap();
    let Planning::Scheduled(m) = planned else { panic!("{planned:?}") };
    let here = format!("/admin/maintenances/{}", m.id);
    let vera = app.sign_in_as(Role::Viewer).await;
    for path in ["/admin", "/admin/maintenances", here.as_str()] {
        let (status, page) = read(vera.get(path).await).await;
        assert_eq!(status, 200, "{path}");
        for button in ["Plan maintenance", "Start early", "Call it off", "name=\"do\""] {
            assert!(!page.contains(button), "{path} {button}: {page}");
        }
        let next = app.stranger().get(path).await;
        assert_eq!(goes_to(&next), format!("/sign-in?next={}", path.replace('/', "%2F")));
    }
    for path in [NEW.to_owned(), format!("{here}/edit")] {
        assert_eq!(vera.get(&path).await.status(), 403, "{path}");
    }
    for then in ["draft", "schedule", "check", "start", "cancel", "update"] {
        let form = thursday(&[vm3.to_string()], then);
        for path in [NEW.to_owned(), format!("{here}/edit"), here.clone()] {
            let status = send(&vera, &path, &form).await.status().as_u16();
            assert!(matches!(status, 403 | 404), "{path} {then}: {status}");
        }
    }
    assert_eq!(window(&app, &here).await, m);
}

async fn islands_are_answered_only_for_those_who_may_look(engine: Engine) {
    let app = TestApp::start(engine).await;
    let story = story(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let fields =
        format!("part=scope&hosts={}&zone=Europe%2FBerlin&start=2026-10-25T02%3A30&end=2026-10-25T06%3A00", story.vm3);
    let (status, gate) = read(oisin.post_form("/api/fn/gate", &[("form", &fields)]).await).await;
    assert!(status == 200 && gate.contains("Not safe to schedule: 3 reasons"), "{status}: {gate}");
    let (status, time) = read(oisin.post_form("/api/fn/time", &[("form", &fields)]).await).await;
    assert!(status == 200 && time.contains("start_fold") && time.contains("02:30 CEST (UTC+2)"), "{status}: {time}");
    let written = "zone=Europe%2FBerlin&start=2026-10-25T04%3A00&end=2026-10-25T06%3A00&message=%2A%2ASo%2A%2A+%3Cscript%3E+%7B%7Bduration%7D%7D";
    let (status, preview) = read(oisin.post_form("/api/fn/preview", &[("form", written)]).await).await;
    assert!(status == 200 && preview.contains("<strong>So</strong>") && !preview.contains("<script>"), "{preview}");
    assert!(preview.contains("2 hours"), "placeholders are resolved: {preview}");
    for (name, fields) in
        [("gate", ("form", fields.as_str())), ("time", ("form", fields.as_str())), ("preview", ("form", written))]
    {
        let (status, answer) = read(app.stranger().post_form(&format!("/api/fn/{name}"), &[fields]).await).await;
        assert!(status >= 400 && !answer.contains("vm3"), "{name} {status}: {answer}");
        assert_ne!(oisin.get(&format!("/api/fn/{name}")).await.status(), 200);
    }
}

storage::on_both!(
    the_form_is_kept_as_a_draft_and_comes_back_filled_in,
    a_refused_window_is_kept_with_all_its_reasons_until_the_backup_is_there,
    asking_and_looking_change_nothing,
    nothing_typed_becomes_a_part_of_the_page,
    wrong_fields_are_all_told_and_what_was_typed_is_kept,
    hard_days_are_asked_back_or_read_right,
    a_window_is_run_from_its_page,
    two_people_let_a_refused_draft_go_ahead_and_everybody_reads_of_it,
    a_checklist_is_written_ticked_and_worked_off_without_scripts,
    those_who_may_only_look_see_no_buttons_and_can_press_none,
    islands_are_answered_only_for_those_who_may_look,
);
