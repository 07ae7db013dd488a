//! Names of objects within a collection.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Namespace and name of an object; the namespace of cluster-scoped objects is empty.
///
/// Keys are ordered as the text `namespace/name`, which is the order in which a real server lists.
/// A clone shares the text. Namespaces contain no `/` (they are DNS labels), so the first one ends the namespace.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Arc<str>);

impl ObjectKey {
    /// The key of `name` in `namespace`.
    pub fn new(namespace: &str, name: &str) -> Self {
        let mut text = String::with_capacity(namespace.len() + 1 + name.len());
        text.push_str(namespace);
        text.push('/');
        text.push_str(name);
        Self(text.into())
    }

    /// The namespace; empty for cluster-scoped objects.
    pub fn namespace(&self) -> &str {
        &self.0[..self.slash()]
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.0.get(self.slash() + 1..).unwrap_or_default()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn slash(&self) -> usize {
        memchr::memchr(b'/', self.0.as_bytes()).unwrap_or(self.0.len())
    }
}

impl fmt::Display for ObjectKey {
    /// `namespace/name`, or the name alone without a namespace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.strip_prefix('/').unwrap_or(&self.0))
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Borrow<str> for ObjectKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_the_joined_text() {
        let mut keys = [ObjectKey::new("a", "x"), ObjectKey::new("a-b", "x"), ObjectKey::new("", "z")];
        keys.sort();
        assert_eq!(keys.map(|key| key.to_string()), ["z", "a-b/x", "a/x"]);
    }

    #[test]
    fn a_key_gives_back_its_parts() {
        let key = ObjectKey::new("ns", "name");
        assert_eq!((key.namespace(), key.name()), ("ns", "name"));
        let key = ObjectKey::new("", "system:node");
        assert_eq!((key.namespace(), key.name()), ("", "system:node"));
    }
}
