//! What users, keys and everybody may do, as policy documents.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::AnonymousAccess;

/// What the owner of a bucket may do with it. Not the bucket itself and not its policy: these are the operator's.
const OWNER: [&str; 16] = [
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:GetObject",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:ListMultipartUploadParts",
    "s3:PutBucketVersioning",
    "s3:PutObject",
    "s3:PutObjectTagging",
];
/// Buckets in one policy: the server takes documents of up to 20 KiB, and a bucket needs up to 160 bytes.
const BUCKETS_IN_POLICY: usize = 100;
/// The group, and its policy, of users who are over their quota.
pub const DENY_WRITE: &str = "userDenyWrite";
/// How the names of users' policies begin.
const USER_POLICY: &str = "objectstorage-user-";

/// What a key for these buckets may do.
pub fn owner<'a>(buckets: impl IntoIterator<Item = &'a str>) -> Value {
    let both = |bucket: &str| [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")];
    let resources: Vec<String> = buckets.into_iter().flat_map(both).collect();
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": OWNER, "Resource": resources}]})
}

/// The policies of a user of these buckets, by name. They name each bucket: a pattern such as `anna-*` would let user
/// `anna` use the buckets of user `anna-b`.
pub fn of_user(user: &str, buckets: &BTreeSet<String>) -> Vec<(String, Value)> {
    let buckets: Vec<&str> = buckets.iter().map(String::as_str).collect();
    let parts = buckets.chunks(BUCKETS_IN_POLICY).enumerate();
    parts.map(|(at, part)| (name_of_user(user, at), owner(part.iter().copied()))).collect()
}

/// The name of a user's policy, counted from 0.
pub fn name_of_user(user: &str, at: usize) -> String {
    format!("{USER_POLICY}{user}.{at}")
}

/// Whether a policy of this name is one that [`of_user`] makes for this user.
pub fn is_of_user(name: &str, user: &str) -> bool {
    let number =
        name.strip_prefix(USER_POLICY).and_then(|rest| rest.strip_prefix(user)).and_then(|rest| rest.strip_prefix('.'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What users over their quota may not do. It can only take away, so that the pattern, which fits buckets of other users too,
/// does no harm.
pub fn deny_write() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::${aws:username}-*"],
    }]})
}

/// What everybody may do with a bucket; `None`: nothing. `writable` is false while the owner is over quota.
pub fn anonymous(access: AnonymousAccess, bucket: &str, writable: bool) -> Option<Value> {
    let actions: &[&str] = match access {
        AnonymousAccess::Private => return None,
        AnonymousAccess::PublicRead => &["s3:GetObject"],
        AnonymousAccess::PublicReadwrite if writable => &[
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:GetObject",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
        ],
        AnonymousAccess::PublicReadwrite => {
            &["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts"]
        }
    };
    Some(json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": actions, "Resource": [format!("arn:aws:s3:::{bucket}/*")],
    }]}))
}

/// Whether two documents say the same: the order of lists does not matter, nor whether a list of one is written as one.
pub fn same(one: &Value, other: &Value) -> bool {
    normal(one) == normal(other)
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normal).collect();
            items.sort_by_key(Value::to_string);
            items.dedup();
            match <[Value; 1]>::try_from(items) {
                Ok([only]) => only,
                Err(items) => Value::Array(items),
            }
        }
        Value::Object(fields) => {
            let said = fields.iter().filter(|(_, value)| !matches!(value, Value::String(text) if text.is_empty()));
            Value::Object(said.map(|(name, value)| (name.clone(), normal(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(policy: &Value) -> Vec<&str> {
        policy["Statement"][0]["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap()).collect()
    }

    //
    #[test]
    fn each_value_of_the_policy_is_another_document() {
        assert_eq!(anonymous(AnonymousAccess::Private, "b", true), None);
        let read = anonymous(AnonymousAccess::PublicRead, "b", true).unwrap();
        assert_eq!(actions(&read), ["s3:GetObject"]);
        assert_eq!(read["Statement"][0]["Resource"], json!(["arn:aws:s3:::b/*"]));
        let write = anonymous(AnonymousAccess::PublicReadwrite, "b", true).unwrap();
        assert_eq!(
            actions(&write),
            [
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject"
            ]
        );
        let full = anonymous(AnonymousAccess::PublicReadwrite, "b", false).unwrap();
        assert!(!actions(&full).contains(&"s3:PutObject"));
    }

    #[test]
    fn documents_are_compared_by_what_they_say() {
        let one = json!({"Version": "x", "Statement": [{"Action": ["a", "b"], "Principal": {"AWS": ["*"]}}]});
        let other =
            json!({"Statement": [{"Sid": "", "Principal": {"AWS": "*"}, "Action": ["b", "a"]}], "Version": "x"});
        assert!(same(&one, &other));
        assert!(!same(&one, &json!({"Version": "x", "Statement": [{"Action": ["a"], "Principal": {"AWS": ["*"]}}]})));
    }

    #[test]
    fn the_policies_of_a_user_name_its_buckets_and_stay_below_the_servers_limit() {
        let buckets: BTreeSet<String> = (0..250).map(|n| format!("{n:0>63}")).collect();
        let policies = of_user("anna", &buckets);
        assert_eq!(
            policies.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["objectstorage-user-anna.0", "objectstorage-user-anna.1", "objectstorage-user-anna.2"]
        );
        assert!(policies.iter().all(|(_, policy)| policy.to_string().len() < 20 * 1024));
        assert!(policies.iter().all(|(name, _)| is_of_user(name, "anna")));
        assert!(!is_of_user("objectstorage-user-anna.b.0", "anna") && !is_of_user("readwrite", "anna"));
        assert!(is_of_user("objectstorage-user-anna.b.0", "anna.b"));
        assert_eq!(of_user("anna", &BTreeSet::new()), []);
    }
}
