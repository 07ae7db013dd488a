//! An object storage in memory, which fails as it is told to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kubewright::k8s_openapi::ByteString;
use kubewright::patterns::external::{Connect, Fault};
use kubewright_objectstorage::storage::{
    BucketPolicy, GroupInfo, KeyState, ServiceAccount, Storage, StorageError, Upload, Usage, UserInfo, Version,
};
use kubewright_testing::Fuse;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What is on the server.
#[derive(Default)]
pub struct Server {
    pub buckets: BTreeMap<String, Bucket>,
    pub users: BTreeMap<String, User>,
    pub policies: BTreeMap<String, Value>,
    pub groups: BTreeMap<String, Group>,
    pub service_accounts: BTreeMap<String, Keys>,
    /// What calls of this name answer instead; `*`: all.
    pub failing: BTreeMap<&'static str, fn(&'static str) -> StorageError>,
    /// What somebody else does right before calls of this name.
    pub meanwhile: BTreeMap<&'static str, fn(&mut Server)>,
    /// Calls of this name never answer.
    pub hanging: BTreeSet<&'static str>,
    /// The calls that were made, in order.
    pub calls: Vec<&'static str>,
    /// How many clients were made.
    pub clients: usize,
    /// How much one page of a list holds.
    pub page: usize,
}

#[derive(Default, Clone)]
pub struct Bucket {
    pub region: String,
    pub policy: Option<Value>,
    pub versions: Vec<Version>,
    pub uploads: Vec<Upload>,
    pub usage: Usage,
}

#[derive(Default, Clone)]
pub struct User {
    pub secret_key: String,
    pub enabled: bool,
    pub policies: Vec<String>,
}

#[derive(Default, Clone)]
pub struct Group {
    pub members: BTreeSet<String>,
    pub policies: Vec<String>,
}

#[derive(Clone)]
pub struct Keys {
    pub secret_key: String,
    pub parent: String,
    pub policy: Value,
}

pub type Shared = Arc<Mutex<Server>>;

/// Makes clients for it; `Clone` so that each life of an operator has one.
#[derive(Clone)]
pub struct ConnectFake {
    pub server: Shared,
    pub fuse: Option<Fuse>,
}

pub struct Fake {
    server: Shared,
    fuse: Option<Fuse>,
    administrator: String,
}

impl Connect for ConnectFake {
    type Client = Fake;

    fn connect(&self, secret: &BTreeMap<String, ByteString>) -> Result<Fake, Fault> {
        let key = secret.get("accessKey").filter(|key| !key.0.is_empty());
        let key = key.ok_or_else(|| Fault::waiting("key accessKey is missing or empty"))?;
        self.server.lock().clients += 1;
        let administrator = String::from_utf8(key.0.clone()).unwrap();
        Ok(Fake { server: self.server.clone(), fuse: self.fuse.clone(), administrator })
    }

    async fn probe(&self, client: &Fake) -> Result<(), Fault> {
        client.list_buckets().await?;
        Ok(())
    }
}

pub fn refused(call: &'static str, status: u16, code: &str) -> StorageError {
    StorageError::Refused { call, status, code: code.into(), message: "as the test wants it".into(), retry_after: None }
}

impl Fake {
    async fn read<T>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut Server) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        match &self.fuse {
            Some(fuse) => fuse.pass(self.now(name, work)).await,
            None => self.now(name, work).await,
        }
    }

    async fn write<T>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut Server) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        match &self.fuse {
            Some(fuse) => fuse.call(name, self.now(name, work)).await,
            None => self.now(name, work).await,
        }
    }

    async fn now<T>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut Server) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        tokio::task::yield_now().await;
        if self.server.lock().hanging.contains(name) {
            std::future::pending::<()>().await;
        }
        let mut server = self.server.lock();
        server.calls.push(name);
        if let Some(change) = server.meanwhile.get(name).copied() {
            change(&mut server);
        }
        if let Some(failure) = server.failing.get(name).or(server.failing.get("*")) {
            return Err(failure(name));
        }
        work(&mut server)
    }
}

impl Server {
    /// A server with pages of a thousand.
    pub fn new() -> Shared {
        Arc::new(Mutex::new(Self { page: 1000, ..Self::default() }))
    }

