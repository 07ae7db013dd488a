//! Buckets: made, opened to whom they should be, given keys of their own, emptied and removed.

use std::{collections::BTreeSet, sync::Arc};

use kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kubewright::kube::ResourceExt;
use kubewright::patterns::external::{
    Adoption, Connect, Connection, Deleted, Deletion, External, Fault, Report, Unready, Work,
};
use kubewright::prelude::*;
use kubewright::runtime::conditions::{self, State};
use parking_lot::Mutex;
use serde_json::Value;

use crate::api::{DeletionPolicy, ObjectStorageBucket, ObjectStorageBucketStatus};
use crate::names;
use crate::options::Options;
use crate::policies;
use crate::secrets::{Keys, Place};
use crate::storage::{BucketPolicy, KeyState, ServiceAccount, Storage, Usage};
use crate::usage::UsageCache;
use crate::user;

/// The index of buckets by their name on the server.
pub(crate) const BY_NAME: &str = "bucket";

/// Buckets on a server that `C` connects to.
pub struct Buckets<C: Connect> {
    pub(crate) connection: Connection<C>,
    pub(crate) options: Arc<Options>,
    pub(crate) usage: UsageCache,
    /// Service accounts whose policy was looked at in the life of this process. It takes 64 MiB and 50 ms on either side, so
    /// later looks only try the key.
    pub(crate) seen: Mutex<BTreeSet<String>>,
}

/// A bucket as it is.
#[derive(Debug)]
pub struct Found {
    policy: BucketPolicy,
    usage: Usage,
    /// Why its keys are of no use.
    unready: Option<Unready>,
}

/// The name of a bucket, and its keys.
#[derive(Debug)]
pub struct Intent {
    bucket: String,
    keys: Keys,
}

