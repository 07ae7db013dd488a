//! The clusters of a manager: its own, and others that its controllers watch and write.

use std::{collections::BTreeSet, fmt, sync::Arc};

use kube::{Client, Resource, api::ApiResource, core::Selector};
use kubewright_cache::{CacheOptions, Caches, ObjectRef};
use serde::de::DeserializeOwned;

use crate::{
    Context, Error, ManagerOptions, Reads, context::OtherCluster, events::Recorder, leadership::duty::Duty,
    metrics::Metrics, reads::decode, rights::Ledger, writes,
};

/// The name of the cluster whose client a [`Manager`](crate::Manager) was made with.
pub const OWN_CLUSTER: &str = "own";

/// A cluster as a manager knows it before it runs.
pub(crate) struct Cluster {
    pub(crate) name: Arc<str>,
    /// As it was given: for what must not be held back or noted.
    pub(crate) bare: Client,
    /// What controllers and tasks work with.
    pub(crate) client: Client,
    pub(crate) ledger: Ledger,
}

impl Cluster {
    pub(crate) fn new(name: &str, bare: Client, metrics: &Metrics, duty: &Duty) -> Self {
        let (name, ledger) = (Arc::<str>::from(name), Ledger::default());
        let client = writes::observed(name.clone(), bare.clone(), metrics.client(), duty.clone(), ledger.clone());
        Self { name, bare, client, ledger }
    }

    /// What a part of the manager is called in what is told of its rights here.
    pub(crate) fn part(&self, name: &str) -> String {
        if &*self.name == OWN_CLUSTER { name.to_string() } else { format!("{name} in cluster {}", self.name) }
    }
}

/// A cluster of a manager that runs.
pub(crate) struct Joined {
    pub(crate) cluster: Cluster,
    pub(crate) recorder: Recorder,
    pub(crate) caches: Caches,
    /// Field managers whose fields the caches keep.
    keep_fields_of: BTreeSet<String>,
    /// Caches of controllers that came later and whose fields the first do not keep.
    pub(crate) others: Vec<Caches>,
}

impl Joined {
    pub(crate) fn new(
        cluster: Cluster,
        recorder: Recorder,
        keep_fields_of: BTreeSet<String>,
        options: &ManagerOptions,
    ) -> Self {
        let caches = caches(&cluster.client, options, &keep_fields_of);
        Self { cluster, recorder, caches, keep_fields_of, others: Vec::new() }
    }

    /// What a cache keeps of managedFields is decided when it is made. `true`: it has been made now.
    pub(crate) fn caches_for(&mut self, field_manager: &str, options: &ManagerOptions) -> (Caches, bool) {
        if self.keep_fields_of.contains(field_manager) {
            return (self.caches.clone(), false);
        }
        let caches = caches(&self.cluster.client, options, &BTreeSet::from([field_manager.to_string()]));
        self.others.push(caches.clone());
        (caches, true)
    }

    pub(crate) fn shut_down(self) {
        for caches in self.others.into_iter().chain([self.caches]) {
            caches.shut_down();
        }
    }
}

fn caches(client: &Client, options: &ManagerOptions, keep_fields_of: &BTreeSet<String>) -> Caches {
    let (keep_fields_of, seed) = (keep_fields_of.clone(), options.seed);
    Caches::new(client.clone(), CacheOptions { keep_fields_of, seed, ..CacheOptions::default() })
}

/// Another cluster, as a reconcile reads and writes it: see [`Context::cluster`].
#[derive(Clone, Copy)]
pub struct ClusterContext<'a> {
    ctx: &'a Context,
    /// `None`: the one that the controller is at home in.
    other: Option<(&'a Arc<str>, &'a OtherCluster)>,
}

impl Context {
    /// What a reconcile reads and writes another cluster through, by the name that it was
    /// [added](crate::Manager::cluster) under; the manager's own is called [`OWN_CLUSTER`]. Reads wake the key and writes are
    /// remembered as those in the controller's own cluster are.
    ///
    /// ```
    /// # use k8s_openapi::api::core::v1::Secret;
    /// # use kubewright_runtime::{Context, Error, ObjectRef};
    /// # fn example(ctx: &Context, key: &ObjectRef) -> Result<(), Error> {
    /// let edge = ctx.cluster("edge")?;
    /// let theirs = edge.get::<Secret>(key)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A terminal one if the manager has no cluster of this name.
    pub fn cluster(&self, name: &str) -> Result<ClusterContext<'_>, Error> {
        let controller = &self.controller;
        if *name == *controller.cluster {
            return Ok(ClusterContext::home(self));
        }
        match controller.others.get_key_value(name) {
            Some(other) => Ok(ClusterContext { ctx: self, other: Some(other) }),
            None => {
                let known: Vec<&str> = controller.others.keys().map(|name| &**name).collect();
                let (controller, known) = (&controller.name, known.join(", "));
                Err(Error::terminal(format!(
                    "controller {controller} asks for the cluster {name:?}, which the manager does not have: add it with \
                     Manager::cluster (besides its own it has: {known})"
                )))
            }
        }
    }
}

impl<'a> ClusterContext<'a> {
    /// The cluster that the controller is at home in.
    pub(crate) fn home(ctx: &'a Context) -> Self {
        Self { ctx, other: None }
    }

    /// A client for writes, and for reads past the cache.
    pub fn client(&self) -> &'a Client {
        match self.other {
            Some((_, other)) => &other.client,
            None => self.ctx.client(),
        }
    }

    /// See [`Context::get`].
    pub fn get<K>(&self, key: &ObjectRef) -> Result<Option<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let resource = ApiResource::erase::<K>(&());
        let stored = self.read(&resource).get(key)?;
        stored.map(|stored| decode(&resource, &stored)).transpose()
    }

    /// See [`Context::list`].
    pub fn list<K>(&self, namespace: Option<&str>) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let resource = ApiResource::erase::<K>(&());
        let found = self.read(&resource).list(namespace)?;
        found.iter().map(|stored| decode(&resource, stored)).collect()
    }

    /// See [`Context::select`].
    pub fn select<K>(&self, namespace: Option<&str>, selector: &Selector) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let resource = ApiResource::erase::<K>(&());
        let found = self.read(&resource).select(namespace, selector)?;
        found.iter().map(|stored| decode(&resource, stored)).collect()
    }

    /// See [`Context::read`]; for the other reads too.
    pub fn read<'r>(&self, resource: &'r ApiResource) -> Reads<'r>
    where
        'a: 'r,
    {
        Reads::new(self.ctx, self.other, resource)
    }
}

impl fmt::Debug for ClusterContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.other.map_or(&self.ctx.controller.cluster, |(name, _)| name);
        f.debug_struct("ClusterContext").field("name", name).finish_non_exhaustive()
    }
}
