//! Events: what a controller tells people about an object, as `kubectl describe` and `kubectl events` show it.
//!
//! ```text
//! ctx.normal / ctx.warning ─→ channel (bounded; full: dropped and counted) ─→ writer ─→ API server
//! ```
//!
//! A reconcile never waits for them. The writer joins what is alike: the same reason and message about the same object
//! raises the `count` of the event that is there. An object gets at most 25 new events at once and then one in five
//! minutes, as with client-go. They are written as core/v1 Events, which every server and `kubectl describe` reads.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use rustc_hash::FxHashMap;
use serde_json::json;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// Events that wait for the writer before new ones are dropped.
const CHANNEL: usize = 1024;
/// Distinct events and objects that the writer remembers; the oldest go first.
const REMEMBERED: usize = 4096;
/// How long the same event raises the count of the one that is there. A later one is news again.
const SERIES: Duration = Duration::from_secs(600);
/// New events that an object gets at once.
const BURST: u32 = 25;
/// After those, one each time this has passed.
const REFILL: Duration = Duration::from_secs(300);
/// Waits between the tries of one write while the server is away.
const RETRIES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Whether something went as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EventType {
    Normal,
    Warning,
}

impl EventType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Something to tell about an object.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) regarding: ObjectReference,
    pub(crate) kind: EventType,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) controller: Arc<str>,
    pub(crate) at: Timestamp,
}

/// Takes notes without waiting.
#[derive(Debug, Clone)]
pub(crate) struct Recorder(mpsc::Sender<Note>);

impl Recorder {
    pub(crate) fn record(&self, note: Note) {
        if let Err(error) = self.0.try_send(note) {
            let (why, note) = match error {
                mpsc::error::TrySendError::Full(note) => ("too many events wait to be written", note),
                mpsc::error::TrySendError::Closed(note) => ("the manager has stopped", note),
            };
            let Note { reason, message, .. } = note;
            tracing::warn!(reason, message, "event dropped: {why}");
        }
    }
}

/// A recorder and the writer of what it takes.
pub(crate) fn recorder(client: Client, clock: Arc<dyn Clock>) -> (Recorder, Writer) {
    let (sender, notes) = mpsc::channel(CHANNEL);
    let writer = Writer { client, clock, notes, series: Memory::default(), limits: Memory::default(), last_name: 0 };
    (Recorder(sender), writer)
}

/// Writes events until it is stopped, and then what was recorded by that time.
pub(crate) struct Writer {
    client: Client,
    clock: Arc<dyn Clock>,
    notes: mpsc::Receiver<Note>,
    series: Memory<SeriesKey, Series>,
    limits: Memory<(Option<String>, Option<String>), Bucket>,
    last_name: i128,
}

/// Events that are one: everything that people see of them.
#[derive(PartialEq, Eq, Hash, Clone)]
struct SeriesKey {
    kind: Option<String>,
    uid: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    field_path: Option<String>,
    event_type: EventType,
    reason: String,
    message: String,
    controller: Arc<str>,
}

struct Series {
    event: String,
    count: i32,
    last: Instant,
}

struct Bucket {
    tokens: u32,
    refilled: Instant,
}

impl Writer {
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            let received = tokio::select! {
                biased;
                received = self.notes.recv_many(&mut batch, 64) => received,
                () = stop.cancelled(), if !self.notes.is_closed() => {
                    self.notes.close();
                    continue;
                }
            };
            if received == 0 {
                return;
            }
            for (note, times) in joined(batch.drain(..)) {
                self.write(note, times).await;
            }
        }
    }

    async fn write(&mut self, note: Note, times: i32) {
        let key = SeriesKey::of(&note);
        let now = Instant::now();
        if let Some(series) = self.series.get(&key).filter(|series| now.duration_since(series.last) < SERIES) {
            series.count += times;
            series.last = now;
            let (event, count) = (series.event.clone(), series.count);
            if self.raise(&note, &event, count).await {
                return;
            }
        }
        if !self.allowed(&note, now) {
            tracing::debug!(reason = note.reason, message = note.message, "event left out: the object has too many");
            return;
        }
        if let Some(event) = self.create(&note, times).await {
            self.series.insert(key, Series { event, count: times, last: now });
        }
    }

    /// Counts an event up; `false` if it is no longer there.
    async fn raise(&self, note: &Note, event: &str, count: i32) -> bool {
        let patch = json!({"count": count, "lastTimestamp": Time(note.at)});
        let api = self.api(note);
        let write = || async { api.patch(event, &PatchParams::default(), &Patch::Merge(&patch)).await.map(|_| ()) };
        match persistently(write).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => false,
            result => {
                report(note, result);
                true
            }
        }
    }

    async fn create(&mut self, note: &Note, count: i32) -> Option<String> {
        // Unique in this process and, by the time in it, very likely among all.
        self.last_name = self.clock.now().as_nanosecond().max(self.last_name + 1);
        let event = event(note, count, self.last_name);
        let name = event.metadata.name.clone();
        let api = self.api(note);
        let write = || async { api.create(&PostParams::default(), &event).await.map(|_| ()) };
        let result = persistently(write).await;
        let written = result.is_ok();
        report(note, result);
        name.filter(|_| written)
    }

    fn api(&self, note: &Note) -> Api<Event> {
        Api::namespaced(self.client.clone(), namespace(note))
    }

    fn allowed(&mut self, note: &Note, now: Instant) -> bool {
        let key = (note.regarding.uid.clone(), note.regarding.name.clone());
        if self.limits.get(&key).is_none() {
            self.limits.insert(key.clone(), Bucket { tokens: BURST, refilled: now });
        }
        self.limits.get(&key).is_none_or(|bucket| bucket.take(now))
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        while self.tokens < BURST && now.duration_since(self.refilled) >= REFILL {
            self.tokens += 1;
            self.refilled += REFILL;
        }
        if self.tokens == BURST {
            self.refilled = now;
        }
        let allowed = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        allowed
    }
}

