//! Many watchers of the same objects: how long events take to reach them, and how many reach them in a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::Method;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use kube::Config;
use memchr::memmem;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::connection::{Call, Connection, JSON, PROTOBUF};
use super::drive::{quantile, together};
use super::objects::{self, WATCHED};
use crate::Error;

/// A client has so many watches on its connection.
const ON_ONE_CONNECTION: usize = 50;
/// Objects that change in turn.
const OBJECTS: usize = 16;
/// So many changes are under way before all watchers have seen them: no server gives up a watcher for it.
const BURST: usize = 64;
/// Events that reach all watchers together in a second while latencies are taken: what either server does with ease.
const CALM: usize = 2_000;

/// What was seen.
pub(crate) struct Seen {
    /// Seconds from the sending of a change to its arrival at a watcher.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Events that arrived in a second.
    pub(crate) events: f64,
    /// All that arrived while that was measured.
    pub(crate) count: f64,
}

/// The watchers, as they run.
struct Watchers {
    tasks: JoinSet<Result<(), Error>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    received: AtomicU64,
    /// When so many are received, somebody wants to know.
    awaited: AtomicU64,
    reached: Notify,
    latencies: Mutex<Vec<f64>>,
}

/// Makes the objects that are watched.
pub(crate) async fn prepare(connection: &Connection) -> Result<(), Error> {
    for number in 0..OBJECTS {
        let body = objects::config_map(&name(number), "0");
        connection.exchange(Call::write(Method::POST, &objects::path(WATCHED), body)).await?;
    }
    Ok(())
}

