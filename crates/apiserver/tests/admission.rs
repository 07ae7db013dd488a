//! Admission, with webhooks over HTTPS.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

#[path = "support/hook.rs"]
mod hook;
mod support;

use hook::Hook;
use kubewright_apiserver::{AdmissionOptions, ApiServer, Options};
use serde_json::{Value, json};
use support::Client;

const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const VALIDATING: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

async fn mutating(client: &Client, hook: &Hook, name: &str, path: &str, more: &Value) {
    let configuration = hook.configuration("MutatingWebhookConfiguration", name, path, "configmaps", more);
    client.post(MUTATING, &configuration).await.expect(201);
}

async fn validating(client: &Client, hook: &Hook, name: &str, path: &str, more: &Value) {
    let configuration = hook.configuration("ValidatingWebhookConfiguration", name, path, "configmaps", more);
    client.post(VALIDATING, &configuration).await.expect(201);
}

#[tokio::test]
async fn a_mutating_webhook_changes_what_is_stored() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    mutating(&client, &hook, "a", "/label-one", &json!({})).await;
    mutating(&client, &hook, "b", "/label-two", &json!({})).await;
    let made = client.post(MAPS, &map("x")).await.expect(201);
    assert_eq!(made["metadata"]["labels"], json!({"one": "1", "two": "2"}));
    assert_eq!(client.get(&format!("{MAPS}/x")).await.expect(200), made);
    let asked = hook.asked();
    assert_eq!(
        asked.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        ["/label-one?timeout=10s", "/label-two?timeout=10s"]
    );
    assert_eq!(asked[0].1["request"]["object"]["metadata"].get("uid"), None, "uids are given afterwards");
    assert_eq!(asked[1].1["request"]["object"]["metadata"]["labels"], json!({"one": "1"}));
}

#[tokio::test]
async fn a_webhook_that_says_no_is_quoted() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let cases = [
        ("/deny", (403, "Forbidden", ": not today")),
        ("/deny-bare", (400, "", " without explanation")),
        ("/deny-reason", (400, "Weather", ": Weather")),
        ("/deny-details", (422, "Invalid", ": wrong")),
    ];
    for (path, (code, reason, text)) in cases {
        validating(&client, &hook, "no", path, &json!({})).await;
        let expected = format!("admission webhook \"no.example.com\" denied the request{text}");
        assert_eq!(client.post(MAPS, &map("x")).await.refusal(), (code, reason.to_owned(), expected));
        client.delete(&format!("{VALIDATING}/no")).await.expect(200);
    }
    client.post(MAPS, &map("x")).await.expect(201);
}

#[tokio::test]
async fn failure_policy_decides_about_a_webhook_that_can_not_be_asked() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let nobody = json!({"clientConfig": {"url": "https://127.0.0.1:1/x", "caBundle": hook.ca_bundle}});
    validating(&client, &hook, "dead", "/", &nobody).await;
    let (code, reason, message) = client.post(MAPS, &map("x")).await.refusal();
    assert_eq!((code, reason.as_str()), (500, "InternalError"));
    assert_eq!(
        message,
        "Internal error occurred: failed calling webhook \"dead.example.com\": failed to call webhook: Post \
         \"https://127.0.0.1:1/x?timeout=10s\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
    client.delete(&format!("{VALIDATING}/dead")).await.expect(200);
    let mut ignored = nobody.clone();
    ignored["failurePolicy"] = "Ignore".into();
    validating(&client, &hook, "dead", "/", &ignored).await;
    mutating(&client, &hook, "dead", "/", &ignored).await;
    client.post(MAPS, &map("x")).await.expect(201);
}

#[tokio::test]
async fn a_slow_webhook_is_given_up_in_time() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    validating(&client, &hook, "slow", "/slow", &json!({"timeoutSeconds": 1})).await;
    let (_, _, message) = client.post(MAPS, &map("x")).await.refusal();
    let end = format!("Post \"{}/slow?timeout=1s\": context deadline exceeded", hook.url);
    assert!(message.ends_with(&end), "{message}");
}