impl SeriesKey {
    fn of(note: &Note) -> Self {
        let ObjectReference { kind, uid, namespace, name, field_path, .. } = note.regarding.clone();
        let Note { kind: event_type, reason, message, controller, .. } = note.clone();
        Self { kind, uid, namespace, name, field_path, event_type, reason, message, controller }
    }
}

/// A map that forgets what was inserted first.
struct Memory<K, V> {
    entries: FxHashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self { entries: FxHashMap::default(), order: VecDeque::new() }
    }
}

impl<K: Eq + std::hash::Hash + Clone, V> Memory<K, V> {
    fn get(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    fn insert(&mut self, key: K, value: V) {
        if self.entries.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}

/// Equal notes of a batch as one, at the place of the first, with how many they were.
fn joined(notes: impl Iterator<Item = Note>) -> Vec<(Note, i32)> {
    let mut out: Vec<(Note, i32)> = Vec::new();
    let mut places: FxHashMap<SeriesKey, usize> = FxHashMap::default();
    for note in notes {
        let place = *places.entry(SeriesKey::of(&note)).or_insert(out.len());
        match out.get_mut(place) {
            Some((first, times)) => {
                first.at = note.at;
                *times += 1;
            }
            None => out.push((note, 1)),
        }
    }
    out
}

/// Events about objects without a namespace are in `default`, where `kubectl describe` looks for them.
fn namespace(note: &Note) -> &str {
    note.regarding.namespace.as_deref().unwrap_or("default")
}

fn event(note: &Note, count: i32, unique: i128) -> Event {
    // A name has at most 253 characters.
    let object: String = note.regarding.name.iter().flat_map(|name| name.chars()).take(220).collect();
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{object}.{unique:x}")),
            namespace: Some(namespace(note).to_string()),
            ..ObjectMeta::default()
        },
        involved_object: note.regarding.clone(),
        type_: Some(note.kind.as_str().to_string()),
        reason: Some(note.reason.clone()),
        // The server refuses longer ones.
        message: Some(note.message.chars().take(1024).collect()),
        count: Some(count),
        first_timestamp: Some(Time(note.at)),
        last_timestamp: Some(Time(note.at)),
        source: Some(EventSource { component: Some(note.controller.to_string()), host: None }),
        reporting_component: Some(note.controller.to_string()),
        reporting_instance: Some(String::new()),
        ..Event::default()
    }
}

/// Tries again while the server is away; its refusals are final.
async fn persistently<F: Future<Output = Result<(), kube::Error>>>(write: impl Fn() -> F) -> Result<(), kube::Error> {
    for wait in RETRIES {
        match write().await {
            Err(kube::Error::Api(status)) if status.code < 500 && status.code != 429 => {
                return Err(kube::Error::Api(status));
            }
            Err(error) => tracing::debug!(%error, "event not written yet"),
            Ok(()) => return Ok(()),
        }
        tokio::time::sleep(wait).await;
    }
    write().await
}