/// Measures with so many watchers. `cpu` is asked before and after what [`Seen::events`] is about; its difference is
/// returned too.
pub(crate) async fn measure(
    config: &Config,
    writers: &[Connection],
    count: usize,
    protobuf: bool,
    during: Duration,
    cpu: impl Fn() -> f64,
) -> Result<(Seen, f64), Error> {
    let connections = Connection::open_many(config, count.div_ceil(ON_ONE_CONNECTION)).await?;
    let mut watchers = Watchers::start(&connections, count, protobuf).await?;

    let (mut p50, mut p99) = (0.0, 0.0);
    if !protobuf {
        watchers.calm(&writers[0], count, during).await?;
        let mut latencies = std::mem::take(&mut *watchers.shared.latencies.lock());
        (p50, p99) = (quantile(&mut latencies, 0.5), quantile(&mut latencies, 0.99));
    }
    let (before, started) = (cpu(), Instant::now());
    let mut bursts = 0;
    while started.elapsed() < during {
        watchers.burst(writers, count).await?;
        bursts += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    let arrived = (bursts * BURST * count) as f64;
    Ok((Seen { p50, p99, events: arrived / seconds, count: arrived }, cpu() - before))
}

impl Watchers {
    async fn start(connections: &[Connection], count: usize, protobuf: bool) -> Result<Self, Error> {
        let list = format!("{}?limit=1", objects::path(WATCHED));
        let list: Value = serde_json::from_slice(&connections[0].read(Call::get(&list)).await?)
            .map_err(|error| Error::Request(error.to_string()))?;
        let revision = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let path = format!("{}?watch=true&resourceVersion={revision}", objects::path(WATCHED));
        let shared = Arc::new(Shared { awaited: AtomicU64::new(u64::MAX), ..Shared::default() });
        let mut tasks = JoinSet::new();
        for number in 0..count {
            let call = Call { accept: if protobuf { PROTOBUF } else { JSON }, ..Call::get(&path) };
            let body = connections[number / ON_ONE_CONNECTION].send(call).await?.into_body();
            tasks.spawn(receive(body, shared.clone(), protobuf));
        }
        Ok(Self { tasks, shared })
    }

    /// Changes one object after the other at an even rate, and waits for each event.
    async fn calm(&mut self, writer: &Connection, watchers: usize, during: Duration) -> Result<(), Error> {
        let pause = Duration::from_secs(1) / u32::try_from((CALM / watchers).clamp(2, 100)).unwrap_or(2);
        let started = Instant::now();
        let mut round = 0;
        while started.elapsed() < during {
            self.expect(watchers);
            change(writer, round % OBJECTS).await?;
            self.wait().await?;
            round += 1;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// Changes objects from all writers, and waits until all watchers have seen it.
    async fn burst(&mut self, writers: &[Connection], watchers: usize) -> Result<(), Error> {
        self.expect(watchers * BURST);
        let each = BURST / writers.len();
        together(writers, |connection, client| async move {
            for _ in 0..each {
                change(&connection, client % OBJECTS).await?;
            }
            Ok(())
        })
        .await?;
        self.wait().await
    }

    fn expect(&self, events: usize) {
        self.shared.received.store(0, Ordering::SeqCst);
        self.shared.awaited.store(events as u64, Ordering::SeqCst);
    }

    async fn wait(&mut self) -> Result<(), Error> {
        tokio::select! {
            () = self.shared.reached.notified() => Ok(()),
            ended = self.tasks.join_next() => match ended {
                Some(ended) => ended?,
                None => Ok(()),
            },
        }
    }
}

async fn change(connection: &Connection, number: usize) -> Result<(), Error> {
    let name = name(number);
    let path = format!("{}/{name}", objects::path(WATCHED));
    let body = objects::config_map(&name, &format!("{:.9}", now()));
    connection.exchange(Call::write(Method::PUT, &path, body)).await?;
    Ok(())
}

fn name(number: usize) -> String {
    format!("watched-{number}")
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

async fn receive(mut body: Incoming, shared: Arc<Shared>, protobuf: bool) -> Result<(), Error> {
    let mut counter = Counter::default();
    let sent = memmem::Finder::new(b"\"sent\":\"");
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame?.into_data() else { continue };
        let events = if protobuf { counter.frames(&bytes) } else { memchr::memchr_iter(b'\n', &bytes).count() };
        if !protobuf {
            let arrived = now();
            let mut latencies = shared.latencies.lock();
            // While many arrive at once they are not asked for.
            if events == 1
                && let Some(at) = sent.find(&bytes).map(|at| at + sent.needle().len())
            {
                latencies.extend(time(&bytes[at..]).map(|time| arrived - time));
            }
        }
        let received = shared.received.fetch_add(events as u64, Ordering::SeqCst) + events as u64;
        if received == shared.awaited.load(Ordering::SeqCst) {
            shared.reached.notify_one();
        }
    }
    Err(Error::Request("a watch was ended by the server".to_owned()))
}

fn time(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&text[..end]).ok()?.parse().ok()
}

/// Counts frames with four bytes of length before each.
#[derive(Default)]
struct Counter {
    length: Vec<u8>,
    missing: usize,
}

impl Counter {
    /// How many frames come to their end in these bytes.
    fn frames(&mut self, mut bytes: &[u8]) -> usize {
        let mut frames = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.missing > 0 {
                let part = self.missing.min(bytes.len());
                self.missing -= part;
                bytes = &bytes[part..];
                frames += usize::from(self.missing == 0);
                continue;
            }
            self.length.push(*first);
            bytes = rest;
            if let [a, b, c, d] = self.length[..] {
                self.missing = u32::from_be_bytes([a, b, c, d]) as usize;
                self.length.clear();
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_wherever_they_are_cut() {
        let stream = [&3_u32.to_be_bytes()[..], b"abc", &300_u32.to_be_bytes(), &[7; 300]].concat();
        for size in 1..stream.len() {
            let mut counter = Counter::default();
            let counted: usize = stream.chunks(size).map(|part| counter.frames(part)).sum();
            assert_eq!(counted, 2, "in parts of {size}");
        }
    }

    #[test]
    fn the_time_of_sending_is_read() {
        assert_eq!(time(b"1763731200.250000000\"}"), Some(1_763_731_200.25));
        assert_eq!(time(b"nonsense"), None);
    }
}
