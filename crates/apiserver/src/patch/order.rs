//! Order of merged lists.
//!
//! What a patch names comes in the order that the patch gives; what only the server has keeps its own order, and is
//! interleaved where the old list tells how.

use rustc_hash::FxHashMap;
use serde_json::Value;

/// First position of each entry of a list, by merge key (or by value, for lists of scalars).
pub(super) struct Positions(FxHashMap<Value, usize>);

impl Positions {
    /// Positions in `list`; entries without the key have none.
    pub(super) fn of(list: &[Value], key: Option<&str>) -> Self {
        let mut at = FxHashMap::with_capacity_and_hasher(list.len(), Default::default());
        for (index, entry) in list.iter().enumerate() {
            if let Some(identity) = identity(entry, key) {
                at.entry(identity.clone()).or_insert(index);
            }
        }
        Self(at)
    }

    /// Positions in `list` after some of its entries were deleted and `added` came behind the rest.
    ///
    /// The real server reuses the places that deletions left for entries that are new, so these count as old ones; further
    /// new entries have no position.
    pub(super) fn of_rest<'a>(
        list: &'a [Value],
        is_deleted: impl Fn(&Value) -> bool,
        added: impl Iterator<Item = &'a Value>,
        key: Option<&str>,
    ) -> Self {
        let mut at = FxHashMap::with_capacity_and_hasher(list.len(), Default::default());
        let rest = list.iter().filter_map(|entry| identity(entry, key)).filter(|identity| !is_deleted(identity));
        for identity in rest.chain(added.filter_map(|entry| identity(entry, key))) {
            let next = at.len();
            if next < list.len() {
                at.entry(identity.clone()).or_insert(next);
            }
        }
        Self(at)
    }

    /// Where the entry stands.
    pub(super) fn find(&self, entry: &Value, key: Option<&str>) -> Option<usize> {
        self.0.get(identity(entry, key)?).copied()
    }
}

fn identity<'v>(entry: &'v Value, key: Option<&str>) -> Option<&'v Value> {
    match key {
        Some(key) => entry.get(key),
        None => Some(entry),
    }
}

/// Orders `merged`: entries that `wanted` names in its order, the others in the order of `before`, interleaved by the
/// positions in `before`.
pub(super) fn arrange(merged: Vec<Value>, wanted: &Positions, before: &Positions, key: Option<&str>) -> Vec<Value> {
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|entry| wanted.find(entry, key).is_some());
    named.sort_by_key(|entry| wanted.find(entry, key));
    others.sort_by_key(|entry| before.find(entry, key).unwrap_or(usize::MAX));

    let mut out = Vec::with_capacity(named.len() + others.len());
    let mut others = others.into_iter().peekable();
    for entry in named {
        // A server-only entry goes before the first named one that stood behind it.
        while let Some(other) = others.peek() {
            match (before.find(other, key), before.find(&entry, key)) {
                (Some(other), Some(entry)) if other < entry => out.extend(others.next()),
                _ => break,
            }
        }
        out.push(entry);
    }
    out.extend(others);
    out
}
