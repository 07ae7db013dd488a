//! Random histories against a model that keeps everything.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use kubewright_apiserver::store::{Collection, EventType, ObjectKey, RangeRequest, Store, StoreOptions, Watch};
use proptest::prelude::*;

use crate::support::*;

#[derive(Debug, Clone)]
enum Step {
    /// Create, or update if it is there.
    Put {
        resource: usize,
        key: usize,
    },
    Delete {
        resource: usize,
        key: usize,
    },
    Compact {
        back: u64,
    },
    Watch {
        resource: usize,
        back: u64,
    },
    /// Let one watcher take some of its events.
    Take {
        watcher: prop::sample::Index,
        events: usize,
    },
    Range {
        resource: usize,
        back: u64,
        namespace: Option<usize>,
        limit: usize,
    },
}

const RESOURCES: [&str; 2] = ["configmaps", "secrets"];
const NAMESPACES: [&str; 3] = ["a", "a-b", "b"];

fn step() -> impl Strategy<Value = Step> {
    let (resource, key) = (0..RESOURCES.len(), 0..9usize);
    prop_oneof![
        8 => (resource.clone(), key.clone()).prop_map(|(resource, key)| Step::Put { resource, key }),
        4 => (resource.clone(), key).prop_map(|(resource, key)| Step::Delete { resource, key }),
        1 => (0..12u64).prop_map(|back| Step::Compact { back }),
        2 => (resource.clone(), 0..12u64).prop_map(|(resource, back)| Step::Watch { resource, back }),
        4 => (any::<prop::sample::Index>(), 1..6usize).prop_map(|(watcher, events)| Step::Take { watcher, events }),
        4 => (resource, 0..12u64, prop::option::of(0..NAMESPACES.len()), 0..4usize)
            .prop_map(|(resource, back, namespace, limit)| Step::Range { resource, back, namespace, limit }),
    ]
}

fn object_key(key: usize) -> ObjectKey {
    ObjectKey::new(NAMESPACES[key % 3], &(key / 3).to_string())
}

type State = BTreeMap<ObjectKey, u64>;

#[derive(Default)]
struct Model {
    /// State of both collections after each revision; index 0 is the beginning.
    states: Vec<[State; 2]>,
    /// What each revision did: collection, type, key. Index 0 is revision 1.
    events: Vec<(usize, EventType, ObjectKey)>,
}

impl Model {
    fn record(&mut self, resource: usize, event_type: EventType, key: &ObjectKey, revision: u64) {
        let mut states = self.states.last().unwrap().clone();
        match event_type {
            EventType::Deleted => states[resource].remove(key),
            _ => states[resource].insert(key.clone(), revision),
        };
        self.states.push(states);
        self.events.push((resource, event_type, key.clone()));
        assert_eq!(self.events.len() as u64, revision, "revisions rise by one");
    }
}

struct Watcher {
    resource: usize,
    watch: Watch,
    /// Up to where it has seen everything.
    seen: u64,
    ended: bool,
}

impl Watcher {
    fn take(&mut self, model: &Model, limit: usize) {
        for _ in 0..limit {
            let due = (self.seen..model.events.len() as u64)
                .map(|index| (index + 1, &model.events[index as usize]))
                .find(|(_, event)| event.0 == self.resource);
            match self.watch.try_next() {
                Ok(Some(event)) => {
                    let (revision, (_, event_type, key)) = due.expect("an event that has happened");
                    assert_eq!(
                        (event.revision(), event.event_type(), event.object().key()),
                        (revision, *event_type, key)
                    );
                    assert_eq!(resource_version(&event.object().tree()), revision);
                    let before = model.states[revision as usize - 1][self.resource].get(key).copied();
                    assert_eq!(event.previous().map(|previous| previous.revision()), before);
                    self.seen = revision;
                }
                Ok(None) => {
                    assert!(due.is_none(), "an event was missed");
                    assert_eq!(self.watch.progress(), Some(model.events.len() as u64));
                    return;
                }
                Err(compacted) => {
                    assert!(compacted.oldest > self.seen && due.is_some());
                    self.ended = true;
                    return;
                }
            }
        }
    }
}