#[tokio::test]
async fn webhooks_are_asked_about_updates_patches_and_deletions() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    client.post(MAPS, &map("x")).await.expect(201);
    validating(&client, &hook, "all", "/allow", &json!({})).await;
    let path = format!("{MAPS}/x");
    client.put(&path, &map("x")).await.expect(200);
    client.patch("merge", &path, &json!({"data": {"a": "b"}})).await.expect(200);
    client.apply("me", &path, &map("x")).await.expect(200);
    client.delete(&path).await.expect(200);
    client.post(MAPS, &map("y")).await.expect(201);
    client.delete(MAPS).await.expect(200);
    let asked = hook.asked();
    let seen: Vec<(&str, bool, bool)> = asked
        .iter()
        .map(|(_, review)| {
            let request = &review["request"];
            (request["operation"].as_str().unwrap(), request["object"].is_null(), request["oldObject"].is_null())
        })
        .collect();
    let update = ("UPDATE", false, false);
    assert_eq!(
        seen,
        [update, update, update, ("DELETE", true, false), ("CREATE", false, true), ("DELETE", true, false)]
    );
}

#[tokio::test]
async fn a_change_asks_those_webhooks_again_that_want_it() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    mutating(&client, &hook, "a", "/count", &json!({"reinvocationPolicy": "IfNeeded"})).await;
    mutating(&client, &hook, "b", "/label-one", &json!({})).await;
    let made = client.post(MAPS, &map("x")).await.expect(201);
    assert_eq!(made["metadata"]["labels"], json!({"count": "2", "one": "1"}));
    assert_eq!(hook.asked().len(), 3);
}

#[tokio::test]
async fn selectors_and_rules_decide_who_is_asked() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let selectors = json!({
        "namespaceSelector": {"matchLabels": {"watched": "yes"}},
        "objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]},
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "scope": "Namespaced"}],
    });
    validating(&client, &hook, "some", "/deny", &selectors).await;
    client.post(MAPS, &map("x")).await.expect(201);
    let labels = json!({"metadata": {"labels": {"watched": "yes"}}});
    client.patch("merge", "/api/v1/namespaces/default", &labels).await.expect(200);
    assert_eq!(client.post(MAPS, &map("y")).await.code, 403);
    let mut skipped = map("y");
    skipped["metadata"]["labels"] = json!({"skip": "me"});
    client.post(MAPS, &skipped).await.expect(201);
    client.patch("merge", &format!("{MAPS}/x"), &json!({"data": {"a": "b"}})).await.expect(200);
}

#[tokio::test]
async fn a_service_without_endpoints_leads_nowhere() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let service = json!({"clientConfig": {
        "service": {"name": "hook", "namespace": "default", "path": "/deny"}, "caBundle": hook.ca_bundle,
    }});
    validating(&client, &hook, "svc", "/", &service).await;
    let start = "Internal error occurred: failed calling webhook \"svc.example.com\": failed to call webhook: Post \
                 \"https://hook.default.svc:443/deny?timeout=10s\": ";
    let refusal = client.post(MAPS, &map("x")).await.refusal();
    assert_eq!(refusal.2, format!("{start}service \"hook\" not found"));
    let body = json!({"metadata": {"name": "hook"}, "spec": {"ports": [{"port": 443}]}});
    client.post("/api/v1/namespaces/default/services", &body).await.expect(201);
    let refusal = client.post(MAPS, &map("x")).await.refusal();
    assert_eq!(refusal.2, format!("{start}no endpoints available for service \"hook\""));
    let slice = json!({
        "metadata": {"name": "hook", "labels": {"kubernetes.io/service-name": "hook"}}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"]}], "ports": [{"port": hook.port}],
    });
    // The API takes no loopback addresses as endpoints: for those there are Services of the type ExternalName.
    assert_eq!(client.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", &slice).await.code, 422);
}

#[tokio::test]
async fn an_external_name_leads_to_a_process_on_this_machine() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let body = json!({"metadata": {"name": "hook"}, "spec": {"type": "ExternalName", "externalName": "localhost"}});
    client.post("/api/v1/namespaces/default/services", &body).await.expect(201);
    let service = json!({"name": "hook", "namespace": "default", "path": "/deny", "port": hook.port});
    let service = json!({"clientConfig": {"service": service, "caBundle": hook.ca_bundle}});
    validating(&client, &hook, "svc", "/", &service).await;
    let refusal = client.post(MAPS, &map("x")).await.refusal();
    assert_eq!(refusal.2, "admission webhook \"svc.example.com\" denied the request: not today");
}

