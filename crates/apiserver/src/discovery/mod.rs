//! `/api`, `/apis`, `/openapi/v2`, `/openapi/v3` and `/version`: what the server serves, in its own words.
//!
//! A [`Discovery`] is a snapshot: the built-in part comes as bytes out of the bundle, the custom part is made from the
//! CustomResourceDefinitions. Each body is made when it is first asked for and kept.

mod custom_document;
mod groups;
mod openapi_v2;
mod schema_v2;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::crd::Definition;
use crate::schema::BuiltinSchemas;
use crate::schema::bundle::hash;

/// Media type of aggregated discovery.
pub const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// What `/api` and `/apis` offer, for the text of a 406.
pub const OFFERED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const JSON: &str = "application/json";
/// One year, as the real server's answers say.
const SECONDS_IMMUTABLE: u64 = 365 * 24 * 60 * 60;

/// What a client has to say of the answer that it has already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// `If-None-Match`.
    pub none_match: Option<&'a str>,
    /// `If-Modified-Since`, where it is a time; `none_match` counts before it.
    pub modified_since: Option<Timestamp>,
}

/// Which form of `/api` and `/apis` a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `APIGroupList` and its kin.
    Plain,
    /// `APIGroupDiscoveryList` v2.
    Aggregated,
}

/// The answer to a request. `Expires` is the caller's to add where [`Answer::expires_in`] is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`; empty: none.
    pub content_type: &'static str,
    /// `Cache-Control`.
    pub cache_control: &'static str,
    /// `ETag`, with its quotes.
    pub etag: Option<String>,
    /// `Location` of a redirect.
    pub location: Option<String>,
    /// `Vary`; empty: none.
    pub vary: &'static str,
    /// Seconds for which the answer holds.
    pub expires_in: Option<u64>,
    /// `Last-Modified`.
    pub last_modified: Option<Timestamp>,
    /// The body is compressed for clients that take it.
    pub compressed: bool,
    /// The body.
    pub body: Bytes,
}

/// What the server serves at one moment.
#[derive(Debug, Default)]
pub struct Discovery {
    definitions: Vec<Definition>,
    apis: OnceLock<Bytes>,
    aggregated_apis: OnceLock<(Bytes, String)>,
    openapi_index: OnceLock<Bytes>,
    /// The OpenAPI v2 document, and since when it is so.
    openapi_v2: OnceLock<(openapi_v2::Document, Timestamp)>,
    /// OpenAPI documents of custom resources and their hashes, by key.
    custom_documents: OnceLock<BTreeMap<String, (Bytes, String)>>,
}

impl Discovery {
    /// A snapshot in which `definitions` that are established are served beside the built-in resources.
    pub fn new(definitions: Vec<Definition>) -> Self {
        Self { definitions, ..Self::default() }
    }

