//! Keeps a store equal to the server: asks, reads, and does what the state machine decides.
//!
//! ```text
//! server ─bytes→ wire (lines, pages) ─objects→ scan ─input→ machine ─┬─changes→ store
//!    ↑                                                               └─next→ request, read or wait ─┐
//!    └──────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```

mod machine;
mod request;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep, timeout};

use crate::CacheOptions;
use crate::informer::Shared;
use crate::scan::Scanner;
use crate::stored::Stored;
use machine::{Input, Machine, Next};
use request::Requests;
use wire::{Fault, Lines};

pub(crate) use machine::Change;
pub use machine::State;

/// The longest event that is taken for one; etcd refuses objects of more than 1.5 MB.
const LONGEST_LINE: usize = 64 << 20;
/// For how long the server is asked to keep a watch open, in seconds: client libraries give up reading after 295.
const WATCH_SECONDS: std::ops::RangeInclusive<u32> = 240..=290;

/// What keeps one store equal to the server.
pub(crate) struct Reflector {
    pub(crate) client: Client,
    pub(crate) options: Arc<CacheOptions>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) scanner: Scanner,
    pub(crate) random: StdRng,
}

/// A watch that is open.
struct Connection {
    body: Body,
    lines: Lines,
    opened: Instant,
}

impl Reflector {
    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        let requests = Requests::new(&self.shared.resource, &self.shared.scope, self.shared.keep);
        let mut machine = if self.options.watch_list { Machine::default() } else { Machine::without_watch_list() };
        let mut connection = None;
        let mut input = Input::Start;
        loop {
            let told = why_wait(&input);
            let (after, changes, next) = machine.step(input);
            machine = after;
            self.shared.take_over(machine.state, changes);
            // A long burst of events comes without a wait.
            consume_budget().await;
            input = match next {
                Next::Read => self.read(&mut connection).await,
                Next::Stream => self.open(&requests, &mut connection, None).await,
                Next::Watch(version) => self.open(&requests, &mut connection, Some(version.as_str())).await,
                Next::List { more, paged } => {
                    let limit = if paged { self.options.page_size } else { 0 };
                    self.list(&requests, more.as_deref(), limit).await
                }
                Next::Probe => self.probe(&requests).await,
                Next::Wait { failures, at_least } => {
                    connection = None;
                    let delay = self.options.backoff.delay(failures, &mut self.random).max(at_least);
                    self.shared.note_wait(told, delay);
                    sleep(delay).await;
                    Input::Elapsed
                }
            };
        }
    }

    async fn list(&mut self, requests: &Requests, more: Option<&str>, limit: u32) -> Input<Stored> {
        let asked = Instant::now();
        let answer = async {
            let body = self.answer(requests.list(limit, more)?, false).await?;
            let body = self.whole(body).await?;
            wire::page(&mut self.scanner, &body)
        };
        match answer.await {
            Ok(wire::Page { items, version, more }) => {
                self.shared.note_contact();
                Input::Page { items, version, more }
            }
            Err(fault) => self.failed(fault, asked),
        }
    }

    async fn probe(&mut self, requests: &Requests) -> Input<Stored> {
        let asked = Instant::now();
        let answer = async {
            let body = self.answer(requests.list(1, None)?, false).await?;
            wire::newest(&self.whole(body).await?)
        };
        match answer.await {
            Ok(version) => {
                self.shared.note_contact();
                Input::Newest(version)
            }
            Err(fault) => self.failed(fault, asked),
        }
    }

    async fn open(
        &mut self,
        requests: &Requests,
        connection: &mut Option<Connection>,
        from: Option<&str>,
    ) -> Input<Stored> {
        let opened = Instant::now();
        let seconds = self.random.random_range(WATCH_SECONDS);
        let answer = async { self.answer(requests.watch(from, seconds)?, from.is_none()).await };
        match answer.await {
            Ok(body) => {
                *connection = Some(Connection { body, lines: Lines::default(), opened });
                self.read(connection).await
            }
            Err(fault) => self.failed(fault, opened),
        }
    }

    /// The next event of the open watch.
    async fn read(&mut self, connection: &mut Option<Connection>) -> Input<Stored> {
        let Some(Connection { body, lines, opened }) = connection else {
            return Input::Ended { lasted: Duration::ZERO };
        };
        loop {
            if let Some(line) = lines.next() {
                return match wire::event(&mut self.scanner, &line) {
                    Ok(event) => {
                        self.shared.note_contact();
                        Input::Event(event)
                    }
                    Err(fault) => self.failed(fault, *opened),
                };
            }
            if lines.len() > LONGEST_LINE {
                return self
                    .failed(Fault::garbage(format!("the watch sent a line of over {LONGEST_LINE} bytes")), *opened);
            }
            match timeout(self.options.idle, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        lines.push(data);
                    }
                }
                Ok(None) => return Input::Ended { lasted: opened.elapsed() },
                Ok(Some(Err(error))) => {
                    return self.failed(Fault::broken(format!("the watch broke: {}", chain(&error))), *opened);
                }
                Err(_) => return self.failed(Fault::silent(self.options.idle), *opened),
            }
        }
    }

    /// The body of an answer that is a success.
    async fn answer(&self, request: http::Request<Body>, streaming: bool) -> Result<Body, Fault> {
        let sent = timeout(self.options.idle, self.client.send(request)).await;
        let response = sent
            .map_err(|_| Fault::silent(self.options.idle))?
            .map_err(|error| Fault::broken(format!("the request failed: {}", chain(&error))))?;
        let (parts, body) = response.into_parts();
        if parts.status.is_success() {
            return Ok(body);
        }
        let retry_after = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let body = self.whole(body).await?;
        Err(Fault::from_answer(parts.status, retry_after, &body, streaming))
    }

    async fn whole(&self, mut body: Body) -> Result<Vec<u8>, Fault> {
        let mut whole = Vec::new();
        loop {
            match timeout(self.options.idle, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        whole.extend_from_slice(data);
                    }
                }
                Ok(None) => return Ok(whole),
                Ok(Some(Err(error))) => return Err(Fault::broken(format!("the answer broke off: {}", chain(&error)))),
                Err(_) => return Err(Fault::silent(self.options.idle)),
            }
        }
    }

    fn failed(&self, fault: Fault, asked: Instant) -> Input<Stored> {
        let Fault { failure, code, message } = fault;
        self.shared.note_fault(code, message);
        Input::Failed { failure, lasted: asked.elapsed() }
    }
}

/// Why something other than a failure may lead to a wait.
fn why_wait(input: &Input<Stored>) -> Option<&'static str> {
    match input {
        Input::Ended { .. } => Some("the server ended the connection too early"),
        Input::Event(_) | Input::Newest(_) => {
            Some("the server is behind what it has sent before, as after being restored from a backup; listing again")
        }
        Input::Start | Input::Elapsed | Input::Page { .. } | Input::Failed { .. } => None,
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors repeat their cause.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
