//! Objects and what they own, as a tree of lines.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

/// How the tree is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// With colours, for a terminal.
    Coloured,
    /// Without.
    Plain,
}

/// The objects of a tree, told apart by uid.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tree {
    objects: BTreeMap<String, Value>,
}

impl Tree {
    /// A tree of these objects.
    pub(crate) fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        let objects = objects.into_iter().map(|object| (text(&object, "/metadata/uid").to_string(), object));
        Self { objects: objects.collect() }
    }

    /// The lines, one object each, below a line for each namespace.
    pub(crate) fn lines(&self, look: Look) -> Vec<String> {
        let mut namespaces: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for uid in self.roots() {
            namespaces.entry(text(&self.objects[uid], "/metadata/namespace")).or_default().push(uid);
        }
        let mut lines = Vec::new();
        for (namespace, roots) in namespaces {
            lines.push(paint(if namespace.is_empty() { "(cluster)" } else { namespace }, Style::new().bold(), look));
            self.draw(&roots, "", look, &mut lines);
        }
        lines
    }

    /// The same as JSON: each object with what it owns.
    pub(crate) fn to_json(&self) -> Value {
        Value::Array(self.roots().into_iter().map(|uid| self.branch(uid)).collect())
    }

    fn branch(&self, uid: &str) -> Value {
        let object = &self.objects[uid];
        json!({
            "kind": text(object, "/kind"),
            "namespace": text(object, "/metadata/namespace"),
            "name": text(object, "/metadata/name"),
            "summary": summary(object),
            "owns": self.children(uid).into_iter().map(|child| self.branch(child)).collect::<Vec<_>>(),
        })
    }

    fn draw(&self, uids: &[&str], indent: &str, look: Look, lines: &mut Vec<String>) {
        for (index, uid) in uids.iter().enumerate() {
            let last = index + 1 == uids.len();
            let object = &self.objects[*uid];
            let name = format!("{}/{}", text(object, "/kind"), text(object, "/metadata/name"));
            let branch = if last { "└─ " } else { "├─ " };
            let mut line = format!("{indent}{branch}{}", paint(&name, AnsiColor::Cyan.on_default(), look));
            let summary = summary(object);
            if !summary.is_empty() {
                line.push_str("  ");
                line.push_str(&paint(&summary, Style::new().dimmed(), look));
            }
            lines.push(line);
            let deeper = format!("{indent}{}", if last { "   " } else { "│  " });
            self.draw(&self.children(uid), &deeper, look, lines);
        }
    }

    /// Objects that no other object of the tree owns; also those whose owners form a ring, so that nothing is hidden.
    fn roots(&self) -> Vec<&str> {
        let mut reached = BTreeSet::new();
        let mut roots: Vec<&str> = Vec::new();
        let unowned = self.objects.keys().filter(|uid| self.owners(uid).next().is_none());
        for uid in unowned.map(String::as_str).chain(self.objects.keys().map(String::as_str)) {
            if reached.contains(uid) {
                continue;
            }
            roots.push(uid);
            let mut open = vec![uid];
            while let Some(uid) = open.pop() {
                if reached.insert(uid) {
                    open.extend(self.children(uid));
                }
            }
        }
        self.sorted(roots)
    }

    fn children(&self, owner: &str) -> Vec<&str> {
        // A child shows once, below its first owner here; so a ring of owners ends as well.
        let owned = self.objects.keys().filter(|uid| uid.as_str() > "" && self.owners(uid).next() == Some(owner));
        self.sorted(owned.map(String::as_str).filter(|uid| !self.is_above(uid, owner)).collect())
    }

    fn is_above(&self, uid: &str, below: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut at = below;
        while seen.insert(at) {
            if at == uid {
                return true;
            }
            match self.owners(at).next() {
                Some(owner) => at = owner,
                None => return false,
            }
        }
        true
    }

    fn owners(&self, uid: &str) -> impl Iterator<Item = &str> {
        let references = self.objects[uid].pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let uids = references.into_iter().flatten().filter_map(|reference| reference.get("uid")?.as_str());
        uids.filter(|owner| self.objects.contains_key(*owner))
    }

    fn sorted<'a>(&'a self, mut uids: Vec<&'a str>) -> Vec<&'a str> {
        uids.sort_by_key(|uid| {
            let object = &self.objects[*uid];
            (text(object, "/metadata/namespace"), text(object, "/kind"), text(object, "/metadata/name"))
        });
        uids
    }
}