    pub fn count(&self, call: &str) -> usize {
        self.calls.iter().filter(|name| **name == call).count()
    }

    fn bucket(&mut self, call: &'static str, name: &str) -> Result<&mut Bucket, StorageError> {
        self.buckets.get_mut(name).ok_or_else(|| refused(call, 404, "NoSuchBucket"))
    }

    fn allows(policy: &Value, bucket: &str) -> bool {
        let arn = json!(format!("arn:aws:s3:::{bucket}"));
        policy["Statement"][0]["Resource"].as_array().is_some_and(|resources| resources.contains(&arn))
    }

    /// What keys may do with a bucket, as the real server decides it.
    pub fn check(&self, access_key: &str, secret_key: &str, bucket: Option<&str>) -> KeyState {
        let service_account = self.service_accounts.get(access_key);
        let (secret, owner) = match service_account {
            Some(keys) => (&keys.secret_key, keys.parent.as_str()),
            None => match self.users.get(access_key) {
                Some(user) => (&user.secret_key, access_key),
                None => return KeyState::Unknown,
            },
        };
        let Some(user) = self.users.get(owner).filter(|user| user.enabled) else { return KeyState::Unknown };
        if secret != secret_key {
            return KeyState::WrongSecret;
        }
        let Some(bucket) = bucket else { return KeyState::Works };
        let by_user = user.policies.iter().filter_map(|name| self.policies.get(name)).any(|p| Self::allows(p, bucket));
        let by_account = service_account.is_none_or(|keys| Self::allows(&keys.policy, bucket));
        if by_user && by_account { KeyState::Works } else { KeyState::NotAllowed }
    }

    pub fn may_write(&self, user: &str) -> bool {
        !self.groups.get("userDenyWrite").is_some_and(|group| {
            group.members.contains(user)
                && group.policies == ["userDenyWrite"]
                && self.policies.contains_key("userDenyWrite")
        })
    }

    /// All that is on it, for comparison; keys are left out.
    pub fn state(&self, part: &str) -> Value {
        let of = |name: &String| name.contains(part);
        let buckets: BTreeMap<_, _> = self
            .buckets
            .iter()
            .filter(|(name, _)| of(name))
            .map(|(name, bucket)| {
                (
                    name.replace(part, "RUN"),
                    json!([bucket.policy.is_some(), bucket.versions.len(), bucket.uploads.len()]),
                )
            })
            .collect();
        let users: BTreeMap<_, _> = self
            .users
            .iter()
            .filter(|(name, _)| of(name))
            .map(|(name, user)| {
                let policies: Vec<String> = user.policies.iter().map(|policy| policy.replace(part, "RUN")).collect();
                (name.replace(part, "RUN"), json!([user.enabled, policies]))
            })
            .collect();
        let policies: Vec<String> = self
            .policies
            .iter()
            .filter(|(name, _)| of(name))
            .map(|(name, policy)| format!("{name}={policy}").replace(part, "RUN"))
            .collect();
        let accounts = self
            .service_accounts
            .values()
            .filter(|keys| of(&keys.parent))
            .map(|keys| keys.policy.to_string().replace(part, "RUN"));
        let accounts: Vec<String> = accounts.collect();
        json!({"buckets": buckets, "users": users, "policies": policies, "service accounts": accounts})
    }
}

impl Storage for Fake {
    fn administrator(&self) -> &str {
        &self.administrator
    }

    async fn list_buckets(&self) -> Result<Vec<String>, StorageError> {
        self.read("list buckets", |server| Ok(server.buckets.keys().cloned().collect())).await
    }

    async fn create_bucket(&self, bucket: &str, region: &str) -> Result<bool, StorageError> {
        let make = |server: &mut Server| {
            if server.buckets.contains_key(bucket) {
                return Ok(false);
            }
            server.buckets.insert(bucket.into(), Bucket { region: region.into(), ..Bucket::default() });
            Ok(true)
        };
        self.write("create bucket", make).await
    }

    async fn bucket_policy(&self, bucket: &str) -> Result<BucketPolicy, StorageError> {
        let look = |server: &mut Server| {
            Ok(match server.buckets.get(bucket) {
                None => BucketPolicy::NoBucket,
                Some(Bucket { policy: None, .. }) => BucketPolicy::None,
                Some(Bucket { policy: Some(policy), .. }) => BucketPolicy::Document(policy.clone()),
            })
        };
        self.read("get bucket policy", look).await
    }