impl<C> External for Buckets<C>
where
    C: Connect,
    C::Client: Storage,
{
    type Object = ObjectStorageBucket;
    type Connect = C;
    type Intent = Intent;
    type Found = Found;
    type Status = ObjectStorageBucketStatus;

    const FINALIZER: &'static str = "objectstorage.sealos.io/bucket";

    fn connection(&self, _: &ObjectStorageBucket) -> &Connection<C> {
        &self.connection
    }

    fn conditions<'a>(&self, bucket: &'a ObjectStorageBucket) -> &'a [Condition] {
        bucket.status.as_ref().map_or(&[], |status| &status.conditions)
    }

    fn intended(&self, bucket: &ObjectStorageBucket) -> bool {
        claimed(bucket)
    }

    /// A bucket of the right name is as good as one that was made: no other object can have it.
    fn adoption(&self, _: &ObjectStorageBucket, _: &Found) -> Adoption {
        Adoption::Adopt
    }

    fn deletion(&self, bucket: &ObjectStorageBucket) -> Deletion {
        match bucket.spec.deletion_policy {
            DeletionPolicy::Delete => Deletion::Delete,
            DeletionPolicy::Orphan => Deletion::Orphan,
        }
    }

    async fn check(&self, bucket: &ObjectStorageBucket, ctx: &Context) -> Result<(), Fault> {
        let name = name_of(bucket);
        names::check_bucket(&name)?;
        let same = ctx.list_by::<ObjectStorageBucket>(BY_NAME, &name)?;
        match same.iter().min_by_key(|other| precedence(*other, claimed(other))) {
            Some(holder) if holder.uid() != bucket.uid() => {
                let holder = format!("{}/{}", holder.namespace().unwrap_or_default(), holder.name_any());
                let what = format!("bucket {name} is that of ObjectStorageBucket {holder}: choose another name");
                Err(Fault::permanent("NameTaken", what))
            }
            _ => Ok(()),
        }
    }

    async fn observe(&self, work: &Work<'_, Self>) -> Result<Option<Found>, Fault> {
        let (remote, name) = (&work.remote, name_of(work.object));
        let policy = remote.call(remote.client().bucket_policy(&name)).await?;
        if policy == BucketPolicy::NoBucket {
            return Ok(None);
        }
        let usage = self.usage.get(remote).await?.get(&name).copied().unwrap_or_default();
        Ok(Some(Found { policy, usage, unready: None }))
    }

    async fn intend(&self, work: &Work<'_, Self>) -> Result<Intent, Fault> {
        let Work { object, ctx, .. } = work;
        let bucket = name_of(object);
        let secret = names::bucket_secret(&bucket);
        let known = Keys::read(ctx, &ObjectRef::new(object.namespace().as_deref(), &secret))?;
        let secret_key = known.map_or_else(|| self.options.random.secret_key(), |keys| keys.secret_key);
        let keys = Keys { access_key: names::access_key(&bucket), secret_key, version: None, next: None };
        let Options { internal_endpoint, external_endpoint, .. } = &*self.options;
        let place = Place {
            internal: internal_endpoint.clone(),
            external: external_endpoint.clone(),
            bucket: Some(bucket.clone()),
        };
        if !claimed(object) {
            let status = object.status.clone().unwrap_or_default();
            ctx.set_status(&ObjectStorageBucketStatus { name: Some(bucket.clone()), ..status }).await?;
        }
        keys.write(ctx, &secret, &place).await?;
        Ok(Intent { bucket, keys })
    }

    async fn create(&self, work: &Work<'_, Self>, Intent { bucket, .. }: &Intent) -> Result<(), Fault> {
        let remote = &work.remote;
        if remote.call(remote.client().create_bucket(bucket, &self.options.region)).await? {
            tracing::info!(bucket, region = self.options.region, "bucket created");
        }
        Ok(())
    }

    async fn update(&self, work: &Work<'_, Self>, intent: &Intent, found: &mut Found) -> Result<Vec<String>, Fault> {
        let Work { object, ctx, remote } = work;
        let Intent { bucket, .. } = intent;
        let mut repaired = Vec::new();
        let owner = user::of_namespace(ctx, &object.namespace().unwrap_or_default())?;
        let writable = owner.as_ref().is_none_or(user::may_write);
        let wanted = policies::anonymous(object.spec.policy, bucket, writable);
        let right = match (&found.policy, &wanted) {
            (BucketPolicy::Document(there), Some(wanted)) => policies::same(there, wanted),
            (BucketPolicy::None, None) => true,
            _ => false,
        };
        if !right {
            remote.call(remote.client().set_bucket_policy(bucket, wanted.as_ref())).await?;
            repaired.push("policy".to_string());
        }
        match owner {
            None => {
                let message = "there are no keys: create an ObjectStorageUser in this namespace".into();
                found.unready = Some(Unready { reason: "NoUser", message });
            }
            Some(owner) if user::is_disabled(&owner) => {
                let message = "the keys do not work: the user of this namespace is disabled".into();
                found.unready = Some(Unready { reason: "UserDisabled", message });
            }
            Some(_) => repaired.extend(self.service_account(work, intent).await?),
        }
        Ok(repaired)
    }

    async fn delete(&self, work: &Work<'_, Self>) -> Result<Deleted, Fault> {
        let (remote, bucket) = (&work.remote, name_of(work.object));
        let storage = remote.client();
        let mut removed = 0;
        for _ in 0..self.options.removals {
            let versions = remote.call(storage.versions(&bucket)).await?;
            let uploads = remote.call(storage.uploads(&bucket)).await?;
            if versions.is_empty() && uploads.is_empty() {
                remote.call(storage.remove_bucket(&bucket)).await?;
                tracing::info!(bucket, "bucket removed");
                remote.call(storage.remove_service_account(&names::access_key(&bucket))).await?;
                self.seen.lock().remove(&bucket);
                return Ok(Deleted::Done);
            }
            if !versions.is_empty() {
                remote.call(storage.remove_versions(&bucket, &versions)).await?;
            }
            for upload in &uploads {
                remote.call(storage.abort_upload(&bucket, upload)).await?;
            }
            removed += versions.len() + uploads.len();
        }
        self.tell_progress(work, removed).await?;
        Ok(Deleted::Unfinished)
    }

    fn unready(&self, _: &ObjectStorageBucket, found: &Found) -> Option<Unready> {
        found.unready.clone()
    }

    fn status(&self, bucket: &ObjectStorageBucket, report: Report<'_, Found>) -> ObjectStorageBucketStatus {
        let before = bucket.status.clone().unwrap_or_default();
        let usage = report.found.map(|found| found.usage);
        ObjectStorageBucketStatus {
            name: report.intended.then(|| name_of(bucket)),
            size: usage.map(|usage| whole(usage.size)).or(before.size),
            objects_count: usage.map(|usage| whole(usage.objects)).or(before.objects_count),
            removed: before.removed,
            observed_generation: bucket.metadata.generation,
            conditions: report.conditions,
        }
    }
}