    /// Answers a GET of `/api…`, `/apis…` (groups, versions), `/openapi…` or `/version`.
    ///
    /// `query` is the part after `?`, `server` the address that the client reached the server at (`127.0.0.1:6443`).
    /// None: the path is not one of discovery's, or names nothing that is served.
    pub fn get(
        &self,
        path: &str,
        query: &str,
        form: Form,
        if_none_match: Option<&str>,
        server: &str,
    ) -> Option<Answer> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let answer = match (segments.as_slice(), form) {
            (["version"], _) => json_answer(builtin_version().clone()),
            (["api"], Form::Plain) => json_answer(api_versions(server)),
            (["api"], Form::Aggregated) => aggregated_answer(builtin_aggregated("discovery/api")),
            (["apis"], Form::Plain) => json_answer(self.apis.get_or_init(|| self.group_list()).clone()),
            (["apis"], Form::Aggregated) => aggregated_answer(self.aggregated_apis.get_or_init(|| self.aggregated())),
            (["apis", group], _) => json_answer(self.group(group)?),
            (["api", version], _) => json_answer(builtin_entry(&format!("resources/api/{version}"))?),
            (["apis", group, version], _) => json_answer(self.resource_list(group, version)?),
            (["openapi", "v3"], _) => Answer {
                content_type: "text/plain; charset=utf-8",
                ..json_answer(self.openapi_index.get_or_init(|| self.index()).clone())
            },
            (["openapi", "v3", key @ ..], _) => self.openapi_document(&key.join("/"), query)?,
            _ => return None,
        };
        let known = if_none_match.is_some_and(|tags| answer.etag.as_deref().is_some_and(|tag| matches(tags, tag)));
        Some(if known && answer.status == 200 { not_modified(answer) } else { answer })
    }

    /// Answers a GET of `/openapi/v2`. `accept` is empty where the client sends none; `now` counts for the first answer,
    /// which makes the document.
    pub fn openapi_v2(&self, accept: &str, asked: &Conditions<'_>, now: Timestamp) -> Answer {
        let plain = Answer { vary: "Accept-Encoding, Accept", ..json_answer(Bytes::new()) };
        let Some(content_type) = openapi_v2::media_type(accept) else {
            return Answer { status: 406, content_type: "", ..plain };
        };
        let made = || (openapi_v2::Document::new(&self.definitions), now);
        let (document, since) = self.openapi_v2.get_or_init(made);
        let answer = Answer {
            content_type,
            etag: Some(document.etag.clone()),
            last_modified: Some(*since),
            compressed: true,
            body: document.body(content_type),
            ..plain
        };
        let known = match (asked.none_match, asked.modified_since) {
            (Some(tags), _) => matches(tags, &document.etag),
            // A header has no fractions of seconds.
            (None, Some(known)) => since.as_second() <= known.as_second(),
            (None, None) => false,
        };
        if known { not_modified(answer) } else { answer }
    }

    fn group_list(&self) -> Bytes {
        let builtin = builtin_groups().iter().map(|(name, versions)| groups::group_summary(name, versions));
        let custom = groups::custom_groups(&self.definitions);
        let all: Vec<Value> = builtin.chain(custom.iter().map(|group| group.summary())).collect();
        bytes(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": all}))
    }

    fn group(&self, name: &str) -> Option<Bytes> {
        let builtin = builtin_groups().iter().find(|(n, _)| *n == name);
        let mut group = match builtin {
            Some((name, versions)) => groups::group_summary(name, versions),
            None => groups::custom_groups(&self.definitions).iter().find(|group| group.name == name)?.summary(),
        };
        group["kind"] = "APIGroup".into();
        group["apiVersion"] = "v1".into();
        Some(bytes(&group))
    }

    fn resource_list(&self, group: &str, version: &str) -> Option<Bytes> {
        let custom = || {
            let groups = groups::custom_groups(&self.definitions);
            let group = groups.iter().find(|g| g.name == group)?;
            let version = group.versions.iter().find(|v| v.name == version)?;
            Some(bytes(&version.resource_list(group.name)))
        };
        builtin_entry(&format!("resources/apis/{group}/{version}")).or_else(custom)
    }

    fn aggregated(&self) -> (Bytes, String) {
        let custom = groups::custom_groups(&self.definitions);
        let (builtin, tag) = builtin_aggregated("discovery/apis");
        if custom.is_empty() {
            return (builtin.clone(), tag.clone());
        }
        let mut document: Value = serde_json::from_slice(builtin).unwrap_or_default();
        if let Some(Value::Array(items)) = document.get_mut("items") {
            items.extend(custom.iter().map(|group| group.aggregated()));
        }
        let body = bytes(&document);
        let tag = quoted_hash(&body);
        (body, tag)
    }

    fn index(&self) -> Bytes {
        let builtin = builtin_hashes().iter().map(|(key, hash)| (key.as_str(), hash.as_str()));
        let custom = self.custom().iter().map(|(key, (_, hash))| (key.as_str(), hash.as_str()));
        let entry = |(key, hash): (&str, &str)| (key.to_owned(), json!({"serverRelativeURL": location(key, hash)}));
        let paths: serde_json::Map<String, Value> = builtin.chain(custom).map(entry).collect();
        bytes(&json!({"paths": paths}))
    }

    fn custom(&self) -> &BTreeMap<String, (Bytes, String)> {
        self.custom_documents.get_or_init(|| {
            let mut out = BTreeMap::new();
            for group in groups::custom_groups(&self.definitions) {
                for version in &group.versions {
                    let body = bytes(&custom_document::document(group.name, version));
                    let hash = hash(&body);
                    out.insert(format!("apis/{}/{}", group.name, version.name), (body, hash));
                }
            }
            out
        })
    }

    fn openapi_document(&self, key: &str, query: &str) -> Option<Answer> {
        let (hash, body): (&str, Box<dyn Fn() -> Option<Bytes> + '_>) = match builtin_hashes().get(key) {
            Some(hash) => (hash, Box::new(|| BuiltinSchemas::get().document(key))),
            None => {
                let (body, hash) = self.custom().get(key)?;
                (hash, Box::new(|| Some(body.clone())))
            }
        };
        let answer = Answer { etag: Some(format!("\"{hash}\"")), vary: "Accept", ..json_answer(Bytes::new()) };
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("hash="));
        Some(match asked {
            // An outdated client is sent to the current document.
            Some(asked) if asked != hash => Answer { status: 301, location: Some(location(key, hash)), ..answer },
            Some(_) => Answer {
                body: body()?,
                cache_control: "public, immutable",
                expires_in: Some(SECONDS_IMMUTABLE),
                ..answer
            },
            None => Answer { body: body()?, ..answer },
        })
    }
}