#[tokio::test]
async fn connections_are_kept() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    validating(&client, &hook, "all", "/allow", &json!({})).await;
    for name in ["a", "b", "c"] {
        client.post(MAPS, &map(name)).await.expect(201);
    }
    assert_eq!((hook.asked().len(), hook.connections()), (3, 1));
}

#[tokio::test]
async fn a_webhook_with_side_effects_is_not_asked_about_a_dry_run() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    validating(&client, &hook, "all", "/allow", &json!({"sideEffects": "NoneOnDryRun"})).await;
    client.post(&format!("{MAPS}?dryRun=All"), &map("x")).await.expect(201);
    assert_eq!(hook.asked()[0].1["request"]["dryRun"], true);
}

#[tokio::test]
async fn configurations_themselves_are_never_asked_about() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let all = json!({"rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}]});
    validating(&client, &hook, "no", "/deny", &all).await;
    assert_eq!(client.post(MAPS, &map("x")).await.code, 403);
    client.delete(&format!("{VALIDATING}/no")).await.expect(200);
    client.post(MAPS, &map("x")).await.expect(201);
}

#[tokio::test]
async fn match_conditions_decide_who_is_asked() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let conditions = json!({"matchConditions": [
        {"name": "named", "expression": "object.metadata.name.startsWith('no')"},
        {"name": "create", "expression": "request.operation == 'CREATE' && oldObject == null"},
    ]});
    validating(&client, &hook, "some", "/deny", &conditions).await;
    client.post(MAPS, &map("yes")).await.expect(201);
    assert_eq!(client.post(MAPS, &map("no")).await.code, 403);
    assert_eq!(hook.asked().len(), 1);
    let wrong = json!({"matchConditions": [{"name": "wrong", "expression": "object.metadata.labels.none == 'x'"}]});
    validating(&client, &hook, "wrong", "/allow", &wrong).await;
    let (code, _, message) = client.post(MAPS, &map("yes2")).await.refusal();
    assert_eq!(code, 403);
    let start = "configmaps \"yes2\" is forbidden: expression 'object.metadata.labels.none == 'x'' resulted in error: ";
    assert!(message.starts_with(start), "{message}");
}

#[tokio::test]
async fn a_match_condition_that_is_no_expression_is_refused() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let more = json!({"matchConditions": [{"name": "x", "expression": "object.metadata.name + 1"}]});
    let configuration = hook.configuration("ValidatingWebhookConfiguration", "x", "/", "pods", &more);
    let (code, _, message) = client.post(VALIDATING, &configuration).await.refusal();
    assert_eq!(code, 422);
    assert!(message.contains("webhooks[0].matchConditions[0].expression: Invalid value"), "{message}");
}

const PODS: &str = "/api/v1/namespaces/default/pods";

fn pod(name: &str, spec: &Value) -> Value {
    let mut pod = json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    for (key, value) in spec.as_object().unwrap() {
        pod["spec"][key] = value.clone();
    }
    pod
}

#[tokio::test]
async fn pods_get_the_priority_of_their_class() {
    let client = Client::start().await;
    let unknown = client.post(PODS, &pod("a", &json!({"priorityClassName": "high"}))).await.refusal();
    assert_eq!(unknown.2, "pods \"a\" is forbidden: no PriorityClass with name high was found");
    let class = |name: &str, default: bool| json!({"metadata": {"name": name}, "value": 7, "globalDefault": default});
    let classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
    client.post(classes, &class("high", true)).await.expect(201);
    let second = client.post(classes, &class("higher", true)).await.refusal();
    let text = "PriorityClass high is already marked as default. Only one default can exist";
    assert_eq!(second.2, format!("priorityclasses.scheduling.k8s.io \"higher\" is forbidden: {text}"));
    let made = client.post(PODS, &pod("b", &json!({}))).await.expect(201);
    assert_eq!((&made["spec"]["priority"], &made["spec"]["priorityClassName"]), (&json!(7), &json!("high")));
    let critical = client.post(PODS, &pod("c", &json!({"priorityClassName": "system-node-critical"}))).await;
    assert_eq!(critical.expect(201)["spec"]["priority"], 2_000_001_000);
    let own = client.post(PODS, &pod("d", &json!({"priority": 3}))).await.refusal();
    assert!(own.2.contains("the integer value of priority (3) must not be provided in pod spec"), "{own:?}");
}

