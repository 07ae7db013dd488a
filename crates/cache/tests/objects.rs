//! What the cache keeps of an object, and how it is read.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::ApiResource;
use kube::core::DynamicObject;
use kubewright_cache::{CacheOptions, Caches, Informer, Keep, ObjectRef, Scope, Stored, View};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::{Fault, Server, config_maps, key};

/// The cache of a server whose only object this is.
async fn cache_of(object: &str, resource: &ApiResource, keep: Keep, options: CacheOptions) -> (Caches, Informer) {
    let server = Server::new();
    let line = format!("{{\"metadata\":{{\"resourceVersion\":\"7\"}},\"items\":[{object}]}}");
    server.fault(Fault::Body(String::leak(line)));
    let caches = Caches::new(server.client(), CacheOptions { watch_list: false, ..options });
    let informer = caches.informer(resource, Scope::default(), keep).unwrap_or_else(|error| panic!("{error}"));
    assert!(informer.wait_synced().await);
    (caches, informer)
}

async fn stored(object: &Value, keep: Keep, options: CacheOptions) -> Stored {
    let (_, informer) = cache_of(&object.to_string(), &config_maps(), keep, options).await;
    informer.list(None).remove(0)
}

fn pod() -> Value {
    json!({
        "metadata": {
            "name": "web-0", "namespace": "shop", "uid": "u-1", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-01-02T03:04:05Z", "deletionTimestamp": "2026-01-02T03:05:05Z",
            "deletionGracePeriodSeconds": 30,
            "labels": {"app": "web", "tier": "front"},
            "annotations": {"note": "a \"quoted\" \u{e9} line\n", "empty": ""},
            "finalizers": ["example.com/one", "example.com/two"],
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u-rs", "controller": true, "blockOwnerDeletion": true},
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "u-cm"}
            ],
            "managedFields": [
                {"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}},
                {"manager": "kubewright", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                 "fieldsV1": {"f:metadata": {"f:labels": {"f:app": {}}}}, "subresource": "status"}
            ]
        },
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": "Running"}
    })
}

/// As the cache ought to give it back: with its type, and without managedFields.
fn whole(mut object: Value, kind: &str) -> Value {
    object["apiVersion"] = json!("v1");
    object["kind"] = json!(kind);
    object["metadata"].as_object_mut().map(|metadata| metadata.remove("managedFields"));
    object
}

#[tokio::test(start_paused = true)]
async fn metadata_is_at_hand_and_the_rest_decodes() {
    let pods = ApiResource::erase::<Pod>(&());
    let (_, informer) = cache_of(&pod().to_string(), &pods, Keep::Whole, CacheOptions::default()).await;
    let stored = informer.get(&ObjectRef::new(Some("shop"), "web-0")).unwrap();
    assert_eq!((stored.name(), stored.namespace(), stored.uid()), ("web-0", Some("shop"), "u-1"));
    assert_eq!((stored.api_version(), stored.kind()), ("v1", "Pod"));
    assert_eq!((stored.resource_version(), stored.generation()), ("7", Some(3)));
    assert_eq!(stored.creation_timestamp(), Some("2026-01-02T03:04:05Z"));
    assert_eq!(stored.deletion_timestamp(), Some("2026-01-02T03:05:05Z"));
    assert_eq!(stored.labels().collect::<Vec<_>>(), [("app", "web"), ("tier", "front")]);
    assert_eq!((stored.label("tier"), stored.label("none")), (Some("front"), None));
    assert_eq!(stored.annotation("note").unwrap(), "a \"quoted\" \u{e9} line\n");
    assert_eq!(stored.annotations().map(|(key, _)| key).collect::<Vec<_>>(), ["empty", "note"]);
    assert_eq!(stored.finalizers().collect::<Vec<_>>(), ["example.com/one", "example.com/two"]);
    assert_eq!(stored.owners().iter().map(|owner| &*owner.uid).collect::<Vec<_>>(), ["u-rs", "u-cm"]);
    assert_eq!(&*stored.controller().unwrap().name, "web");
    assert_eq!(stored.tree(), whole(pod(), "Pod"));

    let typed: Pod = stored.decode().unwrap();
    assert_eq!(typed.spec.unwrap().node_name.as_deref(), Some("n1"));
    let dynamic: DynamicObject = stored.decode().unwrap();
    assert_eq!(dynamic.types.unwrap().kind, "Pod");
    assert_eq!(stored.metadata().unwrap().generation, Some(3));
    assert_eq!(format!("{stored:?}"), "Pod shop/web-0@7");
}

#[tokio::test(start_paused = true)]
async fn managed_fields_are_kept_of_the_managers_that_were_asked_for() {
    let keep_fields_of = BTreeSet::from(["kubewright".to_string()]);
    let options = CacheOptions { keep_fields_of, ..CacheOptions::default() };
    let stored = stored(&pod(), Keep::Whole, options).await;
    let kept = &stored.tree()["metadata"]["managedFields"];
    assert_eq!(*kept, json!([pod()["metadata"]["managedFields"][1]]));
}

