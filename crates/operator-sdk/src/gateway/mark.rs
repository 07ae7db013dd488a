//! What a guest puts on the objects that it sends whole.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use kubewright_apiserver::decode_protobuf;
use serde_json::Value;

use super::{Guest, Refused, Target};

/// Groups of questions, which are answered and not kept.
const QUESTIONS: [&str; 2] = ["authentication.k8s.io", "authorization.k8s.io"];

/// Whether a whole object is sent, that can have an owner. Of a patch a part alone is in the body, and what is there keeps
/// its owner.
pub(super) fn is_whole(target: &Target, method: &Method, headers: &HeaderMap) -> bool {
    let whole = match *method {
        Method::POST | Method::PUT => true,
        Method::PATCH => content_type(headers).starts_with("application/apply-patch"),
        _ => false,
    };
    whole && !target.subresource && !QUESTIONS.contains(&target.group.as_str())
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A body with what the guest puts on the object. Clients in Go send Kubernetes' own kinds as protobuf, which goes on as JSON.
pub(super) fn marked(
    target: &Target,
    headers: &mut HeaderMap,
    body: Bytes,
    guest: &dyn Guest,
) -> Result<Bytes, Refused> {
    let content = content_type(headers).to_string();
    let protobuf = content == "application/vnd.kubernetes.protobuf";
    let object: Result<Value, String> = if protobuf {
        decode_protobuf(&body)
    } else if content.contains("yaml") {
        serde_saphyr::from_slice(&body).map_err(|error| error.to_string())
    } else if content.is_empty() || content.contains("json") {
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    } else {
        let message = format!("{content:?} can't be passed on, as objects get their owner on the way; send JSON");
        return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    };
    let mut object =
        object.map_err(|error| Refused(StatusCode::BAD_REQUEST, format!("the body is broken: {error}")))?;
    let Some(members) = object.as_object_mut() else { return Ok(body) };
    guest.mark(target, members);
    if protobuf {
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    }
    Ok(object.to_string().into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    /// Says where what it sends is.
    struct Marks;

    impl Guest for Marks {
        fn mark(&self, target: &Target, object: &mut Map<String, Value>) {
            object.insert("marked".into(), target.namespace.clone().into());
        }
    }

    fn sent(method: &Method, path: &str, content: &str, body: &str) -> Result<Value, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content.parse().unwrap());
        let (target, body) = (Target::of(path).unwrap(), Bytes::from(body.to_string()));
        if !is_whole(&target, method, &headers) {
            return Ok(serde_json::from_slice(&body).unwrap());
        }
        let body = marked(&target, &mut headers, body, &Marks)?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn what_is_sent_whole_is_marked_and_a_part_is_not() {
        let (json, path) = ("application/json", "/api/v1/namespaces/shop/services/a");
        let made = sent(&Method::POST, "/api/v1/namespaces/shop/services", json, "{}").unwrap();
        assert_eq!(made["marked"], "shop");
        let applied = sent(&Method::PATCH, path, "application/apply-patch+yaml", "metadata:\n  name: a\n").unwrap();
        assert_eq!(applied["marked"], "shop");
        let patched = sent(&Method::PATCH, path, "application/strategic-merge-patch+json", r#"{"a":1}"#).unwrap();
        assert_eq!(patched, json!({"a": 1}));
    }

    #[test]
    fn protobuf_goes_on_as_json() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
        let mut headers = HeaderMap::new();
        let protobuf = header::HeaderValue::from_static("application/vnd.kubernetes.protobuf");
        headers.insert(header::CONTENT_TYPE, protobuf);
        let body = Bytes::from(kubewright_apiserver::encode_protobuf(&secret).unwrap());
        let target = Target::of("/api/v1/namespaces/shop/secrets").unwrap();
        let body = marked(&target, &mut headers, body, &Marks).unwrap();
        let object: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&object["marked"], &object["metadata"]["name"]), (&json!("shop"), &json!("a")));
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    }

    #[test]
    fn questions_and_parts_of_objects_are_passed_on_as_they_are() {
        let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let json = "application/json";
        assert_eq!(sent(&Method::POST, review, json, r#"{"spec":{}}"#).unwrap(), json!({"spec": {}}));
        let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles";
        assert_eq!(sent(&Method::POST, roles, json, "{}").unwrap()["marked"], "shop", "roles are no questions");
        let eviction = "/api/v1/namespaces/shop/pods/a/eviction";
        assert_eq!(sent(&Method::POST, eviction, json, "{}").unwrap(), json!({}));
    }

    #[test]
    fn what_can_not_be_marked_is_refused() {
        let path = "/api/v1/namespaces/shop/services";
        assert_eq!(sent(&Method::POST, path, "text/html", "x").unwrap_err().0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let protobuf = "application/vnd.kubernetes.protobuf";
        assert_eq!(sent(&Method::POST, path, protobuf, "k8s").unwrap_err().0, StatusCode::BAD_REQUEST);
        assert_eq!(sent(&Method::POST, path, "application/json", "{").unwrap_err().0, StatusCode::BAD_REQUEST);
    }
}