#[tokio::test]
async fn the_account_of_a_pod_must_be_there_and_its_token_is_mounted() {
    let admission = AdmissionOptions { enable: Vec::new(), disable: Vec::new() };
    let server = ApiServer::start(Options { admission, ..Options::default() }).await.unwrap();
    let client = Client { server };
    let refused = client.post(PODS, &pod("a", &json!({"serviceAccountName": "robot"}))).await.refusal();
    let text = "error looking up service account default/robot: serviceaccount \"robot\" not found";
    assert_eq!(refused, (403, "Forbidden".to_owned(), format!("pods \"a\" is forbidden: {text}")));
    let account = json!({"metadata": {"name": "robot"}, "imagePullSecrets": [{"name": "pull"}]});
    client.post("/api/v1/namespaces/default/serviceaccounts", &account).await.expect(201);
    let made = client.post(PODS, &pod("a", &json!({"serviceAccountName": "robot"}))).await.expect(201);
    let spec = &made["spec"];
    let volume = spec["volumes"][0]["name"].as_str().unwrap();
    assert!(volume.starts_with("kube-api-access-"), "{volume}");
    let mount = json!({"name": volume, "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    assert_eq!(spec["containers"][0]["volumeMounts"], json!([mount]));
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "pull"}]));
    let plain = pod("b", &json!({"serviceAccountName": "robot", "automountServiceAccountToken": false}));
    assert_eq!(client.post(PODS, &plain).await.expect(201)["spec"].get("volumes"), None);
}

#[tokio::test]
async fn what_names_no_class_gets_the_default_one() {
    let client = Client::start().await;
    let class = json!({
        "metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "example.com/disk",
    });
    client.post("/apis/storage.k8s.io/v1/storageclasses", &class).await.expect(201);
    let claim = json!({"metadata": {"name": "a"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
    }});
    let made = client.post("/api/v1/namespaces/default/persistentvolumeclaims", &claim).await.expect(201);
    assert_eq!(made["spec"]["storageClassName"], "fast");
    assert_eq!(made["metadata"]["finalizers"], json!(["kubernetes.io/pvc-protection"]));
    let class = json!({
        "metadata": {"name": "web", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": "example.com/web"},
    });
    client.post("/apis/networking.k8s.io/v1/ingressclasses", &class).await.expect(201);
    let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
    let ingress = json!({"metadata": {"name": "a"}, "spec": {"defaultBackend": backend}});
    let made = client.post("/apis/networking.k8s.io/v1/namespaces/default/ingresses", &ingress).await.expect(201);
    assert_eq!(made["spec"]["ingressClassName"], "web");
}

#[tokio::test]
async fn a_runtime_class_must_be_there_and_says_what_it_costs() {
    let client = Client::start().await;
    let refused = client.post(PODS, &pod("a", &json!({"runtimeClassName": "gvisor"}))).await.refusal();
    assert_eq!(refused.2, "pods \"a\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found");
    let class = json!({
        "metadata": {"name": "gvisor"}, "handler": "runsc", "overhead": {"podFixed": {"cpu": "100m"}},
        "scheduling": {"nodeSelector": {"sandbox": "yes"}},
    });
    client.post("/apis/node.k8s.io/v1/runtimeclasses", &class).await.expect(201);
    let made = client.post(PODS, &pod("a", &json!({"runtimeClassName": "gvisor"}))).await.expect(201);
    assert_eq!(made["spec"]["overhead"], json!({"cpu": "100m"}));
    assert_eq!(made["spec"]["nodeSelector"], json!({"sandbox": "yes"}));
}

/// A mutating policy for ConfigMaps that are created, in force.
async fn mutating_policy(client: &Client, name: &str, more: Value) {
    let group = "/apis/admissionregistration.k8s.io/v1";
    let mut spec = json!({
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]},
        ]},
    });
    for (field, value) in more.as_object().unwrap() {
        spec[field] = value.clone();
    }
    let policy = json!({"metadata": {"name": name}, "spec": spec});
    client.post(&format!("{group}/mutatingadmissionpolicies"), &policy).await.expect(201);
    let binding = json!({"metadata": {"name": name}, "spec": {"policyName": name}});
    client.post(&format!("{group}/mutatingadmissionpolicybindings"), &binding).await.expect(201);
}