/// Which form of `/api` and `/apis` an `Accept` header asks for. None: nothing that it accepts can be made (406).
pub fn form(accept: &str) -> Option<Form> {
    if accept.trim().is_empty() {
        return Some(Form::Plain);
    }
    accept.split(',').find_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let parameters: BTreeMap<&str, &str> = parts.filter_map(|part| part.split_once('=')).collect();
        let parameter = |name: &str| parameters.get(name).copied();
        match (parameter("as"), media) {
            (Some("APIGroupDiscoveryList"), JSON)
                if parameter("g") == Some("apidiscovery.k8s.io") && parameter("v") == Some("v2") =>
            {
                Some(Form::Aggregated)
            }
            (Some(_), _) => None,
            (None, JSON | "application/yaml" | "application/*" | "*/*") => Some(Form::Plain),
            _ => None,
        }
    })
}

fn json_answer(body: Bytes) -> Answer {
    Answer {
        status: 200,
        content_type: JSON,
        cache_control: "no-cache, private",
        etag: None,
        location: None,
        vary: "",
        expires_in: None,
        last_modified: None,
        compressed: false,
        body,
    }
}

/// The answer to a client that has it already.
fn not_modified(answer: Answer) -> Answer {
    Answer { status: 304, content_type: "", last_modified: None, body: Bytes::new(), ..answer }
}

fn aggregated_answer((body, tag): &(Bytes, String)) -> Answer {
    Answer {
        content_type: AGGREGATED,
        cache_control: "public",
        etag: Some(tag.clone()),
        vary: "Accept",
        ..json_answer(body.clone())
    }
}

/// `If-None-Match` names the tag; a weak tag names the same body.
fn matches(tags: &str, tag: &str) -> bool {
    tags.split(',').map(|t| t.trim().trim_start_matches("W/")).any(|t| t == tag || t == "*")
}

fn location(key: &str, hash: &str) -> String {
    format!("/openapi/v3/{key}?hash={hash}")
}

fn quoted_hash(body: &[u8]) -> String {
    format!("\"{}\"", hash(body))
}

