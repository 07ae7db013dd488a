//! Users: made with a key that is written down first, given their buckets, stopped from writing when over their quota.

use std::{collections::BTreeSet, sync::Arc};

use kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kubewright::kube::ResourceExt;
use kubewright::patterns::external::{
    Adoption, Connect, Connection, Deleted, External, Fault, Remote, Report, Unready, Work,
};
use kubewright::prelude::*;
use kubewright::runtime::conditions::{self, State};

use crate::api::{ObjectStorageBucket, ObjectStorageUser, ObjectStorageUserStatus, SUSPENDED};
use crate::bucket::{self, precedence, whole};
use crate::names;
use crate::options::Options;
use crate::policies;
use crate::quota;
use crate::secrets::{Keys, Place};
use crate::storage::{KeyState, Storage, UserInfo};
use crate::usage::UsageCache;

/// The index of users by their name on the server.
pub(crate) const BY_NAME: &str = "user";
/// The condition that tells whether a user may write.
const WITHIN_QUOTA: &str = "WithinQuota";
/// The reason of a user that somebody else has disabled.
const DISABLED: &str = "Disabled";

/// Users on a server that `C` connects to.
pub struct Users<C: Connect> {
    pub(crate) connection: Connection<C>,
    pub(crate) options: Arc<Options>,
    pub(crate) usage: UsageCache,
}

/// A user as it is.
#[derive(Debug)]
pub struct Found {
    info: UserInfo,
    /// Whether the keys in the Secret are those of the user.
    has_keys: bool,
    version: Option<i64>,
    size: u64,
    objects: u64,
    quota: Option<i64>,
}

/// The name of a user, and its keys.
#[derive(Debug)]
pub struct Intent {
    keys: Keys,
}

impl Found {
    fn over_quota(&self) -> bool {
        self.quota.is_some_and(|quota| whole(self.size) > quota)
    }
}

/// A user was removed while it was worked on; the next look makes it again.
#[derive(Debug, thiserror::Error)]
#[error("user {user} was removed on the server while its keys were tried")]
struct Vanished {
    user: String,
}

