//! What is written to the status of admission policies: whether their expressions fit the kinds that they are about. On a
//! real cluster (`KUBEWRIGHT_TEST_KUBECONFIG`) the same tests say what kube-controller-manager does.

#![allow(clippy::unwrap_used)]

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kubewright_testing::TestEnv;
use serde_json::{Value, json};

struct World {
    env: TestEnv,
    policies: Api<ValidatingAdmissionPolicy>,
}

impl World {
    async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        Self { policies: Api::all(env.client()), env }
    }

    async fn create(&self, name: &str, spec: &Value) -> String {
        let name = format!("{}-{name}", self.env.namespace());
        let policy = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap();
        self.policies.create(&PostParams::default(), &policy).await.unwrap();
        name
    }

    /// The status of a policy that has been looked at in its newest generation.
    async fn status(&self, name: &str) -> Value {
        let looked_at = async || {
            let policy = self.policies.get(name).await.unwrap();
            let status = policy.status.clone().unwrap_or_default();
            (status.observed_generation == policy.metadata.generation).then(|| serde_json::to_value(status).unwrap())
        };
        self.env.eventually(&format!("the status of {name}"), looked_at).await
    }

    async fn end(self) {
        for policy in self.policies.list(&Default::default()).await.unwrap() {
            if policy.name_any().starts_with(self.env.namespace()) {
                self.policies.delete(&policy.name_any(), &DeleteParams::default()).await.unwrap();
            }
        }
        self.env.stop().await;
    }
}

fn rule(group: &str, version: &str, resources: &[&str]) -> Value {
    json!({"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE"], "resources": resources})
}

fn about(rules: &[Value], expressions: &[&str]) -> Value {
    let validations: Vec<Value> = expressions.iter().map(|expression| json!({"expression": expression})).collect();
    json!({"matchConstraints": {"resourceRules": rules}, "validations": validations})
}

/// The warnings by field, without the digits that a real server adds to the names of types.
fn warnings(status: &Value) -> Vec<(String, String)> {
    let list = status["typeChecking"]["expressionWarnings"].as_array().cloned().unwrap_or_default();
    let text = |warning: &Value, field: &str| warning[field].as_str().unwrap().to_owned();
    list.iter().map(|warning| (text(warning, "fieldRef"), without_numbers(&text(warning, "warning")))).collect()
}

/// `Deployment812345678.spec` is `Deployment.spec`.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    let mut word = false;
    for c in text.chars() {
        if c.is_ascii_digit() && word {
            continue;
        }
        word = c.is_ascii_alphabetic() && (word || c.is_ascii_uppercase());
        plain.push(c);
    }
    plain
}

/// An error at a place of an expression of one line.
fn error(kind: &str, expression: &str, column: usize, message: &str) -> String {
    let dots = ".".repeat(column - 1);
    format!("{kind}: ERROR: <input>:1:{column}: {message}\n | {expression}\n | {dots}^\n")
}

const DEPLOYMENT: &str = "apps/v1, Kind=Deployment";
const CONFIG_MAP: &str = "/v1, Kind=ConfigMap";

#[tokio::test]
async fn a_policy_that_fits_has_no_warnings() {
    let world = World::new().await;
    let deployments = rule("apps", "v1", &["deployments"]);
    let expressions = [
        "object.spec.replicas > 1 && object.spec.strategy.rollingUpdate.maxSurge == 1",
        "object.metadata.labels['a'] == 'b' && object.metadata.creationTimestamp > timestamp('2020-01-01T00:00:00Z')",
        "object.spec.template.spec.containers.all(c, c.name != '' && c.image.startsWith('x'))",
        "oldObject == null || oldObject.spec.replicas < object.spec.replicas",
        "namespaceObject.status.conditions.exists(c, c.type == 'x') || namespaceObject.metadata.UID == ''",
        "authorizer.group('').resource('pods').check('get').allowed() && request.userInfo.groups[0] == 'x'",
    ];
    let name = world.create("fits", &about(&[deployments], &expressions)).await;
    assert_eq!(world.status(&name).await, json!({"observedGeneration": 1, "typeChecking": {}}));
    let policy = world.policies.get(&name).await.unwrap();
    let entry = policy.managed_fields().iter().find(|entry| entry.subresource.as_deref() == Some("status")).unwrap();
    assert_eq!(entry.manager.as_deref(), Some("validatingadmissionpolicy-status"));
    assert_eq!(entry.operation.as_deref(), Some("Apply"));
    world.end().await;
}

