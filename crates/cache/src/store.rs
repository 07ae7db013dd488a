//! A cache as its watch fills it: what a list brings is staged and taken over at once; each change is told to the
//! followers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::contents::Contents;
use crate::delta::{Delta, Queue};
use crate::version::Version;
use crate::{ObjectRef, Stored};

/// The contents of a cache, what of a list has come so far, and those who follow the changes.
///
/// A list takes many requests or events, and until the last one its objects are a mixture of old and new. Therefore
/// they are staged; and as only those are that the cache does not hold already, a relist needs memory for what changed,
/// not for everything twice.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) contents: Contents,
    pub(crate) synced: bool,
    staging: Option<Staging>,
    /// Number of the last list.
    pass: u32,
    followers: Vec<Arc<Queue>>,
}

#[derive(Default)]
struct Staging {
    changed: BTreeMap<ObjectRef, Stored>,
    /// Whether an object with the same uid and resourceVersion as in the cache is the same.
    trust: bool,
}

impl Store {
    /// Begins a list; what an unfinished one has brought is dropped. `trust` is false after the server's history has
    /// turned out to be another one, in which equal versions mean nothing.
    pub(crate) fn begin(&mut self, trust: bool) {
        // 0 is the mark of no list.
        self.pass = self.pass.checked_add(1).unwrap_or(1);
        self.staging = Some(Staging { changed: BTreeMap::new(), trust });
    }

    /// Takes an object of the list.
    pub(crate) fn stage(&mut self, object: Stored) {
        let Some(staging) = &mut self.staging else { return };
        let known = self.contents.get(object.reference()).is_some_and(|known| known.same(&object));
        if known && staging.trust {
            staging.changed.remove(object.reference());
            self.contents.mark(object.reference(), self.pass);
        } else {
            staging.changed.insert(object.reference().clone(), object);
        }
    }

    /// Takes back an object that went away while the list was being made.
    pub(crate) fn unstage(&mut self, key: &ObjectRef) {
        if let Some(staging) = &mut self.staging {
            staging.changed.remove(key);
            self.contents.mark(key, 0);
        }
    }

    /// The list is complete: takes over what changed and drops what was not in it.
    pub(crate) fn commit(&mut self) {
        let Some(staging) = self.staging.take() else { return };
        let initial = !self.synced;
        for (_, object) in staging.changed {
            self.put(object, initial);
        }
        for reference in self.contents.missing(self.pass) {
            self.drop_object(reference, None);
        }
        self.synced = true;
    }

    /// Takes an object that was added or changed.
    pub(crate) fn apply(&mut self, object: Stored) {
        let stale = self.contents.get(object.reference()).is_some_and(|known| {
            let (known_version, version) =
                (Version::new(known.resource_version()), Version::new(object.resource_version()));
            known.uid() == object.uid() && (known_version == version || version.older_than(&known_version))
        });
        if !stale {
            self.put(object, false);
        }
    }

    /// Drops an object that was deleted; `last` is its final state.
    pub(crate) fn remove(&mut self, last: Stored) {
        // Not the one that was made anew under the same name, in case the list was newer than the event.
        let anew = self.contents.get(last.reference()).is_some_and(|known| {
            known.uid() != last.uid()
                && !Version::new(known.resource_version()).older_than(&Version::new(last.resource_version()))
        });
        if !anew {
            self.drop_object(last.reference().clone(), Some(last));
        }
    }

