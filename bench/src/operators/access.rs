//! Requests that give users access to each other's namespaces.

use kubewright_access::{Options, add_to, crds};
use serde_json::json;

use crate::Error;
use crate::operators::part::Part;

const REQUESTS: u64 = 5_000;
const USERS: u64 = 100;

pub(crate) fn part(percent: u64) -> Part {
    let user = |number: u64| format!("u{}", number % USERS);
    let object = |kind: &str| json!({"apiVersion": "user.sealos.io/v1", "kind": kind});
    let before = (0..USERS).map(|number| {
        let mut made = object("User");
        made["metadata"] = json!({"name": user(number)});
        made["spec"] = json!({});
        made
    });
    // No two of them are about the same user and namespace, as long as there are less than all pairs.
    let counted = (0..REQUESTS * percent / 100).map(|number| {
        let mut made = object("Operationrequest");
        let namespace = format!("ns-{}", user(number / USERS + number + 1));
        made["metadata"] = json!({"name": format!("r{number}"), "namespace": "user-system"});
        made["spec"] = json!({"user": user(number), "namespace": namespace, "role": "Developer", "action": "Grant"});
        made
    });
    Part {
        objects: "access requests",
        crds: crds(),
        before: before.collect(),
        counted: counted.collect(),
        add: Box::new(|manager| add_to(manager, &Options::default()).map_err(Error::operator)),
        done: |request| request["status"]["phase"] == "Completed",
    }
}