fn json_patch(expression: &str) -> Value {
    json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}})
}

fn configuration(expression: &str) -> Value {
    json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}})
}

#[tokio::test]
async fn mutations_of_a_policy_change_the_object_one_after_the_other() {
    let client = Client::start().await;
    let mutations = json!([
        configuration("Object{metadata: Object.metadata{labels: {'first': 'yes'}}}"),
        json_patch(
            "[JSONPatch{op: 'test', path: '/metadata/labels/first', value: 'yes'}, \
              JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('example.com/a'), value: variables.first}]",
        ),
        // Where a test fails nothing is changed, and that is no failure.
        json_patch(
            "[JSONPatch{op: 'test', path: '/metadata/name', value: 'b'}, JSONPatch{op: 'remove', path: '/metadata/labels'}]"
        ),
    ]);
    let variables = json!([{"name": "first", "expression": "object.metadata.labels.first + '-1'"}]);
    mutating_policy(&client, "p", json!({"mutations": mutations, "variables": variables})).await;
    let made = client.post(MAPS, &map("a")).await.expect(201);
    assert_eq!(made["metadata"]["labels"], json!({"first": "yes", "example.com/a": "yes-1"}));
    // Nobody owns what a policy has set.
    assert!(!made["metadata"]["managedFields"].to_string().contains("f:labels"), "{made}");
}

