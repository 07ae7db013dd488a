//! `/healthz`, `/livez`, `/readyz` and `/metrics`.

use std::fmt::Write as _;

use super::query::Query;
use crate::server::Core;
use crate::verbs::Reply;

/// What is looked at; `shutdown` for readiness only.
const CHECKS: [&str; 4] = ["ping", "log", "etcd", "shutdown"];

/// Answers a health path; none if it is not one.
pub(super) fn health(core: &Core, path: &str, query: &Query) -> Option<Reply> {
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let endpoint = parts.next().filter(|name| matches!(*name, "healthz" | "livez" | "readyz"))?;
    let checks: Vec<&str> = CHECKS.into_iter().filter(|check| *check != "shutdown" || endpoint == "readyz").collect();
    if let Some(one) = parts.next().filter(|one| !one.is_empty()) {
        let check = checks.into_iter().find(|check| *check == one)?;
        return Some(match passes(core, check) {
            true => Reply::text(200, "ok"),
            false => Reply::text(500, format!("internal server error: {check} check failed\n")),
        });
    }
    let excluded = query.all("exclude");
    let mut text = String::new();
    let mut healthy = true;
    for check in checks {
        // Writing to a String can't fail.
        let _ = if excluded.iter().any(|name| name == check) {
            writeln!(text, "[+]{check} excluded: ok")
        } else if passes(core, check) {
            writeln!(text, "[+]{check} ok")
        } else {
            healthy = false;
            writeln!(text, "[-]{check} failed: reason withheld")
        };
    }
    Some(match (healthy, query.get("verbose")) {
        (true, None) => Reply::text(200, "ok"),
        (true, Some(_)) => Reply::text(200, format!("{text}{endpoint} check passed\n")),
        (false, _) => Reply::text(500, format!("{text}{endpoint} check failed\n")),
    })
}

fn passes(core: &Core, check: &str) -> bool {
    check != "shutdown" || !core.shutdown.is_cancelled()
}

/// The numbers of stored objects and of open watches, in the text format of Prometheus and under the real server's names.
pub(super) fn metrics(core: &Core) -> Reply {
    let mut text = String::from(
        "# HELP apiserver_storage_objects Number of stored objects at the time of last check split by kind.\n\
         # TYPE apiserver_storage_objects gauge\n",
    );
    for collection in core.store.collections() {
        let (group, resource, count) = (collection.group(), collection.resource(), collection.count(None));
        let dot = if group.is_empty() { "" } else { "." };
        let _ = writeln!(text, "apiserver_storage_objects{{resource=\"{resource}{dot}{group}\"}} {count}");
    }
    let watches = std::sync::Arc::strong_count(&core.watches) - 1;
    let _ = write!(
        text,
        "# HELP apiserver_longrunning_requests Number of watches that are open.\n\
         # TYPE apiserver_longrunning_requests gauge\n\
         apiserver_longrunning_requests{{verb=\"WATCH\"}} {watches}\n"
    );
    let mut reply = Reply::text(200, text);
    if let crate::verbs::Content::Other { media_type, .. } = &mut reply.content {
        *media_type = "text/plain; version=0.0.4; charset=utf-8";
    }
    reply
}