#[tokio::test]
async fn a_change_of_a_policy_is_looked_at_again() {
    let world = World::new().await;
    let spec = about(&[rule("apps", "v1", &["deployments"])], &["object.spec.size > 1"]);
    let name = world.create("changes", &spec).await;
    let wrong = error(DEPLOYMENT, "object.spec.size > 1", 12, "undefined field 'size'");
    assert_eq!(warnings(&world.status(&name).await), [("spec.validations[0].expression".to_owned(), wrong)]);
    let right = json!({"spec": {"validations": [{"expression": "object.spec.replicas > 1"}]}});
    world.policies.patch(&name, &PatchParams::default(), &Patch::Merge(right)).await.unwrap();
    // What was applied before and is not any more takes the field that is left empty along.
    assert_eq!(world.status(&name).await, json!({"observedGeneration": 2}));
    world.end().await;
}

#[tokio::test]
async fn what_does_not_fit_is_told_for_each_kind() {
    let world = World::new().await;
    let deployments = [rule("apps", "v1", &["deployments"])];
    let mut wrong = Vec::new();
    let mut expect = |name: &str, spec: Value, expected: &[(&str, String)]| {
        let expected: Vec<(String, String)> =
            expected.iter().map(|(field, warning)| (format!("spec.validations[0].{field}"), warning.clone())).collect();
        wrong.push((name.to_owned(), spec, expected));
    };
    let table = [
        ("field", "object.spec.none == 1", 12, "undefined field 'none'"),
        (
            "overload",
            "object.spec.replicas == 'a'",
            22,
            "found no matching overload for '_==_' applied to '(int, string)'",
        ),
        ("object", "object.spec == 1", 13, "found no matching overload for '_==_' applied to '(Deployment.spec, int)'"),
        ("selection", "object.spec.replicas.x == 1", 21, "type 'int' does not support field selection"),
        (
            "labels",
            "object.metadata.labels['a'] == 1",
            29,
            "found no matching overload for '_==_' applied to '(string, int)'",
        ),
        (
            "list",
            "object.spec.template.spec.containers.exists(c, c.ports == 1)",
            56,
            "found no matching overload for '_==_' applied to '(list(Deployment.spec.template.spec.containers.@idx.ports.@idx), int)'",
        ),
        ("old", "oldObject.spec.none == 1", 15, "undefined field 'none'"),
        (
            "format",
            "'%d'.format([object.metadata.name]) == ''",
            29,
            "error during formatting: decimal clause can only be used on integers, was given string",
        ),
        (
            "map",
            "'a' in object.spec.selector.matchLabels && object.spec.selector.matchLabels.a.b == 1",
            78,
            "type 'string' does not support field selection",
        ),
    ];
    for (name, expression, column, message) in table {
        expect(
            name,
            about(&deployments, &[expression]),
            &[("expression", error(DEPLOYMENT, expression, column, message))],
        );
    }
    let requested = "authorizer.requestResource.check('get').allowed()";
    expect(
        "requested",
        about(&deployments, &[requested]),
        &[(
            "expression",
            error(DEPLOYMENT, requested, 11, "unexpected failed resolution of 'kubernetes.authorization.Authorizer'"),
        )],
    );
    // Kinds in order, those that fit left out.
    let both = [rule("apps", "v1", &["deployments", "replicasets"]), rule("", "v1", &["configmaps"])];
    let expression = "object.data.x == 'y'";
    let of = |kind: &str| error(kind, expression, 7, "undefined field 'data'");
    expect(
        "kinds",
        about(&both, &[expression]),
        &[("expression", format!("{}\n{}", of(DEPLOYMENT), of("apps/v1, Kind=ReplicaSet")))],
    );
    let mut spec = about(&[rule("", "v1", &["configmaps"])], &["object.data.x == 'y'"]);
    let message = "'no ' + object.metadata.nam";
    spec["validations"][0]["messageExpression"] = message.into();
    expect("message", spec, &[("messageExpression", error(CONFIG_MAP, message, 24, "undefined field 'nam'"))]);
    // Variables have types; of one that is wrong nothing is known.
    let mut spec = about(&deployments, &["variables.wrong.x == 1 && variables.size.x == 1"]);
    spec["variables"] = json!([
        {"name": "wrong", "expression": "object.spec.none"}, {"name": "size", "expression": "object.spec.replicas"},
    ]);
    let expression = "variables.wrong.x == 1 && variables.size.x == 1";
    let message = "type 'int' does not support field selection";
    expect("variables", spec, &[("expression", error(DEPLOYMENT, expression, 41, message))]);
    // Parameters.
    let mut spec = about(&deployments, &["params.data.most == 1"]);
    spec["paramKind"] = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    let message = "found no matching overload for '_==_' applied to '(string, int)'";
    expect("params", spec, &[("expression", error(DEPLOYMENT, "params.data.most == 1", 18, message))]);
    let mut spec = about(&deployments, &["params.whatever == 1"]);
    spec["paramKind"] = json!({"apiVersion": "none.example.com/v1", "kind": "None"});
    expect("unknown-params", spec, &[]);
    // What the rules name with wildcards, as subresources or wrongly is not looked at.
    for (name, rule) in [
        ("any-group", rule("*", "v1", &["deployments"])),
        ("any-version", rule("apps", "*", &["deployments"])),
        ("any-resource", rule("apps", "v1", &["*"])),
        ("subresource", rule("apps", "v1", &["deployments/scale"])),
        ("no-such", rule("apps", "v1", &["nones"])),
    ] {
        expect(name, about(&[rule], &["object.spec.none == 1"]), &[]);
    }
    // Quantities are of no type that an expression could read.
    let expression = "object.spec.template.spec.containers[0].resources.limits.cpu == '1'";
    expect(
        "quantity",
        about(&deployments, &[expression]),
        &[("expression", error(DEPLOYMENT, expression, 50, "undefined field 'limits'"))],
    );
    let expression = "object.none == 1";
    let of = |kind: &str| error(kind, expression, 7, "undefined field 'none'");
    expect(
        "core",
        about(&[rule("", "v1", &["events"])], &[expression]),
        &[("expression", format!("{}\n{}", of("/v1, Kind=Event"), of("events.k8s.io/v1, Kind=Event")))],
    );
    expect("singular", about(&[rule("apps", "v1", &["Deployment"])], &[expression]), &[("expression", of(DEPLOYMENT))]);

    let mut names = Vec::new();
    for (name, spec, _) in &wrong {
        names.push(world.create(name, spec).await);
    }
    let mut different = Vec::new();
    for (name, (short, _, expected)) in names.iter().zip(&wrong) {
        let found = warnings(&world.status(name).await);
        if found != *expected {
            different.push(format!("{short}: {found:#?}\ninstead of {expected:#?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    world.end().await;
}

#[tokio::test]
async fn custom_resources_have_types_too() {
    let world = World::new().await;
    let group = format!("{}.example.com", world.env.namespace());
    let definition = json!({
        "metadata": {"name": format!("limits.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": "limits", "kind": "Limit"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": {
                    "type": "object",
                    "properties": {
                        "most": {"type": "integer"},
                        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                        "port": {"x-kubernetes-int-or-string": true},
                        "template": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
                        "namespace": {"type": "string"},
                        "a-b": {"type": "string"},
                    },
                }},
            }}}],
        },
    });
    let definition: CustomResourceDefinition = serde_json::from_value(definition).unwrap();
    world.env.install_crds(&[definition]).await.unwrap();
    // A real server publishes schemas a moment after it serves the objects, and a policy is looked at once.
    let path = format!("/openapi/v3/apis/{group}/v1");
    let published = async || {
        let request = http::Request::get(&path).body(Vec::new()).unwrap();
        world.env.client().request::<Value>(request).await.ok()
    };
    world.env.eventually("the schemas of the definition", published).await;
    let kind = format!("{group}/v1, Kind=Limit");
    let limits = [rule(&group, "v1", &["limits"])];
    let fits = [
        "object.spec.most == 1 && object.spec.port == 'x' && object.spec.template.kind == 'x'",
        "object.metadata.labels.a == 'b' && object.spec.__namespace__ == object.spec.a__dash__b",
    ];
    let fits = world.create("limits-fit", &about(&limits, &fits)).await;
    let expression = "object.spec.any.x == 1 && object.spec.least == 1";
    let misfits = world.create("limits-misfit", &about(&limits, &[expression])).await;
    let mut spec = about(&[rule("apps", "v1", &["deployments"])], &["object.spec.replicas < params.spec.least"]);
    spec["paramKind"] = json!({"apiVersion": format!("{group}/v1"), "kind": "Limit"});
    let params = world.create("limits-params", &spec).await;

    assert!(warnings(&world.status(&fits).await).is_empty());
    let wrong = format!(
        "{kind}: ERROR: <input>:1:16: undefined field 'x'\n | {expression}\n | ...............^\n\
         ERROR: <input>:1:38: undefined field 'least'\n | {expression}\n | .....................................^\n"
    );
    assert_eq!(warnings(&world.status(&misfits).await), [("spec.validations[0].expression".to_owned(), wrong)]);
    let expression = "object.spec.replicas < params.spec.least";
    let wrong = error(DEPLOYMENT, expression, 35, "undefined field 'least'");
    assert_eq!(warnings(&world.status(&params).await), [("spec.validations[0].expression".to_owned(), wrong)]);
    world.end().await;
}
