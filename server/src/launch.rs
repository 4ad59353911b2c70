//! Puts the parts together and serves until told to stop.

use std::fs::DirBuilder;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use domain::text::Name;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use service::keys::Keys;
use service::zones::SystemZones;
use service::{Clock, Services};
use storage::Db;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::assets::Assets;
use crate::cache::{CacheControl, Options, PageCache, Rules};
use crate::config::{Database, SecretKeys, Settings};
use crate::http::accept::{self, Limits};
use crate::http::events::{self, Events};
use crate::http::front::Front;
use crate::http::probes::{self, Probes};
use crate::http::shell::{self, Shell};
use crate::router::{AppState, routes};
use crate::telemetry::Metrics;
use crate::worker;

/// For the delivery in hand when the server is told to stop.
const WORKERS_DRAIN: Duration = Duration::from_secs(30);

/// Opens the database, serves on `listener` and returns when `shutdown` is cancelled and everything in hand is done.
///
/// # Errors
/// The key or the database cannot be opened, or `/metrics` cannot be served where it should be.
pub async fn launch(settings: Settings, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    let services = open(&settings).await?;
    welcome(&settings, &services).await?;
    let db = services.db.clone();
    serve(&settings, services, listener, shutdown).await?;
    db.close().await;
    Ok(())
}

/// The use cases on the configured database.
///
/// # Errors
/// The key or the database cannot be opened.
pub async fn open(settings: &Settings) -> anyhow::Result<Services> {
    let address = match &settings.database {
        Database::Sqlite(path) => {
            if let Some(folder) = path.parent() {
                // Only for us: the file holds addresses and hashes of passwords.
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)
                    .with_context(|| format!("making the folder {}", folder.display()))?;
            }
            SecretString::from(format!("sqlite:{}", path.display()))
        }
        Database::Postgres(url) => url.clone(),
    };
    let keys = keys(settings.secret_key.load()?);
    let db = Db::open(address.expose_secret()).await.context("opening the database")?;
    let services = Services::new(service::Setup {
        db,
        clock: Clock::System,
        keys,
        zones: Arc::new(SystemZones::newest()),
        public_url: settings.origin(),
        mail_configured: settings.smtp.is_some(),
    });
    let (name, zone) = if settings.demo { ("Northwind Hosting", "Europe/Dublin") } else { ("Status", "UTC") };
    let name = Name::parse(name).context("naming the site")?;
    services.found(name, zone.to_owned()).await.context("reading the site")?;
    Ok(services)
}

/// Says how to get in: with the demo's people, or by the link that makes the first admin.
async fn welcome(settings: &Settings, services: &Services) -> anyhow::Result<()> {
    let mut out = String::new();
    if settings.demo {
        if services.is_empty().await.context("looking for data")? {
            services.load_demo().await.context("loading the demo week")?;
        }
        out += &format!("\n  Status page  {}\n  Team         {}\n\n", settings.origin(), services.url("/admin"));
        for person in service::demo::PEOPLE {
            out += &format!("  {:<9} {:<26} {}\n", person.role, person.email, person.password);
        }
    } else if let Some(link) = services.setup_link_if_needed().await.context("looking for people")? {
        out += &format!("Nobody can sign in yet. Make the first administrator here, once, within a day:\n  {link}\n");
    }
    if !out.is_empty() {
        // For the terminal, not for the log: it holds secrets.
        writeln!(std::io::stdout(), "{out}").context("writing to the terminal")?;
    }
    Ok(())
}

fn keys(keys: SecretKeys) -> Keys {
    let bytes = |key: &SecretString| SecretSlice::from(key.expose_secret().as_bytes().to_vec());
    Keys::new(bytes(&keys.current), keys.previous.iter().map(bytes).collect())
}

