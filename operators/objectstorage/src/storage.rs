//! The server behind a trait: what the reconcilers need of it. [`Minio`](crate::minio::Minio) is the real one; tests have
//! one in memory.

use std::{collections::BTreeMap, time::Duration};

use kubewright::patterns::external::Fault;
use serde_json::Value;

/// An object storage with users, as MinIO is one.
///
/// Every call may be made again after a crash. What is there already, or gone already, is no error.
pub trait Storage: Send + Sync + 'static {
    /// The access key of the administrator with whose rights this works.
    fn administrator(&self) -> &str;

    /// The names of all buckets.
    fn list_buckets(&self) -> impl Future<Output = Result<Vec<String>, StorageError>> + Send;

    /// Makes a bucket. `false`: it was there already.
    fn create_bucket(&self, bucket: &str, region: &str) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// What everybody may do with a bucket.
    fn bucket_policy(&self, bucket: &str) -> impl Future<Output = Result<BucketPolicy, StorageError>> + Send;

    /// Sets that; `None`: nothing.
    fn set_bucket_policy(
        &self,
        bucket: &str,
        policy: Option<&Value>,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The first thousand versions and delete markers of a bucket; none when it is gone.
    fn versions(&self, bucket: &str) -> impl Future<Output = Result<Vec<Version>, StorageError>> + Send;

    /// Removes versions and delete markers, at most a thousand.
    fn remove_versions(
        &self,
        bucket: &str,
        versions: &[Version],
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The first uploads that were begun and neither completed nor aborted; none when the bucket is gone.
    fn uploads(&self, bucket: &str) -> impl Future<Output = Result<Vec<Upload>, StorageError>> + Send;

    /// Ends an upload and removes its parts.
    fn abort_upload(&self, bucket: &str, upload: &Upload) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Removes an empty bucket.
    fn remove_bucket(&self, bucket: &str) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// A user.
    fn user(&self, user: &str) -> impl Future<Output = Result<Option<UserInfo>, StorageError>> + Send;

    /// Makes a user with this secret key, or gives it this one.
    fn set_user(
        &self,
        user: &str,
        secret_key: &str,
        enabled: bool,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Enables or disables a user.
    fn enable_user(&self, user: &str, enabled: bool) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Removes a user with its service accounts and memberships.
    fn remove_user(&self, user: &str) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Gives a user exactly these policies.
    fn attach_to_user(&self, user: &str, policies: &[String]) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// A policy.
    fn policy(&self, name: &str) -> impl Future<Output = Result<Option<Value>, StorageError>> + Send;

    /// Makes a policy, or replaces it.
    fn set_policy(&self, name: &str, policy: &Value) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Removes a policy that nobody has.
    fn remove_policy(&self, name: &str) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// A group.
    fn group(&self, group: &str) -> impl Future<Output = Result<Option<GroupInfo>, StorageError>> + Send;

    /// Puts a user into a group, which is made if need be, or takes it out.
    fn set_member(
        &self,
        group: &str,
        user: &str,
        member: bool,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Gives a group this policy.
    fn attach_to_group(&self, group: &str, policy: &str) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// A service account.
    fn service_account(
        &self,
        access_key: &str,
    ) -> impl Future<Output = Result<Option<ServiceAccount>, StorageError>> + Send;

    /// Makes a service account.
    fn create_service_account(
        &self,
        access_key: &str,
        secret_key: &str,
        wanted: &ServiceAccount,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Changes secret key and policy of a service account, and enables it.
    fn update_service_account(
        &self,
        access_key: &str,
        secret_key: &str,
        policy: &Value,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Removes a service account.
    fn remove_service_account(&self, access_key: &str) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// What the server makes of a pair of keys: it is asked with them for the place of a bucket, or for the list of buckets.
    fn check_key(
        &self,
        access_key: &str,
        secret_key: &str,
        bucket: Option<&str>,
    ) -> impl Future<Output = Result<KeyState, StorageError>> + Send;

    /// Sizes of all buckets, as the server counted them last, in its own time: this costs no scan.
    fn usage(&self) -> impl Future<Output = Result<BTreeMap<String, Usage>, StorageError>> + Send;
}

/// What everybody may do with a bucket.
#[derive(Debug, Clone, PartialEq)]
pub enum BucketPolicy {
    /// There is no such bucket.
    NoBucket,
    /// Nothing.
    None,
    /// What this document says.
    Document(Value),
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The name of the object.
    pub key: String,
    /// Which version.
    pub id: String,
}

/// An upload in parts that is neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The name of the object.
    pub key: String,
    /// Which upload.
    pub id: String,
}

/// What is known of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// Whether its keys are accepted.
    pub enabled: bool,
    /// Its policies, without those of its groups.
    pub policies: Vec<String>,
    /// Its groups.
    pub groups: Vec<String>,
}

/// What is known of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its policies.
    pub policies: Vec<String>,
}

/// What is known of a service account: further keys of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceAccount {
    /// The user.
    pub parent: String,
    /// What it may do, of what the user may.
    pub policy: Value,
}

/// What the server makes of a pair of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// They are accepted, and may do what was asked.
    Works,
    /// They are accepted, and may not do what was asked.
    NotAllowed,
    /// There is no such access key, or it is disabled.
    Unknown,
    /// The secret key is another.
    WrongSecret,
}