/// Reads page by page.
fn pages(
    collection: &Collection,
    revision: u64,
    namespace: Option<&str>,
    limit: usize,
) -> Result<Vec<(ObjectKey, u64)>, u64> {
    let mut found = Vec::new();
    let mut after = None;
    let mut remaining = None;
    loop {
        let request = RangeRequest { namespace, after, revision: Some(revision), limit, ..Default::default() };
        let page = collection.range(request).map_err(|compacted| compacted.oldest)?;
        assert_eq!(page.revision, revision);
        assert!(limit == 0 || page.items.len() <= limit);
        found.extend(page.items.iter().map(|object| (object.key().clone(), object.revision())));
        if let Some(expected) = remaining {
            assert_eq!(page.items.len() + page.remaining.unwrap(), expected);
        }
        remaining = page.remaining;
        assert_eq!(page.more, page.remaining != Some(0));
        if !page.more {
            return Ok(found);
        }
        after = Some(page.items.last().unwrap().key().clone());
    }
}

fn run(options: StoreOptions, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let at_once = |write: Pin<Box<dyn Future<Output = WriteResult> + '_>>| runtime.block_on(write).unwrap();
    let store = Store::open(options.clone()).unwrap();
    let collections: [Arc<Collection>; 2] = RESOURCES.map(|resource| store.collection("", resource));
    let mut model = Model { states: vec![Default::default()], events: Vec::new() };
    let mut watchers: Vec<Watcher> = Vec::new();
    for step in steps {
        let newest = store.revision();
        match step {
            Step::Put { resource, key } => {
                let (collection, key) = (&collections[resource], object_key(key));
                let written = match collection.get(&key) {
                    None => at_once(Box::pin(create(&store, collection, &key, "x"))),
                    Some(current) => at_once(Box::pin(update(&store, collection, &key, current.revision(), "x"))),
                };
                model.record(resource, written.event_type(), &key, written.revision());
            }
            Step::Delete { resource, key } => {
                let (collection, key) = (&collections[resource], object_key(key));
                let Some(current) = collection.get(&key) else { continue };
                let last = at_once(Box::pin(delete(&store, collection, &key, current.revision())));
                model.record(resource, EventType::Deleted, &key, last.revision());
            }
            Step::Compact { back } => store.compact(newest.saturating_sub(back)),
            Step::Watch { resource, back } => {
                let from = newest.saturating_sub(back);
                if let Ok(watch) = collections[resource].watch(from) {
                    watchers.push(Watcher { resource, watch, seen: from, ended: false });
                }
            }
            Step::Take { watcher, events } => {
                watchers.retain(|watcher| !watcher.ended);
                if !watchers.is_empty() {
                    watcher.get_mut(&mut watchers).take(&model, events);
                }
            }
            Step::Range { resource, back, namespace, limit } => {
                let revision = newest.saturating_sub(back);
                let namespace = namespace.map(|index| NAMESPACES[index]);
                let state = &model.states[revision as usize][resource];
                let chosen = |(key, _): &(&ObjectKey, &u64)| namespace.is_none_or(|ns| key.namespace() == ns);
                let expected: Vec<_> = state.iter().filter(chosen).map(|(key, at)| (key.clone(), *at)).collect();
                match pages(&collections[resource], revision, namespace, limit) {
                    Ok(found) => assert_eq!(found, expected),
                    Err(oldest) => assert!(oldest > revision && oldest <= newest),
                }
                let newest_state = &model.states[newest as usize][resource];
                assert_eq!(collections[resource].count(namespace), newest_state.iter().filter(chosen).count());
            }
        }
    }
    for watcher in watchers.iter_mut().filter(|watcher| !watcher.ended) {
        watcher.take(&model, usize::MAX);
    }
    if options.data_dir.is_some() {
        drop((store, collections, watchers));
        let store = Store::open(options).unwrap();
        for (index, resource) in RESOURCES.into_iter().enumerate() {
            let found = pages(&store.collection("", resource), store.revision(), None, 2).unwrap();
            assert_eq!(found.into_iter().collect::<State>(), model.states.last().unwrap()[index]);
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..Default::default() })]

    #[test]
    fn reads_and_watches_agree_with_the_model(history in 1..20usize, steps in steps()) {
        run(StoreOptions { history, ..Default::default() }, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..Default::default() })]

    #[test]
    fn with_a_data_directory_they_agree_too(history in 1..20usize, steps in steps()) {
        let directory = tempfile::tempdir().unwrap();
        run(StoreOptions { history, data_dir: Some(directory.path().into()), ..Default::default() }, steps);
    }
}
