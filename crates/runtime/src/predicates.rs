//! Ready-made answers to "does this change matter?", for [`Watch::when`](crate::Watch::when).
//!
//! Each is true for objects that appear and for objects that go away; they differ in which updates they let through.

use kubewright_cache::{Delta, Stored};

/// The specification changed: `metadata.generation` moved. Status writes and label changes do not count; neither do
/// changes of kinds that have no generation, such as ConfigMaps, which is why those always pass.
/// A `deletionTimestamp` being set raises the generation, so the start of a deletion passes.
pub fn generation_changed(change: &Delta) -> bool {
    differs(change, |object| object.generation(), |generation| generation.is_none())
}

/// A label was added, changed or removed.
pub fn labels_changed(change: &Delta) -> bool {
    differs(change, |object| object.labels().collect::<Vec<_>>(), |_| false)
}

/// An annotation was added, changed or removed.
pub fn annotations_changed(change: &Delta) -> bool {
    differs(change, |object| object.annotations().collect::<Vec<_>>(), |_| false)
}

/// A finalizer was added or removed.
pub fn finalizers_changed(change: &Delta) -> bool {
    differs(change, |object| object.finalizers().collect::<Vec<_>>(), |_| false)
}

/// The object is gone.
pub fn removed(change: &Delta) -> bool {
    change.new.is_none()
}

/// Whether what is read of an object differs between its two states, or counts as news in itself.
fn differs<'a, T: PartialEq>(change: &'a Delta, read: impl Fn(&'a Stored) -> T, always: impl Fn(&T) -> bool) -> bool {
    match (&change.old, &change.new) {
        (Some(old), Some(new)) => {
            let new = read(new);
            always(&new) || read(old) != new
        }
        _ => true,
    }
}
