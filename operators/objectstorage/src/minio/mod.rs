//! MinIO over HTTP: S3 calls, and the admin API that has no crate.
//!
//! | module | what it holds |
//! |---|---|
//! | here | [`Minio`]: each call of [`Storage`] as the server wants it; [`ConnectMinio`]: clients from a Secret |
//! | `http` | signed requests, one pool of connections, TLS |
//! | `sign` | AWS Signature Version 4 |
//! | `forms` | the documents that are sent and taken |
//! | [`seal`] | the encryption of bodies in the admin API |

mod forms;
mod http;
pub mod seal;
mod sign;

use std::{collections::BTreeMap, fmt, sync::Arc};

use ::http::{Method, Uri};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use kubewright::OptionsError;
use kubewright::k8s_openapi::ByteString;
use kubewright::patterns::external::{Connect, Fault};
use kubewright::runtime::clock::{Clock, SystemClock};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use self::{
    forms::{
        AddServiceAccount, BucketList, DataUsage, DeleteList, DeleteResult, Group, Members, Place, ServiceAccountInfo,
        SetUser, UpdateServiceAccount, UploadList, User, VersionList,
    },
    http::{Call, Http},
    sign::Credentials,
};
use crate::options::{Options, endpoint};
use crate::random::Random;
use crate::storage::{
    BucketPolicy, GroupInfo, KeyState, ServiceAccount, Storage, StorageError, Upload, Usage, UserInfo, Version,
};

/// The first region, which "create bucket" must not name.
const FIRST_REGION: &str = "us-east-1";
/// What the admin API calls a service account that is not there.
const NO_SERVICE_ACCOUNT: &str = "XMinioInvalidIAMCredentials";

/// A MinIO server.
pub struct Minio {
    http: Http,
    keys: Credentials,
    random: Random,
    /// Opening what the server has sealed takes 64 MiB: one at a time.
    opening: Semaphore,
}

/// Makes clients for one server from the Secret with its administrator's keys.
#[derive(Debug, Clone)]
pub struct ConnectMinio {
    endpoint: Uri,
    region: String,
    random: Random,
    clock: Arc<dyn Clock>,
}

impl ConnectMinio {
    /// For the server that the options name.
    ///
    /// # Errors
    /// If its address is none.
    pub fn new(options: &Options) -> Result<Self, OptionsError> {
        options.check()?;
        let wrong = || OptionsError {
            operator: "object storage",
            option: "INTERNAL_ENDPOINT",
            value: options.internal_endpoint.clone(),
            right: "write host:port, http://host:port or https://host:port",
        };
        let endpoint = endpoint(&options.internal_endpoint).ok_or_else(wrong)?;
        let (region, random) = (options.region.clone(), options.random.clone());
        Ok(Self { endpoint, region, random, clock: Arc::new(SystemClock) })
    }
}

impl Connect for ConnectMinio {
    type Client = Minio;

    fn connect(&self, secret: &BTreeMap<String, ByteString>) -> Result<Minio, Fault> {
        let access_key = key(secret, ["accessKey", "CONSOLE_ACCESS_KEY"])?;
        let secret_key = key(secret, ["secretKey", "CONSOLE_SECRET_KEY"])?;
        let ca = secret.get("ca.crt").map(|pem| pem.0.as_slice());
        let http = Http::new(self.endpoint.clone(), &self.region, ca, self.clock.clone());
        let http = http.map_err(|error| Fault::waiting(error.to_string()))?;
        let keys = Credentials { access_key, secret_key };
        Ok(Minio { http, keys, random: self.random.clone(), opening: Semaphore::new(1) })
    }

    async fn probe(&self, client: &Minio) -> Result<(), Fault> {
        client.list_buckets().await?;
        Ok(())
    }
}

/// A key of the Secret, under either name.
fn key(secret: &BTreeMap<String, ByteString>, names: [&str; 2]) -> Result<String, Fault> {
    let [name, other] = names;
    let Some(value) = names.iter().find_map(|name| secret.get(*name)) else {
        return Err(Fault::waiting(format!("key {name} is missing (or {other})")));
    };
    let text = std::str::from_utf8(&value.0).map_err(|_| Fault::waiting(format!("key {name} is not text")))?;
    if text.is_empty() {
        return Err(Fault::waiting(format!("key {name} is empty")));
    }
    if text.trim() != text {
        return Err(Fault::waiting(format!("key {name} begins or ends with white space: remove it")));
    }
    Ok(text.to_string())
}

