//! From the body of a review to the body of the answer, for each kind of webhook.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::admission::AdmittedObject;
use crate::changes::carry_over;
use crate::wire::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use crate::{Allowed, Denied, Mutator, Operation, Request, Validator};

/// A body that is no review.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadReview {
    #[error("the body is not a review: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the review has no request")]
    NoRequest,
}

/// What answers at one path.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) path: String,
    answer: Arc<dyn Fn(Bytes) -> BoxFuture<'static, Result<Value, BadReview>> + Send + Sync>,
}

impl Handler {
    pub(crate) fn new<F, T>(path: String, answer: F) -> Self
    where
        F: Fn(Bytes) -> T + Send + Sync + 'static,
        T: Future<Output = Result<Value, BadReview>> + Send + 'static,
    {
        Self { path, answer: Arc::new(move |body| Box::pin(answer(body))) }
    }

    pub(crate) fn answer(&self, body: Bytes) -> BoxFuture<'static, Result<Value, BadReview>> {
        (self.answer)(body)
    }

    pub(crate) fn mutating<M: Mutator>(path: String, mutator: M) -> Self {
        let mutator = Arc::new(mutator);
        Self::new(path, move |body| {
            let mutator = mutator.clone();
            admission(body, async move |request, object, old| mutate(&*mutator, request, object, old).await)
        })
    }

    pub(crate) fn validating<V: Validator>(path: String, validator: V) -> Self {
        let validator = Arc::new(validator);
        Self::new(path, move |body| {
            let validator = validator.clone();
            admission(body, async move |request, object, old| validate(&*validator, request, object, old).await)
        })
    }
}

/// What a handler of admission found, with the patch that it wants.
type Verdict = Result<(Allowed, Option<json_patch::Patch>), Denied>;

async fn admission<T>(body: Bytes, decide: impl FnOnce(Request, Value, Value) -> T) -> Result<Value, BadReview>
where
    T: Future<Output = Verdict>,
{
    let review: AdmissionReview = serde_json::from_slice(&body)?;
    let request = review.request.ok_or(BadReview::NoRequest)?;
    let uid = request.uid.clone();
    let (request, object, old) = opened(request);
    // A panic costs this one request.
    let verdict = AssertUnwindSafe(decide(request, object, old)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(uid, "a webhook panicked");
        Err(Denied::failed("the webhook panicked: see its log"))
    });
    let response = match verdict {
        Err(denied) => AdmissionResponse { uid, status: Some(denied.status()), ..AdmissionResponse::default() },
        Ok((allowed, patch)) => {
            let patch = patch.map(|patch| serde_json::to_vec(&patch)).transpose()?;
            AdmissionResponse {
                uid,
                allowed: true,
                status: None,
                patch_type: patch.as_ref().map(|_| "JSONPatch"),
                patch: patch.map(|patch| STANDARD.encode(patch)),
                warnings: allowed.warnings,
            }
        }
    };
    Ok(json!({"apiVersion": review.api_version, "kind": "AdmissionReview", "response": response}))
}

fn opened(request: AdmissionRequest) -> (Request, Value, Value) {
    let AdmissionRequest { uid, sub_resource, name, namespace, operation, user_info, object, old_object, .. } = request;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let opened = Request {
        uid,
        operation,
        name,
        namespace: some(namespace),
        subresource: some(sub_resource),
        user: user_info,
        dry_run: request.dry_run.unwrap_or_default(),
        options: request.options,
    };
    (opened, object, old_object)
}

async fn mutate<M: Mutator>(mutator: &M, request: Request, object: Value, old: Value) -> Verdict {
    if object.is_null() {
        // A deletion has nothing that could be changed.
        return Ok((Allowed::default(), None));
    }
    let mut typed: M::Object = decode(&object)?;
    let old: Option<M::Object> = decode_stored(&old)?;
    let encode = |object: &M::Object| serde_json::to_value(object).map_err(Denied::failed);
    let before = encode(&typed)?;
    let allowed = mutator.mutate(&mut typed, old.as_ref(), &request).await?;
    let after = encode(&typed)?;
    let mut wanted = object.clone();
    carry_over(&before, &after, &mut wanted);
    let patch = json_patch::diff(&object, &wanted);
    Ok((allowed, (!patch.is_empty()).then_some(patch)))
}

async fn validate<V: Validator>(validator: &V, request: Request, object: Value, old: Value) -> Verdict {
    let allowed = match request.operation {
        Operation::Create => validator.create(&decode(&object)?, &request).await?,
        Operation::Update => validator.update(&decode(&object)?, &decode(&old)?, &request).await?,
        Operation::Delete => match decode_stored::<V::Object>(&old)? {
            Some(old) => validator.delete(&old, &request).await?,
            None => Allowed::default(),
        },
        Operation::Connect => Allowed::default(),
    };
    Ok((allowed, None))
}

