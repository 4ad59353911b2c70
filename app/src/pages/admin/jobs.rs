//! Backup jobs: all of them, one of them with the address at which it reports, and a new one.

use super::data_sets::{end, job_state};
use super::desk::{Desk, admin};
use super::edit::{Form, id, links, param, part, query, version};
use super::runs::{load_recent, recent_runs};
use super::trend::trend;
use crate::components::{
    Action, Actions, Button, Card, Checkbox, Copy, DataTable, EmptyState, Fact, Facts, Field, Flash, Hidden,
    PageHeader, Pager, Section, Select, StateBadge,
};
use crate::context;
use crate::form::{FormData, Submitted};
use crate::pages::count;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, FlashView, OptionView, StateView, Weight};
use domain::backup::Job;
use domain::finding::Case;
use domain::host::DataKind;
use domain::ids::{DataSetId, JobId, RequestId};
use domain::people::Permission;
use domain::request::BackupRequest;
use domain::run::Series;
use domain::time::Span;
use domain::trigger::{Template, Trigger};
use leptos::prelude::*;
use secrecy::ExposeSecret;
use service::Error;
use service::inventory::{JobInput, JobView, PingAddress, PlacedJob};
use service::runs::RunLine;
use service::triggers::{StoredTrigger, TriggerInput};

const LABELS: [(&str, &str); 6] = [
    ("name", "Name"),
    ("tool", "Program"),
    ("carried_by", "Carried by"),
    ("every", "Runs every"),
    ("max_duration", "Lost after"),
    ("data_set", "Data set"),
];

const TRIGGER_LABELS: [(&str, &str); 3] =
    [("url", "Address"), ("template", "Whom it calls"), ("remote_name", "Name over there")];

const DONE: [(&str, &str); 10] = [
    ("added", "The job was added. Let it report to the address below."),
    ("saved", "Saved."),
    ("rotated", "The job has a new address. The old one is not accepted any more."),
    ("disabled", "The job is switched off: it protects nothing until it is switched on."),
    ("enabled", "The job is switched on."),
    ("retired", "The job is out of use. Its runs stay."),
    ("requested", "A run is requested. Its host hears of it when it asks next."),
    ("taken-back", "The request is taken back."),
    ("trigger", "The trigger is saved."),
    ("no-trigger", "The trigger is removed."),
];

/// Takes the forms of all pages below `/admin/jobs`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let read = version(form);
    let at = |job: JobId, done: &str| format!("/admin/jobs/{job}?done={done}");
    let done = match rest {
        ["new"] => {
            let data_set: DataSetId = id(post.query.get("data_set"), "data set")?;
            services.add_job(actor, data_set, input(form)).await.map(|job| at(job.id, "added"))
        }
        [job] => {
            let job: JobId = id(job, "job")?;
            services.edit_job(actor, job, read, input(form)).await.map(|_| at(job, "saved"))
        }
        [job, "rotate"] => {
            let job: JobId = id(job, "job")?;
            services.rotate_ping(actor, job, read).await.map(|_| at(job, "rotated"))
        }
        [job, "enable"] => {
            let job: JobId = id(job, "job")?;
            services.set_job_enabled(actor, job, read, true).await.map(|_| at(job, "enabled"))
        }
        [job, "disable"] => {
            let job: JobId = id(job, "job")?;
            services.set_job_enabled(actor, job, read, false).await.map(|_| at(job, "disabled"))
        }
        [job, "request"] => {
            let job: JobId = id(job, "job")?;
            services.request_backup(actor, job).await.map(|_| at(job, "requested"))
        }
        [job, "take-back"] => {
            let (job, request): (JobId, RequestId) = (id(job, "job")?, id(form.get("request"), "request")?);
            services.cancel_request(actor, request).await.map(|_| at(job, "taken-back"))
        }
        [job, "trigger"] => {
            let job: JobId = id(job, "job")?;
            match services
                .set_trigger(actor, job, form.get("version").parse().ok(), &trigger_input(form), form.has("rotate"))
                .await
            {
                Ok(StoredTrigger { secret: Some(secret), .. }) => {
                    let secret = Some(secret.expose_secret().to_owned());
                    return Ok(Posted::Shown(Submitted { secret, ..Submitted::default() }));
                }
                Ok(_) => Ok(at(job, "trigger")),
                Err(error) => Err(error),
            }
        }
        [job, "remove-trigger"] => {
            let job: JobId = id(job, "job")?;
            services.delete_trigger(actor, job, read).await.map(|()| at(job, "no-trigger"))
        }
        [job, "retire"] => {
            let job: JobId = id(job, "job")?;
            services.retire_job(actor, job, read).await.map(|_| at(job, "retired"))
        }
        [job, "delete"] => {
            let job: JobId = id(job, "job")?;
            services.delete_job(actor, job, read).await.map(|()| "/admin/jobs?done=deleted".to_owned())
        }
        _ => Err(Error::NotFound("page")),
    };
    post.done(done)
}

