//! Makes a sequence of calls about one kind.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::catalog::{Catalog, Entry};
use super::mutate::{escape, fewer_items, merge_patch, part, pointers};
use super::random::Random;
use super::values::wrong;
use crate::case::{Case, Step};

const NAMES: [&str; 3] = ["a", "b", "c"];
const JSON: &str = "application/json";
const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Where there is none, a write to the status makes one on the real server: a Service without address, a policy.
const MADE_BY_STATUS: [&str; 2] = ["Service", "ValidatingAdmissionPolicy"];
/// Of a hundred cases so many are about admission policies as objects.
const ABOUT_POLICIES: usize = 3;
/// Of a hundred other cases so many have admission policies in force.
const UNDER_POLICIES: usize = 6;

/// A case in the making.
pub(super) struct Writer<'a> {
    catalog: &'a Catalog,
    pub(super) entry: &'a Entry,
    pub(super) random: Random,
    /// How much to change objects, and how deep.
    wild: bool,
    pub(super) steps: Vec<Step>,
    /// The variables that the steps so far save.
    saved: BTreeSet<String>,
}

impl Catalog {
    /// The case of this number: for the same seed always the same. A `wild` one changes more of its objects, and deeper.
    pub(crate) fn case(&self, seed: u64, number: usize, wild: bool) -> Case<Step> {
        let mut random = Random::new(seed, number as u64);
        let weights: Vec<usize> = self.entries.iter().map(|entry| entry.weight).collect();
        let mut entry = &self.entries[random.weighted(&weights)];
        // Of chance of its own, so that the other cases of a seed are what they are without policies.
        let mut aside = Random::new(!seed, number as u64);
        let policies: Vec<&Entry> = self.entries.iter().filter(|entry| entry.weight == 0).collect();
        if aside.percent(ABOUT_POLICIES) {
            entry = *aside.pick(&policies);
        }
        let under = entry.namespaced() && aside.percent(UNDER_POLICIES);
        let mut writer = Writer { catalog: self, entry, random, wild, steps: Vec::new(), saved: BTreeSet::new() };
        let left = if under { writer.policies() } else { Vec::new() };
        writer.write();
        writer.steps.extend(left);
        Case { name: format!("{seed}-{number}"), steps: writer.steps }
    }
}