impl<C> Buckets<C>
where
    C: Connect,
    C::Client: Storage,
{
    /// Sees to it that the keys in the Secret can use the bucket, and no other.
    async fn service_account(&self, work: &Work<'_, Self>, intent: &Intent) -> Result<Option<String>, Fault> {
        let Intent { bucket, keys: Keys { access_key, secret_key, .. } } = intent;
        let (remote, storage) = (&work.remote, work.remote.client());
        let state = remote.call(storage.check_key(access_key, secret_key, Some(bucket))).await?;
        if state == KeyState::Works && self.seen.lock().contains(bucket) {
            return Ok(None);
        }
        let namespace = work.object.namespace().unwrap_or_default();
        let user = names::user(&namespace);
        let policy: Value = policies::owner([bucket.as_str()]);
        let repaired = match remote.call(storage.service_account(access_key)).await? {
            None => {
                let wanted = ServiceAccount { parent: user.to_string(), policy };
                remote.call(storage.create_service_account(access_key, secret_key, &wanted)).await?;
                tracing::info!(bucket, access_key, user, "service account created");
                Some("service account".to_string())
            }
            Some(there) if there.parent != user => {
                let what = format!(
                    "access key {access_key} of bucket {bucket} is one of user {}: remove it from the server",
                    there.parent
                );
                return Err(Fault::permanent("KeyTaken", what));
            }
            Some(there) if is_accepted(state) && policies::same(&there.policy, &policy) => None,
            Some(_) => {
                remote.call(storage.update_service_account(access_key, secret_key, &policy)).await?;
                tracing::info!(bucket, access_key, "service account brought in line");
                Some("service account".to_string())
            }
        };
        let state = match repaired {
            Some(_) => remote.call(storage.check_key(access_key, secret_key, Some(bucket))).await?,
            None => state,
        };
        if state != KeyState::Works {
            let what = format!("the keys of bucket {bucket} can't use it yet: user {user} is about to be given it");
            return Err(Fault::waiting(what));
        }
        self.seen.lock().insert(bucket.clone());
        Ok(repaired)
    }

    async fn tell_progress(&self, work: &Work<'_, Self>, removed: usize) -> Result<(), Fault> {
        let Work { object, ctx, .. } = work;
        let mut status = object.status.clone().unwrap_or_default();
        let total = status.removed.unwrap_or_default().saturating_add(whole(removed as u64));
        status.removed = Some(total);
        let state = State {
            kind: "Ready",
            status: Some(false),
            reason: "Emptying",
            message: "all that is in the bucket is being removed",
        };
        conditions::set(&mut status.conditions, state, object.metadata.generation, ctx.now());
        ctx.set_status(&status).await?;
        Ok(())
    }
}

fn is_accepted(state: KeyState) -> bool {
    matches!(state, KeyState::Works | KeyState::NotAllowed)
}

/// The name of an object's bucket on the server.
pub(crate) fn name_of(bucket: &ObjectStorageBucket) -> String {
    names::bucket(&bucket.namespace().unwrap_or_default(), &bucket.name_any())
}

/// Whether the bucket on the server is this object's.
pub(crate) fn claimed(bucket: &ObjectStorageBucket) -> bool {
    bucket.status.as_ref().is_some_and(|status| status.name.is_some())
}

/// Who of several objects that want the same has it: the least. Who has it keeps it, else the oldest gets it.
pub(crate) fn precedence(object: &impl ResourceExt, claimed: bool) -> impl Ord {
    (!claimed, object.creation_timestamp().map(|at| at.0), object.namespace(), object.name_any())
}

/// As the API writes numbers.
pub(crate) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