    async fn set_bucket_policy(&self, bucket: &str, policy: Option<&Value>) -> Result<(), StorageError> {
        let set = |server: &mut Server| {
            server.bucket("set bucket policy", bucket)?.policy = policy.cloned();
            Ok(())
        };
        self.write("set bucket policy", set).await
    }

    async fn versions(&self, bucket: &str) -> Result<Vec<Version>, StorageError> {
        let look = |server: &mut Server| {
            let page = server.page;
            let found = server.buckets.get(bucket).map(|bucket| bucket.versions.iter().take(page).cloned().collect());
            Ok(found.unwrap_or_default())
        };
        self.read("list versions", look).await
    }

    async fn remove_versions(&self, bucket: &str, versions: &[Version]) -> Result<(), StorageError> {
        let remove = |server: &mut Server| {
            if let Some(bucket) = server.buckets.get_mut(bucket) {
                bucket.versions.retain(|version| !versions.contains(version));
            }
            Ok(())
        };
        self.write("delete objects", remove).await
    }

    async fn uploads(&self, bucket: &str) -> Result<Vec<Upload>, StorageError> {
        let look = |server: &mut Server| {
            let page = server.page;
            let found = server.buckets.get(bucket).map(|bucket| bucket.uploads.iter().take(page).cloned().collect());
            Ok(found.unwrap_or_default())
        };
        self.read("list uploads", look).await
    }

    async fn abort_upload(&self, bucket: &str, upload: &Upload) -> Result<(), StorageError> {
        let abort = |server: &mut Server| {
            if let Some(bucket) = server.buckets.get_mut(bucket) {
                bucket.uploads.retain(|open| open != upload);
            }
            Ok(())
        };
        self.write("abort upload", abort).await
    }

    async fn remove_bucket(&self, bucket: &str) -> Result<(), StorageError> {
        let remove = |server: &mut Server| {
            if server.buckets.get(bucket).is_some_and(|found| !found.versions.is_empty()) {
                return Err(refused("delete bucket", 409, "BucketNotEmpty"));
            }
            server.buckets.remove(bucket);
            Ok(())
        };
        self.write("delete bucket", remove).await
    }

    async fn user(&self, user: &str) -> Result<Option<UserInfo>, StorageError> {
        let look = |server: &mut Server| {
            let groups = server.groups.iter().filter(|(_, group)| group.members.contains(user));
            let groups = groups.map(|(name, _)| name.clone()).collect();
            let info = |found: &User| UserInfo { enabled: found.enabled, policies: found.policies.clone(), groups };
            Ok(server.users.get(user).map(info))
        };
        self.read("user info", look).await
    }

    async fn set_user(&self, user: &str, secret_key: &str, enabled: bool) -> Result<(), StorageError> {
        let set = |server: &mut Server| {
            let user = server.users.entry(user.into()).or_default();
            (user.secret_key, user.enabled) = (secret_key.into(), enabled);
            Ok(())
        };
        self.write("add user", set).await
    }

    async fn enable_user(&self, user: &str, enabled: bool) -> Result<(), StorageError> {
        let set = |server: &mut Server| match server.users.get_mut(user) {
            None => Err(refused("set user status", 404, "XMinioAdminNoSuchUser")),
            Some(user) => {
                user.enabled = enabled;
                Ok(())
            }
        };
        self.write("set user status", set).await
    }

    async fn remove_user(&self, user: &str) -> Result<(), StorageError> {
        let remove = |server: &mut Server| {
            server.users.remove(user);
            server.service_accounts.retain(|_, keys| keys.parent != user);
            server.groups.values_mut().for_each(|group| _ = group.members.remove(user));
            Ok(())
        };
        self.write("remove user", remove).await
    }

    async fn attach_to_user(&self, user: &str, policies: &[String]) -> Result<(), StorageError> {
        let attach = |server: &mut Server| match server.users.get_mut(user) {
            None => Err(refused("set user policy", 404, "XMinioAdminNoSuchUser")),
            Some(_) if policies.iter().any(|policy| !server.policies.contains_key(policy)) => {
                Err(refused("set user policy", 404, "XMinioAdminNoSuchPolicy"))
            }
            Some(user) => {
                user.policies = policies.to_vec();
                Ok(())
            }
        };
        self.write("set user policy", attach).await
    }

