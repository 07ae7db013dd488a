//! What can be asked of a resource: one file per verb.
//!
//! ```text
//! Call (resource, name, options, body, who)
//!   ├ get, list, watch ──────────────── store bytes → render → Reply
//!   ├ create ── decode ─┐
//!   ├ update ── decode ─┼─ write: admission, managedFields, kinds, store ─→ render → Reply
//!   ├ patch ─── apply ──┘
//!   └ delete, delete_collection ─ finalizers, grace ─ store ─→ Status or object
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `call` | a request, and the answer to it |
//! | `decode` | bodies to objects: types, unknown fields, defaults |
//! | `render` | stored bytes to the form that was asked for |
//! | `write` | what all writes have in common |
//! | `convert` | kinds that several group-versions serve |
//! | `conversion` | custom resources whose versions a webhook converts |
//! | `namespaces` | namespace and name of the object against those of the path |
//! | `continue_token` | paging |
//! | `component_status` | components, which are asked when they are read |
//! | `scale`, `binding`, `eviction`, `token`, `stream`, `review` | subresources and reviews |

mod binding;
mod call;
mod component_status;
mod continue_token;
mod conversion;
mod convert;
mod create;
mod decode;
mod delete;
mod delete_collection;
mod eviction;
mod get;
mod list;
mod managed;
mod namespaces;
mod own;
mod patch;
mod render;
mod review;
mod scale;
mod stream;
mod token;
mod update;
mod watch;
mod write;

use crate::status::{ApiError, ApiResult};

pub(crate) use call::{Call, Content, Reply, offer};
pub(crate) use conversion::Conversions;
pub(crate) use convert::between as convert_between;
pub(crate) use delete::delete_object;
pub(crate) use managed::complete_mutated;
pub(crate) use own::update_own;
pub(crate) use write::{redecode, storage_form, store_new};

/// Carries out a request for a resource.
pub(crate) async fn dispatch(call: &mut Call) -> ApiResult<Reply> {
    let method = call.method.clone();
    if !call.subresource.is_empty() {
        return subresource(call, method.as_str()).await;
    }
    let verb = match (method.as_str(), call.name.is_empty()) {
        ("GET" | "HEAD", false) => "get",
        ("GET" | "HEAD", true) if call.query.flag("watch") == Some(true) => "watch",
        ("GET" | "HEAD", true) => "list",
        ("POST", true) => "create",
        ("PUT", false) => "update",
        ("PATCH", false) => "patch",
        ("DELETE", false) => "delete",
        ("DELETE", true) => "deletecollection",
        _ => return Err(ApiError::method_not_allowed()),
    };
    // Whether objects can be watched is looked at when they are listed.
    if !call.resource.allows(if verb == "watch" { "list" } else { verb }) {
        return Err(ApiError::method_not_allowed());
    }
    if verb == "patch" {
        // What is no patch is not warned of.
        patch::check_type(call)?;
    }
    call.warnings.extend(call.resource.strategy().deprecation().map(String::from));
    if verb == "watch" && !call.resource.allows("watch") {
        return Err(ApiError::not_watchable(&call.resource.group, &call.resource.plural));
    }
    if review::is_review(&call.resource) {
        return review::create(call).await;
    }
    match verb {
        "create" if binding::is_binding(&call.resource) && !call.namespace.is_empty() => binding::create(call).await,
        "get" if component_status::is_component_status(&call.resource) => component_status::get(call).await,
        "list" if component_status::is_component_status(&call.resource) => component_status::list(call).await,
        "get" => get::get(call).await,
        "watch" => watch::watch(call),
        "list" => list::list(call).await,
        // Objects of a namespaced resource are made in a namespace.
        "create" if call.resource.namespaced && call.namespace.is_empty() => Err(ApiError::method_not_allowed()),
        "create" => create::create(call).await,
        "update" => update::update(call).await,
        "patch" => patch::patch(call).await,
        "delete" => delete::delete(call).await,
        _ => delete_collection::delete_collection(call).await,
    }
}

async fn subresource(call: &mut Call, method: &str) -> ApiResult<Reply> {
    let resource = call.resource.clone();
    let Some(subresource) = resource.subresource(&call.subresource) else {
        // What is not there of a custom resource is told as if the object was not.
        return Err(match resource.is_custom() {
            true => ApiError::not_found(&resource.group, &resource.plural, &call.name),
            false => ApiError::no_such_resource(),
        });
    };
    let verb = match method {
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => return Err(ApiError::method_not_allowed()),
    };
    if !subresource.verbs.iter().any(|allowed| allowed == verb) {
        return Err(ApiError::method_not_allowed());
    }
    let is_core = |plural: &str| resource.group.is_empty() && resource.plural == plural;
    match (subresource.name.as_str(), verb) {
        ("scale", "get") => scale::get(call).await,
        ("scale", "update") => scale::update(call).await,
        ("scale", "patch") => scale::patch(call).await,
        ("finalize", "update") if is_core("namespaces") => update::update(call).await,
        ("token", "create") if is_core("serviceaccounts") => token::create(call).await,
        ("binding", "create") => binding::create(call).await,
        ("eviction", "create") => eviction::create(call).await,
        ("approval" | "ephemeralcontainers" | "resize" | "status", "get") => get::get(call).await,
        ("approval" | "ephemeralcontainers" | "resize" | "status", "update") => update::update(call).await,
        ("approval" | "ephemeralcontainers" | "resize" | "status", "patch") => patch::patch(call).await,
        (name, _) if stream::is_stream(name) => stream::answer(call),
        (name, _) => Err(ApiError::new(
            501,
            "NotImplemented",
            format!(
                "the subresource {}/{name} is not part of this control plane yet; use a cluster that runs nodes for it",
                resource.plural
            ),
        )),
    }
}
