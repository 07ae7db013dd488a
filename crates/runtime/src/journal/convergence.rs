//! Reconcilers that never settle.
//!
//! A reconcile that writes wakes itself; the second time it has nothing to write, as nothing but its own write has changed.
//! Two mistakes break that, and both keep a cluster busy for ever:
//!
//! - *Repeats*: it writes again and again although nothing has changed but what it wrote itself, a time stamp in a
//!   status say. Told of a key which was woken by nothing but its own writes so-and-so many times in a row and changed the
//!   same field each time.
//! - *Flips*: it sets a field, somebody else sets it back, and so on. Told of a write that makes the same change to the
//!   same field so-and-so many times within a while, though the object that it is for was not changed by anybody outside.
//!   If the other is a controller of this manager it is named.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use http::Method;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::changes::FieldChange;
use crate::writes::{Effect, Write};

/// Versions of own writes that are remembered.
const VERSIONS: usize = 8192;
/// Changes of a field that are remembered.
const CHANGES: usize = 16;
/// Objects, and keys, that are remembered.
const MOST: usize = 10_000;

/// When a reconciler counts as one that never settles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convergence {
    /// So many times in a row, woken only by its own writes, it changed the same field. Default: 5.
    pub repeats: u32,
    /// So many times it made the same change to the same field. Default: 4.
    pub flips: u32,
    /// Within this time. Default: 5 minutes.
    pub within: Duration,
}

impl Default for Convergence {
    fn default() -> Self {
        Self { repeats: 5, flips: 4, within: Duration::from_secs(300) }
    }
}

/// A reconciler that never settles.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsettled {
    /// The controller.
    pub controller: String,
    /// The key.
    pub key: String,
    /// The object that it writes: plural, namespace and name.
    pub object: String,
    /// What it does.
    pub kind: UnsettledKind,
    /// The fields, and their last change.
    pub fields: Vec<FieldChange>,
}

/// In which way a reconciler does not settle.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsettledKind {
    /// It writes on the same input again and again.
    Repeats,
    /// It and another set a field back and forth.
    Flips {
        /// The controller of the same manager that sets it back, and its key; `None` for somebody else.
        with: Option<(String, String)>,
    },
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { controller, key, object, kind, fields } = self;
        write!(f, "controller {controller} never settles on {key}: it ")?;
        match kind {
            UnsettledKind::Repeats => {
                write!(f, "writes {object} again and again though nothing but its own writes has changed")
            }
            UnsettledKind::Flips { with: Some((other, its)) } => {
                write!(f, "and controller {other} (key {its}) set {object} back and forth")
            }
            UnsettledKind::Flips { with: None } => {
                write!(f, "and somebody outside of this process set {object} back and forth")
            }
        }?;
        fields.iter().try_for_each(|change| write!(f, "; {change}"))
    }
}

/// Finds them.
#[derive(Debug)]
pub(crate) struct Detector {
    options: Convergence,
    state: Mutex<State>,
}

/// A reconcile, as far as it matters here.
pub(crate) struct Observed<'a> {
    pub(crate) controller: &'a Arc<str>,
    pub(crate) key: &'a str,
    /// The versions of the changes that woke it, if each of them is known.
    pub(crate) causes: Option<&'a [u64]>,
    /// The version of the object that it is for.
    pub(crate) subject: Option<u64>,
    pub(crate) writes: &'a [Write],
}

type Writer = (Arc<str>, String);

#[derive(Debug, Default)]
struct State {
    /// The versions that came of writes of this manager, and in what order.
    own: (BTreeSet<u64>, VecDeque<u64>),
    keys: FxHashMap<Writer, Key>,
    /// The changes of each field, by object and path.
    fields: BTreeMap<(String, String), VecDeque<Change>>,
    told: BTreeSet<(Writer, String)>,
}

#[derive(Debug, Default)]
struct Key {
    /// What the last reconcile wrote.
    wrote: BTreeSet<u64>,
    /// How often in a row it has changed a field of an object.
    streaks: BTreeMap<(String, String), u32>,
    subject: Option<u64>,
    /// How often its object was changed from outside.
    epoch: u64,
}

#[derive(Debug)]
struct Change {
    writer: Writer,
    epoch: u64,
    from: Option<String>,
    to: Option<String>,
    at: Instant,
}

impl Detector {
    pub(crate) fn new(options: Convergence) -> Self {
        Self { options, state: Mutex::default() }
    }

