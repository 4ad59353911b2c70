//! Logs and counters. Nothing that identifies a person or opens a door goes through here: routes are logged as they
//! are matched, never as they were typed, and labels hold no addresses or tokens.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Log, LogFormat};

/// Modules that print whole headers or lines of a conversation at debug level: those hold cookies and addresses.
const TALKATIVE: [&str; 4] = ["h2", "hyper", "lettre", "rustls"];

/// Starts logging to standard error.
///
/// # Errors
/// Somebody else has started logging in this process.
pub fn init(log: &Log) -> anyhow::Result<()> {
    let mut filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse(&log.level)?;
    for module in TALKATIVE {
        if !log.level.contains(&format!("{module}=")) {
            filter = filter.add_directive(format!("{module}=info").parse()?);
        }
    }
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match log.format {
        LogFormat::Human => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    }
    .map_err(|error| anyhow::anyhow!("starting the log: {error}"))
}

/// Whether a filter says what its author meant. `tracing` itself would take a mistyped level for the name of a module.
pub fn is_filter(text: &str) -> bool {
    let is_level = |level: &str| {
        ["off", "error", "warn", "info", "debug", "trace"].iter().any(|known| level.eq_ignore_ascii_case(known))
    };
    text.split(',').map(str::trim).all(|part| match part.split_once('=') {
        None => is_level(part),
        Some((module, level)) => !module.is_empty() && is_level(level),
    })
}

/// The counters of one server. Cheap to clone; handles on hot paths are taken once.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    resident: IntGauge,
    /// Connections open now.
    pub connections: IntGauge,
    /// Pages answered from the page cache.
    pub page_hits: IntCounter,
    /// Pages rendered for the page cache.
    pub page_renders: IntCounter,
    /// Pages answered with the last good body because rendering failed or took too long.
    pub page_stale: IntCounter,
}

impl Metrics {
    /// A registry of its own, so that two servers in one process (tests) do not share numbers.
    ///
    /// # Errors
    /// Two counters have the same name.
    pub fn new() -> anyhow::Result<Self> {
        let registry = Registry::new();
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("fermata_http_requests_total", "Requests answered behind the page cache."),
                &["method", "route", "status"],
            )?,
            durations: HistogramVec::new(
                HistogramOpts::new("fermata_http_request_duration_seconds", "Time until the answer's head is ready.")
                    .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]),
                &["route"],
            )?,
            resident: IntGauge::new("process_resident_memory_bytes", "Memory in use.")?,
            connections: IntGauge::new("fermata_http_connections", "Connections open now.")?,
            page_hits: IntCounter::new("fermata_page_cache_hits_total", "Pages answered from the page cache.")?,
            page_renders: IntCounter::new("fermata_page_cache_renders_total", "Pages rendered for the page cache.")?,
            page_stale: IntCounter::new(
                "fermata_page_cache_stale_total",
                "Pages answered with the last good body because rendering failed or took too long.",
            )?,
            registry,
        };
        let version = IntGauge::with_opts(
            Opts::new("fermata_build_info", "Always 1; the version is in the label.")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        version.set(1);
        metrics.register(version)?;
        metrics.register(metrics.requests.clone())?;
        metrics.register(metrics.durations.clone())?;
        metrics.register(metrics.resident.clone())?;
        metrics.register(metrics.connections.clone())?;
        metrics.register(metrics.page_hits.clone())?;
        metrics.register(metrics.page_renders.clone())?;
        metrics.register(metrics.page_stale.clone())?;
        Ok(metrics)
    }

    /// Adds a counter of another module.
    ///
    /// # Errors
    /// Its name is taken.
    pub fn register(&self, collector: impl prometheus::core::Collector + 'static) -> anyhow::Result<()> {
        self.registry.register(Box::new(collector)).context("registering a metric")
    }

    /// Counts one request by the route it matched.
    pub fn request(&self, method: &str, route: &str, status: u16, duration: Duration) {
        self.requests.with_label_values(&[method, route, status.to_string().as_str()]).inc();
        self.durations.with_label_values(&[route]).observe(duration.as_secs_f64());
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// A metric has no name, which registering rules out.
    pub fn text(&self) -> anyhow::Result<String> {
        if let Some(bytes) = resident_bytes() {
            self.resident.set(bytes);
        }
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(String::from_utf8(out)?)
    }
}

/// Linux only; elsewhere the number is left out.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_mistyped_level_is_not_taken_for_a_module() {
        for good in ["info", "debug,server=trace", "warn, storage=off"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in ["lud", "", "server=", "=debug", "info,", "a=b=c"] {
            assert!(!is_filter(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_are_printed_by_route() {
        let metrics = Metrics::new().unwrap();
        metrics.request("GET", "/maintenance/{id}", 200, Duration::from_millis(3));
        let text = metrics.text().unwrap();
        assert!(text.contains(r#"fermata_http_requests_total{method="GET",route="/maintenance/{id}",status="200"} 1"#));
        assert!(text.contains("fermata_build_info{version="));
        assert!(text.contains("process_resident_memory_bytes"));
    }
}