    /// A follower that is told of everything there is, and of what changes from here on.
    pub(crate) fn follow(&mut self) -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        for object in self.contents.iter(None) {
            let reference = object.reference().clone();
            queue.push(Delta { reference, old: None, new: Some(object.clone()), last: None, initial: true });
        }
        self.followers.push(queue.clone());
        queue
    }

    fn put(&mut self, object: Stored, initial: bool) {
        let old = self.contents.put(object.clone(), self.pass);
        let unchanged = old.as_ref().is_some_and(|old| old.same(&object) && old.json() == object.json());
        if !unchanged {
            let reference = object.reference().clone();
            self.tell(&Delta { reference, old, new: Some(object), last: None, initial });
        }
    }

    fn drop_object(&mut self, reference: ObjectRef, last: Option<Stored>) {
        if let Some(old) = self.contents.remove(&reference) {
            self.tell(&Delta { reference, old: Some(old), new: None, last, initial: false });
        }
    }

    fn tell(&mut self, delta: &Delta) {
        // Whose other end has gone is told no more.
        self.followers.retain(|follower| Arc::strong_count(follower) > 1);
        for follower in &self.followers {
            follower.push(delta.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeSeed;
    use serde_json::{Deserializer, json};

    use super::*;
    use crate::Keep;
    use crate::scan::Scanner;
    use crate::stored::Kind;

    fn object(name: &str, uid: &str, version: u64) -> Stored {
        let kind = Kind { api_version: "v1".into(), kind: "ConfigMap".into() };
        let mut scanner = Scanner::new(kind, Keep::Whole, BTreeSet::new(), Arc::default());
        let metadata = json!({"name": name, "uid": uid, "resourceVersion": version.to_string()});
        let json = json!({"metadata": metadata}).to_string();
        scanner.deserialize(&mut Deserializer::from_str(&json)).unwrap()
    }

    fn list(store: &mut Store, objects: impl IntoIterator<Item = Stored>) {
        store.begin(true);
        objects.into_iter().for_each(|object| store.stage(object));
        store.commit();
    }

    fn held(store: &Store) -> Vec<String> {
        store.contents.iter(None).map(|object| format!("{}@{}", object.name(), object.resource_version())).collect()
    }

    #[test]
    fn what_goes_away_while_a_list_streams_is_not_taken_over() {
        let mut store = Store::default();
        list(&mut store, [object("known", "1", 1), object("stays", "2", 1)]);
        store.begin(true);
        for name in ["known", "stays", "new"] {
            store.stage(object(name, if name == "stays" { "2" } else { "1" }, 1));
        }
        for name in ["known", "new"] {
            store.unstage(&ObjectRef::new(None, name));
        }
        assert_eq!(held(&store), ["known@1", "stays@1"], "nothing is taken over before the list is complete");
        store.commit();
        assert_eq!(held(&store), ["stays@1"]);
    }

    #[test]
    fn what_changes_while_a_list_streams_is_taken_over_as_it_is_in_the_end() {
        let mut store = Store::default();
        list(&mut store, [object("a", "1", 1)]);
        store.begin(true);
        store.stage(object("a", "1", 1));
        store.stage(object("a", "1", 5));
        store.unstage(&ObjectRef::new(None, "a"));
        store.stage(object("a", "2", 6));
        store.commit();
        assert_eq!(held(&store), ["a@6"]);
    }

    #[test]
    fn a_list_that_breaks_off_changes_nothing() {
        let mut store = Store::default();
        list(&mut store, [object("a", "1", 1)]);
        store.begin(true);
        store.stage(object("b", "2", 2));
        store.begin(true);
        store.stage(object("a", "1", 1));
        store.commit();
        assert_eq!(held(&store), ["a@1"]);
    }

    #[test]
    fn a_relist_holds_only_what_it_changes() {
        let mut store = Store::default();
        list(&mut store, [object("a", "1", 1), object("b", "2", 2)]);
        store.begin(true);
        store.stage(object("a", "1", 1));
        store.stage(object("b", "2", 3));
        let staging = store.staging.as_ref().unwrap();
        assert_eq!(staging.changed.keys().map(|key| &*key.name).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn events_older_than_the_list_do_not_take_an_object_back() {
        let mut store = Store::default();
        list(&mut store, [object("a", "1", 5), object("anew", "3", 6)]);
        store.apply(object("a", "1", 4));
        store.remove(object("anew", "2", 5));
        assert_eq!(held(&store), ["a@5", "anew@6"]);
        store.remove(object("a", "1", 7));
        store.apply(object("anew", "4", 8));
        assert_eq!(held(&store), ["anew@8"]);
    }

    #[test]
    fn an_object_made_anew_replaces_the_old_one_whatever_its_version() {
        let mut store = Store::default();
        list(&mut store, [object("a", "1", 5)]);
        store.apply(object("a", "2", 4));
        assert_eq!(held(&store), ["a@4"]);
    }
}