fn bytes(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

fn api_versions(server: &str) -> Bytes {
    bytes(&json!({"kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}]}))
}

fn builtin_entry(name: &str) -> Option<Bytes> {
    BuiltinSchemas::get().entry(name).as_ref().map(bytes)
}

/// The version of the API that is served. How the real server was built is left out of the bundle, so that its bytes do
/// not depend on it; the platform is that of this process.
fn builtin_version() -> &'static Bytes {
    static VERSION: OnceLock<Bytes> = OnceLock::new();
    VERSION.get_or_init(|| {
        let mut version = BuiltinSchemas::get().entry("version").unwrap_or_default();
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        version["platform"] = format!("{}/{architecture}", std::env::consts::OS).into();
        version["gitTreeState"] = "clean".into();
        version["buildDate"] = "1970-01-01T00:00:00Z".into();
        bytes(&version)
    })
}

/// The body of `discovery/api` or `discovery/apis` and its tag.
fn builtin_aggregated(name: &'static str) -> &'static (Bytes, String) {
    static API: OnceLock<(Bytes, String)> = OnceLock::new();
    static APIS: OnceLock<(Bytes, String)> = OnceLock::new();
    let cell = if name == "discovery/api" { &API } else { &APIS };
    cell.get_or_init(|| {
        let body = builtin_entry(name).unwrap_or_default();
        let tag = quoted_hash(&body);
        (body, tag)
    })
}

/// Built-in groups and their versions, in the order of the real server.
fn builtin_groups() -> &'static [(String, Vec<String>)] {
    static GROUPS: OnceLock<Vec<(String, Vec<String>)>> = OnceLock::new();
    GROUPS.get_or_init(|| {
        let document = BuiltinSchemas::get().entry("discovery/apis").unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let group = |item: &Value| {
            let versions = item["versions"].as_array().into_iter().flatten();
            (text(&item["metadata"]["name"]), versions.map(|version| text(&version["version"])).collect())
        };
        document["items"].as_array().into_iter().flatten().map(group).collect()
    })
}

fn builtin_hashes() -> &'static BTreeMap<String, String> {
    static HASHES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    HASHES.get_or_init(|| {
        let hashes = BuiltinSchemas::get().entry("hashes").unwrap_or_default();
        serde_json::from_value(hashes).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(group: &str, plural: &str, scope: &str) -> Definition {
        let names = json!({"plural": plural, "singular": "foo", "kind": "Foo", "listKind": "FooList",
            "shortNames": ["fo"], "categories": ["all"]});
        let schema = json!({"openAPIV3Schema": {"type": "object", "description": "a Foo", "properties": {"spec": {
            "type": "object", "properties": {"port": {"x-kubernetes-int-or-string": true}}}}}});
        let version = |name: &str, served: bool, storage: bool| {
            json!({"name": name, "served": served, "storage": storage, "schema": schema, "subresources": {
                "status": {}, "scale": {"specReplicasPath": ".spec.a", "statusReplicasPath": ".status.a"}},
                "selectableFields": [{"jsonPath": ".spec.color"}]})
        };
        Definition::read(&json!({
            "spec": {"group": group, "names": names, "scope": scope, "versions": [
                version("v1beta1", true, false), version("v1", true, true), version("v2", false, false)]},
            "status": {"acceptedNames": names, "conditions": [{"type": "Established", "status": "True"}]},
        }))
        .unwrap()
    }

    fn body(discovery: &Discovery, path: &str, form: Form) -> Value {
        let answer = discovery.get(path, "", form, None, "127.0.0.1:6443").unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    #[test]
    fn built_in_answers_equal_the_real_servers() {
        let discovery = Discovery::default();
        let schemas = BuiltinSchemas::get();
        for (path, form, entry) in [
            ("/api", Form::Aggregated, "discovery/api"),
            ("/apis/", Form::Aggregated, "discovery/apis"),
            ("/apis/apps/v1", Form::Plain, "resources/apis/apps/v1"),
            ("/api/v1", Form::Plain, "resources/api/v1"),
        ] {
            assert_eq!(body(&discovery, path, form), schemas.entry(entry).unwrap(), "{path}");
        }
        assert_eq!(body(&discovery, "/version", Form::Plain)["gitVersion"], "v1.36.3");
        let groups = body(&discovery, "/apis", Form::Plain);
        assert_eq!(groups["groups"][0]["name"], "apiregistration.k8s.io");
        let autoscaling = body(&discovery, "/apis/autoscaling", Form::Plain);
        assert_eq!(autoscaling["preferredVersion"], json!({"groupVersion": "autoscaling/v2", "version": "v2"}));
        assert!(discovery.get("/apis/nope", "", Form::Plain, None, "").is_none());
        assert!(discovery.get("/apis/apps/v9", "", Form::Plain, None, "").is_none());
    }

    #[test]
    fn custom_resources_follow_the_built_in_ones() {
        let mut hidden = definition("a.io", "hiddens", "Cluster");
        hidden.status.conditions.clear();
        let discovery = Discovery::new(vec![definition("ex.io", "foos", "Namespaced"), hidden]);
        let groups = body(&discovery, "/apis", Form::Plain);
        let groups = groups["groups"].as_array().unwrap();
        assert_eq!(groups.last().unwrap()["name"], "ex.io");
        assert_eq!(groups.last().unwrap()["preferredVersion"]["version"], "v1");
        assert!(!groups.iter().any(|group| group["name"] == "a.io"), "it is not established");

        let aggregated = body(&discovery, "/apis", Form::Aggregated);
        let group = aggregated["items"].as_array().unwrap().last().unwrap();
        assert_eq!(group["versions"].as_array().unwrap().len(), 2, "v2 is not served");
        assert_eq!(group["versions"][0]["resources"][0]["subresources"][1]["responseKind"]["kind"], "Scale");
        let list = body(&discovery, "/apis/ex.io/v1", Form::Plain);
        assert_eq!(list["resources"][0]["storageVersionHash"], "Ic0/Fpq4BGQ=", "the real server's");
        assert_eq!(list["resources"][2]["name"], "foos/scale");
        assert!(discovery.get("/apis/ex.io/v2", "", Form::Plain, None, "").is_none());
    }

    #[test]
    fn a_client_that_has_the_current_answer_gets_304() {
        let discovery = Discovery::default();
        let first = discovery.get("/apis", "", Form::Aggregated, None, "").unwrap();
        let tag = first.etag.clone().unwrap();
        let again = discovery.get("/apis", "", Form::Aggregated, Some(&tag), "").unwrap();
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(discovery.get("/apis", "", Form::Aggregated, Some("\"x\""), "").unwrap().status, 200);
        let changed = Discovery::new(vec![definition("ex.io", "foos", "Cluster")]);
        assert_eq!(changed.get("/apis", "", Form::Aggregated, Some(&tag), "").unwrap().status, 200);
    }

    #[test]
    fn openapi_documents_are_reached_by_the_urls_of_the_index() {
        let discovery = Discovery::new(vec![definition("ex.io", "foos", "Namespaced")]);
        let index = body(&discovery, "/openapi/v3", Form::Plain);
        for key in ["api/v1", "apis/apps/v1", "apis/ex.io/v1", "version"] {
            let url = index["paths"][key]["serverRelativeURL"].as_str().unwrap();
            let (path, query) = url.split_once('?').unwrap();
            let answer = discovery.get(path, query, Form::Plain, None, "").unwrap();
            assert_eq!((answer.status, answer.cache_control), (200, "public, immutable"), "{key}");
            let moved = discovery.get(path, "hash=00", Form::Plain, None, "").unwrap();
            assert_eq!((moved.status, moved.location.as_deref()), (301, Some(url)));
            assert_eq!(discovery.get(path, "", Form::Plain, None, "").unwrap().cache_control, "no-cache, private");
        }
        assert!(discovery.get("/openapi/v3/apis/ex.io/v2", "", Form::Plain, None, "").is_none());
    }

    #[test]
    fn the_document_of_a_custom_resource_tells_kubectl_its_patches_and_fields() {
        let discovery = Discovery::new(vec![definition("ex.io", "foos", "Namespaced")]);
        let document = body(&discovery, "/openapi/v3/apis/ex.io/v1", Form::Plain);
        let path = &document["paths"]["/apis/ex.io/v1/namespaces/{namespace}/foos/{name}"];
        let patches = path["patch"]["requestBody"]["content"].as_object().unwrap();
        assert!(patches.contains_key("application/apply-patch+yaml"));
        assert!(!patches.contains_key("application/strategic-merge-patch+json"));
        assert_eq!(path["patch"]["operationId"], "patchExIoV1NamespacedFoo");
        let foo = &document["components"]["schemas"]["io.ex.v1.Foo"];
        assert_eq!(foo["description"], "a Foo");
        assert_eq!(foo["properties"]["spec"]["properties"]["port"]["anyOf"][0]["type"], "integer");
        assert_eq!(foo["x-kubernetes-selectable-fields"], json!([{"fieldPath": "spec.color"}]));
        // Every reference leads somewhere.
        for name in document.to_string().split("#/components/schemas/").skip(1) {
            let name = name.split('"').next().unwrap();
            assert!(!document["components"]["schemas"][name].is_null(), "{name}");
        }
    }

    fn v2(discovery: &Discovery) -> (Value, String) {
        let answer = discovery.openapi_v2("", &Conditions::default(), Timestamp::UNIX_EPOCH);
        assert_eq!((answer.status, answer.content_type), (200, JSON));
        (serde_json::from_slice(&answer.body).unwrap(), answer.etag.unwrap())
    }

    #[test]
    fn embedded_objects_keep_their_required_fields_and_unions_their_choices() {
        let either = json!([{"type": "integer"}, {"type": "string"}]);
        let mut custom = definition("ex.io", "foos", "Cluster");
        custom.spec.versions[1].schema.open_api = json!({"type": "object", "properties": {
            "template": {"type": "object", "x-kubernetes-embedded-resource": true, "required": ["spec", "kind"],
                "properties": {"spec": {"type": "object"}}},
            "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"minimum": 1}, {"maxLength": 3}]},
            "both": {"x-kubernetes-int-or-string": true, "allOf": [{"anyOf": either}]}}});
        let document = body(&Discovery::new(vec![custom]), "/openapi/v3/apis/ex.io/v1", Form::Plain);
        let properties = &document["components"]["schemas"]["io.ex.v1.Foo"]["properties"];
        assert_eq!(properties["template"]["required"], json!(["spec", "kind", "apiVersion"]));
        assert_eq!(properties["port"]["allOf"], json!([{"anyOf": either}]));
        assert_eq!(properties["both"].get("anyOf"), None, "it is there already");
    }

    #[test]
    fn openapi_v2_is_one_document_of_all_that_is_served() {
        let (builtin, tag) = v2(&Discovery::default());
        let (document, other_tag) = v2(&Discovery::new(vec![definition("ex.io", "foos", "Namespaced")]));
        assert_ne!(tag, other_tag);
        assert_eq!(v2(&Discovery::new(Vec::new())).1, tag);
        let path = "/apis/ex.io/v1/namespaces/{namespace}/foos/{name}";
        assert!(builtin["paths"].get(path).is_none());
        let mut without = document.clone();
        for part in ["paths", "definitions"] {
            without[part].as_object_mut().unwrap().retain(|name, _| !name.contains("ex.io") && !name.contains("io.ex"));
        }
        assert_eq!(without, builtin, "what is built in does not change");

        let (custom, deployment) =
            (&document["paths"][path], &document["definitions"]["io.k8s.api.apps.v1.Deployment"]);
        assert_eq!(
            deployment["properties"]["spec"],
            json!({"$ref": "#/definitions/io.k8s.api.apps.v1.DeploymentSpec"})
        );
        assert_eq!(custom["get"]["consumes"], json!(["application/json", "application/yaml"]));
        assert_eq!(custom["patch"]["consumes"][1], "application/merge-patch+json");
        assert_eq!(custom["put"]["responses"]["201"]["description"], "Created");
        let foo = &document["definitions"]["io.ex.v1.Foo"];
        assert_eq!(foo["properties"]["spec"]["properties"]["port"], json!({"x-kubernetes-int-or-string": true}));
        // Every reference leads somewhere.
        for reference in document.to_string().split("\"$ref\":\"#").skip(1) {
            let reference = reference.split('"').next().unwrap();
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn openapi_v2_is_not_sent_again_to_who_has_it() {
        let discovery = Discovery::new(vec![definition("ex.io", "foos", "Cluster")]);
        let first: Timestamp = "2026-01-02T03:04:05.6Z".parse().unwrap();
        let ask = |asked: Conditions<'_>| discovery.openapi_v2("", &asked, first);
        let answer = ask(Conditions::default());
        assert_eq!((answer.last_modified, answer.vary), (Some(first), "Accept-Encoding, Accept"));
        let tag = answer.etag.clone().unwrap();
        let at = |time: &str| Some(time.parse::<Timestamp>().unwrap());
        for (none_match, modified_since, status) in [
            (Some(tag.as_str()), None, 304),
            (Some("*"), None, 304),
            (Some("\"other\""), at("2026-01-02T03:04:05Z"), 200),
            (None, at("2026-01-02T03:04:05Z"), 304),
            (None, at("2026-01-02T03:04:04Z"), 200),
        ] {
            let answer = ask(Conditions { none_match, modified_since });
            assert_eq!((answer.status, answer.body.is_empty()), (status, status == 304), "{none_match:?}");
        }
        let refused = discovery.openapi_v2("application/yaml", &Conditions::default(), first);
        assert_eq!((refused.status, refused.content_type, refused.body.len()), (406, "", 0));
    }

    #[test]
    fn the_accept_header_picks_the_form() {
        let kubectl = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                       application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
        assert_eq!(form(kubectl), Some(Form::Aggregated));
        assert_eq!(form(&format!("{AGGREGATED};profile=nopeer")), Some(Form::Aggregated));
        assert_eq!(form("application/json, */*"), Some(Form::Plain));
        assert_eq!(form(""), Some(Form::Plain));
        assert_eq!(form("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"), None);
        assert_eq!(form("text/plain"), None);
    }
}
