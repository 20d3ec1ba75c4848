//! `GET /metrics`: sums for Prometheus.
//!
//! No label names an account, an address or a destination: what a scraper keeps is a store that nobody sweeps.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use warp::{
    Reply,
    http::{StatusCode, header::CONTENT_TYPE},
    reply::Response,
};

use super::{Health, Site, fault};

/// The sums, read anew for every scrape.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
}

/// Whoever knows what the relay did since the service started.
pub trait Sums: Send + Sync + 'static {
    /// Payload bytes, both ways, of all accounts together.
    fn bytes(&self) -> u64;
    /// How often each thing of a closed list happened.
    fn events(&self) -> Vec<(&'static str, u64)>;
    /// How often the relay was started again.
    fn restarts(&self) -> u64;
    /// How many counters there are: for so many accounts counts can wait.
    fn counters(&self) -> u64;
    /// Whether it takes clients.
    fn serves(&self) -> bool;
}

/// What a scrape reads.
struct Read {
    health: Arc<Health>,
    relay: Arc<dyn Sums>,
}

impl Metrics {
    /// Metrics over the health of the service and the sums of the relay.
    #[must_use]
    pub fn new(health: Arc<Health>, relay: Arc<dyn Sums>) -> Self {
        let mut registry = Registry::with_prefix("avow");
        registry.register_collector(Box::new(Read { health, relay }));
        Self { registry }
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Read")
    }
}

impl Collector for Read {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let health = &self.health;
        counter(&mut encoder, "relay", "Payload bytes carried, both ways", Some(&Unit::Bytes), self.relay.bytes())?;
        counter(&mut encoder, "relay_restarts", "Times the relay was started again", None, self.relay.restarts())?;
        for (name, help, value) in [
            ("batches_stored", "Batches of counts written to the store", &health.batches),
            ("buckets_erased", "Buckets erased because they were due", &health.buckets_erased),
        ] {
            counter(&mut encoder, name, help, None, value.load(Ordering::Relaxed))?;
        }
        let held = health.held(self.relay.counters());
        for (name, help, value) in [
            ("counts_held_seconds", "For how long the store has taken no counts", held.seconds),
            ("counts_held_accounts", "Accounts whose counts wait in memory", held.accounts),
            ("counts_held_accounts_limit", "Accounts whose counts can wait in memory", held.most_accounts),
            ("sessions_held", "Sealed sessions that wait in memory", held.sessions),
            ("sessions_held_limit", "Sealed sessions that can wait in memory", held.most_sessions),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        for (name, help, value) in [
            ("relay_up", "1 while the relay takes clients", self.relay.serves()),
            ("counts_held", "1 while counts wait in memory for the store", health.counts_held.load(Ordering::Relaxed)),
            ("clock_set", "1 while the wall clock is not followed", health.clock_set.load(Ordering::Relaxed)),
            (
                "counts_refused",
                "1 while the policy keeps no month totals",
                health.counts_refused.load(Ordering::Relaxed),
            ),
        ] {
            let gauge = ConstGauge::new(i64::from(value));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let help = "What happened in the relay, of a closed list";
        let mut family = encoder.encode_descriptor("relay_events", help, None, MetricType::Counter)?;
        for (event, count) in self.relay.events() {
            ConstCounter::new(count).encode(family.encode_family(&[("event", event)])?)?;
        }
        Ok(())
    }
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: u64,
) -> fmt::Result {
    let counter = ConstCounter::new(value);
    counter.encode(encoder.encode_descriptor(name, help, unit, counter.metric_type())?)
}

pub(super) fn answer(site: &Site) -> Response {
    let mut text = String::new();
    if encode(&mut text, &site.metrics.registry).is_err() {
        return fault::answer(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written");
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    warp::reply::with_header(text, CONTENT_TYPE, kind).into_response()
}