/// What is in a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes, of all versions.
    pub size: u64,
    /// Objects.
    pub objects: u64,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There was no answer.
    #[error("{call}: no answer")]
    NoAnswer {
        /// What was asked for.
        call: &'static str,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server refused.
    #[error("{call}: the server answered {status} {code}: {message}")]
    Refused {
        /// What was asked for.
        call: &'static str,
        /// The status of HTTP.
        status: u16,
        /// The server's own name of the error.
        code: String,
        /// What it says about it.
        message: String,
        /// How long to wait, if it said so.
        retry_after: Option<Duration>,
    },
    /// The answer makes no sense; something between here and the server may have made it.
    #[error("{call}: the answer can't be understood: {what}")]
    Garbled {
        /// What was asked for.
        call: &'static str,
        /// What is wrong with it.
        what: String,
    },
}

impl StorageError {
    /// The server's name of the error.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::NoAnswer { .. } | Self::Garbled { .. } => None,
        }
    }
}

/// Errors of the network and of a busy or broken server are temporary, all others are not.
impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        let StorageError::Refused { status, code, retry_after, .. } = &error else {
            return Self::temporary(error);
        };
        let wait = *retry_after;
        match (*status, code.as_str()) {
            (408 | 425 | 429 | 500.., _) | (_, "SlowDown" | "RequestTimeout" | "SlowDownRead" | "SlowDownWrite") => {
                let fault = Self::temporary(error);
                match wait {
                    Some(wait) => fault.after(wait),
                    None => fault,
                }
            }
            (409 | 412, _) => Self::conflict(error),
            (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch") => {
                let what = format!(
                    "{error}; the keys in the administrator's Secret are not valid any more: put the right ones there"
                );
                Self::permanent("CredentialsRejected", what)
            }
            (_, code) => {
                let fits = code.starts_with(|c: char| c.is_ascii_alphabetic())
                    && code.chars().all(|c| c.is_ascii_alphanumeric());
                let reason = if fits { code.to_string() } else { "Refused".to_string() };
                Self::permanent(reason, error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, code: &str) -> Fault {
        let (code, message) = (code.to_string(), "so".to_string());
        StorageError::Refused { call: "create bucket", status, code, message, retry_after: None }.into()
    }

    //
    #[test]
    fn a_server_in_trouble_is_temporary_and_a_refusal_is_not() {
        for (status, code) in
            [(500, "InternalError"), (503, "SlowDown"), (507, "XMinioStorageFull"), (429, ""), (502, ""), (408, "")]
        {
            assert!(fault(status, code).is_temporary(), "{status} {code}");
        }
        let cause = std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into();
        assert!(Fault::from(StorageError::NoAnswer { call: "list buckets", cause }).is_temporary());
        assert!(Fault::from(StorageError::Garbled { call: "list buckets", what: "<html>".into() }).is_temporary());
        let conflict = fault(409, "OperationAborted");
        assert!(!conflict.is_temporary() && !conflict.is_permanent());
        for (status, code) in
            [(403, "AccessDenied"), (400, "InvalidBucketName"), (403, "InvalidAccessKeyId"), (400, "X Y")]
        {
            assert!(fault(status, code).is_permanent(), "{status} {code}");
        }
        let text = fault(403, "AccessDenied").to_string();
        assert_eq!(text, "create bucket: the server answered 403 AccessDenied: so");
    }
}