fn decode_stored<K: AdmittedObject>(object: &Value) -> Result<Option<K>, Denied> {
    if object.is_null() { Ok(None) } else { decode(object).map(Some) }
}

/// The API server has checked the object against its schema, so that a failure means a type that is not like the schema.
fn decode<K: DeserializeOwned>(object: &Value) -> Result<K, Denied> {
    K::deserialize(object).map_err(|error| {
        Denied::failed(format!(
            "the webhook can't read the object: {error}; its type and the schema of the kind differ"
        ))
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    struct Keys;

    impl Mutator for Keys {
        type Object = ConfigMap;

        async fn mutate(
            &self,
            object: &mut ConfigMap,
            _: Option<&ConfigMap>,
            request: &Request,
        ) -> Result<Allowed, Denied> {
            assert!(object.data.as_ref().is_none_or(|data| !data.contains_key("panic")), "asked to");
            let labels = object.metadata.labels.get_or_insert_default();
            labels.insert("by".into(), request.user.username.clone().unwrap_or_default());
            Ok(Allowed::warning("labelled"))
        }
    }

    impl Validator for Keys {
        type Object = ConfigMap;

        async fn update(&self, new: &ConfigMap, old: &ConfigMap, _: &Request) -> Result<Allowed, Denied> {
            if new.data == old.data { Ok(Allowed::default()) } else { Err(Denied::invalid("data", "is immutable")) }
        }
    }

    fn review(operation: &str, object: Value, old: Value) -> Bytes {
        let request = json!({
            "uid": "u1", "operation": operation, "name": "a", "namespace": "ns", "object": object, "oldObject": old,
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"}, "userInfo": {"username": "eve"},
        });
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        Bytes::from(review.to_string())
    }

    fn map(data: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data, "odd": 1})
    }

    #[tokio::test]
    async fn a_mutator_s_change_becomes_a_patch_of_what_came() {
        let handler = Handler::mutating("/m".into(), Keys);
        let object = map(json!({"k": "v"}));
        let answer = handler.answer(review("CREATE", object.clone(), Value::Null)).await.unwrap();
        let response = &answer["response"];
        assert_eq!((&response["uid"], &response["allowed"]), (&json!("u1"), &json!(true)));
        assert_eq!(response["warnings"], json!(["labelled"]));
        let patch = STANDARD.decode(response["patch"].as_str().unwrap()).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        let mut patched = object.clone();
        json_patch::patch(&mut patched, &patch).unwrap();
        let mut wanted = object;
        wanted["metadata"]["labels"] = json!({"by": "eve"});
        assert_eq!(patched, wanted, "unknown fields stay");
    }

    #[tokio::test]
    async fn a_panic_refuses_that_request_only() {
        let handler = Handler::mutating("/m".into(), Keys);
        let answer = handler.answer(review("CREATE", map(json!({"panic": "1"})), Value::Null)).await.unwrap();
        assert_eq!(answer["response"]["allowed"], json!(false));
        assert_eq!(answer["response"]["status"]["code"], json!(500));
        let answer = handler.answer(review("CREATE", map(json!({})), Value::Null)).await.unwrap();
        assert_eq!(answer["response"]["allowed"], json!(true));
    }

    #[tokio::test]
    async fn a_denial_names_the_field() {
        let handler = Handler::validating("/v".into(), Keys);
        let answer = handler.answer(review("UPDATE", map(json!({"k": "1"})), map(json!({"k": "2"})))).await.unwrap();
        let status = &answer["response"]["status"];
        assert_eq!((&status["code"], &status["reason"]), (&json!(422), &json!("Invalid")));
        assert_eq!(status["message"], json!("data: is immutable"));
        assert_eq!(status["details"]["causes"][0]["field"], json!("data"));
    }

    #[tokio::test]
    async fn what_a_validator_does_not_look_at_is_allowed() {
        let handler = Handler::validating("/v".into(), Keys);
        for operation in ["CREATE", "DELETE", "CONNECT"] {
            let answer = handler.answer(review(operation, map(json!({})), Value::Null)).await.unwrap();
            assert_eq!(answer["response"]["allowed"], json!(true), "{operation}");
        }
    }

    #[tokio::test]
    async fn an_object_that_the_type_can_t_read_is_refused_and_named() {
        let handler = Handler::validating("/v".into(), Keys);
        let answer = handler.answer(review("CREATE", json!({"data": 5}), Value::Null)).await.unwrap();
        let message = answer["response"]["status"]["message"].as_str().unwrap();
        assert!(message.starts_with("the webhook can't read the object"), "{message}");
    }

    #[tokio::test]
    async fn garbage_is_a_bad_review() {
        let handler = Handler::validating("/v".into(), Keys);
        assert!(matches!(handler.answer(Bytes::from_static(b"{")).await, Err(BadReview::Json(_))));
        let empty = Bytes::from_static(br#"{"apiVersion": "admission.k8s.io/v1"}"#);
        assert!(matches!(handler.answer(empty).await, Err(BadReview::NoRequest)));
    }
}
