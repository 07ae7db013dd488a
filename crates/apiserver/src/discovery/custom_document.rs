//! What OpenAPI says of a version of custom resources.
//!
//! kubectl reads the paths to learn which patches a kind takes, and the schemas for `explain` and server-side apply
//! clients. Descriptions of the user's schema stay; the server's own are left out, as in the built-in documents.

use serde_json::{Map, Value, json};

use super::groups::CustomVersion;
use super::schema_v2;
use crate::crd::{Definition, Version};
use crate::schema::BuiltinSchemas;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";
const KINDS: &str = "x-kubernetes-group-version-kind";
/// Groups that client-go's list of types does not have, by which the real server names the kinds of a type here.
const NO_CLIENTS: [&str; 4] =
    ["admission.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "imagepolicy.k8s.io"];
/// Query parameters of lists, watches and deletions of collections.
const LIST_PARAMETERS: [(&str, &str); 11] = [
    ("allowWatchBookmarks", "boolean"),
    ("continue", "string"),
    ("fieldSelector", "string"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("shardSelector", "string"),
    ("timeoutSeconds", "integer"),
    ("watch", "boolean"),
];
const WRITE_PARAMETERS: [(&str, &str); 3] =
    [("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string")];
const DELETE_PARAMETERS: [(&str, &str); 5] = [
    ("dryRun", "string"),
    ("gracePeriodSeconds", "integer"),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
];
const MEDIA_TYPES: [&str; 2] = ["application/json", "application/yaml"];
const PATCH_TYPES: [&str; 3] =
    ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];

/// The edition of OpenAPI that a schema is published in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edition {
    V2,
    V3,
}

/// The OpenAPI v3 document of `group`/`version`.
pub(super) fn document(group: &str, version: &CustomVersion<'_>) -> Value {
    let scale = version.resources.iter().any(|(_, v)| v.subresources.scale.is_some());
    let (paths, mut schemas) = parts(group, version, Edition::V3);
    schemas.extend(shared_schemas(scale));
    json!({"openapi": "3.0.0", "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths, "components": {"schemas": schemas}})
}

/// The paths and types of `group`/`version`, with references as in v3, and what v2 can say of the schemas.
pub(super) fn openapi_v2_parts(group: &str, version: &CustomVersion<'_>) -> (Map<String, Value>, Map<String, Value>) {
    parts(group, version, Edition::V2)
}

fn parts(group: &str, version: &CustomVersion<'_>, edition: Edition) -> (Map<String, Value>, Map<String, Value>) {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for (definition, v) in &version.resources {
        let resource = Resource::new(group, definition, v);
        resource.add_paths(&mut paths);
        resource.add_schemas(&mut schemas, edition);
    }
    (paths, schemas)
}

struct Resource<'a> {
    definition: &'a Definition,
    version: &'a Version,
    kind: &'a str,
    list_kind: &'a str,
    /// `exIo_v1`
    tag: String,
    /// `ExIoV1`
    operation: String,
    /// `Namespaced` or nothing.
    scope: &'static str,
    /// `io.ex.v1.Foo`
    type_name: String,
    list_type_name: String,
    gvk: Value,
}

impl<'a> Resource<'a> {
    fn new(group: &str, definition: &'a Definition, version: &'a Version) -> Self {
        let names = &definition.status.accepted_names;
        let words: String = group.split(['.', '-']).map(capital).collect();
        let reversed = group.split('.').rev().collect::<Vec<_>>().join(".");
        let mut tag: String = words.chars().take(1).flat_map(char::to_lowercase).collect();
        tag.extend(words.chars().skip(1));
        Self {
            definition,
            version,
            kind: &names.kind,
            list_kind: &names.list_kind,
            tag: format!("{tag}_{}", version.name),
            operation: format!("{words}{}", capital(&version.name)),
            scope: if definition.namespaced() { "Namespaced" } else { "" },
            type_name: format!("{reversed}.{}.{}", version.name, names.kind),
            list_type_name: format!("{reversed}.{}.{}", version.name, names.list_kind),
            gvk: json!({"group": group, "version": version.name, "kind": names.kind}),
        }
    }

