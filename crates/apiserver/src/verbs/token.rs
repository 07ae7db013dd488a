//! `serviceaccounts/x/token`: a token for a ServiceAccount.

use serde_json::Value;

use super::call::{Call, Reply};
use super::{decode, namespaces, write};
use crate::apply::{self, Writer};
use crate::auth::{Bound, TokenContent};
use crate::field::FieldError;
use crate::http::WriteOptions;
use crate::kinds::metadata::time_text;
use crate::kinds::tree::Tree;
use crate::schema::BuiltinSchemas;
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;

const GROUP: &str = "authentication.k8s.io";
const API_VERSION: &str = "authentication.k8s.io/v1";
const KIND: &str = "TokenRequest";
/// Seconds that a token is good for when nothing is asked for.
const SECONDS: i64 = 3600;
/// What kubelets ask for; such a token of a Pod lives longer, and its later use is an oversight.
const KUBELET_SECONDS: i64 = 3607;
const EXTENDED_SECONDS: i64 = 365 * 24 * 3600;

/// Makes a token as the body says.
pub(super) async fn create(call: &mut Call) -> ApiResult<Reply> {
    let options = WriteOptions::parse(&call.query, "CreateOptions")?;
    let mut request = decode::body_of(call, API_VERSION, KIND, options.field_validation).await?;
    request["spec"].default_to("expirationSeconds", SECONDS);
    namespaces::match_namespace(call, &mut request)?;
    let manager = call.field_manager(&options.field_manager);
    let now = call.now();
    track(&manager, now, &mut request)?;
    write::admit_subresource(call, &options, &mut request).await?;
    check_name(call, &request)?;
    let account = object(call, "serviceaccounts", &call.namespace, &call.name)?;
    complete(call, &mut request, &account)?;
    request["metadata"]["creationTimestamp"] = time_text(now).into();
    check_seconds(&request)?;
    let bound = bound(call, &request)?;
    let tokens = &call.core.tokens;
    let audiences: Vec<String> =
        request.list("spec.audiences").iter().filter_map(Value::as_str).map(str::to_string).collect();
    let asked = request.int("spec.expirationSeconds").unwrap_or(SECONDS);
    let own = audiences.iter().all(|audience| tokens.audiences().contains(audience));
    let extended = bound.objects.contains_key("pod") && asked == KUBELET_SECONDS && own;
    let token = tokens.make(&TokenContent {
        service_account: &account,
        bound,
        audiences: &audiences,
        now,
        seconds: if extended { EXTENDED_SECONDS } else { asked },
        warn_after: extended.then_some(asked),
        id: call.core.env.random.uuid(),
    });
    let token = token.map_err(|why| ApiError::internal(format!("failed to generate token: {why}")))?;
    let end = now.checked_add(jiff::SignedDuration::from_secs(asked)).unwrap_or(jiff::Timestamp::MAX);
    request["status"] = serde_json::json!({"token": token, "expirationTimestamp": time_text(end)});
    Ok(Reply::tree(201, &request))
}

/// Notes who owns the fields of the request.
fn track(manager: &str, now: jiff::Timestamp, request: &mut Value) -> ApiResult<()> {
    let Some(ty) = BuiltinSchemas::get().kind(GROUP, "v1", KIND) else {
        return Err(ApiError::method_not_allowed());
    };
    let writer = Writer {
        ty: &ty,
        api_version: API_VERSION,
        kind: KIND,
        manager,
        subresource: "token",
        reset: None,
        versions: None,
        now,
    };
    apply::track_update(&writer, None, request);
    Ok(())
}

fn check_name(call: &Call, request: &Value) -> ApiResult<()> {
    let given = request.text("metadata.name");
    if given.is_empty() || given == call.name {
        return Ok(());
    }
    let error = FieldError::invalid("metadata.name", given, "must match the service account name if specified");
    Err(ApiError::invalid(GROUP, KIND, &call.name, vec![error]))
}

/// Fills in what the ServiceAccount and the server say.
fn complete(call: &Call, request: &mut Value, account: &Value) -> ApiResult<()> {
    let uid = account.text("metadata.uid");
    let given = request.text("metadata.uid");
    if !given.is_empty() && given != uid {
        let why =
            format!("the UID in the token request ({given}) does not match the UID of the service account ({uid})");
        return Err(ApiError::conflict(GROUP, KIND, &call.name, why));
    }
    for field in ["name", "namespace", "uid"] {
        request["metadata"][field] = account["metadata"][field].clone();
    }
    if request.list("spec.audiences").is_empty() {
        request["spec"]["audiences"] = call.core.tokens.audiences().to_vec().into();
    }
    Ok(())
}

fn check_seconds(request: &Value) -> ApiResult<()> {
    let seconds = request.int("spec.expirationSeconds").unwrap_or_default();
    let why = if seconds < 600 {
        "may not specify a duration less than 10 minutes"
    } else if seconds > 1 << 32 {
        "may not specify a duration larger than 2^32 seconds"
    } else {
        return Ok(());
    };
    let error = FieldError::invalid("spec.expirationSeconds", seconds, why);
    Err(ApiError::invalid(GROUP, KIND, "", vec![error]))
}

/// The object that the token ends with.
fn bound(call: &Call, request: &Value) -> ApiResult<Bound> {
    let mut bound = Bound::default();
    let reference = request.at("spec.boundObjectRef");
    if reference.is_null() {
        return Ok(bound);
    }
    let (api_version, kind, name) = (reference.text("apiVersion"), reference.text("kind"), reference.text("name"));
    let uid_of = |object: &Value| object.text("metadata.uid").to_string();
    let uid = match (api_version, kind) {
        ("v1", "Pod") => {
            let pod = object(call, "pods", &call.namespace, name)?;
            if pod.text("spec.serviceAccountName") != call.name {
                return Err(ApiError::bad_request(format!(
                    "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
                    call.name
                )));
            }
            let node = pod.text("spec.nodeName");
            if !node.is_empty() {
                let uid = object(call, "nodes", "", node).map(|node| uid_of(&node)).unwrap_or_default();
                bound.objects.insert("node", (node.into(), uid));
            }
            bound.objects.insert("pod", (name.into(), uid_of(&pod)));
            uid_of(&pod)
        }
        ("v1", "Secret") => {
            let secret = object(call, "secrets", &call.namespace, name)?;
            bound.objects.insert("secret", (name.into(), uid_of(&secret)));
            uid_of(&secret)
        }
        ("v1", "Node") => {
            let node = object(call, "nodes", "", name)?;
            bound.objects.insert("node", (name.into(), uid_of(&node)));
            uid_of(&node)
        }
        _ => {
            let why = format!("cannot bind token to object of type {api_version}, Kind={kind}");
            return Err(ApiError::bad_request(why));
        }
    };
    let given = reference.text("uid");
    if !given.is_empty() && given != uid {
        let why = format!(
            "the UID in the bound object reference ({given}) does not match the UID in record. The object might have \
             been deleted and then recreated"
        );
        return Err(ApiError::conflict("", kind, name, why));
    }
    Ok(bound)
}

fn object(call: &Call, plural: &str, namespace: &str, name: &str) -> ApiResult<Value> {
    let stored = call.core.store.collection("", plural).get(&ObjectKey::new(namespace, name));
    stored.map(|stored| stored.tree()).ok_or_else(|| ApiError::not_found("", plural, name))
}