fn trigger_input(form: &FormData) -> TriggerInput {
    TriggerInput {
        url: form.get("url").to_owned(),
        template: form.get("template").to_owned(),
        remote_name: form.get("remote_name").to_owned(),
    }
}

fn input(form: &FormData) -> JobInput {
    JobInput {
        name: form.get("name").to_owned(),
        tool: form.get("tool").to_owned(),
        carried_by: form.get("carried_by").to_owned(),
        every: form.get("every").to_owned(),
        max_duration: form.get("max_duration").to_owned(),
    }
}

/// `/admin/jobs`
#[component]
pub fn Jobs() -> impl IntoView {
    admin(
        |_| "Backup jobs".to_owned(),
        |desk: Desk| async move {
            let jobs = desk.services.placed_jobs(&desk.actor).await?;
            Ok((jobs, desk.services.open_requests(&desk.actor).await?))
        },
        |_, (jobs, open)| {
            let intro = format!(
                "{}. A job protects one data set and reports each of its runs.",
                count(jobs.len(), "job", "jobs")
            );
            let find = query().get("q").trim().to_owned();
            let wanted = find.to_lowercase();
            let found = jobs.iter().filter(|job| format!("{job} {}", job.job.tool).to_lowercase().contains(&wanted));
            let (shown, pager) = part(found.collect::<Vec<_>>(), "/admin/jobs", &[("q", &find)]);
            let rows: Vec<Vec<AnyView>> = shown.into_iter().map(|job| row(job, &jobs, open.get(&job.job.id))).collect();
            let columns = ["Job", "Protects", "Expected", "State"].map(ColumnView::new).to_vec();
            let table = if rows.is_empty() {
                view! {
                    <EmptyState title="No job here" text="A job is added where it belongs: on the page of its data set."
                        action=ActionView::link("To the data sets", "/admin/data-sets")/>
                }
                .into_any()
            } else {
                view! { <DataTable caption="Backup jobs" columns rows/> }.into_any()
            };
            view! {
                <PageHeader title="Backup jobs" intro/>
                {context::done(&[("deleted", "The job was deleted.")]).map(|flash| view! { <Flash flash/> })}
                <form class="filters" method="get">
                    <Field name="q" label="Host, data set, job or program" kind="search" value=find/>
                    <Button>"Filter"</Button>
                </form>
                {table}
                <Pager pager/>
            }
        },
    )
}

fn row(placed: &PlacedJob, all: &[PlacedJob], open: Option<&BackupRequest>) -> Vec<AnyView> {
    let job = &placed.job;
    let open = open.map(|request| {
        let label = StateView::from(request.state).label.to_lowercase();
        view! { <span class="sub">{format!("Extra run: {label}")}</span> }
    });
    let carrier = job.carried_by.and_then(|id| all.iter().find(|other| other.job.id == id));
    let sub = match (carrier, job.tool.is_empty()) {
        (Some(carrier), _) => format!("carried by {carrier}"),
        (None, false) => job.tool.clone(),
        (None, true) => String::new(),
    };
    let set = (placed.data_set.to_string(), format!("/admin/data-sets/{}", job.data_set_id));
    let host = (placed.host.to_string(), format!("/admin/hosts/{}", placed.host_id));
    vec![
        view! { {links(vec![(job.name.to_string(), format!("/admin/jobs/{}", job.id))])}<span class="sub" dir="auto">{sub}</span> }
            .into_any(),
        view! { {links(vec![host])}" · "{links(vec![set])} }.into_any(),
        format!("every {}", job.every).into_any(),
        view! { <StateBadge state=job_state(job)/>{open} }.into_any(),
    ]
}