    fn add_paths(&self, paths: &mut Map<String, Value>) {
        let plural = &self.definition.status.accepted_names.plural;
        let root = format!("/apis/{}/{}", self.definition.spec.group, self.version.name);
        let mut outer = vec![query("pretty", "string")];
        let collection = if self.definition.namespaced() {
            let name = format!("list{}{}ForAllNamespaces", self.operation, self.kind);
            let all = self.operation("list", name, &[], &[("200", &self.list_type_name)]);
            let mut parameters = queries(&LIST_PARAMETERS);
            parameters.insert(5, query("pretty", "string"));
            paths.insert(format!("{root}/{plural}"), json!({"get": all, "parameters": parameters}));
            outer.insert(0, path("namespace"));
            format!("{root}/namespaces/{{namespace}}/{plural}")
        } else {
            format!("{root}/{plural}")
        };
        let status = format!("{META}.Status");
        let named = |verb: &str| format!("{verb}{}{}{}", self.operation, self.scope, self.kind);
        let ty = self.type_name.as_str();
        let created = [("200", ty), ("201", ty), ("202", ty)];
        let delete_name = format!("delete{}Collection{}{}", self.operation, self.scope, self.kind);
        paths.insert(
            collection.clone(),
            json!({
                "get": self.operation("list", named("list"), &LIST_PARAMETERS, &[("200", &self.list_type_name)]),
                "post": with_body(self.operation("post", named("create"), &WRITE_PARAMETERS, &created), ty, true),
                "delete": self.operation("deletecollection", delete_name, &LIST_PARAMETERS, &[("200", &status)]),
                "parameters": outer,
            }),
        );
        outer.insert(0, path("name"));
        let mut one = self.item("", ty, &outer);
        let deleted = [("200", status.as_str()), ("202", &status)];
        let delete = self.operation("delete", named("delete"), &DELETE_PARAMETERS, &deleted);
        one["delete"] = with_body(delete, &format!("{META}.DeleteOptions"), false);
        paths.insert(format!("{collection}/{{name}}"), one);
        if self.version.subresources.status.is_some() {
            paths.insert(format!("{collection}/{{name}}/status"), self.item("Status", ty, &outer));
        }
        if self.version.subresources.scale.is_some() {
            paths.insert(format!("{collection}/{{name}}/scale"), self.item("Scale", SCALE, &outer));
        }
    }

    /// Reading, replacing and patching of an object or a subresource.
    fn item(&self, subresource: &str, ty: &str, parameters: &[Value]) -> Value {
        let named = |verb: &str| format!("{verb}{}{}{}{subresource}", self.operation, self.scope, self.kind);
        let written = [("200", ty), ("201", ty)];
        let mut patch_parameters = WRITE_PARAMETERS.to_vec();
        patch_parameters.push(("force", "boolean"));
        let mut patch = self.operation("patch", named("patch"), &patch_parameters, &[("200", ty)]);
        let content =
            PATCH_TYPES.map(|media| (media.to_owned(), json!({"schema": reference(&format!("{META}.Patch"))})));
        patch["requestBody"] = json!({"content": Map::from_iter(content), "required": true});
        json!({
            "get": self.operation("get", named("read"), &[("resourceVersion", "string")], &[("200", ty)]),
            "put": with_body(self.operation("put", named("replace"), &WRITE_PARAMETERS, &written), ty, true),
            "patch": patch,
            "parameters": parameters,
        })
    }