impl Minio {
    /// A call of S3.
    async fn s3(
        &self,
        name: &'static str,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Bytes, StorageError> {
        self.http.send(Call { name, method, path, query, headers: &[], body }, &self.keys).await
    }

    /// A call of the admin API.
    async fn admin(
        &self,
        name: &'static str,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Bytes, StorageError> {
        let path = format!("/minio/admin/v3/{path}");
        self.http.send(Call { name, method, path: &path, query, headers: &[], body }, &self.keys).await
    }

    fn sealed(&self, name: &'static str, body: &impl Serialize) -> Result<Vec<u8>, StorageError> {
        Ok(seal::seal(&self.keys.secret_key, &json(name, body)?, &self.random))
    }

    /// Opens a body off the threads that serve, as that takes a while.
    async fn opened<T: DeserializeOwned>(&self, name: &'static str, body: Bytes) -> Result<T, StorageError> {
        let failed = |cause: Box<dyn std::error::Error + Send + Sync>| StorageError::NoAnswer { call: name, cause };
        let password = self.keys.secret_key.clone();
        let _turn = self.opening.acquire().await.map_err(|error| failed(error.into()))?;
        let opened = tokio::task::spawn_blocking(move || seal::open(&password, &body)).await;
        let text = opened.map_err(|error| failed(error.into()))?;
        from_json(name, &text.map_err(|error| garbled(name, error))?)
    }
}

impl Storage for Minio {
    fn administrator(&self) -> &str {
        &self.keys.access_key
    }

    async fn list_buckets(&self) -> Result<Vec<String>, StorageError> {
        let name = "list buckets";
        let body = self.s3(name, Method::GET, "/", &[], Vec::new()).await?;
        let list: BucketList = from_xml(name, &body)?;
        Ok(list.buckets.bucket.into_iter().map(|bucket| bucket.name).collect())
    }