/// `/admin/jobs/new?data_set=ID`
#[component]
pub fn NewJob() -> impl IntoView {
    let data_set = id::<DataSetId>(query().get("data_set"), "data set");
    admin(
        |_| "Add a backup job".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::EditInventory)?;
            let view = desk.services.data_set_view(&desk.actor, data_set?).await?;
            let choices = desk.services.carrier_choices(&desk.actor).await?;
            Ok((view, choices))
        },
        |_, (view, choices)| {
            let form = Form::at("/admin/jobs/new", "");
            let back = (view.data_set.name.to_string(), format!("/admin/data-sets/{}", view.data_set.id));
            let intro = format!("It protects {} on {}.", view.data_set.name, view.host.name);
            let stored = Stored {
                name: "",
                tool: "",
                carried_by: String::new(),
                every: Span::hours(24).to_input(),
                max_duration: Span::hours(6).to_input(),
            };
            let dump = view.data_set.kind == DataKind::Database;
            view! {
                <PageHeader title="Add a backup job" back intro/>
                {form.summary(&LABELS)}
                <form class="form card" method="post">
                    {fields(&form, &stored, &choices, dump)}
                    <Actions><Button weight=Weight::Primary>"Add"</Button></Actions>
                </form>
            }
        },
    )
}

/// What a form shows before anything is typed.
struct Stored<'a> {
    name: &'a str,
    tool: &'a str,
    carried_by: String,
    every: String,
    max_duration: String,
}

fn fields(form: &Form, stored: &Stored<'_>, choices: &[PlacedJob], dump: bool) -> AnyView {
    let chosen = form.value("carried_by", stored.carried_by.as_str());
    let carriers =
        std::iter::once(OptionView::new("", "Nothing: its own output is the backup").chosen(chosen.is_empty()))
            .chain(choices.iter().map(|placed| {
                let id = placed.job.id.to_string();
                OptionView::new(id.clone(), placed.to_string()).chosen(chosen == id)
            }))
            .collect();
    let carried = if dump {
        "A dump that lies on the same host is safe only once a backup of the files has copied it. Name that job here."
    } else {
        "Only for dumps: the job that copies its output."
    };
    view! {
        <Field name="name" label="Name" id=form.id("name") value=form.value("name", stored.name) error=form.error("name")
            after=form.stored_now("name", stored.name) hint="Like “nightly” or “dump”." required=true maxlength=120/>
        <Field name="tool" label="Program" id=form.id("tool") value=form.value("tool", stored.tool) error=form.error("tool")
            after=form.stored_now("tool", stored.tool) hint="What does it: borgmatic, restic, pg_dump." optional=true
            maxlength=60/>
        <Select name="carried_by" label="Carried by" id=form.id("carried_by") options=carriers hint=carried
            error=form.error("carried_by")/>
        <div class="fields">
            <Field name="every" label="Runs every" id=form.id("every") value=form.value("every", stored.every.as_str())
                error=form.error("every") after=form.stored_now("every", &stored.every)
                hint="Like 24 h, 7 d or 90 min." required=true/>
            <Field name="max_duration" label="Lost after" id=form.id("max_duration")
                value=form.value("max_duration", stored.max_duration.as_str()) error=form.error("max_duration")
                after=form.stored_now("max_duration", &stored.max_duration)
                hint="A run that has not ended by then counts as lost." required=true/>
        </div>
    }
    .into_any()
}

/// What was asked for of a job, how it is told, and what was found.
struct Asked {
    requests: Vec<BackupRequest>,
    trigger: Option<Trigger>,
    findings: Vec<Case>,
}

