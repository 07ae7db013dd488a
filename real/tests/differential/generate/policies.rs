//! Admission policies that are in force while the calls of a case are made: what they refuse, warn of and change is compared
//! with all else.
//!
//! A real server takes up to a second to see a policy. So the last thing that is made is a policy which tells that it is
//! there, by a ConfigMap that nobody keeps: what was made before it is in force too.

use serde_json::{Value, json};

use super::calls::Writer;
use super::mutate::pointers;
use crate::case::{Step, Until};

/// The ConfigMap that shows whether the policies are in force; no other one of a case is called so.
const PROBE: &str = "policy-probe";
/// Words that stand for something else in an expression.
const RESERVED: [&str; 8] = ["in", "as", "break", "const", "continue", "namespace", "package", "default"];

/// Which kind of policies a case has.
#[derive(Clone, Copy)]
enum Sort {
    Validating,
    Mutating,
}

impl Sort {
    fn policies(self) -> &'static str {
        match self {
            Self::Validating => "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            Self::Mutating => "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies",
        }
    }

    fn bindings(self) -> &'static str {
        match self {
            Self::Validating => "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
            Self::Mutating => "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings",
        }
    }
}

impl Writer<'_> {
    /// Puts policies about the case's kind in force, and returns the calls that take them away again.
    pub(super) fn policies(&mut self) -> Vec<Step> {
        let sort = if self.random.percent(60) { Sort::Validating } else { Sort::Mutating };
        // One only: which of several answers first is chance.
        let name = "$ns-one".to_owned();
        let (spec, actions) = match sort {
            Sort::Validating => {
                let actions = [json!(["Deny"]), json!(["Warn"]), json!(["Deny", "Audit"])];
                (self.validating(), self.random.mostly(&actions).clone())
            }
            Sort::Mutating => (self.mutating(), Value::Null),
        };
        let few = self.random.percent(15);
        self.enforce(sort, &name, spec, &actions, few);
        let mut names = vec![name];
        let name = "$ns-probe".to_owned();
        let spec = probe(sort);
        let actions = if matches!(sort, Sort::Validating) { json!(["Deny"]) } else { Value::Null };
        self.enforce(sort, &name, spec, &actions, false);
        names.push(name);
        self.steps.push(asking(sort));
        let gone = |path: &'static str| names.iter().map(move |name| Step::call("DELETE", &format!("{path}/{name}")));
        gone(sort.bindings()).chain(gone(sort.policies())).collect()
    }

    /// `few`: for some objects only.
    fn enforce(&mut self, sort: Sort, name: &str, spec: Value, actions: &Value, few: bool) {
        let post = |path: &str, body: Value| Step { body: Some(body), ..Step::call("POST", path) };
        self.steps.push(post(sort.policies(), json!({"metadata": {"name": name}, "spec": spec})));
        let mut spec = json!({"policyName": name});
        if !actions.is_null() {
            spec["validationActions"] = actions.clone();
        }
        if few {
            spec["matchResources"] = json!({"objectSelector": {"matchLabels": {"app": "web"}}});
        }
        self.steps.push(post(sort.bindings(), json!({"metadata": {"name": name}, "spec": spec})));
    }

    fn validating(&mut self) -> Value {
        let operations: &[Value] = &[
            json!(["CREATE", "UPDATE", "DELETE"]),
            json!(["CREATE", "UPDATE"]),
            json!(["UPDATE"]),
            json!(["DELETE"]),
            json!(["*"]),
        ];
        let mut spec = self.about(operations);
        if self.random.percent(40) {
            let size = "object == null || !has(object.metadata.labels) ? 0 : size(object.metadata.labels)";
            spec["variables"] =
                json!([{"name": "labels", "expression": size}, {"name": "few", "expression": "variables.labels < 2"}]);
        }
        let composed = !spec["variables"].is_null();
        let mut validations = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let mut validation = json!({"expression": self.condition(composed)});
            if self.random.percent(30) {
                validation["message"] = (*self.random.pick(&["no", " spaced ", "100%"])).into();
            }
            if self.random.percent(40) {
                let expressions = [
                    "'not ' + request.operation",
                    "'name ' + object.metadata.name",
                    "''",
                    "'a\\nb'",
                    "string(object.spec.none)",
                    "string(size(request.userInfo.groups))",
                    "namespaceObject.metadata.name",
                    "'%s is %s'.format([request.name, request.kind.kind])",
                ];
                validation["messageExpression"] = (*self.random.pick(&expressions)).into();
            }
            if self.random.percent(30) {
                validation["reason"] = (*self.random.pick(&["Invalid", "Forbidden", "RequestEntityTooLarge"])).into();
            }
            validations.push(validation);
        }
        spec["validations"] = validations.into();
        spec
    }

    fn mutating(&mut self) -> Value {
        let operations: &[Value] = &[json!(["CREATE", "UPDATE"]), json!(["CREATE"]), json!(["UPDATE"])];
        let mut spec = self.about(operations);
        spec["reinvocationPolicy"] = (*self.random.mostly(&["Never", "IfNeeded"])).into();
        let mut mutations = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let apply = |expression: &str| json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}});
            let patch = |expression: &str| json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}});
            mutations.push(match self.random.below(7) {
                0 => apply("Object{metadata: Object.metadata{annotations: {'policy': 'applied'}}}"),
                1 => apply("Object{metadata: Object.metadata{labels: {'app': object.metadata.?name.orValue('none')}}}"),
                2 => apply(
                    "object.metadata.name == 'a' ? Object{} : Object{metadata: Object.metadata{labels: {'tier': request.operation}}}",
                ),
                3 => patch(
                    "has(object.metadata.labels) ? [JSONPatch{op: 'add', path: '/metadata/labels/policy', value: 'patched'}] : []",
                ),
                4 => patch(
                    "has(object.metadata.labels) && 'app' in object.metadata.labels ? [JSONPatch{op: 'test', path: '/metadata/labels/app', \
                     value: object.metadata.labels['app']}, JSONPatch{op: 'remove', path: '/metadata/labels/app'}] : []",
                ),
                5 => patch(
                    "has(object.metadata.annotations) ? [JSONPatch{op: 'replace', path: '/metadata/annotations', value: {'policy': 'only'}}] : \
                     [JSONPatch{op: 'add', path: '/metadata/annotations', value: {'policy': 'first'}}]",
                ),
                // Fails for what was made before the policy.
                _ => apply("Object{metadata: Object.metadata{annotations: {'was': object.metadata.annotations['note']}}}"),
            });
        }
        spec["mutations"] = mutations.into();
        spec
    }

    /// A spec that matches the case's kind, more or less.
    fn about(&mut self, operations: &[Value]) -> Value {
        let api_version = self.entry.api_version();
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        let plural = self.entry.path.rsplit('/').next().unwrap_or_default().to_owned();
        let resources = match self.random.below(8) {
            0 => json!([plural, format!("{plural}/*")]),
            1 => json!([plural, format!("{plural}/status"), format!("{plural}/scale")]),
            2 => json!(["*"]),
            3 => json!(["*/*"]),
            _ => json!([plural]),
        };
        let versions = self.random.mostly(&[json!([version]), json!(["*"])]).clone();
        let mut constraints = json!({
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "$ns"}},
            "resourceRules": [{
                "apiGroups": [group], "apiVersions": versions, "operations": self.random.mostly(operations), "resources": resources,
                // What is in no namespace is in that of every case: others would meet the policy.
                "scope": "Namespaced",
            }],
            // Whoever answers for it is chance otherwise.
            "excludeResourceRules": [{
                "apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": ["configmaps"], "resourceNames": [PROBE],
            }],
        });
        if self.random.percent(20) {
            constraints["matchPolicy"] = "Exact".into();
        }
        if self.random.percent(15) {
            constraints["objectSelector"] = json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]});
        }
        if self.random.percent(15) {
            let free = json!({
                "apiGroups": [group], "apiVersions": ["*"], "operations": ["*"], "resources": [plural], "resourceNames": ["b"],
            });
            if let Some(rules) = constraints["excludeResourceRules"].as_array_mut() {
                rules.push(free);
            }
        }
        let mut spec = json!({"matchConstraints": constraints});
        if self.random.percent(35) {
            spec["failurePolicy"] = (*self.random.pick(&["Fail", "Ignore"])).into();
        }
        if self.random.percent(20) {
            let conditions =
                ["request.name != 'c'", "object == null || object.metadata.name != 'b'", "object.spec.none == 1"];
            spec["matchConditions"] = json!([{"name": "c", "expression": self.random.pick(&conditions)}]);
        }
        spec
    }

    /// An expression that gives a bool, about a field of one of the kind's objects in most cases.
    fn condition(&mut self, composed: bool) -> String {
        let plain = [
            "request.operation != 'UPDATE' || object == oldObject",
            "request.operation != 'UPDATE' || oldObject.metadata.labels == object.metadata.labels",
            "object == null || object.metadata.name != 'b'",
            "oldObject == null || has(oldObject.metadata.annotations)",
            "!request.dryRun",
            "request.subResource == ''",
            "object.spec.none > 1",
        ];
        if composed && self.random.percent(30) {
            return (*self.random.pick(&["variables.few", "variables.labels > 1 || variables.few"])).to_owned();
        }
        if self.random.percent(35) {
            return (*self.random.pick(&plain)).to_owned();
        }
        let index = self.random.below(self.entry.objects.len());
        let object = self.entry.object(index, "a");
        let mut places = pointers(&object);
        places.retain(|place| is_plain(place) && !place.starts_with("/metadata") && !place.starts_with("/apiVersion"));
        if places.is_empty() {
            return "has(object.metadata)".to_owned();
        }
        let place = self.random.pick(&places).clone();
        let of = |object: &str| format!("{object}{}", place.replace('/', "."));
        let has = |object: &str| {
            let parts: Vec<&str> = place.trim_start_matches('/').split('/').collect();
            let levels = (1..=parts.len()).map(|end| format!("has({object}.{})", parts[..end].join(".")));
            levels.collect::<Vec<_>>().join(" && ")
        };
        let test = match object.pointer(&place) {
            Some(Value::Number(number)) => {
                let operator = *self.random.pick(&["<", "==", ">=", "!="]);
                format!("{} {operator} {number}", of("object"))
            }
            Some(Value::String(text)) => match self.random.below(4) {
                0 => format!("{} == '{}'", of("object"), text.replace(['\\', '\''], "")),
                1 => format!(
                    "{}.startsWith('{}')",
                    of("object"),
                    text.chars().filter(char::is_ascii_alphanumeric).take(1).collect::<String>()
                ),
                2 => format!("size({}) < 4", of("object")),
                _ => format!("{}.matches('^[a-z]+$')", of("object")),
            },
            Some(Value::Bool(_)) => of("object"),
            Some(Value::Array(_) | Value::Object(_)) => format!("size({}) < 2", of("object")),
            _ => format!("{} == null", of("object")),
        };
        match self.random.below(5) {
            0 => test,
            1 => format!("object == null || oldObject == null || {} == {}", of("object"), of("oldObject")),
            2 => format!("!({}) || {test}", has("object")),
            3 => format!("object == null || !({}) || {test}", has("object")),
            _ => format!("object == null || ({} && {test})", has("object")),
        }
    }
}