impl<C> External for Users<C>
where
    C: Connect,
    C::Client: Storage,
{
    type Object = ObjectStorageUser;
    type Connect = C;
    type Intent = Intent;
    type Found = Found;
    type Status = ObjectStorageUserStatus;

    const FINALIZER: &'static str = "objectstorage.sealos.io/user";

    fn connection(&self, _: &ObjectStorageUser) -> &Connection<C> {
        &self.connection
    }

    fn conditions<'a>(&self, user: &'a ObjectStorageUser) -> &'a [Condition] {
        user.status.as_ref().map_or(&[], |status| &status.conditions)
    }

    fn intended(&self, user: &ObjectStorageUser) -> bool {
        claimed(user)
    }

    /// Whoever has the keys of a user has the user; others would take over what somebody else uses.
    fn adoption(&self, _: &ObjectStorageUser, found: &Found) -> Adoption {
        if found.has_keys { Adoption::Adopt } else { Adoption::Refuse }
    }

    async fn check(&self, user: &ObjectStorageUser, ctx: &Context) -> Result<(), Fault> {
        let name = name_of(user);
        names::check_user(&name)?;
        let same = ctx.list_by::<ObjectStorageUser>(BY_NAME, &name)?;
        match same.iter().min_by_key(|other| precedence(*other, claimed(other))) {
            Some(holder) if holder.uid() != user.uid() => {
                let holder = format!("{}/{}", holder.namespace().unwrap_or_default(), holder.name_any());
                let what = format!("user {name} is that of ObjectStorageUser {holder}: delete one of the two");
                Err(Fault::permanent("NameTaken", what))
            }
            _ => Ok(()),
        }
    }

    async fn observe(&self, work: &Work<'_, Self>) -> Result<Option<Found>, Fault> {
        let Work { object, ctx, remote } = work;
        let (storage, user) = (remote.client(), name_of(object));
        if user == storage.administrator() {
            let what = format!("user {user} is the administrator of the server: rename the namespace");
            return Err(Fault::permanent("NameTaken", what));
        }
        let namespace = object.namespace().unwrap_or_default();
        let quota = if self.options.quota { quota::of_namespace(ctx, &namespace)? } else { None };
        let Some(info) = remote.call(storage.user(&user)).await? else { return Ok(None) };
        let mut has_keys = false;
        if !claimed(object)
            && let Some(keys) = Keys::read(ctx, &secret_of(object))?
        {
            let state = remote.call(storage.check_key(&user, &keys.secret_key, None)).await?;
            has_keys = matches!(state, KeyState::Works | KeyState::NotAllowed);
        }
        let usage = self.usage.get(remote).await?;
        let (mut size, mut objects) = (0_u64, 0_u64);
        for used in self.buckets(ctx, &namespace)?.iter().filter_map(|bucket| usage.get(bucket)) {
            size = size.saturating_add(used.size);
            objects = objects.saturating_add(used.objects);
        }
        Ok(Some(Found { info, has_keys, version: None, size, objects, quota }))
    }

    async fn intend(&self, work: &Work<'_, Self>) -> Result<Intent, Fault> {
        let Work { object, ctx, .. } = work;
        let (user, wanted) = (name_of(object), object.spec.secret_key_version);
        let status = object.status.clone().unwrap_or_default();
        let suspended = status.suspended || is_suspended(object);
        if status.access_key.is_none() || suspended != status.suspended {
            let status = ObjectStorageUserStatus { access_key: Some(user.clone()), suspended, ..status.clone() };
            ctx.set_status(&status).await?;
        }
        let keys = match Keys::read(ctx, &secret_of(object))? {
            None => Keys {
                access_key: user,
                secret_key: self.options.random.secret_key(),
                version: Some(wanted),
                next: None,
            },
            Some(known) => {
                let version = known.version.or(status.secret_key_version).unwrap_or(wanted);
                let next =
                    known.next.or_else(|| (version != wanted).then(|| (self.options.random.secret_key(), wanted)));
                Keys { access_key: user, version: Some(version), next, secret_key: known.secret_key }
            }
        };
        keys.write(ctx, names::USER_SECRET, &self.place()).await?;
        Ok(Intent { keys })
    }

    async fn create(&self, work: &Work<'_, Self>, Intent { keys }: &Intent) -> Result<(), Fault> {
        let (remote, enabled) = (&work.remote, !is_suspended(work.object));
        remote.call(remote.client().set_user(&keys.access_key, &keys.secret_key, enabled)).await?;
        tracing::info!(user = keys.access_key, "user created");
        Ok(())
    }

    async fn update(&self, work: &Work<'_, Self>, intent: &Intent, found: &mut Found) -> Result<Vec<String>, Fault> {
        let mut repaired = Vec::new();
        repaired.extend(self.keys(work, &intent.keys, found).await?);
        repaired.extend(self.policies(work, &intent.keys.access_key, found).await?);
        repaired.extend(self.quota(work, &intent.keys.access_key, found).await?);
        Ok(repaired)
    }

    async fn delete(&self, work: &Work<'_, Self>) -> Result<Deleted, Fault> {
        let (remote, user) = (&work.remote, name_of(work.object));
        let storage = remote.client();
        remote.call(storage.remove_user(&user)).await?;
        self.remove_policies(remote, &user, 0).await?;
        tracing::info!(user, "user removed");
        Ok(Deleted::Done)
    }

    fn unready(&self, user: &ObjectStorageUser, found: &Found) -> Option<Unready> {
        if is_suspended(user) {
            let message = format!("annotation {SUSPENDED} is \"true\": the user and its keys are disabled");
            return Some(Unready { reason: "SuspendedByAccount", message });
        }
        let message = "somebody has disabled the user on the server, and has to enable it there again".into();
        (!found.info.enabled).then_some(Unready { reason: DISABLED, message })
    }

    fn status(&self, user: &ObjectStorageUser, report: Report<'_, Found>) -> ObjectStorageUserStatus {
        let before = user.status.clone().unwrap_or_default();
        let Report { found, intended, mut conditions, now } = report;
        match found {
            Some(Found { quota: None, .. }) => conditions.retain(|condition| condition.type_ != WITHIN_QUOTA),
            Some(found) => {
                let over = found.over_quota();
                let (reason, message) = match over {
                    true => ("OverQuota", "the user may not write: remove objects, or ask for a larger quota"),
                    false => ("BelowQuota", ""),
                };
                let state = State { kind: WITHIN_QUOTA, status: Some(!over), reason, message };
                conditions::set(&mut conditions, state, user.metadata.generation, now);
            }
            None => {}
        }
        let suspended = is_suspended(user) && intended || found.is_none() && before.suspended;
        let mut status = ObjectStorageUserStatus {
            access_key: intended.then(|| name_of(user)),
            internal: Some(self.options.internal_endpoint.clone()),
            external: self.options.external_endpoint.clone(),
            suspended,
            observed_generation: user.metadata.generation,
            conditions,
            ..before
        };
        if let Some(found) = found {
            status.size = Some(whole(found.size));
            status.objects_count = Some(whole(found.objects));
            status.quota = found.quota;
            status.secret_key_version = found.version;
        }
        status
    }
}