impl Writer<'_> {
    fn write(&mut self) {
        let siblings = self.catalog.siblings(self.entry);
        let changes = *self.random.mostly(&[0, 0, 0, 1]);
        self.create("a", changes);
        for _ in 0..3 + self.random.below(6) {
            self.entry = siblings[self.random.below(siblings.len())];
            let name = *self.random.mostly(&NAMES);
            match self.random.weighted(&[14, 10, 8, 8, 8, 8, 14, 10, 4, 8, 2, 8, 3, 2]) {
                0 => {
                    let changes = self.changes();
                    self.create(name, changes);
                }
                1 => self.get(name),
                2 => self.update(name),
                3 => self.merge_patch(name),
                4 => self.json_patch(name),
                5 => self.strategic_patch(name),
                6 => self.apply(name),
                7 => self.status(name),
                8 => self.scale(name),
                9 => self.delete(name),
                10 => self.delete_collection(),
                11 => self.list(),
                12 => self.at_once(name),
                _ => self.garbage(name),
            }
        }
        if self.random.percent(12) {
            self.watch();
        }
        if self.random.percent(30) {
            self.list();
        }
        self.clean_up();
    }

    fn of(&self, name: &str) -> String {
        format!("{}/{}", self.entry.path, self.entry.object_name(name))
    }

    /// An object of the kind, valid or changed in so many places.
    fn object(&mut self, name: &str, changes: usize) -> Value {
        let index = self.random.below(self.entry.objects.len());
        let mut object = self.entry.object(index, name);
        self.catalog.mutate(self.entry, &mut object, changes, &mut self.random);
        object["metadata"]["name"] = self.entry.object_name(name).into();
        object
    }

    /// How many places of the next object to change.
    fn changes(&mut self) -> usize {
        if self.wild { *self.random.mostly(&[1, 0, 0, 0, 2]) } else { *self.random.mostly(&[0, 1]) }
    }

    fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Adds a call that answers with the object, whose version and uid later steps may use.
    fn push_saving(&mut self, name: &str, mut step: Step) {
        if !step.call.contains("dryRun") {
            for (variable, pointer) in [("rv", "/metadata/resourceVersion"), ("uid", "/metadata/uid")] {
                let variable = format!("{variable}{name}");
                step.save.insert(variable.clone(), pointer.to_owned());
                self.saved.insert(variable);
            }
        }
        self.push(step);
    }

    /// A variable, when an earlier step saves it.
    fn variable(&mut self, variable: &str, name: &str) -> Option<String> {
        let variable = format!("{variable}{name}");
        self.saved.contains(&variable).then(|| format!("${variable}"))
    }

    /// Options of a write, as the query.
    fn options(&mut self) -> String {
        let mut options = Vec::new();
        for choices in [
            &["dryRun=All", "dryRun=All", "dryRun=None", "dryRun="][..],
            &["fieldValidation=Strict", "fieldValidation=Warn", "fieldValidation=Ignore", "fieldValidation=Other"],
            &["fieldManager=one", "fieldManager=two", "fieldManager=%00", "fieldManager="],
        ] {
            if self.random.percent(15) {
                options.push(*self.random.mostly(choices));
            }
        }
        query(&options)
    }

    fn accept(&mut self) -> Option<String> {
        let accept = *self.random.mostly(&[JSON, JSON, METADATA, TABLE, "application/yaml", "*/*"]);
        (accept != JSON).then(|| accept.to_owned())
    }

    fn create(&mut self, name: &str, changes: usize) {
        let mut body = self.object(name, changes);
        match self.random.below(40) {
            0 if self.entry.kind != "Service" => {
                body["metadata"]["name"] = self.random.pick(&[json!("A_"), json!(""), json!("x".repeat(260))]).clone()
            }
            // Once only: what is generated would be listed in an order that is chance.
            1..4 if self.saved.insert("generated".to_owned()) => {
                body["metadata"] = json!({"generateName": "generated-", "labels": {"case": "$ns"}});
            }
            7 => body["metadata"]["namespace"] = "other".into(),
            4 => body["kind"] = "Other".into(),
            5 => body["apiVersion"] = "example.com/v9".into(),
            6 => {
                body.as_object_mut().map(|body| body.remove("kind"));
            }
            _ => {}
        }
        let path = format!("{}{}", self.entry.path, self.options());
        let mut step = Step { body: Some(body), ..Step::call("POST", &path) };
        if self.random.percent(10) {
            step.accept = self.accept();
        }
        self.push_saving(name, step);
    }

    fn get(&mut self, name: &str) {
        let queries: &[&str] =
            &["", "", "?resourceVersion=0", "?resourceVersion=1", "?resourceVersion=x", "?pretty=true"];
        let query = *self.random.mostly(queries);
        let mut step = Step::call("GET", &format!("{}{query}", self.of(name)));
        step.accept = self.accept();
        self.push(step);
    }

    fn update(&mut self, name: &str) {
        let changes = self.changes();
        let mut body = self.object(name, changes);
        let version = match self.random.below(10) {
            0..4 => self.variable("rv", name),
            8 => Some("1".to_owned()),
            9 => Some("x".to_owned()),
            _ => None,
        };
        if let Some(version) = version {
            body["metadata"]["resourceVersion"] = version.into();
        }
        if self.random.percent(8)
            && let Some(uid) = self.variable("uid", name)
        {
            body["metadata"]["uid"] = uid.into();
        }
        if self.random.percent(3) {
            body["metadata"]["name"] = "other".into();
        }
        let path = format!("{}{}", self.of(name), self.options());
        self.push_saving(name, Step { body: Some(body), ..Step::call("PUT", &path) });
    }

    fn patch(&mut self, name: &str, path: &str, content_type: &str, body: Value, query: &str) {
        let content_type = Some(content_type.to_owned());
        let call = Step::call("PATCH", &format!("{path}{query}"));
        let mut step = Step { body: Some(body), content_type, ..call };
        if self.random.percent(5) {
            step.accept = self.accept();
        }
        self.push_saving(name, step);
    }

    /// What a few changes make of a valid object, and that object.
    fn changed(&mut self, name: &str) -> (Value, Value) {
        let index = self.random.below(self.entry.objects.len());
        let before = self.entry.object(index, name);
        let mut after = before.clone();
        let changes = if self.wild { 1 + self.random.below(3) } else { 1 };
        self.catalog.mutate(self.entry, &mut after, changes, &mut self.random);
        (before, after)
    }

    fn merge_patch(&mut self, name: &str) {
        let (before, after) = self.changed(name);
        let mut patch = merge_patch(&before, &after);
        if self.random.percent(10)
            && let Some(version) = self.variable("rv", name)
        {
            patch["metadata"]["resourceVersion"] = version.into();
        }
        let query = self.options();
        self.patch(name, &self.of(name), MERGE, patch, &query);
    }

    fn json_patch(&mut self, name: &str) {
        let (before, after) = self.changed(name);
        let mut places = pointers(&after);
        places.retain(|place| !["/apiVersion", "/kind"].contains(&place.as_str()) && self.entry.is_free(place));
        places.push("/metadata/labels/x".to_owned());
        let mut operations = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let mut path = self.random.pick(&places).clone();
            if self.random.percent(10) {
                path = match self.random.below(4) {
                    0 => format!("{path}/-"),
                    1 => format!("{path}/{}", escape("no/such")),
                    2 => format!("{path}/99"),
                    _ => path.trim_start_matches('/').to_owned(),
                };
            }
            let value = after.pointer(&path).cloned().unwrap_or_else(|| "x".into());
            let from = self.random.pick(&places).clone();
            operations.push(match self.random.weighted(&[4, 5, 4, 3, 1, 1]) {
                0 => json!({"op": "add", "path": path, "value": value}),
                1 => json!({"op": "replace", "path": path, "value": value}),
                2 => json!({"op": "remove", "path": path}),
                3 => json!({"op": "test", "path": path, "value": before.pointer(&path)}),
                4 => json!({"op": "copy", "from": from, "path": path}),
                _ => json!({"op": "move", "from": from, "path": path}),
            });
        }
        let query = self.options();
        self.patch(name, &self.of(name), JSON_PATCH, operations.into(), &query);
    }

    fn strategic_patch(&mut self, name: &str) {
        if self.entry.whole {
            return self.merge_patch(name);
        }
        let (_, after) = self.changed(name);
        let left_out = *self.random.pick(&[40, 60, 80]);
        let mut patch = part(&after, left_out, &mut self.random);
        if let Some(patch) = patch.as_object_mut() {
            patch.remove("apiVersion");
            patch.remove("kind");
        }
        if self.random.percent(35) {
            self.direct(&mut patch);
        }
        let query = self.options();
        self.patch(name, &self.of(name), STRATEGIC, patch, &query);
    }

    /// Adds a directive of strategic merge patches somewhere.
    fn direct(&mut self, patch: &mut Value) {
        let mut places = pointers(patch);
        places.retain(|place| !place.starts_with("/metadata") || place.starts_with("/metadata/labels"));
        if places.is_empty() {
            return;
        }
        let place = self.random.pick(&places).clone();
        let Some((parent, key)) = place.rsplit_once('/').map(|(parent, key)| (parent.to_owned(), key.to_owned()))
        else {
            return;
        };
        let items = match patch.pointer(&place) {
            Some(Value::Array(items)) => Some(items.clone()),
            _ => None,
        };
        let strategy = *self.random.mostly(&["replace", "delete", "merge", "other"]);
        let Some(at) = patch.pointer_mut(&parent) else { return };
        match (at, items) {
            (Value::Object(parent), Some(items)) if self.random.percent(60) => match items.first() {
                Some(Value::Object(item)) => {
                    let keys: Vec<(&String, &Value)> = item.iter().filter(|(_, value)| !value.is_object()).collect();
                    if let Some((key_name, _)) = keys.first() {
                        let order: Vec<Value> =
                            items.iter().rev().map(|item| json!({*key_name: item[*key_name]})).collect();
                        parent.insert(format!("$setElementOrder/{key}"), order.into());
                    }
                }
                _ => {
                    let directive = *self.random.pick(&["$deleteFromPrimitiveList", "$setElementOrder"]);
                    parent.insert(format!("{directive}/{key}"), items.into());
                }
            },
            (Value::Object(parent), _) if self.random.percent(40) => {
                let keys: Vec<&String> = parent.keys().collect();
                let kept = json!([self.random.pick(&keys)]);
                parent.insert("$retainKeys".to_owned(), kept);
            }
            (Value::Object(parent), _) => {
                parent.insert("$patch".to_owned(), strategy.into());
            }
            (Value::Array(items), _) => items.push(json!({"$patch": strategy})),
            _ => {}
        }
    }

    fn apply(&mut self, name: &str) {
        // In a version that lacks fields of the stored one, the real server fails.
        if !self.entry.built_in && self.entry.path.contains("beta") {
            return self.merge_patch(name);
        }
        let changes = self.random.below(if self.wild { 3 } else { 2 });
        let whole = self.object(name, changes);
        let left_out = if self.entry.whole { 0 } else { *self.random.mostly(&[10, 0, 30, 50]) };
        let mut config = part(&whole, left_out, &mut self.random);
        if config.get("metadata").is_none_or(|metadata| !metadata.is_object()) {
            config["metadata"] = json!({});
        }
        for field in ["apiVersion", "kind"] {
            config[field] = whole[field].clone();
        }
        config["metadata"]["name"] = whole["metadata"]["name"].clone();
        config["metadata"]["labels"] = whole["metadata"]["labels"].clone();
        let mut options = vec![*self.random.pick(&["fieldManager=one", "fieldManager=two", "fieldManager=three"])];
        if self.random.percent(3) {
            options.clear();
        }
        if self.random.percent(30) {
            options.push(*self.random.mostly(&["force=true", "force=false", "force=x"]));
        }
        if self.random.percent(10) {
            options.push(*self.random.pick(&["dryRun=All", "fieldValidation=Strict", "fieldValidation=Ignore"]));
        }
        let query = query(&options);
        self.patch(name, &self.of(name), APPLY, config.clone(), &query);
        // What a manager does not say any more goes.
        if !self.entry.whole && self.random.percent(40) {
            let mut less = fewer_items(&config, &mut self.random);
            for field in ["apiVersion", "kind", "metadata"] {
                less[field] = config[field].clone();
            }
            self.patch(name, &self.of(name), APPLY, less, &query);
        }
    }

    fn status(&mut self, name: &str) {
        if self.entry.whole || !self.entry.subresources.iter().any(|subresource| subresource == "status") {
            return self.get(name);
        }
        let path = format!("{}/status", self.of(name));
        let schema = &self.catalog.resolve(&self.entry.schema)["properties"]["status"];
        let depth = if self.wild { 3 } else { 1 };
        let status = self.catalog.value(schema, "status", depth, &mut self.random);
        let changes = self.random.below(2);
        let mut object = self.object(name, changes);
        object["status"] = status.clone();
        match self.random.weighted(&[2, 3, 5, 3, 1]) {
            0 => self.push(Step::call("GET", &path)),
            1 if !MADE_BY_STATUS.contains(&self.entry.kind.as_str()) => {
                if let Some(version) = self.variable("rv", name).filter(|_| self.random.percent(50)) {
                    object["metadata"]["resourceVersion"] = version.into();
                }
                self.push_saving(name, Step { body: Some(object), ..Step::call("PUT", &path) });
            }
            2 => self.patch(name, &path, MERGE, json!({"status": status}), ""),
            3 if !MADE_BY_STATUS.contains(&self.entry.kind.as_str()) => {
                self.patch(name, &path, APPLY, object, "?fieldManager=one&force=true")
            }
            _ => self.patch(name, &path, STRATEGIC, json!({"status": status, "spec": object["spec"]}), ""),
        }
    }

    fn scale(&mut self, name: &str) {
        let path = format!("{}/scale", self.of(name));
        let replicas = self.random.mostly(&[json!(3), json!(0), json!(-1), json!(11), json!(null)]).clone();
        let scale = json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": self.entry.object_name(name), "namespace": "$ns"}, "spec": {"replicas": replicas},
        });
        match self.random.below(5) {
            0 => self.push(Step::call("GET", &path)),
            1 => self.push(Step { body: Some(scale), ..Step::call("PUT", &path) }),
            2 => self.patch("scale", &path, APPLY, scale, "?fieldManager=one"),
            3 => self.patch("scale", &path, STRATEGIC, json!({"spec": {"replicas": replicas}}), ""),
            _ => self.patch("scale", &path, MERGE, json!({"spec": {"replicas": replicas}}), ""),
        }
    }

    fn delete_options(&mut self, name: &str) -> Map<String, Value> {
        let mut options = Map::new();
        if self.random.percent(40) {
            let policy = *self.random.mostly(&["Foreground", "Background", "Orphan", "Other"]);
            options.insert("propagationPolicy".to_owned(), policy.into());
        }
        if self.random.percent(20) {
            options.insert("gracePeriodSeconds".to_owned(), (*self.random.pick(&[0, 5, -1])).into());
        }
        if self.random.percent(10) {
            options.insert("orphanDependents".to_owned(), self.random.percent(50).into());
        }
        if self.random.percent(10) {
            options.insert("dryRun".to_owned(), json!([self.random.pick(&["All", "Other"])]));
        }
        if self.random.percent(25) {
            let mut preconditions = Map::new();
            let uid =
                self.variable("uid", name).filter(|_| self.random.percent(60)).unwrap_or_else(|| "wrong".to_owned());
            preconditions.insert("uid".to_owned(), uid.into());
            if let Some(version) = self.variable("rv", name).filter(|_| self.random.percent(40)) {
                preconditions.insert("resourceVersion".to_owned(), version.into());
            }
            options.insert("preconditions".to_owned(), preconditions.into());
        }
        if self.random.percent(5) {
            options.insert("unknown".to_owned(), 1.into());
        }
        options
    }

    fn delete(&mut self, name: &str) {
        let path = self.of(name);
        let mut step = match self.random.below(4) {
            0 => Step::call("DELETE", &path),
            1 => {
                let queries = [
                    "propagationPolicy=Foreground",
                    "gracePeriodSeconds=0",
                    "dryRun=All",
                    "propagationPolicy=Orphan",
                    "orphanDependents=x",
                ];
                Step::call("DELETE", &format!("{path}?{}", self.random.pick(&queries)))
            }
            _ => {
                let body = Some(Value::Object(self.delete_options(name)));
                Step { body, ..Step::call("DELETE", &path) }
            }
        };
        if self.random.percent(5) {
            step.accept = self.accept();
        }
        self.push(step);
    }

    fn delete_collection(&mut self) {
        let selector = *self.random.mostly(&["", "app%3Dweb", "a+b", "app"]);
        let path = format!("{}?labelSelector=case%3D$ns,{selector}", self.entry.path).trim_end_matches(',').to_owned();
        let body = Some(Value::Object(self.delete_options("none"))).filter(|_| self.random.percent(50));
        self.push(Step { body, ..Step::call("DELETE", &path) });
    }

    /// Selectors that keep the objects of other cases out.
    fn selectors(&mut self) -> Vec<String> {
        let mut options = Vec::new();
        let labels =
            ["app%3Dweb", "app+in+(web,x)", "!app", "app!%3Dweb", "app%3Da%3Db", "app%3E1", "app+notin+(x)", "tier"];
        if !self.entry.namespaced() {
            let more = if self.random.percent(30) { format!(",{}", self.random.pick(&labels)) } else { String::new() };
            options.push(format!("labelSelector=case%3D$ns{more}"));
        } else if self.random.percent(30) {
            options.push(format!("labelSelector={}", self.random.pick(&labels)));
        }
        let fields = [
            "metadata.name%3Da",
            "metadata.name!%3Da",
            "metadata.namespace%3D$ns",
            "status.phase%3DPending",
            "spec.nodeName%3D",
            "type%3DOpaque",
            "spec.size%3Dsmall",
            "spec.replicas%3D2",
            "reason%3DR",
            "involvedObject.name%3Dp",
            "regarding.kind%3DPod",
            "a",
            "metadata.name%3Da,metadata.namespace!%3Dx",
            "spec.type%3DNodePort",
            "spec.unschedulable%3Dtrue",
        ];
        if self.random.percent(25) {
            options.push(format!("fieldSelector={}", self.random.pick(&fields)));
        }
        options
    }

    fn list(&mut self) {
        let mut options = self.selectors();
        // How many objects of other cases there are is chance.
        if self.entry.namespaced() && self.random.percent(35) {
            options.push(format!("limit={}", self.random.mostly(&["1", "2", "500", "0", "-1", "x"])));
            if self.saved.contains("next") && self.random.percent(40) {
                options.push("continue=$next".to_owned());
            }
        }
        let version = match self.random.below(10) {
            0 => Some("0".to_owned()),
            1 | 2 => {
                let name = *self.random.pick(&NAMES);
                self.variable("rv", name)
            }
            3 => Some(self.random.pick(&["x", "1", "-1"]).to_string()),
            _ => None,
        };
        if let Some(version) = version {
            options.push(format!("resourceVersion={version}"));
        }
        if self.random.percent(15) {
            let kinds =
                ["resourceVersionMatch=Exact", "resourceVersionMatch=NotOlderThan", "resourceVersionMatch=Other"];
            options.push(self.random.mostly(&kinds).to_string());
        }
        let mut accept = None;
        match self.random.below(10) {
            0 | 1 => accept = Some(TABLE.to_owned()),
            2 => accept = Some(METADATA_LIST.to_owned()),
            3 => {
                accept = Some(TABLE.to_owned());
                options.push(
                    self.random.pick(&["includeObject=None", "includeObject=Object", "includeObject=x"]).to_string(),
                );
            }
            _ => {}
        }
        let mut step = Step { accept, ..Step::call("GET", &format!("{}{}", self.entry.path, query(&options))) };
        if self.entry.namespaced() {
            step.save.insert("next".to_owned(), "/metadata/continue".to_owned());
            self.saved.insert("next".to_owned());
        }
        self.push(step);
    }

    fn watch(&mut self) {
        let mut options = vec!["watch=true".to_owned(), "timeoutSeconds=$patience".to_owned()];
        options.extend(self.selectors());
        match self.random.below(6) {
            0..4 => {
                if let Some(version) = self.variable("rv", "a") {
                    options.push(format!("resourceVersion={version}"));
                }
            }
            4 => options.extend(
                ["sendInitialEvents=true", "resourceVersionMatch=NotOlderThan", "allowWatchBookmarks=true"]
                    .map(str::to_owned),
            ),
            _ => options.push("resourceVersion=0".to_owned()),
        }
        let accept = match self.random.below(6) {
            0 => Some(TABLE.to_owned()),
            1 => Some(METADATA.to_owned()),
            _ => None,
        };
        self.push(Step { accept, ..Step::call("GET", &format!("{}{}", self.entry.path, query(&options))) });
    }

    /// Several writers at once; which of them is first is chance, so all of them want the same.
    fn at_once(&mut self, name: &str) {
        let path = self.of(name);
        let note = json!({"example.com/at-once": self.steps.len().to_string()});
        let mut step = match (self.random.below(3), self.variable("rv", name)) {
            (0, _) => Step { body: Some(self.object(name, 0)), ..Step::call("POST", &self.entry.path) },
            (1, Some(version)) => {
                let mut body = self.object(name, 0);
                body["metadata"]["annotations"] = note;
                body["metadata"]["resourceVersion"] = version.into();
                Step { body: Some(body), ..Step::call("PUT", &path) }
            }
            _ => {
                let body = Some(json!({"metadata": {"annotations": note}}));
                Step { body, content_type: Some(MERGE.to_owned()), ..Step::call("PATCH", &path) }
            }
        };
        // An object that is being deleted may end with any of them.
        let deleted = self.steps.iter().any(|step| step.call.starts_with("DELETE"));
        step.times = (!deleted).then_some(4);
        self.push(step);
        self.push_saving(name, Step::call("GET", &path));
    }

    /// What no client should send.
    fn garbage(&mut self, name: &str) {
        // A Service without ports and name fails in its allocator on the real server.
        if self.entry.whole || self.entry.kind == "Service" {
            return self.get(name);
        }
        let bodies = ["{", "[]", "null", "\"text\"", "", "{}", "{\"kind\": 1}", "a: [", "{\"metadata\": []}"];
        let body = match self.random.percent(70) {
            true => json!(self.random.pick(&bodies)),
            false => wrong(&mut self.random),
        };
        let types = [JSON, MERGE, JSON_PATCH, APPLY, "text/plain", "application/yaml"];
        let content_type = Some((*self.random.pick(&types)).to_owned());
        let (method, path) = match self.random.below(4) {
            0 => ("POST", self.entry.path.clone()),
            1 => ("PUT", self.of(name)),
            2 => ("DELETE", self.of(name)),
            _ => ("PATCH", format!("{}?fieldManager=one", self.of(name))),
        };
        self.push(Step { body: Some(body), content_type, ..Step::call(method, &path) });
    }

    /// Objects without a namespace would be in the way of later cases.
    fn clean_up(&mut self) {
        if !self.entry.namespaced() {
            for name in NAMES {
                self.push(Step::call("DELETE", &self.of(name)));
            }
        }
    }
}

fn query<T: AsRef<str>>(options: &[T]) -> String {
    let options: Vec<&str> = options.iter().map(AsRef::as_ref).collect();
    if options.is_empty() { String::new() } else { format!("?{}", options.join("&")) }
}
