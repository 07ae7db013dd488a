//! Relation memory: what the reconcile of a key has read wakes the key when it changes or goes away.
//!
//! A read is noted before it is made, so that no change falls in between, and forgotten when the next reconcile of the
//! key ends without it. Reads that found nothing count too: what they looked for may appear.
//!
//! | read | what wakes the key | found by |
//! |---|---|---|
//! | an object | any change of it | its name |
//! | a namespace, or all | any change of an object in it | the namespace |
//! | a label selector | any change of an object that matches, or did | a label that the selector wants, then the selector |
//! | an index value | any change of an object that has it, or had | the value |
//! | any object of an index value | the one found loses the value; if there was none, one gets it | value, then name |
//!
//! So a change costs a look-up for each kind of read, however many keys there are, and what it wakes.

use std::{collections::BTreeSet, fmt, hash::Hash, sync::Arc};

use kube::{
    api::ApiResource,
    core::{Expression, Selector},
};
use kubewright_cache::{Delta, ObjectRef, Stored};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::watch::IndexValues;

/// What the keys of a controller have read.
#[derive(Debug)]
pub(crate) struct Relations<K>(Mutex<State<K>>);

/// A read of objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Interest {
    pub(crate) kind: Kind,
    pub(crate) read: Read,
}

/// A kind in a cluster, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Kind {
    /// `None`: the one that the controller is at home in.
    pub(crate) cluster: Option<Arc<str>>,
    group: Arc<str>,
    plural: Arc<str>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Read {
    Object(ObjectRef),
    List(Option<Arc<str>>),
    Select(Option<Arc<str>>, Wanted),
    Index(Arc<str>, Arc<str>),
    /// Whether an index has any object under a value, and the one that was found.
    Any(Arc<str>, Arc<str>, Option<ObjectRef>),
}

/// A label selector, by its text.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    text: Arc<str>,
    selector: Selector,
}

#[derive(Debug)]
struct State<K> {
    /// The keys, by number: the sets below are many.
    keys: FxHashMap<K, u32>,
    by_number: Vec<Option<(K, FxHashSet<Interest>)>>,
    free: Vec<u32>,
    kinds: FxHashMap<Kind, Readers>,
}

type Keys = BTreeSet<u32>;

/// Who has read what of one kind.
#[derive(Debug, Default)]
struct Readers {
    objects: FxHashMap<ObjectRef, Keys>,
    lists: FxHashMap<Option<Arc<str>>, Keys>,
    selectors: Selectors,
    indexes: FxHashMap<Arc<str>, FxHashMap<Arc<str>, IndexReaders>>,
}

/// Who has selected objects by their labels, in a namespace or in all.
#[derive(Debug, Default)]
struct Selectors {
    /// With the label by which each selector is found.
    all: FxHashMap<Selection, (Keys, Option<Label>)>,
    /// By name and value, those that want a label to have a value: it is enough to ask those whose label an object has.
    by_label: FxHashMap<String, FxHashMap<String, FxHashSet<Selection>>>,
    /// Those that want no such thing have to be asked about every object.
    others: FxHashSet<Selection>,
}

type Selection = (Option<Arc<str>>, Wanted);
type Label = (String, String);

/// Who has read an index value.
#[derive(Debug, Default)]
struct IndexReaders {
    all: Keys,
    /// Those who look for any, by what they found.
    any: FxHashMap<ObjectRef, Keys>,
    /// Those who looked for any in vain.
    none: Keys,
}

impl Interest {
    /// Of objects in this cluster; `None`: where the controller is at home.
    pub(crate) fn new(cluster: Option<&Arc<str>>, resource: &ApiResource, read: Read) -> Self {
        Self { kind: Kind::of(cluster, resource), read }
    }
}

impl fmt::Display for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |namespace: &Option<Arc<str>>| match namespace {
            Some(namespace) => format!("in {namespace}"),
            None => "in all namespaces".to_string(),
        };
        let Kind { cluster, plural, .. } = &self.kind;
        if let Some(cluster) = cluster {
            write!(f, "{cluster}: ")?;
        }
        match &self.read {
            Read::Object(object) => write!(f, "{plural} {object}"),
            Read::List(namespace) => write!(f, "{plural} {}", place(namespace)),
            Read::Select(namespace, wanted) => write!(f, "{plural} {} with {}", place(namespace), wanted.text),
            Read::Index(index, value) => write!(f, "{plural} by {index} {value}"),
            Read::Any(index, value, None) => write!(f, "{plural}, any by {index} {value}: none"),
            Read::Any(index, value, Some(found)) => write!(f, "{plural}, any by {index} {value}: {found}"),
        }
    }
}

