//! Requests for access, which the webhook seals: a hundred users get roles in the namespaces of ten.

use kubewright_access::{Options, add_to, crds, namespace_of};
use serde_json::json;

use crate::Error;
use crate::operators::part::{Part, count, object};

const REQUESTS: u64 = 5_000;
const OWNERS: u64 = 10;
const USERS: u64 = 100;
const ROLES: [&str; 3] = ["Developer", "Manager", "Owner"];

pub(crate) fn part(percent: u64) -> Result<Part, Error> {
    let options = Options::default();
    let system = options.namespace.clone();
    let group = "user.sealos.io/v1";
    let mut before = vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": system}})];
    let users =
        (0..OWNERS).map(|number| format!("owner{number}")).chain((0..USERS).map(|number| format!("user{number}")));
    before.extend(users.map(|name| object(group, "User", "", &name, &json!({}))));
    let counted = (0..count(REQUESTS, percent))
        .map(|number| {
            let (owner, user) = (number % OWNERS, number / OWNERS % USERS);
            // A user gets one role after another: the later requests wait for the earlier.
            let role = ROLES[usize::try_from(number / OWNERS / USERS).unwrap_or_default() % ROLES.len()];
            let spec = json!({
                "namespace": namespace_of(&format!("owner{owner}")), "user": format!("user{user}"), "role": role,
                "action": "Grant",
            });
            object(group, "Operationrequest", &system, &format!("r{number}"), &spec)
        })
        .collect();
    Ok(Part {
        objects: "access requests",
        crds: crds(),
        nodes: 0,
        before,
        counted,
        add: Box::new(move |manager| add_to(manager, &options).map_err(Error::operator)),
        done: |request| request["status"]["phase"] == "Completed",
    })
}