impl<C> Users<C>
where
    C: Connect,
    C::Client: Storage,
{
    /// Sees to it that the keys in the Secret are those of the user, and that it is enabled if it should be.
    async fn keys(&self, work: &Work<'_, Self>, keys: &Keys, found: &mut Found) -> Result<Vec<String>, Fault> {
        let Work { object, ctx, remote } = work;
        let Keys { access_key: user, secret_key, version, next } = keys;
        let storage = remote.client();
        let by_us = object.status.as_ref().is_some_and(|status| status.suspended);
        // Whether somebody else has disabled it is not ours to change.
        let enabled = !is_suspended(object) && (by_us || found.info.enabled);
        found.version = *version;
        let mut repaired = Vec::new();
        if let Some((next, next_version)) = next {
            remote.call(storage.set_user(user, next, enabled)).await?;
            let (secret_key, version) = (next.clone(), Some(*next_version));
            let rotated = Keys { access_key: user.clone(), secret_key, version, next: None };
            rotated.write(ctx, names::USER_SECRET, &self.place()).await?;
            tracing::info!(user, version = next_version, "secret key replaced");
            found.version = version;
            repaired.push("secret key".to_string());
        } else {
            if found.info.enabled != enabled {
                remote.call(storage.enable_user(user, enabled)).await?;
                repaired.push(if enabled { "enabled".to_string() } else { "disabled".to_string() });
            }
            found.info.enabled = enabled;
            // A disabled user's keys can't be tried.
            if enabled
                && matches!(
                    remote.call(storage.check_key(user, secret_key, None)).await?,
                    KeyState::Unknown | KeyState::WrongSecret
                )
            {
                // They do not work either when it has been disabled since it was looked at, and setting them enables it.
                let Some(now) = remote.call(storage.user(user)).await? else {
                    return Err(Fault::temporary(Vanished { user: user.clone() }));
                };
                found.info.enabled = now.enabled;
                if now.enabled {
                    remote.call(storage.set_user(user, secret_key, true)).await?;
                    repaired.push("secret key".to_string());
                }
            }
            return Ok(repaired);
        }
        found.info.enabled = enabled;
        Ok(repaired)
    }

    /// Sees to it that the user may use the buckets of its namespace, and no others. What others gave it stays.
    async fn policies(&self, work: &Work<'_, Self>, user: &str, found: &mut Found) -> Result<Vec<String>, Fault> {
        let (remote, storage) = (&work.remote, work.remote.client());
        let mut repaired = Vec::new();
        let buckets = self.buckets(work.ctx, &work.object.namespace().unwrap_or_default())?;
        let wanted = policies::of_user(user, &buckets);
        for (name, policy) in &wanted {
            let there = remote.call(storage.policy(name)).await?;
            if !there.is_some_and(|there| policies::same(&there, policy)) {
                remote.call(storage.set_policy(name, policy)).await?;
                repaired.push(format!("policy {name}"));
            }
        }
        let (own, others): (BTreeSet<_>, BTreeSet<_>) =
            found.info.policies.iter().cloned().partition(|name| policies::is_of_user(name, user));
        let names: BTreeSet<String> = wanted.into_iter().map(|(name, _)| name).collect();
        if own != names {
            let all: Vec<String> = others.union(&names).cloned().collect();
            remote.call(storage.attach_to_user(user, &all)).await?;
            repaired.push("policies".to_string());
        }
        // Not only what was attached until now: the operator may have been stopped after it took that away.
        self.remove_policies(&work.remote, user, names.len()).await?;
        Ok(repaired)
    }

    /// Removes the policies of a user from this one on.
    async fn remove_policies(&self, remote: &Remote<C::Client>, user: &str, from: usize) -> Result<(), Fault> {
        let storage = remote.client();
        let mut names = Vec::new();
        for at in from.. {
            let name = policies::name_of_user(user, at);
            if remote.call(storage.policy(&name)).await?.is_none() {
                break;
            }
            names.push(name);
        }
        // From the last to the first, so that what a crash leaves is found in the same way.
        for name in names.iter().rev() {
            remote.call(storage.remove_policy(name)).await?;
        }
        Ok(())
    }

    /// Sees to it that the user can write exactly if it is within its quota.
    async fn quota(&self, work: &Work<'_, Self>, user: &str, found: &Found) -> Result<Vec<String>, Fault> {
        let (remote, storage, group) = (&work.remote, work.remote.client(), policies::DENY_WRITE);
        let member = found.info.groups.iter().any(|name| name == group);
        if !found.over_quota() {
            if !member {
                return Ok(Vec::new());
            }
            remote.call(storage.set_member(group, user, false)).await?;
            return Ok(vec!["may write again".to_string()]);
        }
        let mut repaired = Vec::new();
        let wanted = policies::deny_write();
        let there = remote.call(storage.policy(group)).await?;
        if !there.is_some_and(|there| policies::same(&there, &wanted)) {
            remote.call(storage.set_policy(group, &wanted)).await?;
        }
        if !member {
            remote.call(storage.set_member(group, user, true)).await?;
            repaired.push("may not write: it is over its quota".to_string());
        }
        let there = remote.call(storage.group(group)).await?;
        if !there.is_some_and(|there| there.policies.iter().any(|policy| policy == group)) {
            remote.call(storage.attach_to_group(group, group)).await?;
        }
        Ok(repaired)
    }

    /// The buckets of a namespace on the server.
    fn buckets(&self, ctx: &Context, namespace: &str) -> Result<BTreeSet<String>, Error> {
        let buckets = ctx.list::<ObjectStorageBucket>(Some(namespace))?;
        Ok(buckets.iter().filter(|bucket| bucket::claimed(bucket)).map(bucket::name_of).collect())
    }

    fn place(&self) -> Place {
        let Options { internal_endpoint, external_endpoint, .. } = &*self.options;
        Place { internal: internal_endpoint.clone(), external: external_endpoint.clone(), bucket: None }
    }
}

