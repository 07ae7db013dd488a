//! The rights that a manager needs: derived from what its controllers watch, own and say that they write.
//!
//! | what a controller does | rights |
//! |---|---|
//! | watches a kind | `list`, `watch` |
//! | is for a kind | also `get`, to see whether an owner is gone |
//! | owns a kind | also `get`, `create`, `patch`, `delete`; and `update` of the owner's `finalizers`, which `blockOwnerDeletion` needs where the admission plugin OwnerReferencesPermissionEnforcement is on |
//! | [`writes_status`](crate::Controller::writes_status) | `patch` of the kind's `status` |
//! | [`writes_finalizers`](crate::Controller::writes_finalizers) | `patch` of the kind |
//! | [`may`](crate::Controller::may) | what it says |
//! | tells people about objects | `create` and `patch` of Events |
//! | has an [`Endpoint`](crate::Endpoint) for tokens of the cluster | `create` of TokenReviews and SubjectAccessReviews |
//!
//! A watch of one namespace needs a Role there, any other a ClusterRole. A manager with a Lease needs rights to it too.
//!
//! What reconcilers write on their own can't be seen before it is written. So each request of a running manager is compared
//! with what was derived: [`Handle::undeclared`](crate::Handle::undeclared) tells what is not in it, and a test that looks
//! there keeps the roles complete. At start the server is asked whether the rights are there, see [`RightsCheck`].
//!
//! ```
//! use k8s_openapi::api::core::v1::{ConfigMap, Secret};
//! # use std::sync::Arc;
//! # use kubewright_runtime::{Context, Error, Outcome, Reconciler};
//! # struct Mine;
//! # impl Reconciler for Mine {
//! #     type Object = ConfigMap;
//! #     async fn reconcile(&self, _: Arc<ConfigMap>, _: &Context) -> Result<Outcome, Error> { Ok(Outcome::Settled) }
//! # }
//! use kubewright_runtime::{Controller, Manager, ManagerOptions, Rights, Watch, rights};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let controller = Controller::new("mine", Watch::all(), Mine)
//!     .writes_status()
//!     .may(Rights::on::<Secret>(["get"]).within("system"));
//! let manager = Manager::new(rights::unconnected(), ManagerOptions::default()).controller(controller);
//! println!("{}", manager.rbac().to_yaml("mine"));
//! # }
//! ```

pub(crate) mod check;
mod ledger;
mod yaml;

use std::{collections::BTreeSet, fmt};

use k8s_openapi::api::core::v1::Event;
use kube::{Client, Resource, api::ApiResource, client::Body};

use crate::watch::WatchSpec;

pub(crate) use ledger::Ledger;

/// What may be done with objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Right {
    /// The namespace in which; `None`: everywhere.
    pub namespace: Option<String>,
    /// The API group; empty for the core one.
    pub group: String,
    /// The plural, with the subresource if it is one: `deployments`, `deployments/status`.
    pub resource: String,
    /// What is done: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
}

/// A set of rights, such as those that a manager needs: see [`Manager::rbac`](crate::Manager::rbac).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights(BTreeSet<Right>);

/// What to do at start about rights that are missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RightsCheck {
    /// Tell in the log and by the readiness endpoint which are missing, by verb, resource and namespace, and ask again until
    /// they are there: roles are often applied in the same moment as the operator.
    #[default]
    Report,
    /// End with [`ManagerError::MissingRights`](crate::ManagerError::MissingRights), which names them.
    Enforce,
    /// Don't ask, and don't compare requests with what was derived.
    Off,
}

/// The rights that a controller declares besides what it watches and owns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Declared {
    pub(crate) status: bool,
    pub(crate) finalizers: bool,
    pub(crate) others: Rights,
}

impl Right {
    /// Whether who has this right also has the other.
    fn covers(&self, other: &Self) -> bool {
        let Self { namespace, group, resource, verb } = self;
        (namespace.is_none() || *namespace == other.namespace)
            && (group, resource, verb) == (&other.group, &other.resource, &other.verb)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, group, resource, verb } = self;
        let dot = if group.is_empty() { "" } else { "." };
        write!(f, "{verb} {resource}{dot}{group}")?;
        match namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

impl Rights {
    /// The rights to do this with objects of a kind, in all namespaces.
    pub fn on<K: Resource<DynamicType = ()>>(verbs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::on_kind(&ApiResource::erase::<K>(&()), verbs)
    }