    async fn create_bucket(&self, bucket: &str, region: &str) -> Result<bool, StorageError> {
        let name = "create bucket";
        let body = match region {
            FIRST_REGION | "" => Vec::new(),
            region => xml(name, &Place { location_constraint: region })?,
        };
        match self.s3(name, Method::PUT, &path(bucket), &[], body).await {
            Ok(_) => Ok(true),
            Err(error) if is(&error, &["BucketAlreadyOwnedByYou", "BucketAlreadyExists"]) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn bucket_policy(&self, bucket: &str) -> Result<BucketPolicy, StorageError> {
        let name = "get bucket policy";
        match self.s3(name, Method::GET, &path(bucket), &[("policy", "")], Vec::new()).await {
            Ok(body) => Ok(BucketPolicy::Document(from_json(name, &body)?)),
            Err(error) if is(&error, &["NoSuchBucketPolicy"]) => Ok(BucketPolicy::None),
            Err(error) if is(&error, &["NoSuchBucket"]) => Ok(BucketPolicy::NoBucket),
            Err(error) => Err(error),
        }
    }

    async fn set_bucket_policy(&self, bucket: &str, policy: Option<&Value>) -> Result<(), StorageError> {
        let name = "set bucket policy";
        let (method, body) = match policy {
            Some(policy) => (Method::PUT, json(name, policy)?),
            None => (Method::DELETE, Vec::new()),
        };
        self.s3(name, method, &path(bucket), &[("policy", "")], body).await?;
        Ok(())
    }

    async fn versions(&self, bucket: &str) -> Result<Vec<Version>, StorageError> {
        let name = "list object versions";
        let query = [("versions", ""), ("encoding-type", "url"), ("max-keys", "1000")];
        match self.s3(name, Method::GET, &path(bucket), &query, Vec::new()).await {
            Ok(body) => Ok(from_xml::<VersionList>(name, &body)?.into_versions()),
            Err(error) if is(&error, &["NoSuchBucket"]) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn remove_versions(&self, bucket: &str, versions: &[Version]) -> Result<(), StorageError> {
        let name = "delete objects";
        let (together, alone): (Vec<&Version>, Vec<&Version>) =
            versions.iter().partition(|version| forms::fits_xml(&version.key));
        for version in alone {
            let path = format!("{}/{}", path(bucket), object(&version.key));
            let gone = self.s3("delete object", Method::DELETE, &path, &[("versionId", &version.id)], Vec::new()).await;
            gone_is_fine(gone, &["NoSuchKey", "NoSuchVersion", "NoSuchBucket"])?;
        }
        if together.is_empty() {
            return Ok(());
        }
        let body = xml(name, &DeleteList::of(&together))?;
        let checksum = BASE64_STANDARD.encode(Sha256::digest(&body));
        let headers = [("x-amz-checksum-sha256", checksum)];
        let (path, query) = (path(bucket), [("delete", "")]);
        let call = Call { name, method: Method::POST, path: &path, query: &query, headers: &headers, body };
        let answer = match self.http.send(call, &self.keys).await {
            Err(error) if is(&error, &["NoSuchBucket"]) => return Ok(()),
            answer => answer?,
        };
        let result: DeleteResult = from_xml(name, &answer)?;
        let gone = |code: &str| matches!(code, "NoSuchKey" | "NoSuchVersion");
        match result.errors.into_iter().find(|error| !gone(&error.code)) {
            None => Ok(()),
            Some(refused) => {
                let status = match refused.code.as_str() {
                    "InternalError" | "SlowDown" | "ServiceUnavailable" | "" => 503,
                    _ => 403,
                };
                let message = format!("{} (object {:?})", refused.message, refused.key);
                Err(StorageError::Refused { call: name, status, code: refused.code, message, retry_after: None })
            }
        }
    }

    async fn uploads(&self, bucket: &str) -> Result<Vec<Upload>, StorageError> {
        let name = "list multipart uploads";
        let query = [("uploads", ""), ("encoding-type", "url"), ("max-uploads", "1000")];
        match self.s3(name, Method::GET, &path(bucket), &query, Vec::new()).await {
            Ok(body) => Ok(from_xml::<UploadList>(name, &body)?.into_uploads()),
            Err(error) if is(&error, &["NoSuchBucket"]) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn abort_upload(&self, bucket: &str, upload: &Upload) -> Result<(), StorageError> {
        let path = format!("{}/{}", path(bucket), object(&upload.key));
        let aborted =
            self.s3("abort multipart upload", Method::DELETE, &path, &[("uploadId", &upload.id)], Vec::new()).await;
        gone_is_fine(aborted, &["NoSuchUpload", "NoSuchBucket"])
    }

    async fn remove_bucket(&self, bucket: &str) -> Result<(), StorageError> {
        let removed = self.s3("delete bucket", Method::DELETE, &path(bucket), &[], Vec::new()).await;
        gone_is_fine(removed, &["NoSuchBucket"])
    }

    async fn user(&self, user: &str) -> Result<Option<UserInfo>, StorageError> {
        let name = "user info";
        let answer = self.admin(name, Method::GET, "user-info", &[("accessKey", user)], Vec::new()).await;
        let Some(body) = absent_is_none(answer, &["XMinioAdminNoSuchUser", "NoSuchUser"])? else { return Ok(None) };
        let User { policy_name, status, member_of } = from_json(name, &body)?;
        Ok(Some(UserInfo { enabled: status == "enabled", policies: names(&policy_name), groups: member_of }))
    }

    async fn set_user(&self, user: &str, secret_key: &str, enabled: bool) -> Result<(), StorageError> {
        let name = "add user";
        let body = self.sealed(name, &SetUser { secret_key, status: status_of(enabled) })?;
        self.admin(name, Method::PUT, "add-user", &[("accessKey", user)], body).await?;
        Ok(())
    }

    async fn enable_user(&self, user: &str, enabled: bool) -> Result<(), StorageError> {
        let query = [("accessKey", user), ("status", status_of(enabled))];
        self.admin("set user status", Method::PUT, "set-user-status", &query, Vec::new()).await?;
        Ok(())
    }

    async fn remove_user(&self, user: &str) -> Result<(), StorageError> {
        let removed =
            self.admin("remove user", Method::DELETE, "remove-user", &[("accessKey", user)], Vec::new()).await;
        gone_is_fine(removed, &["XMinioAdminNoSuchUser", "NoSuchUser"])
    }

    async fn attach_to_user(&self, user: &str, policies: &[String]) -> Result<(), StorageError> {
        let policies = policies.join(",");
        let query = [("policyName", policies.as_str()), ("userOrGroup", user), ("isGroup", "false")];
        self.admin("set user policy", Method::PUT, "set-user-or-group-policy", &query, Vec::new()).await?;
        Ok(())
    }

    async fn policy(&self, policy: &str) -> Result<Option<Value>, StorageError> {
        let name = "info canned policy";
        let answer = self.admin(name, Method::GET, "info-canned-policy", &[("name", policy)], Vec::new()).await;
        let Some(body) = absent_is_none(answer, &["XMinioAdminNoSuchPolicy"])? else { return Ok(None) };
        from_json(name, &body).map(Some)
    }

    async fn set_policy(&self, policy: &str, document: &Value) -> Result<(), StorageError> {
        let name = "add canned policy";
        self.admin(name, Method::PUT, "add-canned-policy", &[("name", policy)], json(name, document)?).await?;
        Ok(())
    }

    async fn remove_policy(&self, policy: &str) -> Result<(), StorageError> {
        let query = [("name", policy)];
        let removed =
            self.admin("remove canned policy", Method::DELETE, "remove-canned-policy", &query, Vec::new()).await;
        gone_is_fine(removed, &["XMinioAdminNoSuchPolicy"])
    }

    async fn group(&self, group: &str) -> Result<Option<GroupInfo>, StorageError> {
        let name = "group";
        let answer = self.admin(name, Method::GET, "group", &[("group", group)], Vec::new()).await;
        let Some(body) = absent_is_none(answer, &["XMinioAdminNoSuchGroup"])? else { return Ok(None) };
        let Group { policy } = from_json(name, &body)?;
        Ok(Some(GroupInfo { policies: names(&policy) }))
    }

    async fn set_member(&self, group: &str, user: &str, member: bool) -> Result<(), StorageError> {
        let name = "update group members";
        let members = Members { group, members: [user], group_status: "enabled", is_remove: !member };
        let done = self.admin(name, Method::PUT, "update-group-members", &[], json(name, &members)?).await;
        let absent: &[&str] = if member { &[] } else { &["XMinioAdminNoSuchGroup", "XMinioAdminNoSuchUser"] };
        gone_is_fine(done, absent)
    }

    async fn attach_to_group(&self, group: &str, policy: &str) -> Result<(), StorageError> {
        let query = [("policyName", policy), ("userOrGroup", group), ("isGroup", "true")];
        self.admin("set group policy", Method::PUT, "set-user-or-group-policy", &query, Vec::new()).await?;
        Ok(())
    }

    async fn service_account(&self, access_key: &str) -> Result<Option<ServiceAccount>, StorageError> {
        let name = "info service account";
        let query = [("accessKey", access_key)];
        let answer = self.admin(name, Method::GET, "info-service-account", &query, Vec::new()).await;
        let Some(body) = absent_is_none(answer, &[NO_SERVICE_ACCOUNT])? else { return Ok(None) };
        let ServiceAccountInfo { parent_user, policy } = self.opened(name, body).await?;
        let policy = if policy.is_empty() { Value::Null } else { from_json(name, policy.as_bytes())? };
        Ok(Some(ServiceAccount { parent: parent_user, policy }))
    }

    async fn create_service_account(
        &self,
        access_key: &str,
        secret_key: &str,
        wanted: &ServiceAccount,
    ) -> Result<(), StorageError> {
        let name = "add service account";
        let ServiceAccount { parent, policy } = wanted;
        let body = AddServiceAccount { target_user: parent, access_key, secret_key, policy };
        let body = self.sealed(name, &body)?;
        self.admin(name, Method::PUT, "add-service-account", &[], body).await?;
        Ok(())
    }

    async fn update_service_account(
        &self,
        access_key: &str,
        secret_key: &str,
        policy: &Value,
    ) -> Result<(), StorageError> {
        let name = "update service account";
        let body = UpdateServiceAccount { new_secret_key: secret_key, new_policy: policy, new_status: "on" };
        let body = self.sealed(name, &body)?;
        self.admin(name, Method::POST, "update-service-account", &[("accessKey", access_key)], body).await?;
        Ok(())
    }

    async fn remove_service_account(&self, access_key: &str) -> Result<(), StorageError> {
        let (name, query) = ("delete service account", [("accessKey", access_key)]);
        let removed = self.admin(name, Method::DELETE, "delete-service-account", &query, Vec::new()).await;
        gone_is_fine(removed, &[NO_SERVICE_ACCOUNT])
    }

    async fn check_key(
        &self,
        access_key: &str,
        secret_key: &str,
        bucket: Option<&str>,
    ) -> Result<KeyState, StorageError> {
        let keys = Credentials { access_key: access_key.into(), secret_key: secret_key.into() };
        let (name, path) = ("try a key", bucket.map_or_else(|| "/".to_string(), path));
        let query: &[(&str, &str)] = if bucket.is_some() { &[("location", "")] } else { &[] };
        let call = Call { name, method: Method::GET, path: &path, query, headers: &[], body: Vec::new() };
        match self.http.send(call, &keys).await {
            Ok(_) => Ok(KeyState::Works),
            Err(error) if is(&error, &["AccessDenied"]) => Ok(KeyState::NotAllowed),
            Err(error) if is(&error, &["InvalidAccessKeyId"]) => Ok(KeyState::Unknown),
            Err(error) if is(&error, &["SignatureDoesNotMatch"]) => Ok(KeyState::WrongSecret),
            Err(error) => Err(error),
        }
    }

    async fn usage(&self) -> Result<BTreeMap<String, Usage>, StorageError> {
        let name = "data usage info";
        let body = self.admin(name, Method::GET, "datausageinfo", &[], Vec::new()).await?;
        Ok(from_json::<DataUsage>(name, &body)?.into_usage())
    }
}

impl fmt::Debug for Minio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minio")
            .field("http", &self.http)
            .field("access_key", &self.keys.access_key)
            .finish_non_exhaustive()
    }
}

fn path(bucket: &str) -> String {
    format!("/{}", sign::encode(bucket))
}

/// The name of an object in a path: its slashes stay.
fn object(key: &str) -> String {
    key.split('/').map(sign::encode).collect::<Vec<_>>().join("/")
}

fn status_of(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "disabled" }
}

/// Names joined by commas.
fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_string).collect()
}

fn is(error: &StorageError, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

fn gone_is_fine(result: Result<Bytes, StorageError>, codes: &[&str]) -> Result<(), StorageError> {
    absent_is_none(result, codes).map(|_| ())
}

fn absent_is_none(result: Result<Bytes, StorageError>, codes: &[&str]) -> Result<Option<Bytes>, StorageError> {
    match result {
        Ok(body) => Ok(Some(body)),
        Err(error) if is(&error, codes) => Ok(None),
        Err(error) => Err(error),
    }
}

fn garbled(call: &'static str, what: impl fmt::Display) -> StorageError {
    StorageError::Garbled { call, what: what.to_string() }
}

fn json(call: &'static str, body: &impl Serialize) -> Result<Vec<u8>, StorageError> {
    serde_json::to_vec(body).map_err(|error| garbled(call, error))
}

fn from_json<T: DeserializeOwned>(call: &'static str, body: &[u8]) -> Result<T, StorageError> {
    serde_json::from_slice(body).map_err(|error| garbled(call, error))
}

fn xml(call: &'static str, body: &impl Serialize) -> Result<Vec<u8>, StorageError> {
    quick_xml::se::to_string(body).map(String::into_bytes).map_err(|error| garbled(call, error))
}

fn from_xml<T: DeserializeOwned>(call: &'static str, body: &[u8]) -> Result<T, StorageError> {
    let text = std::str::from_utf8(body).map_err(|error| garbled(call, error))?;
    quick_xml::de::from_str(text).map_err(|error| garbled(call, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(pairs: &[(&str, &str)]) -> BTreeMap<String, ByteString> {
        pairs.iter().map(|(key, value)| (key.to_string(), ByteString(value.as_bytes().to_vec()))).collect()
    }

    fn connect(pairs: &[(&str, &str)]) -> Result<Minio, String> {
        let options = Options { internal_endpoint: "127.0.0.1:1".into(), ..Options::default() };
        ConnectMinio::new(&options).unwrap().connect(&secret(pairs)).map_err(|fault| fault.to_string())
    }

    //
    #[test]
    fn the_keys_are_taken_under_either_name() {
        let minio = connect(&[("accessKey", "root"), ("secretKey", "secret")]).unwrap();
        assert_eq!(minio.administrator(), "root");
        let minio = connect(&[("CONSOLE_ACCESS_KEY", "console"), ("CONSOLE_SECRET_KEY", "secret")]).unwrap();
        assert_eq!(minio.administrator(), "console");
        assert!(!format!("{minio:?}").contains("secret"));
    }

    //
    #[test]
    fn a_key_that_is_missing_or_empty_is_named() {
        let error = |pairs: &[(&str, &str)]| connect(pairs).unwrap_err();
        assert_eq!(error(&[]), "key accessKey is missing (or CONSOLE_ACCESS_KEY)");
        assert_eq!(error(&[("accessKey", "")]), "key accessKey is empty");
        assert_eq!(error(&[("accessKey", "a"), ("secretKey", "")]), "key secretKey is empty");
        assert!(error(&[("accessKey", "a"), ("secretKey", "s\n")]).contains("white space"));
        assert!(error(&[("accessKey", "a"), ("secretKey", "s"), ("ca.crt", "x")]).starts_with("ca.crt: "));
    }

    #[test]
    fn names_of_objects_keep_their_slashes() {
        assert_eq!(object("a b/c?d/../e"), "a%20b/c%3Fd/../e");
    }
}