#[tokio::test]
async fn a_policy_that_may_not_fail_refuses_the_request_when_it_does() {
    for (failure_policy, code) in [("Fail", 403), ("Ignore", 201)] {
        let client = Client::start().await;
        let mutations = json!([configuration("Object{data: {'a': object.data.none}}")]);
        mutating_policy(&client, "p", json!({"mutations": mutations, "failurePolicy": failure_policy})).await;
        let answer = client.post(MAPS, &map("a")).await.expect(code);
        if code == 403 {
            let message = answer["message"].as_str().unwrap();
            assert!(message.starts_with("policy 'p' with binding 'p' denied request: expression"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_policy_that_wishes_it_goes_over_the_object_again_when_another_has_changed_it() {
    for (reinvocation, times) in [("Never", "1"), ("IfNeeded", "2")] {
        let client = Client::start().await;
        let count = "[JSONPatch{op: 'add', path: '/data/times', \
            value: has(object.data.times) ? string(int(object.data.times) + 1) : '1'}]";
        let more = json!({"mutations": [json_patch(count)], "reinvocationPolicy": reinvocation});
        mutating_policy(&client, "a", more).await;
        let more = json!({"mutations": [configuration("Object{data: {'later': 'yes'}}")]});
        mutating_policy(&client, "b", more).await;
        let mut object = map("m");
        object["data"] = json!({"k": "v"});
        let made = client.post(MAPS, &object).await.expect(201);
        assert_eq!(made["data"]["times"], times, "{made}");
        assert_eq!(made["data"]["later"], "yes");
    }
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_the_type_is_not_merged() {
    for (expression, why) in [
        (
            "Object{nothing: 'x'}",
            "failed to convert patch object to typed object: .nothing: field not declared in schema",
        ),
        ("Object{metadata: Object.other{labels: {'a': 'b'}}}", "unexpected type name \"Object.other\""),
    ] {
        let client = Client::start().await;
        mutating_policy(&client, "p", json!({"mutations": [configuration(expression)]})).await;
        let refused = client.post(MAPS, &map("a")).await.expect(403);
        assert!(refused["message"].as_str().unwrap().contains(why), "{refused}");
    }
}

const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";

async fn policy(client: &Client, spec: Value, binding: Value) {
    let mut spec = spec;
    spec["matchConstraints"] = json!({"resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]});
    client.post(POLICIES, &json!({"metadata": {"name": "p"}, "spec": spec})).await.expect(201);
    let mut binding = binding;
    binding["policyName"] = "p".into();
    client.post(BINDINGS, &json!({"metadata": {"name": "b"}, "spec": binding})).await.expect(201);
}

#[tokio::test]
async fn a_policy_refuses_what_its_expressions_do_not_like() {
    let client = Client::start().await;
    let spec = json!({
        "variables": [{"name": "name", "expression": "object.metadata.name"},
            {"name": "long", "expression": "size(variables.name) > 3"}],
        "validations": [{"expression": "!variables.long", "messageExpression": "variables.name + ' is long'"}],
    });
    policy(&client, spec, json!({"validationActions": ["Deny"]})).await;
    client.post(MAPS, &map("abc")).await.expect(201);
    let refused = client.post(MAPS, &map("abcd")).await.expect(422);
    assert_eq!(
        refused["message"],
        "configmaps \"abcd\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: abcd is long"
    );
    client.delete(&format!("{BINDINGS}/b")).await.expect(200);
    client.post(MAPS, &map("abcd")).await.expect(201);
}

#[tokio::test]
async fn failures_of_a_policy_are_forgiven_if_it_says_so() {
    for (failure_policy, code) in [("Fail", 422), ("Ignore", 201)] {
        let client = Client::start().await;
        let spec = json!({"failurePolicy": failure_policy, "validations": [{"expression": "object.none == 1"}]});
        policy(&client, spec, json!({"validationActions": ["Deny"]})).await;
        client.post(MAPS, &map("a")).await.expect(code);
    }
}

#[tokio::test]
async fn many_variables_that_double_cost_no_more_than_allowed() {
    let client = Client::start().await;
    let mut variables = vec![json!({"name": "v0", "expression": "'xxxxxxxxxx'"})];
    for number in 1..100 {
        let before = number - 1;
        let expression = format!("variables.v{before} + variables.v{before}");
        variables.push(json!({"name": format!("v{number}"), "expression": expression}));
    }
    let spec = json!({"variables": variables, "validations": [{"expression": "variables.v99 != ''"}]});
    policy(&client, spec, json!({"validationActions": ["Deny"]})).await;
    let refused = client.post(MAPS, &map("a")).await.expect(422);
    assert!(refused["message"].as_str().unwrap().contains("cost limit"), "{refused}");
}

#[tokio::test]
async fn a_quota_is_never_overdrawn_by_writers_at_the_same_time() {
    let client = Client::start().await;
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "5"}}});
    client.post(quotas, &quota).await.expect(201);
    let made = client.get(&format!("{quotas}/q")).await.expect(200);
    let mut status = made.clone();
    status["status"] = json!({"hard": {"configmaps": "5"}, "used": {"configmaps": "0"}});
    client.put(&format!("{quotas}/q/status"), &status).await.expect(200);
    let names: Vec<Value> = (0..12).map(|number| map(&format!("m{number}"))).collect();
    let answers = futures::future::join_all(names.iter().map(|map| client.post(MAPS, map))).await;
    let made = answers.iter().filter(|answer| answer.code == 201).count();
    assert_eq!(made, 5);
    let used = client.get(&format!("{quotas}/q")).await.expect(200);
    assert_eq!(used["status"]["used"], json!({"configmaps": "5"}));
}

#[tokio::test]
async fn a_group_is_not_handed_over_to_an_api_server_that_nobody_would_ask() {
    let client = Client::start().await;
    let path = "/apis/apiregistration.k8s.io/v1/apiservices";
    let mut service = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.metrics.example.com"},
        "spec": {
            "group": "metrics.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "insecureSkipTLSVerify": true, "service": {"namespace": "default", "name": "metrics"},
        },
    });
    let (code, reason, message) = client.post(path, &service).await.refusal();
    assert_eq!((code, reason.as_str()), (422, "Invalid"));
    assert!(message.contains("spec.service: Forbidden: this control plane has no aggregation layer"), "{message}");
    service["spec"].as_object_mut().unwrap().remove("service");
    client.post(path, &service).await.expect(201);
    let path = format!("{path}/v1.metrics.example.com");
    let patch = json!({"spec": {"service": {"namespace": "default", "name": "metrics"}}});
    assert_eq!(client.patch("merge", &path, &patch).await.refusal().0, 422);
}