impl Kind {
    pub(crate) fn of(cluster: Option<&Arc<str>>, resource: &ApiResource) -> Self {
        let (group, plural) = (resource.group.as_str().into(), resource.plural.as_str().into());
        Self { cluster: cluster.cloned(), group, plural }
    }
}

impl Wanted {
    pub(crate) fn new(selector: &Selector) -> Self {
        Self { text: selector.to_string().into(), selector: selector.clone() }
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Wanted {}

impl Hash for Wanted {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<K> Default for Relations<K> {
    fn default() -> Self {
        let state =
            State { keys: FxHashMap::default(), by_number: Vec::new(), free: Vec::new(), kinds: FxHashMap::default() };
        Self(Mutex::new(state))
    }
}

impl<K: Hash + Eq + Clone> Relations<K> {
    /// From now on the key hears of changes of what it reads.
    pub(crate) fn add(&self, key: &K, interest: Interest) {
        let state = &mut *self.0.lock();
        let number = state.number(key);
        let Some((_, interests)) = &mut state.by_number[number as usize] else { return };
        if interests.insert(interest.clone()) {
            state.kinds.entry(interest.kind).or_default().insert(number, interest.read);
        }
    }

    /// The key has read this, and nothing else. Tells which kinds nobody reads any more.
    pub(crate) fn replace(&self, key: &K, read: &FxHashSet<Interest>) -> Vec<Kind> {
        let state = &mut *self.0.lock();
        let Some(&number) = state.keys.get(key) else { return Vec::new() };
        let Some((_, interests)) = &mut state.by_number[number as usize] else { return Vec::new() };
        let dropped: Vec<Interest> = interests.iter().filter(|interest| !read.contains(interest)).cloned().collect();
        for interest in &dropped {
            interests.remove(interest);
        }
        if interests.is_empty() {
            state.by_number[number as usize] = None;
            state.keys.remove(key);
            state.free.push(number);
        }
        let mut unread = Vec::new();
        for Interest { kind, read } in dropped {
            let Some(readers) = state.kinds.get_mut(&kind) else { continue };
            readers.remove(number, &read);
            if readers.is_empty() {
                state.kinds.remove(&kind);
                unread.push(kind);
            }
        }
        unread
    }

    /// The keys that have read anything.
    pub(crate) fn keys(&self) -> Vec<K> {
        self.0.lock().by_number.iter().flatten().map(|(key, _)| key.clone()).collect()
    }

    /// Whether any key reads objects of the kind.
    pub(crate) fn reads(&self, kind: &Kind) -> bool {
        self.0.lock().kinds.contains_key(kind)
    }

    /// Whether any key reads this very object.
    pub(crate) fn reads_object(&self, kind: &Kind, object: &ObjectRef) -> bool {
        self.0.lock().kinds.get(kind).is_some_and(|readers| readers.objects.contains_key(object))
    }

    /// The keys that a change matters to, in the order in which they were first seen. `indexes` are those of the watch
    /// that the change came from.
    pub(crate) fn affected(&self, kind: &Kind, delta: &Delta, indexes: &[(String, Arc<IndexValues>)]) -> Vec<K> {
        let state = self.0.lock();
        let Some(readers) = state.kinds.get(kind) else { return Vec::new() };
        let numbers = readers.affected(delta, indexes);
        let keys = numbers.into_iter().filter_map(|number| state.by_number.get(number as usize)?.as_ref());
        keys.map(|(key, _)| key.clone()).collect()
    }
}

impl<K: Hash + Eq + Clone> State<K> {
    fn number(&mut self, key: &K) -> u32 {
        if let Some(&number) = self.keys.get(key) {
            return number;
        }
        let entry = Some((key.clone(), FxHashSet::default()));
        let number = match self.free.pop() {
            Some(number) => {
                self.by_number[number as usize] = entry;
                number
            }
            None => {
                self.by_number.push(entry);
                // Four thousand million keys would not fit into memory.
                (self.by_number.len() - 1) as u32
            }
        };
        self.keys.insert(key.clone(), number);
        number
    }
}

impl Readers {
    fn insert(&mut self, key: u32, read: Read) {
        match read {
            Read::Object(object) => self.objects.entry(object).or_default().insert(key),
            Read::List(namespace) => self.lists.entry(namespace).or_default().insert(key),
            Read::Select(namespace, wanted) => self.selectors.insert((namespace, wanted), key),
            Read::Index(index, value) => self.index(index, value).all.insert(key),
            Read::Any(index, value, None) => self.index(index, value).none.insert(key),
            Read::Any(index, value, Some(found)) => self.index(index, value).any.entry(found).or_default().insert(key),
        };
    }

    fn index(&mut self, index: Arc<str>, value: Arc<str>) -> &mut IndexReaders {
        self.indexes.entry(index).or_default().entry(value).or_default()
    }

    fn remove(&mut self, key: u32, read: &Read) {
        match read {
            Read::Object(object) => remove(&mut self.objects, object, key),
            Read::List(namespace) => remove(&mut self.lists, namespace, key),
            // The map is asked with the pair that it holds.
            Read::Select(namespace, wanted) => self.selectors.remove(&(namespace.clone(), wanted.clone()), key),
            Read::Index(index, value) | Read::Any(index, value, _) => {
                let Some(values) = self.indexes.get_mut(index) else { return };
                let Some(readers) = values.get_mut(value) else { return };
                match read {
                    Read::Any(_, _, Some(found)) => remove(&mut readers.any, found, key),
                    Read::Any(_, _, None) => _ = readers.none.remove(&key),
                    _ => _ = readers.all.remove(&key),
                }
                if readers.is_empty() {
                    values.remove(value);
                    if values.is_empty() {
                        self.indexes.remove(index);
                    }
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.lists.is_empty() && self.selectors.all.is_empty() && self.indexes.is_empty()
    }

    fn affected(&self, delta: &Delta, indexes: &[(String, Arc<IndexValues>)]) -> Keys {
        let mut keys = Keys::new();
        let object = &delta.reference;
        keys.extend(self.objects.get(object).into_iter().flatten());
        let namespaces = [None, object.namespace.clone()];
        // An object without a namespace is in the list of all only.
        let places = if object.namespace.is_some() { &namespaces[..] } else { &namespaces[..1] };
        for place in places {
            keys.extend(self.lists.get(place).into_iter().flatten());
        }
        for state in [&delta.old, &delta.new].into_iter().flatten() {
            self.selectors.collect(state, &mut keys);
        }
        for (name, values_of) in indexes {
            let Some(by_value) = self.indexes.get(name.as_str()) else { continue };
            let values = |state: &Option<Stored>| -> BTreeSet<String> {
                state.iter().flat_map(|state| values_of(state)).collect()
            };
            let (old, new) = (values(&delta.old), values(&delta.new));
            for value in old.union(&new) {
                let Some(readers) = by_value.get(value.as_str()) else { continue };
                keys.extend(&readers.all);
                if !old.contains(value) {
                    keys.extend(&readers.none);
                }
                if !new.contains(value) {
                    keys.extend(readers.any.get(object).into_iter().flatten());
                }
            }
        }
        keys
    }
}

impl Selectors {
    fn insert(&mut self, selection: Selection, key: u32) -> bool {
        if let Some((keys, _)) = self.all.get_mut(&selection) {
            return keys.insert(key);
        }
        // The label that the fewest selectors are found by.
        let labels = selection.1.selector.clone().into_iter().filter_map(|expression| match expression {
            Expression::Equal(name, value) => Some((name, value)),
            _ => None,
        });
        let label = labels.min_by_key(|(name, value)| {
            self.by_label.get(name).and_then(|values| values.get(value)).map_or(0, FxHashSet::len)
        });
        match &label {
            Some((name, value)) => {
                let values = self.by_label.entry(name.clone()).or_default();
                values.entry(value.clone()).or_default().insert(selection.clone())
            }
            None => self.others.insert(selection.clone()),
        };
        self.all.insert(selection, (Keys::from([key]), label)).is_none()
    }

    fn remove(&mut self, selection: &Selection, key: u32) {
        let Some((keys, _)) = self.all.get_mut(selection) else { return };
        keys.remove(&key);
        if !keys.is_empty() {
            return;
        }
        let Some((_, Some((name, value)))) = self.all.remove(selection) else {
            self.others.remove(selection);
            return;
        };
        let Some(values) = self.by_label.get_mut(&name) else { return };
        let Some(found) = values.get_mut(&value) else { return };
        found.remove(selection);
        if found.is_empty() {
            values.remove(&value);
            if values.is_empty() {
                self.by_label.remove(&name);
            }
        }
    }

    /// Adds those who have selected the object.
    fn collect(&self, object: &Stored, keys: &mut Keys) {
        let labelled = object.labels().filter_map(|(name, value)| self.by_label.get(name)?.get(value));
        for selection in labelled.flatten().chain(&self.others) {
            let (namespace, wanted) = selection;
            let inside = namespace.is_none() || namespace.as_deref() == object.namespace();
            if inside && object.matches(&wanted.selector) {
                keys.extend(self.all.get(selection).into_iter().flat_map(|(keys, _)| keys));
            }
        }
    }
}

impl IndexReaders {
    fn is_empty(&self) -> bool {
        self.all.is_empty() && self.any.is_empty() && self.none.is_empty()
    }
}

fn remove<T: Hash + Eq>(readers: &mut FxHashMap<T, Keys>, read: &T, key: u32) {
    if let Some(keys) = readers.get_mut(read) {
        keys.remove(&key);
        if keys.is_empty() {
            readers.remove(read);
        }
    }
}