/// Whether every part of a pointer can be written as a field in an expression.
fn is_plain(place: &str) -> bool {
    place.trim_start_matches('/').split('/').all(|part| {
        !part.is_empty()
            && part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric())
            && !RESERVED.contains(&part)
    })
}

fn probe(sort: Sort) -> Value {
    let constraints = json!({
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "$ns"}},
        "resourceRules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"], "resourceNames": [PROBE],
        }],
    });
    match sort {
        Sort::Validating => {
            json!({"matchConstraints": constraints, "validations": [{"expression": "false", "message": "in force"}]})
        }
        Sort::Mutating => json!({
            "matchConstraints": constraints, "reinvocationPolicy": "Never",
            "mutations": [{
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {"expression": "Object{metadata: Object.metadata{annotations: {'in': 'force'}}}"},
            }],
        }),
    }
}

/// Asks until the policies are in force.
fn asking(sort: Sort) -> Step {
    let until = match sort {
        Sort::Validating => Until { status: Some(422), ..Until::default() },
        Sort::Mutating => {
            Until { status: None, body: [("/metadata/annotations/in".to_owned(), json!("force"))].into() }
        }
    };
    let body = Some(json!({"metadata": {"name": PROBE}}));
    Step { body, until: Some(until), ..Step::call("POST", "/api/v1/namespaces/$ns/configmaps?dryRun=All") }
}