    /// The rights to do this with objects of a kind that is known at run time, in all namespaces.
    pub fn on_kind(kind: &ApiResource, verbs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let right = |verb: _| Right { namespace: None, group: kind.group.clone(), resource: kind.plural.clone(), verb };
        verbs.into_iter().map(|verb| right(verb.into())).collect()
    }

    /// The same in this namespace only.
    pub fn within(self, namespace: impl Into<String>) -> Self {
        let namespace = Some(namespace.into());
        self.0.into_iter().map(|right| Right { namespace: namespace.clone(), ..right }).collect()
    }

    /// The same with this subresource of the objects.
    pub fn of_subresource(self, subresource: &str) -> Self {
        let of = |right: Right| Right { resource: format!("{}/{subresource}", right.resource), ..right };
        self.0.into_iter().map(of).collect()
    }

    /// Each right by itself, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Right> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether who has these rights has that one.
    pub fn cover(&self, right: &Right) -> bool {
        self.0.contains(right) || self.0.iter().any(|own| own.covers(right))
    }

    fn add(&mut self, watch: &WatchSpec, verbs: &[&str]) {
        self.extend(of(watch, verbs));
    }

    /// What a controller needs.
    pub(crate) fn of_controller<'a>(
        main: Option<&WatchSpec>,
        watches: impl Iterator<Item = &'a WatchSpec>,
        owned: &[ApiResource],
        declared: &Declared,
    ) -> Self {
        let mut rights = Self::default();
        for watch in watches {
            rights.add(watch, &["list", "watch"]);
            if owned.iter().any(|kind| kind.group == watch.resource.group && kind.plural == watch.resource.plural) {
                rights.add(watch, &["get", "create", "patch", "delete"]);
            }
        }
        if let Some(main) = main {
            rights.add(main, &["get"]);
            if !owned.is_empty() {
                rights.extend(of(main, &["update"]).of_subresource("finalizers"));
            }
            if declared.status {
                rights.extend(of(main, &["patch"]).of_subresource("status"));
            }
            if declared.finalizers {
                rights.add(main, &["patch"]);
            }
            // Events are in the namespace of what they are about.
            rights.extend(within(Self::on::<Event>(["create", "patch"]), main));
        }
        rights.extend(declared.others.clone());
        rights.simplified()
    }

    /// Without what follows from the others: what may be done everywhere may be done in each namespace.
    pub(crate) fn simplified(mut self) -> Self {
        let everywhere: Vec<Right> = self.iter().filter(|right| right.namespace.is_none()).cloned().collect();
        self.0.retain(|right| right.namespace.is_none() || !everywhere.iter().any(|other| other.covers(right)));
        self
    }
}

impl Extend<Right> for Rights {
    fn extend<I: IntoIterator<Item = Right>>(&mut self, rights: I) {
        self.0.extend(rights);
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().collect())
    }
}

impl IntoIterator for Rights {
    type Item = Right;
    type IntoIter = std::collections::btree_set::IntoIter<Right>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A client that is connected to nothing and answers each request with an error: for a manager that is put together only to
/// be asked for its [rights](crate::Manager::rbac).
///
/// # Panics
/// Outside of a tokio runtime.
pub fn unconnected() -> Client {
    let refuse = |_: http::Request<Body>| async {
        let why = "this client is connected to nothing: it is for a manager that is only asked for its rights";
        Err::<http::Response<Body>, _>(kube::Error::Service(why.into()))
    };
    Client::new(tower::service_fn(refuse), "default")
}

fn of(watch: &WatchSpec, verbs: &[&str]) -> Rights {
    within(Rights::on_kind(&watch.resource, verbs.iter().copied()), watch)
}

/// The same in the namespaces of a watch.
fn within(rights: Rights, watch: &WatchSpec) -> Rights {
    match watch.namespaces.is_empty() {
        true => rights,
        false => watch.namespaces.iter().flat_map(|namespace| rights.clone().within(namespace)).collect(),
    }
}