    async fn policy(&self, name: &str) -> Result<Option<Value>, StorageError> {
        self.read("info policy", |server| Ok(server.policies.get(name).cloned())).await
    }

    async fn set_policy(&self, name: &str, policy: &Value) -> Result<(), StorageError> {
        let set = |server: &mut Server| {
            server.policies.insert(name.into(), policy.clone());
            Ok(())
        };
        self.write("add policy", set).await
    }

    async fn remove_policy(&self, name: &str) -> Result<(), StorageError> {
        let remove = |server: &mut Server| {
            if server.users.values().any(|user| user.policies.iter().any(|policy| policy == name)) {
                return Err(refused("remove policy", 400, "XMinioIAMPolicyInUse"));
            }
            server.policies.remove(name);
            Ok(())
        };
        self.write("remove policy", remove).await
    }

    async fn group(&self, group: &str) -> Result<Option<GroupInfo>, StorageError> {
        let look = |server: &mut Server| {
            Ok(server.groups.get(group).map(|group| GroupInfo { policies: group.policies.clone() }))
        };
        self.read("group", look).await
    }

    async fn set_member(&self, group: &str, user: &str, member: bool) -> Result<(), StorageError> {
        let set = |server: &mut Server| {
            if member {
                server.groups.entry(group.into()).or_default().members.insert(user.into());
            } else if let Some(group) = server.groups.get_mut(group) {
                group.members.remove(user);
            }
            Ok(())
        };
        self.write("update group", set).await
    }

    async fn attach_to_group(&self, group: &str, policy: &str) -> Result<(), StorageError> {
        let attach = |server: &mut Server| {
            server.groups.entry(group.into()).or_default().policies = vec![policy.into()];
            Ok(())
        };
        self.write("set group policy", attach).await
    }

    async fn service_account(&self, access_key: &str) -> Result<Option<ServiceAccount>, StorageError> {
        let look = |server: &mut Server| {
            let found = server.service_accounts.get(access_key);
            Ok(found.map(|keys| ServiceAccount { parent: keys.parent.clone(), policy: keys.policy.clone() }))
        };
        self.read("info service account", look).await
    }

    async fn create_service_account(
        &self,
        access_key: &str,
        secret_key: &str,
        wanted: &ServiceAccount,
    ) -> Result<(), StorageError> {
        let make = |server: &mut Server| {
            if !server.users.contains_key(&wanted.parent) {
                return Err(refused("add service account", 404, "XMinioAdminNoSuchUser"));
            }
            let ServiceAccount { parent, policy } = wanted.clone();
            server.service_accounts.insert(access_key.into(), Keys { secret_key: secret_key.into(), parent, policy });
            Ok(())
        };
        self.write("add service account", make).await
    }

    async fn update_service_account(
        &self,
        access_key: &str,
        secret_key: &str,
        policy: &Value,
    ) -> Result<(), StorageError> {
        let update = |server: &mut Server| match server.service_accounts.get_mut(access_key) {
            None => Err(refused("update service account", 404, "XMinioInvalidIAMCredentials")),
            Some(keys) => {
                (keys.secret_key, keys.policy) = (secret_key.into(), policy.clone());
                Ok(())
            }
        };
        self.write("update service account", update).await
    }

    async fn remove_service_account(&self, access_key: &str) -> Result<(), StorageError> {
        let remove = |server: &mut Server| {
            server.service_accounts.remove(access_key);
            Ok(())
        };
        self.write("remove service account", remove).await
    }

    async fn check_key(
        &self,
        access_key: &str,
        secret_key: &str,
        bucket: Option<&str>,
    ) -> Result<KeyState, StorageError> {
        self.read("try a key", |server| Ok(server.check(access_key, secret_key, bucket))).await
    }

    async fn usage(&self) -> Result<BTreeMap<String, Usage>, StorageError> {
        let look = |server: &mut Server| {
            Ok(server.buckets.iter().map(|(name, bucket)| (name.clone(), bucket.usage)).collect())
        };
        self.read("data usage", look).await
    }
}