    fn operation(&self, action: &str, name: String, parameters: &[(&str, &str)], answers: &[(&str, &str)]) -> Value {
        let answers = answers.iter().map(|(code, ty)| ((*code).to_owned(), json!({"content": content(ty)})));
        let mut responses = Map::from_iter(answers);
        responses.insert("401".into(), json!({"description": "Unauthorized"}));
        let mut out = json!({"tags": [self.tag], "operationId": name, "responses": responses,
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": self.gvk});
        if !parameters.is_empty() {
            out["parameters"] = queries(parameters).into();
        }
        out
    }

    fn add_schemas(&self, schemas: &mut Map<String, Value>, edition: Edition) {
        let mut object = self.version.schema.open_api.clone();
        if edition == Edition::V2 && schema_v2::preserves(&object) {
            // Readers of v2 take any field that is named for all that there are.
            object = json!({"type": "object"});
        } else {
            if edition == Edition::V2 {
                schema_v2::reduce(&mut object);
            }
            complete(&mut object, edition);
            add_type_fields(&mut object, json!({"allOf": [reference(&format!("{META}.ObjectMeta"))]}));
        }
        object[KINDS] = json!([self.gvk]);
        let mut list = json!({"type": "object", "required": ["items"],
            "properties": {"items": {"type": "array", "items": reference(&self.type_name)}}});
        add_type_fields(&mut list, json!({"allOf": [reference(&format!("{META}.ListMeta"))]}));
        let group_version = (&self.gvk["group"], &self.gvk["version"]);
        list[KINDS] = json!([{"group": group_version.0, "version": group_version.1, "kind": self.list_kind}]);
        let selectable = self.version.selectable_fields.iter();
        let fields = selectable.map(|field| json!({"fieldPath": field.json_path.trim_start_matches('.')}));
        let fields: Vec<Value> = fields.collect();
        if !fields.is_empty() {
            object["x-kubernetes-selectable-fields"] = fields.clone().into();
            list["x-kubernetes-selectable-fields"] = fields.into();
        }
        schemas.insert(self.type_name.clone(), object);
        schemas.insert(self.list_type_name.clone(), list);
    }
}

/// Writes out what the extensions of a structural schema imply.
fn complete(schema: &mut Value, edition: Edition) {
    let Some(object) = schema.as_object_mut() else { return };
    let flag = |object: &Map<String, Value>, key: &str| object.get(key) == Some(&Value::Bool(true));
    if edition == Edition::V3 && flag(object, "x-kubernetes-int-or-string") {
        let either = json!([{"type": "integer"}, {"type": "string"}]);
        let first = object.get("allOf").and_then(|parts| parts.pointer("/0/anyOf"));
        if first != Some(&either) {
            match object.get("anyOf") {
                Some(any_of) if *any_of != either => {
                    let parts = object.entry("allOf").or_insert_with(|| json!([]));
                    parts.as_array_mut().into_iter().for_each(|parts| parts.insert(0, json!({"anyOf": either})));
                }
                _ => {
                    object.insert("anyOf".into(), either);
                }
            }
        }
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(|property| complete(property, edition));
    }
    for key in ["items", "additionalProperties"] {
        object.get_mut(key).into_iter().for_each(|inner| complete(inner, edition));
    }
    if edition == Edition::V2 && flag(object, "x-kubernetes-preserve-unknown-fields") {
        return;
    }
    if flag(object, "x-kubernetes-embedded-resource") {
        let required = object.entry("required").or_insert_with(|| json!([]));
        for name in ["kind", "apiVersion"] {
            if let Some(required) = required.as_array_mut().filter(|required| !required.contains(&name.into())) {
                required.push(name.into());
            }
        }
        add_type_fields(schema, json!({"allOf": [reference(&format!("{META}.ObjectMeta"))]}));
    }
}

fn add_type_fields(schema: &mut Value, metadata: Value) {
    let Some(object) = schema.as_object_mut() else { return };
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    properties["apiVersion"] = json!({"type": "string"});
    properties["kind"] = json!({"type": "string"});
    properties["metadata"] = metadata;
}

/// The types of the API machinery that the paths refer to.
fn shared_schemas(scale: bool) -> Map<String, Value> {
    let machinery = ["DeleteOptions", "FieldsV1", "ListMeta", "ManagedFieldsEntry", "ObjectMeta", "OwnerReference"]
        .into_iter()
        .chain(["Patch", "Preconditions", "ShardInfo", "Status", "StatusCause", "StatusDetails", "Time"]);
    let mut wanted: Vec<String> = machinery.map(|name| format!("{META}.{name}")).collect();
    if scale {
        wanted.extend(["", "Spec", "Status"].map(|suffix| format!("{SCALE}{suffix}")));
    }
    // The workloads' document holds both.
    let known = BuiltinSchemas::get().entry("openapi/apis/apps/v1/schemas").unwrap_or_default();
    let mut schemas: Map<String, Value> =
        wanted.into_iter().filter_map(|name| Some((name.clone(), known.get(&name)?.clone()))).collect();
    // The documents of built-in kinds name only their own group here, v2 names all.
    let name = format!("{META}.DeleteOptions");
    let mut in_v2 = BuiltinSchemas::get().entry("openapi/v2").unwrap_or_default();
    if let Value::Array(mut kinds) = in_v2["patch"]["definitions"][&name][KINDS].take()
        && let Some(options) = schemas.get_mut(&name)
    {
        kinds.retain(|kind| kind["group"].as_str().is_some_and(|group| !NO_CLIENTS.contains(&group)));
        options[KINDS] = kinds.into();
    }
    schemas
}

fn with_body(mut operation: Value, ty: &str, required: bool) -> Value {
    operation["requestBody"] = json!({"content": content(ty)});
    if required {
        operation["requestBody"]["required"] = true.into();
    }
    operation
}

fn content(ty: &str) -> Value {
    MEDIA_TYPES.map(|media| (media.to_owned(), json!({"schema": reference(ty)}))).into_iter().collect()
}

fn reference(ty: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{ty}")})
}

fn queries(parameters: &[(&str, &str)]) -> Vec<Value> {
    parameters.iter().map(|(name, ty)| query(name, ty)).collect()
}

fn query(name: &str, ty: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": ty, "uniqueItems": true}})
}

fn path(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "uniqueItems": true}})
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