/// `/admin/jobs/ID`, also where one of its forms came back.
#[component]
pub fn JobPage() -> impl IntoView {
    let id = param::<JobId>("job");
    admin(
        |(view, ..): &(JobView, Ran, Asked)| format!("{}: {} on {}", view.job.name, view.data_set.name, view.host.name),
        |desk: Desk| async move {
            let view = desk.services.job_view(&desk.actor, id?).await?;
            let lines = load_recent(&desk, view.job.id).await?;
            let runs = Ran { lines, series: desk.services.run_series(&desk.actor, view.job.id).await? };
            let requests = desk.services.requests_of(&desk.actor, view.job.id).await?;
            let trigger = desk.services.trigger(&desk.actor, view.job.id).await?;
            let findings = desk.services.findings_of_job(&desk.actor, view.job.id).await?;
            Ok((view, runs, Asked { requests, trigger, findings }))
        },
        |desk, (view, runs, asked)| show(&desk, &view, &runs, &asked),
    )
}

/// What it did.
struct Ran {
    lines: Vec<RunLine>,
    series: Series,
}

fn show(desk: &Desk, view: &JobView, runs: &Ran, asked: &Asked) -> AnyView {
    let job = &view.job;
    let path = format!("/admin/jobs/{}", job.id);
    let retired = job.retired_at.is_some();
    let may = desk.may(Permission::EditInventory);
    let edits = may && !retired;
    let form = Form::at(&path, "");
    let deeds = ["rotate", "enable", "disable", "retire", "delete", "request", "take-back", "remove-trigger"];
    let others = deeds.map(|end| Form::at(&format!("{path}/{end}"), ""));
    let version = job.version.to_string();
    let read = [("version", version.as_str())];
    let switch = if job.enabled { ("Switch off", "disable") } else { ("Switch on", "enable") };
    let switch = edits.then(|| {
        let action = ActionView::post(switch.0, format!("{path}/{}", switch.1), &read);
        view! { <Action action/> }
    });
    let back =
        (format!("{} on {}", view.data_set.name, view.host.name), format!("/admin/data-sets/{}", view.data_set.id));
    view! {
        <PageHeader title=job.name.to_string() back state=job_state(job)>{switch}</PageHeader>
        {context::done(&DONE).map(|flash| view! { <Flash flash/> })}
        {form.summary(&LABELS)}
        {others.map(|form| form.summary(&[])).collect_view()}
        {found(desk, &asked.findings)}
        {facts(desk, view)}
        {trend(desk, &runs.series)}
        {recent_runs(desk, job.id, &runs.lines)}
        {requested(desk, job, &path, &asked.requests)}
        {(!retired).then(|| trigger_section(&path, asked.trigger.as_ref(), may))}
        {(!retired).then(|| reporting(view, &path, may))}
        {edits.then(|| edit_form(&form, &path, view))}
        {may.then(|| end(&path, &version, job.name.as_str(), retired,
            "Retired, it accepts no more reports; its runs stay. Deleting is for what was added by mistake and never ran."))}
    }
    .into_any()
}

/// What the site should know of this job.
fn found(desk: &Desk, cases: &[Case]) -> AnyView {
    cases
        .iter()
        .map(|case| {
            let text = case.finding.sentence(desk.services.zones.as_ref(), &desk.site.zone);
            let (heading, advice) = (case.finding.what.kind().text(), case.finding.advice());
            let href = format!("/admin/findings/{}", case.id);
            view! {
                <Flash flash=FlashView::warning(heading, format!("{text} {advice}"))>
                    <p class="small"><a href=href>"See the finding"</a></p>
                </Flash>
            }
        })
        .collect_view()
        .into_any()
}

fn facts(desk: &Desk, view: &JobView) -> AnyView {
    let job = &view.job;
    let place = vec![
        (view.host.name.to_string(), format!("/admin/hosts/{}", view.host.id)),
        (view.data_set.name.to_string(), format!("/admin/data-sets/{}", view.data_set.id)),
    ];
    let job_link = |placed: &PlacedJob| (placed.to_string(), format!("/admin/jobs/{}", placed.job.id));
    let carrier = view.carrier.as_ref().map(|carrier| links(vec![job_link(carrier)]));
    let carrier = carrier.map(|carrier| view! { <Fact label="Safe once copied by">{carrier}</Fact> });
    let order = view.order.map(|order| order.sentence(desk.services.zones.as_ref(), &desk.site.zone));
    let order = order.map(|text| view! { <Fact label="Order">{text}</Fact> });
    let (every, max_duration) = (job.every.to_string(), job.max_duration.to_string());
    let carried = links(view.carries.iter().map(job_link).collect());
    let carries = (!view.carries.is_empty()).then(|| view! { <Fact label="Carries">{carried}</Fact> });
    let tool = job.tool.clone();
    let tool = (!tool.is_empty()).then(|| view! { <Fact label="Program"><span dir="auto">{tool}</span></Fact> });
    view! {
        <Card>
            <Facts>
                <Fact label="Protects">{links(place)}</Fact>
                {tool}
                <Fact label="Runs every">{every}</Fact>
                <Fact label="Lost after">{max_duration}</Fact>
                {carrier}
                {order}
                {carries}
            </Facts>
        </Card>
    }
    .into_any()
}