/// Serves these use cases on `listener`; for tests that bring their own clock and database.
///
/// # Errors
/// `/metrics` cannot be served where it should be.
pub async fn serve(
    settings: &Settings,
    services: Services,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let metrics = Metrics::new()?;
    let https = settings.public_url.scheme() == "https";
    let assets = tokio::task::spawn_blocking(move || Assets::load(https)).await.context("reading the files")?;
    if !assets.has_module() {
        tracing::warn!("this build has no browser side: pages work, islands stay still");
    }
    let workers = TaskTracker::new();
    let probes = Probes {
        ready: {
            let services = services.clone();
            probes::ready(move || {
                let services = services.clone();
                async move { services.site().await.map(drop).map_err(|error| error.to_string()) }
            })
        },
        shutdown: shutdown.clone(),
        metrics: metrics.clone(),
        token: settings.metrics.token.clone(),
    };
    if let Some(address) = settings.metrics.listen {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("listening on {address} for metrics"))?;
        let (router, stop) = (probes::local(probes.clone()), shutdown.clone());
        workers.spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "serving metrics ended");
            }
        });
    }
    worker::spawn(&workers, &services, settings, &shutdown)?;
    let shell = Arc::new(Shell {
        origin: settings.origin(),
        trusted: settings.trusted_proxies.clone(),
        stylesheet: assets.address("main.css"),
        time_limit: shell::TIME_LIMIT,
        metrics: metrics.clone(),
    });
    let state = AppState {
        services: services.clone(),
        options: assets.leptos_options(),
        assets: app::context::Assets {
            css: assets.address("main.css"),
            icons: assets.address("icons.svg"),
            live: assets.address("live.js"),
            follow: assets.address("follow.js"),
            keep: assets.address("keep.js"),
        },
    };
    let live = Events::new(services.db.newest_change(), settings.max_streams, shutdown.clone(), &metrics)?;
    let router = routes(state)
        .merge(probes::public(probes))
        .merge(events::routes(live))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&shell), shell::around));
    let cache = page_cache(&services, router.clone(), metrics);
    let front = Arc::new(Front { cache, assets, router, shell });
    // Pages that follow along must not take the places of those that are asked for.
    let connections = settings.max_connections.saturating_add(settings.max_streams);
    let limits = Limits { connections, ..Limits::default() };
    tracing::info!(listen = %listener.local_addr()?, public_url = %settings.public_url, "serving");
    accept::serve(listener, front, limits, shutdown).await;
    workers.close();
    if tokio::time::timeout(WORKERS_DRAIN, workers.wait()).await.is_err() {
        tracing::warn!(
            open = workers.len(),
            "workers were cut off: what they had in hand is done again at the next start"
        );
    }
    Ok(())
}

fn page_cache(services: &Services, router: axum::Router, metrics: Metrics) -> PageCache {
    let zones = Arc::clone(&services.zones);
    let rules = Rules::new(is_public).parameter("tz", move |name| zones.canonical(name));
    let clock = services.clock.clone();
    PageCache::new(
        Arc::new(move |request| {
            let router = router.clone();
            Box::pin(async move {
                match tower::ServiceExt::oneshot(router, request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            })
        }),
        rules,
        CacheControl::following(services.db.changes()),
        Options::default(),
        Arc::new(move || clock.now()),
        metrics,
    )
}

/// Pages and feeds that are the same for everybody. They are rendered without cookies: what a handler below these
/// paths shows must not depend on who asks.
fn is_public(path: &str) -> bool {
    const PAGES: [&str; 6] = ["/", "/history", "/announcements", "/reports", "/charts", "/calendar.ics"];
    const FOLDERS: [&str; 10] = [
        "/maintenance/",
        "/incidents/",
        "/history/",
        "/components/",
        "/announcements/",
        "/reports/",
        "/charts/",
        "/feeds/",
        "/badge/",
        "/api/v2/",
    ];
    PAGES.contains(&path) || FOLDERS.iter().any(|folder| path.starts_with(folder))
}