/// The user of a namespace, once it is on the server.
pub(crate) fn of_namespace(ctx: &Context, namespace: &str) -> Result<Option<ObjectStorageUser>, Error> {
    Ok(ctx.list::<ObjectStorageUser>(Some(namespace))?.into_iter().find(is_usable))
}

/// Whether the user is on the server, and is going to stay there.
fn is_usable(user: &ObjectStorageUser) -> bool {
    let made = |status: &ObjectStorageUserStatus| status.access_key.is_some() && status.secret_key_version.is_some();
    user.metadata.deletion_timestamp.is_none() && user.status.as_ref().is_some_and(made)
}

/// Whether its keys are refused.
pub(crate) fn is_disabled(user: &ObjectStorageUser) -> bool {
    let Some(status) = &user.status else { return false };
    status.suspended || status.conditions.iter().any(|it| it.type_ == "Ready" && it.reason == DISABLED)
}

/// Whether the user is within its quota.
pub(crate) fn may_write(user: &ObjectStorageUser) -> bool {
    let Some(status) = &user.status else { return true };
    !status.conditions.iter().any(|condition| condition.type_ == WITHIN_QUOTA && condition.status == "False")
}

/// What of a user matters to its buckets.
pub(crate) fn to_buckets(user: &ObjectStorageUser) -> impl PartialEq + use<> {
    (is_usable(user), is_disabled(user), may_write(user))
}

/// The name of an object's user on the server.
pub(crate) fn name_of(user: &ObjectStorageUser) -> String {
    names::user(&user.namespace().unwrap_or_default()).to_string()
}

fn claimed(user: &ObjectStorageUser) -> bool {
    user.status.as_ref().is_some_and(|status| status.access_key.is_some())
}

fn is_suspended(user: &ObjectStorageUser) -> bool {
    user.annotations().get(SUSPENDED).is_some_and(|value| value == "true")
}

fn secret_of(user: &ObjectStorageUser) -> ObjectRef {
    ObjectRef::new(user.namespace().as_deref(), names::USER_SECRET)
}