/// How the backup system is told that an extra run is wanted.
fn trigger_section(path: &str, trigger: Option<&Trigger>, may: bool) -> AnyView {
    let to = format!("{path}/trigger");
    let form = Form::at(&to, "trigger");
    let secret = context::submitted().secret.map(|text| {
        view! {
            <Flash flash=FlashView::done("The trigger is saved.")>
                <p>"Give this secret to the backup system now: it is shown only this once. Every call is signed with it (Standard Webhooks)."</p>
                <Copy text/>
            </Flash>
        }
    });
    let explained = match trigger {
        Some(trigger) if !may => format!("Its backup system at {} is called when a run is requested.", trigger.url),
        Some(_) => "When a run is requested, this address is called.".to_owned(),
        None => {
            "Without a trigger the job's host asks by itself (“fermata wanted”, below). With one, an address is called."
                .to_owned()
        }
    };
    let inner = may.then(|| {
        let url = trigger.map_or("", |t| t.url.as_str());
        let name = trigger.map_or("", |t| t.remote_name.as_str());
        let stored = trigger.map_or(Template::Generic, |t| t.template);
        let options = Template::ALL
            .into_iter()
            .map(|template| {
                let chosen = form.chosen("template", template.as_str(), template == stored);
                OptionView::new(template.as_str(), template.label()).chosen(chosen)
            })
            .collect();
        let version = trigger.map(|t| view! { <Hidden name="version" value=form.version(t.version)/> });
        let rotate = trigger.map(|_| {
            view! { <Checkbox name="rotate" value="yes" label="Make a new secret" hint="The old one is not used any more." checked=false/> }
        });
        let remove = trigger.map(|t| {
            let version = t.version.to_string();
            let action = ActionView::post("Remove the trigger", format!("{path}/remove-trigger"), &[("version", &version)]);
            view! { <Actions><Action action/></Actions> }
        });
        view! {
            {form.summary(&TRIGGER_LABELS)}
            <form class="form" method="post" action=to.clone()>
                {version}
                <Field name="url" label="Address" kind="url" id=form.id("url") value=form.value("url", url) error=form.error("url")
                    hint="https://… It is called from here; private networks must be allowed in the configuration." required=true maxlength=500/>
                <Select name="template" label="Whom it calls" id=form.id("template") options error=form.error("template")/>
                <Field name="remote_name" label="Name over there" id=form.id("remote_name") value=form.value("remote_name", name)
                    error=form.error("remote_name") hint="What the backup system calls the job; for Proxmox the numbers of the guests." optional=true maxlength=120/>
                {rotate}
                <Actions><Button>"Save the trigger"</Button></Actions>
            </form>
            {remove}
        }
    });
    view! {
        <Section id="trigger" title="Trigger">
            {secret}
            <Card><p class="muted">{explained}</p>{inner}</Card>
        </Section>
    }
    .into_any()
}

