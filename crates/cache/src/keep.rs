//! How much of each object a cache keeps.

use std::any::type_name;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How much of each object an informer keeps. Metadata is always kept, without managedFields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Keep {
    /// Everything.
    #[default]
    Whole,
    /// Only the metadata; the server is asked to send nothing else.
    Metadata,
    /// Only what a struct of yours has fields for, or what a function of yours leaves.
    View(View),
}

/// Keeps of each object only what a struct of yours reads, at the cost of decoding and encoding each object once when
/// it arrives.
///
/// ```
/// use kubewright_cache::{Keep, View};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct PodNode { spec: Spec }
/// #[derive(Serialize, Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Spec { node_name: Option<String> }
///
/// let keep = Keep::View(View::of::<PodNode>());
/// ```
///
/// Annotations are kept only if the struct has `metadata` with annotations in it. An object that the struct cannot be
/// read from is an error of the watch, so leave optional what is optional.
#[derive(Clone, Copy)]
pub struct View {
    /// The type's name or that of the function, which tells views apart.
    name: &'static str,
    pub(crate) make: Make,
}

/// How a view is made of an object.
#[derive(Clone, Copy)]
pub(crate) enum Make {
    /// The members that are kept.
    Project(fn(&str) -> Result<String, serde_json::Error>),
    /// What becomes of the whole.
    Transform(fn(&mut Value)),
}

impl View {
    /// The view that `V` is.
    pub fn of<V: Serialize + DeserializeOwned>() -> Self {
        let project = |json: &str| serde_json::to_string(&serde_json::from_str::<V>(json)?);
        Self { name: type_name::<V>(), make: Make::Project(project) }
    }

    /// What is left of an object when `change` has been at it. Name, namespace, uid and resourceVersion stay what they are.
    /// The name tells one function from another: watches with the same one share a cache. A function that panics is an error
    /// of the watch.
    ///
    /// ```
    /// use kubewright_cache::{Keep, View};
    ///
    /// let keep = Keep::View(View::transform("without data", |object| {
    ///     object.as_object_mut().map(|object| object.remove("data"));
    /// }));
    /// ```
    pub fn transform(name: &'static str, change: fn(&mut Value)) -> Self {
        Self { name, make: Make::Transform(change) }
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && matches!(self.make, Make::Project(_)) == matches!(other.make, Make::Project(_))
    }
}

impl Eq for View {}

impl Hash for View {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&self.name).finish()
    }
}