/// A word or two about an object, for kinds whose essence fits.
fn summary(object: &Value) -> String {
    if !text(object, "/metadata/deletionTimestamp").is_empty() {
        return "terminating".into();
    }
    match text(object, "/kind") {
        "Service" => list(object, "/spec/ports")
            .map(|port| format!("{}/{}", port["port"], port["protocol"].as_str().unwrap_or("TCP")))
            .collect::<Vec<_>>()
            .join(","),
        "Ingress" => {
            let class = text(object, "/spec/ingressClassName");
            let rules = list(object, "/spec/rules").flat_map(|rule| {
                list(rule, "/http/paths").map(|path| {
                    let service = &path["backend"]["service"];
                    let port = service["port"].get("number").unwrap_or(&service["port"]["name"]);
                    let host = rule["host"].as_str().unwrap_or("*");
                    let name = service["name"].as_str().unwrap_or_default();
                    format!("{host}{} → {name}:{port} ({class})", path["path"].as_str().unwrap_or("/"))
                })
            });
            rules.collect::<Vec<_>>().join(", ")
        }
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
            format!("{}/{wanted} ready", count(object, "/status/readyReplicas"))
        }
        "DaemonSet" => {
            let [ready, wanted] = ["/status/numberReady", "/status/desiredNumberScheduled"].map(|at| count(object, at));
            format!("{ready}/{wanted} ready")
        }
        _ if !text(object, "/status/phase").is_empty() => text(object, "/status/phase").into(),
        _ => {
            let ready = list(object, "/status/conditions").find(|condition| condition["type"] == "Ready");
            ready.map(|ready| readiness(text(ready, "/status"), text(ready, "/message"))).unwrap_or_default()
        }
    }
}

fn readiness(status: &str, message: &str) -> String {
    let ready = if status == "True" { "ready" } else { "not ready" };
    if message.is_empty() { ready.into() } else { format!("{ready}: {message}") }
}

fn count(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `text` in a style, on looks that have colours.
pub(crate) fn paint(text: &str, style: Style, look: Look) -> String {
    match look {
        Look::Coloured => format!("{style}{text}{style:#}"),
        Look::Plain => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, uid: &str, owner: Option<&str>) -> Value {
        let owners: Vec<Value> = owner.into_iter().map(|uid| json!({"uid": uid})).collect();
        json!({"kind": kind, "metadata": {"name": name, "namespace": "default", "uid": uid, "ownerReferences": owners}})
    }

    #[test]
    fn children_stand_below_their_owner_sorted_by_kind_and_name() {
        let tree = Tree::new([
            object("Service", "b", "2", None),
            object("Service", "a", "1", None),
            object("Ingress", "a", "3", Some("1")),
            object("Secret", "a", "4", Some("3")),
        ]);
        assert_eq!(
            tree.lines(Look::Plain),
            ["default", "├─ Service/a", "│  └─ Ingress/a", "│     └─ Secret/a", "└─ Service/b"]
        );
        assert_eq!(tree.to_json()[0]["owns"][0]["owns"][0]["kind"], "Secret");
    }

    #[test]
    fn an_object_whose_owner_is_gone_is_a_root_and_a_ring_of_owners_is_shown_once() {
        let tree = Tree::new([object("Ingress", "orphan", "9", Some("gone"))]);
        assert_eq!(tree.lines(Look::Plain), ["default", "└─ Ingress/orphan"]);
        let ring = Tree::new([object("Service", "a", "1", Some("2")), object("Service", "b", "2", Some("1"))]);
        assert_eq!(ring.lines(Look::Plain).len(), 3);
    }

    #[test]
    fn an_ingress_shows_where_it_leads() {
        let ingress = json!({"kind": "Ingress", "metadata": {"name": "a", "uid": "1"}, "spec": {
            "ingressClassName": "nginx", "rules": [{"host": "example.com", "http": {"paths": [
                {"path": "/", "backend": {"service": {"name": "a", "port": {"number": 8080}}}}]}}]}});
        assert_eq!(summary(&ingress), "example.com/ → a:8080 (nginx)");
    }

    #[test]
    fn colours_are_for_terminals_only() {
        let tree = Tree::new([object("Service", "a", "1", None)]);
        assert!(tree.lines(Look::Coloured).concat().contains('\u{1b}'));
        assert!(!tree.lines(Look::Plain).concat().contains('\u{1b}'));
    }
}
