//! Checks of resource claims: those of a pod, and which of them its containers use.

use serde_json::{Value, json};

use crate::field::{FieldError, FieldErrorKind};
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;

/// Checks `resourceClaims` of a pod spec.
pub(super) fn of_pod(claims: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        let path = path.index(index);
        let name = claim.text("name");
        if name.is_empty() {
            errors.push(FieldError::required(path.child("name"), ""));
        } else if claims[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(path.child("name"), name));
        } else {
            let wrong = names::dns_label(name).into_iter();
            errors.extend(wrong.map(|message| FieldError::invalid(path.child("name"), name, message)));
        }
        let sources = ["resourceClaimName", "resourceClaimTemplateName"];
        let given: Vec<&str> = sources.into_iter().filter(|field| claim.has(field)).collect();
        let detail = match given.len() {
            0 => Some("must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"),
            1 => None,
            _ => Some("at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"),
        };
        if let Some(detail) = detail {
            let shown = json!({
                "Name": name,
                "ResourceClaimName": claim.at("resourceClaimName"),
                "ResourceClaimTemplateName": claim.at("resourceClaimTemplateName"),
            });
            errors.push(FieldError::invalid(path, shown, detail));
        }
        for field in given {
            let name = claim.text(field);
            let wrong = names::dns_subdomain(name).into_iter();
            errors.extend(wrong.map(|message| FieldError::invalid(path.child(field), name, message)));
        }
    }
    errors
}

/// Checks `resources.claims` of a container of a pod spec.
pub(super) fn of_container(claims: &[Value], spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut known: Vec<&str> = spec.list("resourceClaims").iter().map(|claim| claim.text("name")).collect();
    known.retain(|name| !name.is_empty());
    known.sort_unstable();
    known.dedup();
    let mut errors = Vec::new();
    // Claims as a whole, and requests of them.
    let mut used: Vec<(&str, &str)> = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        let path = path.index(index);
        let (name, request) = (claim.text("name"), claim.text("request"));
        if name.is_empty() {
            errors.push(FieldError::required(path, ""));
            continue;
        }
        if used.contains(&(name, "")) {
            errors.push(FieldError::duplicate(path, name));
        } else {
            if !request.is_empty() {
                let wrong = names::dns_label(request).into_iter();
                errors.extend(wrong.map(|message| FieldError::invalid(path.child("request"), request, message)));
            }
            if used.contains(&(name, request)) {
                errors.push(FieldError::duplicate(path, format!("{name}/{request}")));
            } else if request.is_empty() {
                let requests = used.iter().filter(|(other, _)| *other == name);
                errors.extend(requests.map(|_| FieldError::duplicate(path, name)));
            }
            used.push((name, request));
        }
        if !known.contains(&name) {
            let known = if known.is_empty() { " which is empty".to_owned() } else { format!(": {}", known.join(", ")) };
            let detail = format!("must be one of the names in pod.spec.resourceClaims{known}");
            errors.push(FieldError::new(FieldErrorKind::NotFound, path, name.into(), detail));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(errors: Vec<FieldError>) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_container_uses_claims_of_its_pod_and_each_once() {
        let spec = json!({"resourceClaims": [{"name": "b"}, {"name": "a"}]});
        let of = |claims: Value| told(of_container(claims.as_array().unwrap(), &spec, &Path::new("claims")));
        assert!(of(json!([{"name": "a"}, {"name": "b", "request": "x"}, {"name": "b", "request": "y"}])).is_empty());
        assert_eq!(of(json!([{"name": "a"}, {"name": "a", "request": "x"}])), ["claims[1]: Duplicate value: \"a\""]);
        assert_eq!(of(json!([{"name": "b", "request": "x"}, {"name": "b"}])), ["claims[1]: Duplicate value: \"b\""]);
        assert_eq!(
            of(json!([{"name": "c"}])),
            ["claims[0]: Not found: \"c\": must be one of the names in pod.spec.resourceClaims: a, b"]
        );
    }

    #[test]
    fn a_claim_comes_from_one_place() {
        let of = |claims: Value| told(of_pod(claims.as_array().unwrap(), &Path::new("c")));
        assert!(of(json!([{"name": "a", "resourceClaimName": "x"}])).is_empty());
        assert_eq!(of(json!([{"name": "a"}, {"name": "a", "resourceClaimName": "X"}])).len(), 3);
    }
}