#[tokio::test(start_paused = true)]
async fn an_object_with_the_least_that_is_needed_is_enough() {
    let object = json!({"metadata": {"name": "a", "resourceVersion": "1", "labels": null, "ownerReferences": null,
        "managedFields": null, "annotations": null, "deletionTimestamp": null, "namespace": null, "generation": null}});
    let stored = stored(&object, Keep::Whole, CacheOptions::default()).await;
    assert_eq!((stored.uid(), stored.namespace(), stored.generation()), ("", None, None));
    assert_eq!((stored.labels().count(), stored.annotations().count(), stored.finalizers().count()), (0, 0, 0));
    assert_eq!((stored.owners(), stored.deletion_timestamp()), (&[][..], None));
    assert!(stored.decode::<ConfigMap>().is_ok());
}

#[tokio::test(start_paused = true)]
async fn names_are_read_whatever_their_spelling() {
    // RBAC names may hold what Go writes as an escape.
    let object = r#"{"metadata":{"name":"system:a\u0026b","resourceVersion":"1","labels":{"k":"\u003cv\u003e"}}}"#;
    let (_, informer) = cache_of(object, &config_maps(), Keep::Whole, CacheOptions::default()).await;
    let stored = informer.get(&ObjectRef::new(None, "system:a&b")).unwrap();
    assert_eq!(stored.label("k"), Some("<v>"));
    assert_eq!(stored.tree()["metadata"]["name"], "system:a&b");
}

#[tokio::test(start_paused = true)]
async fn metadata_only_is_asked_for_and_kept() {
    let server = Server::new();
    server.put("a", "1");
    let informer = server.caches().informer(&config_maps(), Scope::default(), Keep::Metadata).unwrap();
    informer.wait_synced().await;
    assert!(server.accepts()[0].contains("as=PartialObjectMetadata;"), "{:?}", server.accepts());
    // This server sends everything all the same.
    let tree = informer.get(&key("a")).unwrap().tree();
    assert_eq!(tree.as_object().unwrap().keys().collect::<Vec<_>>(), ["apiVersion", "kind", "metadata"]);
    assert_eq!(tree["kind"], "ConfigMap");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    spec: NodeSpec,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeSpec {
    node_name: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Annotated {
    metadata: Annotations,
}

#[derive(Serialize, Deserialize)]
struct Annotations {
    annotations: Option<BTreeMap<String, String>>,
}

#[tokio::test(start_paused = true)]
async fn a_view_keeps_what_its_struct_reads() {
    let all = stored(&pod(), Keep::Whole, CacheOptions::default()).await;
    let node = stored(&pod(), Keep::View(View::of::<Node>()), CacheOptions::default()).await;
    assert!(node.bytes() < all.bytes());
    assert_eq!(node.decode::<Node>().unwrap(), Node { spec: NodeSpec { node_name: Some("n1".into()) } });
    let tree = node.tree();
    assert_eq!((&tree["spec"], &tree["status"]), (&json!({"nodeName": "n1"}), &Value::Null));
    assert_eq!((node.label("app"), node.finalizers().count(), node.annotations().count()), (Some("web"), 2, 0));
    assert_eq!(tree["metadata"]["deletionGracePeriodSeconds"], 30);

    let annotated = stored(&pod(), Keep::View(View::of::<Annotated>()), CacheOptions::default()).await;
    assert_eq!(annotated.annotations().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_a_type_says_which_object_and_why() {
    let stored = stored(&pod(), Keep::Whole, CacheOptions::default()).await;
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "is never made")]
    struct Wrong {
        spec: Vec<String>,
    }
    let error = stored.decode::<Wrong>().unwrap_err().to_string();
    assert!(error.starts_with("ConfigMap shop/web-0 in the cache cannot be read as "), "{error}");
    assert!(error.contains("invalid type: map, expected a sequence"), "{error}");
}

mod any_object {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z]{1,6}", "\\PC{0,8}", Just("\"\\\u{0}\n<&>".to_string())]
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text().prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn object() -> impl Strategy<Value = Value> {
        let maps = || prop::option::of(prop::collection::btree_map(text(), text(), 1..4));
        let owner = (text(), text(), prop::option::of(any::<bool>())).prop_map(|(name, uid, controller)| {
            let mut owner = json!({"apiVersion": "v1", "kind": "Owner", "name": name, "uid": uid});
            if let Some(controller) = controller {
                owner["controller"] = json!(controller);
            }
            owner
        });
        let name = text().prop_filter("a name", |name| !name.is_empty());
        let owners = prop::option::of(prop::collection::vec(owner, 1..3));
        let rest = prop::collection::btree_map("[a-z]{3,8}", tree(), 0..4);
        (name, prop::option::of("[a-z]{1,5}"), maps(), maps(), owners, prop::option::of(0..9_i64), rest).prop_map(
            |(name, namespace, labels, annotations, owners, generation, rest)| {
                let mut object = json!({"metadata": {"name": name, "uid": "u", "resourceVersion": "7"}});
                let fields = [
                    ("namespace", namespace.map(Value::from)),
                    ("labels", labels.map(|labels| json!(labels))),
                    ("annotations", annotations.map(|annotations| json!(annotations))),
                    ("ownerReferences", owners.map(Value::from)),
                    ("generation", generation.map(Value::from)),
                ];
                for (field, value) in fields {
                    if let Some(value) = value {
                        object["metadata"][field] = value;
                    }
                }
                for (field, value) in rest {
                    if !["metadata", "kind"].contains(&field.as_str()) {
                        object[field] = value;
                    }
                }
                object
            },
        )
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was(object in object()) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
            let stored = runtime.block_on(stored(&object, Keep::Whole, CacheOptions::default()));
            prop_assert_eq!(stored.tree(), whole(object, "ConfigMap"));
        }
    }
}