    /// Takes note of a reconcile that has ended. Tells what it shows.
    pub(crate) fn observe(&self, observed: &Observed<'_>) -> Vec<Unsettled> {
        let Observed { controller, key, causes, subject, writes } = observed;
        let state = &mut *self.state.lock();
        if state.keys.len() > MOST || state.fields.len() > MOST {
            // A debug mode for few objects: with more than that it begins anew.
            *state = State::default();
        }
        let writer: Writer = ((*controller).clone(), (*key).to_string());
        let known = state.keys.entry(writer.clone()).or_default();
        let by_itself = causes
            .is_some_and(|causes| !causes.is_empty() && causes.iter().all(|version| known.wrote.contains(version)));
        if !by_itself {
            known.streaks.clear();
        }
        if known.subject != *subject && subject.is_none_or(|version| !state.own.0.contains(&version)) {
            known.epoch += 1;
        }
        known.subject = *subject;
        known.wrote = writes.iter().filter_map(version).collect();
        for version in &known.wrote {
            if state.own.0.insert(*version) {
                state.own.1.push_back(*version);
            }
        }
        while state.own.1.len() > VERSIONS {
            if let Some(oldest) = state.own.1.pop_front() {
                state.own.0.remove(&oldest);
            }
        }
        let epoch = known.epoch;
        let repeats = repeats(&self.options, known, writes);
        let flips = self.flips(state, &writer, epoch, writes);
        let mut found: Vec<(String, UnsettledKind, Vec<FieldChange>)> = repeats;
        found.extend(flips);
        let mut told = Vec::new();
        for (object, kind, fields) in found {
            if state.told.insert((writer.clone(), object.clone())) {
                let (controller, key) = (controller.to_string(), (*key).to_string());
                told.push(Unsettled { controller, key, object, kind, fields });
            }
        }
        told
    }

    fn flips(
        &self,
        state: &mut State,
        writer: &Writer,
        epoch: u64,
        writes: &[Write],
    ) -> Vec<(String, UnsettledKind, Vec<FieldChange>)> {
        let now = Instant::now();
        let mut found: Vec<(String, UnsettledKind, Vec<FieldChange>)> = Vec::new();
        for (write, change) in
            writes.iter().flat_map(|write| write.changes.iter().flatten().map(move |change| (write, change)))
        {
            let object = name(write);
            let field = state.fields.entry((object.clone(), change.field.clone())).or_default();
            let FieldChange { from, to, .. } = change.clone();
            field.retain(|change| now.duration_since(change.at) < self.options.within);
            field.push_back(Change { writer: writer.clone(), epoch, from, to, at: now });
            if field.len() > CHANGES {
                field.pop_front();
            }
            let same = |one: &&Change| {
                one.writer == *writer && one.epoch == epoch && one.from == change.from && one.to == change.to
            };
            if field.iter().filter(same).count() < self.options.flips as usize {
                continue;
            }
            let back = field.iter().find(|one| one.writer != *writer && one.from == change.to && one.to == change.from);
            let with = back.map(|back| (back.writer.0.to_string(), back.writer.1.clone()));
            match found.iter_mut().find(|(of, ..)| *of == object) {
                Some((.., fields)) => fields.push(change.clone()),
                None => found.push((object, UnsettledKind::Flips { with }, vec![change.clone()])),
            }
        }
        found
    }
}

/// Counts the fields that a key has changed once more, and forgets the others.
fn repeats(options: &Convergence, known: &mut Key, writes: &[Write]) -> Vec<(String, UnsettledKind, Vec<FieldChange>)> {
    let mut streaks = BTreeMap::new();
    let mut found: Vec<(String, UnsettledKind, Vec<FieldChange>)> = Vec::new();
    for write in writes {
        let object = name(write);
        for change in write.changes.iter().flatten() {
            let at = (object.clone(), change.field.clone());
            let count = known.streaks.get(&at).copied().unwrap_or_default() + 1;
            streaks.insert(at, count);
            if count < options.repeats {
                continue;
            }
            match found.iter_mut().find(|(of, ..)| *of == object) {
                Some((.., fields)) => fields.push(change.clone()),
                None => found.push((object.clone(), UnsettledKind::Repeats, vec![change.clone()])),
            }
        }
    }
    known.streaks = streaks;
    found
}

fn version(write: &Write) -> Option<u64> {
    match write.effect {
        Effect::Version(version) => Some(version),
        Effect::Removed => None,
    }
}

fn name(write: &Write) -> String {
    // Objects that are made by a POST may have another name each time.
    if write.method == Method::POST { write.plural.clone() } else { format!("{} {}", write.plural, write.reference) }
}
