//! The documents that the server sends and takes: S3's in XML, the admin API's in JSON.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::storage::{Upload, Usage, Version};

/// The answer to "list buckets".
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BucketList {
    #[serde(default)]
    pub(crate) buckets: Buckets,
}

#[derive(Deserialize, Default)]
pub(crate) struct Buckets {
    #[serde(rename = "Bucket", default)]
    pub(crate) bucket: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// The answer to "list object versions". Names are URL-encoded, as they may hold what XML can't.
#[derive(Deserialize)]
pub(crate) struct VersionList {
    #[serde(rename = "Version", default)]
    versions: Vec<ListedVersion>,
    #[serde(rename = "DeleteMarker", default)]
    markers: Vec<ListedVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedVersion {
    key: String,
    #[serde(default)]
    version_id: String,
}

impl VersionList {
    pub(crate) fn into_versions(self) -> Vec<Version> {
        let all = self.versions.into_iter().chain(self.markers);
        all.map(|listed| Version { key: decoded(&listed.key), id: listed.version_id }).collect()
    }
}

/// The answer to "list multipart uploads".
#[derive(Deserialize)]
pub(crate) struct UploadList {
    #[serde(rename = "Upload", default)]
    uploads: Vec<ListedUpload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedUpload {
    key: String,
    upload_id: String,
}

impl UploadList {
    pub(crate) fn into_uploads(self) -> Vec<Upload> {
        self.uploads.into_iter().map(|listed| Upload { key: decoded(&listed.key), id: listed.upload_id }).collect()
    }
}

/// The body of "delete objects".
#[derive(Serialize)]
#[serde(rename = "Delete", rename_all = "PascalCase")]
pub(crate) struct DeleteList<'a> {
    quiet: bool,
    object: Vec<Doomed<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Doomed<'a> {
    key: &'a str,
    version_id: &'a str,
}

impl<'a> DeleteList<'a> {
    pub(crate) fn of(versions: &[&'a Version]) -> Self {
        let object = versions.iter().map(|version| Doomed { key: &version.key, version_id: &version.id }).collect();
        Self { quiet: true, object }
    }
}

/// The answer to "delete objects": what could not be removed.
#[derive(Deserialize)]
pub(crate) struct DeleteResult {
    #[serde(rename = "Error", default)]
    pub(crate) errors: Vec<NotDeleted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NotDeleted {
    #[serde(default)]
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

/// The body of "create bucket" in a region that is not the first.
#[derive(Serialize)]
#[serde(rename = "CreateBucketConfiguration", rename_all = "PascalCase")]
pub(crate) struct Place<'a> {
    pub(crate) location_constraint: &'a str,
}

/// Whether XML 1.0 can hold a name.
pub(crate) fn fits_xml(key: &str) -> bool {
    key.chars().all(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// S3 encodes a space as `+`.
fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The answer to "user info".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    #[serde(default)]
    pub(crate) policy_name: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) member_of: Vec<String>,
}

/// The body of "add user".
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetUser<'a> {
    pub(crate) secret_key: &'a str,
    pub(crate) status: &'static str,
}

/// The answer to "group".
#[derive(Deserialize)]
pub(crate) struct Group {
    #[serde(default)]
    pub(crate) policy: String,
}

/// The body of "update group members".
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Members<'a> {
    pub(crate) group: &'a str,
    pub(crate) members: [&'a str; 1],
    pub(crate) group_status: &'static str,
    pub(crate) is_remove: bool,
}

/// The body of "add service account".
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddServiceAccount<'a> {
    pub(crate) target_user: &'a str,
    pub(crate) access_key: &'a str,
    pub(crate) secret_key: &'a str,
    pub(crate) policy: &'a Value,
}

/// The body of "update service account".
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateServiceAccount<'a> {
    pub(crate) new_secret_key: &'a str,
    pub(crate) new_policy: &'a Value,
    pub(crate) new_status: &'static str,
}

/// The answer to "info service account".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceAccountInfo {
    pub(crate) parent_user: String,
    /// A document inside of a string.
    #[serde(default)]
    pub(crate) policy: String,
}

/// The answer to "data usage info".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataUsage {
    #[serde(default)]
    buckets_usage_info: Option<BTreeMap<String, BucketUsage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BucketUsage {
    #[serde(default)]
    size: u64,
    #[serde(default)]
    objects_count: u64,
}

impl DataUsage {
    pub(crate) fn into_usage(self) -> BTreeMap<String, Usage> {
        let buckets = self.buckets_usage_info.unwrap_or_default().into_iter();
        buckets.map(|(name, usage)| (name, Usage { size: usage.size, objects: usage.objects_count })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_markers_may_be_mixed_and_names_are_decoded() {
        let text = "<ListVersionsResult><Name>b</Name><IsTruncated>false</IsTruncated>\
            <Version><Key>a+b%2F%01</Key><VersionId>1</VersionId><Size>3</Size></Version>\
            <DeleteMarker><Key>c</Key><VersionId>null</VersionId></DeleteMarker>\
            <Version><Key>d%2B</Key><VersionId>2</VersionId></Version></ListVersionsResult>";
        let list: VersionList = quick_xml::de::from_str(text).unwrap();
        let keys: Vec<String> = list.into_versions().into_iter().map(|version| version.key).collect();
        assert_eq!(keys, ["a b/\u{1}", "d+", "c"]);
        let none: VersionList =
            quick_xml::de::from_str("<ListVersionsResult><Name>b</Name></ListVersionsResult>").unwrap();
        assert_eq!(none.into_versions(), []);
    }

    #[test]
    fn what_is_to_be_deleted_is_written_as_s3_takes_it() {
        let version = Version { key: "a<&b".into(), id: "null".into() };
        let text = quick_xml::se::to_string(&DeleteList::of(&[&version])).unwrap();
        let wanted =
            "<Delete><Quiet>true</Quiet><Object><Key>a&lt;&amp;b</Key><VersionId>null</VersionId></Object></Delete>";
        assert_eq!(text, wanted);
        assert!(fits_xml("a<ü b") && !fits_xml("a\u{1}"));
    }

    #[test]
    fn buckets_are_listed() {
        let text = "<ListAllMyBucketsResult><Owner><ID>1</ID></Owner><Buckets><Bucket><Name>a</Name><CreationDate>x</CreationDate></Bucket>\
            <Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>";
        let list: BucketList = quick_xml::de::from_str(text).unwrap();
        assert_eq!(list.buckets.bucket.into_iter().map(|bucket| bucket.name).collect::<Vec<_>>(), ["a", "b"]);
        let none: BucketList =
            quick_xml::de::from_str("<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>").unwrap();
        assert!(none.buckets.bucket.is_empty());
    }
}
