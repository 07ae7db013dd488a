//! The controllers, put together.

use std::{collections::BTreeSet, sync::Arc};

use kubewright::OptionsError;
use kubewright::k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use kubewright::kube::Resource;
use kubewright::patterns::external::{Connect, Connection, External, ExternalOptions, ExternalReconciler};
use kubewright::prelude::*;
use kubewright::runtime::{Delta, Stored};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use crate::api::{ObjectStorageBucket, ObjectStorageUser};
use crate::bucket::{self, Buckets};
use crate::names;
use crate::options::Options;
use crate::secrets;
use crate::storage::Storage;
use crate::usage::UsageCache;
use crate::user::{self, Users};

/// Adds both controllers, and the health of the server, to a manager. `connect` makes clients for
/// [`Options::internal_endpoint`]: [`ConnectMinio`](crate::minio::ConnectMinio), or something else in tests.
///
/// # Errors
/// An option that can't be used.
pub fn add_to<C>(manager: Manager, options: Options, connect: C) -> Result<Manager, OptionsError>
where
    C: Connect,
    C::Client: Storage,
{
    options.check()?;
    let options = Arc::new(options);
    let connection = Connection::new(&options.internal_endpoint, options.secret(), connect, options.gate.clone());
    let usage = UsageCache::new(options.usage_age);
    let users = Users { connection: connection.clone(), options: options.clone(), usage: usage.clone() };
    let seen = Mutex::new(BTreeSet::new());
    let buckets = Buckets { connection: connection.clone(), options: options.clone(), usage, seen };

    let users_watch = scoped(Watch::<ObjectStorageUser>::all(), &options)
        .index(user::BY_NAME, |stored| stored.namespace().map(|namespace| names::user(namespace).to_string()));
    let buckets_watch = scoped(Watch::<ObjectStorageBucket>::all(), &options)
        .index(bucket::BY_NAME, |stored| stored.namespace().map(|namespace| names::bucket(namespace, stored.name())));
    let of_users = scoped(Watch::<ObjectStorageUser>::all(), &options).when(|delta| differs(delta, user::to_buckets));
    let of_buckets =
        scoped(Watch::<ObjectStorageBucket>::all(), &options).when(|delta| differs(delta, bucket::claimed));

    let cycle = ExternalOptions { cycle: options.user_cycle, ..ExternalOptions::default() };
    let users = controller("objectstorageuser", users_watch, users, cycle, &options)
        .reads(of_buckets)
        .reads(scoped(Watch::<ResourceQuota>::all(), &options));
    let cycle = ExternalOptions { cycle: options.bucket_cycle, seed: 1, ..ExternalOptions::default() };
    let buckets = controller("objectstoragebucket", buckets_watch, buckets, cycle, &options).reads(of_users);
    Ok(connection.add_to(manager).controller(users).controller(buckets))
}

fn controller<E: External>(
    name: &str,
    watch: Watch<E::Object>,
    external: E,
    cycle: ExternalOptions,
    options: &Options,
) -> Controller {
    let label = format!("{}={}", secrets::LABEL.0, secrets::LABEL.1);
    let how = ControllerOptions {
        concurrency: options.workers,
        backoff: options.retry,
        ..ExternalReconciler::<E>::controller_options()
    };
    let administrator =
        Watch::<Secret>::all().namespace(&options.namespace).fields(format!("metadata.name={}", options.admin_secret));
    // What it writes into the status is no news.
    let watch = watch.when(|change| {
        predicates::generation_changed(change)
            || predicates::annotations_changed(change)
            || predicates::finalizers_changed(change)
    });
    Controller::new(name, watch, ExternalReconciler::new(external, cycle))
        .owns(scoped(Watch::<Secret>::all().labels(label), options))
        .reads(administrator)
        .writes_status()
        .writes_finalizers()
        .options(how)
}

fn scoped<K>(watch: Watch<K>, options: &Options) -> Watch<K> {
    match &options.only_namespace {
        Some(namespace) => watch.namespace(namespace),
        None => watch,
    }
}

/// Whether a change is one of what matters.
fn differs<K: DeserializeOwned + Resource, M: PartialEq>(delta: &Delta, matters: impl Fn(&K) -> M) -> bool {
    let of =
        |state: &Option<Stored>| state.as_ref().and_then(|stored| stored.decode().ok()).map(|object| matters(&object));
    of(&delta.old) != of(&delta.new)
}