fn report(note: &Note, result: Result<(), kube::Error>) {
    if let Err(error) = result {
        tracing::warn!(%error, reason = note.reason, message = note.message, "event not written");
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request, Response};
    use http_body_util::BodyExt;
    use kube::client::Body;
    use parking_lot::Mutex;
    use serde_json::Value;

    use super::*;

    /// The epoch: what is asked of events here does not depend on the time.
    #[derive(Debug)]
    struct Epoch;

    impl Clock for Epoch {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }

    /// Requests as they came, and the statuses to answer the first ones with; later ones are accepted.
    #[derive(Clone, Default)]
    struct Server {
        requests: Arc<Mutex<Vec<(Method, String, Value)>>>,
        failures: Arc<Mutex<VecDeque<u16>>>,
    }

    impl Server {
        fn client(&self) -> Client {
            let server = self.clone();
            let service = tower::service_fn(move |request: Request<Body>| {
                let server = server.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let tree: Value = serde_json::from_slice(&body).unwrap_or_default();
                    server.requests.lock().push((parts.method, parts.uri.path().to_string(), tree));
                    let failure = server.failures.lock().pop_front();
                    let answer = match failure {
                        None => Response::new(Body::from(body.to_vec())),
                        Some(code) => {
                            let reason = if code == 404 { "NotFound" } else { "Other" };
                            let status = json!({"kind": "Status", "code": code, "message": "no", "reason": reason});
                            let mut response = Response::new(Body::from(status.to_string().into_bytes()));
                            *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
                            response
                        }
                    };
                    Ok::<_, kube::Error>(answer)
                }
            });
            Client::new(service, "default")
        }

        /// Writes the notes, each in a batch of its own, and stops.
        async fn write(&self, notes: Vec<Note>) -> Vec<(Method, String, Value)> {
            let (recorder, writer) = recorder(self.client(), Arc::new(Epoch));
            let stop = CancellationToken::new();
            let task = tokio::spawn(writer.run(stop.clone()));
            for note in notes {
                recorder.record(note);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            stop.cancel();
            task.await.unwrap();
            std::mem::take(&mut self.requests.lock())
        }
    }

    fn note(name: &str, message: &str) -> Note {
        let regarding = ObjectReference {
            kind: Some("Service".into()),
            namespace: Some("ns".into()),
            name: Some(name.into()),
            uid: Some(format!("uid of {name}")),
            ..ObjectReference::default()
        };
        let (kind, reason) = (EventType::Warning, "Ambiguous".to_string());
        Note {
            regarding,
            kind,
            reason,
            message: message.into(),
            controller: "ingress".into(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_names_its_object_as_kubectl_describe_looks_for_it() {
        let requests = Server::default().write(vec![note("web", "two ports")]).await;
        let [(method, path, event)] = requests.as_slice() else { panic!("{requests:?}") };
        assert_eq!((method, path.as_str()), (&Method::POST, "/api/v1/namespaces/ns/events"));
        assert_eq!(event["involvedObject"]["uid"], "uid of web");
        assert_eq!(event["involvedObject"]["name"], "web");
        assert_eq!(
            (&event["type"], &event["reason"], &event["message"]),
            (&"Warning".into(), &"Ambiguous".into(), &"two ports".into())
        );
        assert_eq!((&event["count"], &event["source"]["component"]), (&1.into(), &"ingress".into()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_event_again_raises_the_count_of_the_first() {
        let server = Server::default();
        let requests = server.write(vec![note("web", "a"), note("web", "a"), note("web", "b")]).await;
        let shown: Vec<_> =
            requests.iter().map(|(method, _, body)| (method.as_str(), body["count"].as_i64())).collect();
        assert_eq!(shown, [("POST", Some(1)), ("PATCH", Some(2)), ("POST", Some(1))]);
        assert!(requests[1].1.ends_with(requests[0].2["metadata"]["name"].as_str().unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_was_deleted_is_written_anew() {
        let server = Server::default();
        let notes = [note("web", "a"), note("web", "a")];
        let (recorder, writer) = recorder(server.client(), Arc::new(Epoch));
        let stop = CancellationToken::new();
        let task = tokio::spawn(writer.run(stop.clone()));
        recorder.record(notes[0].clone());
        tokio::time::sleep(Duration::from_millis(1)).await;
        server.failures.lock().push_back(404);
        recorder.record(notes[1].clone());
        stop.cancel();
        task.await.unwrap();
        let methods: Vec<_> = server.requests.lock().iter().map(|(method, ..)| method.clone()).collect();
        assert_eq!(methods, [Method::POST, Method::PATCH, Method::POST]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_gets_no_more_than_a_burst_of_events() {
        let many = |name: &str| (0..40).map(|n| note(name, &n.to_string())).collect::<Vec<_>>();
        let notes = [many("noisy"), many("other")].concat();
        let requests = Server::default().write(notes).await;
        assert_eq!(requests.len(), 2 * BURST as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_recorded_before_a_stop_is_written_and_a_busy_server_is_waited_for() {
        let server = Server::default();
        server.failures.lock().extend([503, 429, 500]);
        let requests = server.write(vec![note("web", "a"), note("db", "b")]).await;
        assert_eq!(requests.len(), 5, "{requests:?}");
        server.failures.lock().push_back(403);
        assert_eq!(server.write(vec![note("web", "a")]).await.len(), 1, "a refusal is final");
    }

    #[tokio::test(start_paused = true)]
    async fn equal_events_of_a_batch_are_one_write() {
        let server = Server::default();
        let (recorder, writer) = recorder(server.client(), Arc::new(Epoch));
        for _ in 0..10 {
            recorder.record(note("web", "a"));
        }
        drop(recorder);
        writer.run(CancellationToken::new()).await;
        let requests = server.requests.lock();
        assert_eq!((requests.len(), &requests[0].2["count"]), (1, &10.into()));
    }
}