/// Extra runs that were asked for, and the button that asks for one.
fn requested(desk: &Desk, job: &Job, path: &str, requests: &[BackupRequest]) -> AnyView {
    let may = desk.may(Permission::Maintain);
    let is_open = requests.first().is_some_and(BackupRequest::is_open);
    let lines: Vec<Vec<AnyView>> = requests
        .iter()
        .map(|request| {
            let window = request.maintenance_id.map(|id| {
                view! { <span class="sub"><a href=format!("/admin/maintenances/{id}")>"for a window"</a></span> }
            });
            let text = request.progress(desk.services.zones.as_ref(), &desk.site.zone);
            let id = request.id.to_string();
            let take_back = (may && request.is_open()).then(|| {
                let action = ActionView::post("Take back", format!("{path}/take-back"), &[("request", &id)]);
                view! { <Action action small=true/> }
            });
            vec![
                desk.short(request.asked_at).into_any(),
                view! { <span dir="auto">{request.asked_by.clone()}</span>{window} }.into_any(),
                view! { <StateBadge state=StateView::from(request.state)/><span class="sub">{text}</span> }.into_any(),
                take_back.into_any(),
            ]
        })
        .collect();
    let columns = ["Requested", "By", "State", ""].map(ColumnView::new).to_vec();
    let table = if lines.is_empty() {
        view! { <p class="muted">"Nobody has asked for an extra run yet."</p> }.into_any()
    } else {
        view! { <DataTable caption="Extra runs that were requested" columns rows=lines/> }.into_any()
    };
    let ask = (may && !is_open && job.enabled && job.retired_at.is_none()).then(|| {
        let action = ActionView::post("Request a run now", format!("{path}/request"), &[]);
        view! { <Actions><Action action/></Actions> }
    });
    view! { <Section id="requests" title="Requested runs">{table}{ask}</Section> }.into_any()
}

fn reporting(view: &JobView, path: &str, may: bool) -> AnyView {
    let content = match &view.ping {
        PingAddress::Hidden => {
            view! { <p class="muted">"Only operators see the address at which it reports."</p> }.into_any()
        }
        PingAddress::Forgotten => view! {
            <p>
                "The address was made with a secret of the server that is no longer configured. It still works, but
                can not be shown. Make a new one to see it here."
            </p>
        }
        .into_any(),
        PingAddress::Known(url) => snippets(url),
    };
    let version = view.job.version.to_string();
    let rotate = may.then(|| {
        let fields = [("version", version.as_str())];
        let action = ActionView::post("Make a new address", format!("{path}/rotate"), &fields);
        view! {
            <Actions><Action action/></Actions>
            <p class="small muted">"The old address stops working at once."</p>
        }
    });
    view! {
        <Section id="reporting" title="How it reports">
            <Card>{content}{rotate}</Card>
        </Section>
    }
    .into_any()
}

fn snippets(url: &str) -> AnyView {
    let shell = format!(
        "curl -fsS -m 10 --retry 5 -o /dev/null {url}/start\n\
         your-backup-command\n\
         curl -fsS -m 10 --retry 5 -o /dev/null {url}/$?"
    );
    let wrapped = format!(
        "FERMATA_JOB={url} fermata run -- pg_dump -Fc -f /backup/shop.dump shop\n\n\
         # in the host's crontab, to begin extra runs that were requested\n\
         */5 * * * * FERMATA_JOB={url} fermata wanted && your-backup-script"
    );
    let borgmatic = format!("healthchecks:\n    ping_url: {url}");
    view! {
        <h3>"Its own address"</h3>
        <p>"Who knows it can report runs of this job. Call it with "<code>"/start"</code>" before and "<code>"/EXIT-CODE"</code>" after: data is safe up to the start."</p>
        <Copy text=url.to_owned()/>
        <h3>"With the program itself"</h3>
        <p><code>"fermata run"</code>" reports start, end, exit code and output of any command, also later if we can not be reached."</p>
        <Copy text=wrapped/>
        <h3>"In a script"</h3>
        <Copy text=shell/>
        <h3>"In borgmatic"</h3>
        <Copy text=borgmatic/>
    }
    .into_any()
}

fn edit_form(form: &Form, path: &str, view: &JobView) -> AnyView {
    let job = &view.job;
    let stored = Stored {
        name: job.name.as_str(),
        tool: &job.tool,
        carried_by: job.carried_by.map(|carrier| carrier.to_string()).unwrap_or_default(),
        every: job.every.to_input(),
        max_duration: job.max_duration.to_input(),
    };
    let dump = view.data_set.kind == DataKind::Database;
    let inner = view! {
        <form class="form card" method="post" action=path.to_owned()>
            <Hidden name="version" value=form.version(job.version)/>
            {fields(form, &stored, &view.choices, dump)}
            <Actions><Button>"Save"</Button></Actions>
        </form>
    }
    .into_any();
    view! { <Section id="details" title="Details">{inner}</Section> }.into_any()
}
