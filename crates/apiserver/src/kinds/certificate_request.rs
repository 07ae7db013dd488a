//! CertificateSigningRequest: what is asked for does not change; approval and certificate are given through
//! subresources.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, X509Certificate, X509CertificationRequest};

use super::metadata::time_text;
use super::names::{self, NameRule};
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use crate::auth::User;
use crate::field::{FieldError, FieldErrorKind};
use crate::status::ApiResult;

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
/// Conditions that can only be true, and can't be taken back.
const FINAL: [&str; 3] = ["Approved", "Denied", "Failed"];
const SHORTEST_SECONDS: i64 = 600;

pub(super) struct CertificateSigningRequest;

impl Strategy for CertificateSigningRequest {
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn has_status(&self) -> bool {
        true
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("spec", old);
        new.copy_field("status", old);
        Ok(())
    }

    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        new.copy_field("spec", old);
        // Approvals stay as they are, unless some came or went, which is refused below.
        for kind in &FINAL[..2] {
            let before = conditions(old, kind);
            if before.len() != conditions(new, kind).len() {
                continue;
            }
            let mut before = before.into_iter().cloned();
            if let Some(status) = new.field_mut("status") {
                for condition in status.each_mut("conditions").filter(|condition| condition.text("type") == *kind) {
                    *condition = before.next().unwrap_or_default();
                }
            }
        }
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        check(object, None)
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        check_update(new, old, &[])
    }

    fn validate_status_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        check_update(new, old, &["certificate"])
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.signerName"]
    }

    fn reset_fields(&self, subresource: &str) -> &'static [&'static str] {
        match subresource {
            "status" => &["spec", "status.conditions"],
            "approval" => &["spec", "status.certificate"],
            _ => &["spec", "status"],
        }
    }
}

/// Notes who asks, which is not for the client to say.
pub(crate) fn set_requester(request: &mut Value, user: &User) {
    let spec = request.ensure("spec");
    for field in ["username", "uid", "groups", "extra"] {
        spec.drop_field(field);
    }
    let texts = [("username", &user.name), ("uid", &user.uid)];
    for (field, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        spec.set(field, text.as_str());
    }
    if !user.groups.is_empty() {
        spec.set("groups", json!(user.groups));
    }
    if !user.extra.is_empty() {
        spec.set("extra", json!(user.extra));
    }
}

/// Gives conditions without times the time, or that of the condition that they go on with.
pub(crate) fn set_times(new: &mut Value, old: &Value, now: jiff::Timestamp) {
    let now = Value::from(time_text(now));
    let Some(status) = new.field_mut("status") else { return };
    for condition in status.each_mut("conditions") {
        if condition.text("lastUpdateTime").is_empty() {
            condition.set("lastUpdateTime", now.clone());
        }
        if condition.text("lastTransitionTime").is_empty() {
            let goes_on = |before: &&Value| {
                before.text("type") == condition.text("type")
                    && before.text("status") == condition.text("status")
                    && !before.text("lastTransitionTime").is_empty()
            };
            let before = old.list("status.conditions").iter().find(goes_on);
            let time = before.map_or_else(|| now.clone(), |before| before.at("lastTransitionTime").clone());
            condition.set("lastTransitionTime", time);
        }
    }
}

/// Readies an update of `/approval`, which changes the conditions only.
pub(super) fn prepare_approval(new: &mut Value, old: &Value) {
    let conditions = new.at("status.conditions").clone();
    new.copy_field("spec", old);
    new.copy_field("status", old);
    if !conditions.is_null() {
        new.ensure("status").set("conditions", conditions);
    } else if let Some(status) = new.field_mut("status") {
        status.drop_field("conditions");
    }
}

/// Checks an update of `/approval`.
pub(super) fn validate_approval(new: &Value, old: &Value) -> Vec<FieldError> {
    check_update(new, old, &["approval"])
}

fn conditions<'a>(request: &'a Value, kind: &str) -> Vec<&'a Value> {
    request.list("status.conditions").iter().filter(|condition| condition.text("type") == kind).collect()
}

/// Checks a request; what was wrong with `old` already is let pass.
fn check(request: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Err(why) = check_request(request.text("spec.request")) {
        errors.push(FieldError::invalid("spec.request", bytes(request.text("spec.request")), why));
    }
    let usages = request.list("spec.usages");
    if usages.is_empty() {
        errors.push(FieldError::required("spec.usages", ""));
    }
    for (index, usage) in usages.iter().enumerate() {
        let field = format!("spec.usages[{index}]");
        let known = usage.as_str().is_some_and(|usage| USAGES.contains(&usage));
        if !known && !old.is_some_and(|old| old.list("spec.usages").contains(usage)) {
            errors.push(FieldError::not_supported(&field, usage.clone(), &USAGES));
        }
        if usages[..index].contains(usage) && old.is_none() {
            errors.push(FieldError::duplicate(&field, usage.clone()));
        }
    }
    errors.extend(check_signer(request.text("spec.signerName"), "spec.signerName"));
    if let Some(seconds) = request.int("spec.expirationSeconds").filter(|seconds| *seconds < SHORTEST_SECONDS) {
        let why = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.push(FieldError::invalid("spec.expirationSeconds", seconds, why));
    }
    errors.extend(check_conditions(request));
    let certificate = request.text("status.certificate");
    let changed = old.is_none_or(|old| old.text("status.certificate") != certificate);
    if let (true, Err(why)) = (changed, check_certificate(certificate)) {
        errors.push(FieldError::invalid("status.certificate", "<certificate data>", why));
    }
    errors
}

fn check_conditions(request: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let all = request.list("status.conditions");
    for (index, condition) in all.iter().enumerate() {
        let (kind, status) = (condition.text("type"), condition.text("status"));
        let field = |name: &str| format!("status.conditions[{index}].{name}");
        if kind.is_empty() {
            errors.push(FieldError::required(field("type"), ""));
        }
        let allowed: &[&str] = if FINAL.contains(&kind) { &["True"] } else { &["False", "True", "Unknown"] };
        if status.is_empty() {
            errors.push(FieldError::required(field("status"), ""));
        } else if !allowed.contains(&status) {
            errors.push(FieldError::not_supported(field("status"), status, allowed));
        }
        let earlier = |wanted: &str| all[..index].iter().any(|condition| condition.text("type") == wanted);
        if kind == "Approved" && earlier("Denied") || kind == "Denied" && earlier("Approved") {
            let why = "Approved and Denied conditions are mutually exclusive";
            errors.push(FieldError::invalid("status.conditions", kind, why));
        }
        if earlier(kind) {
            errors.push(FieldError::duplicate(field("type"), kind));
        }
    }
    errors
}

/// Checks an update that may change what `may` names: `approval`, `certificate`.
fn check_update(new: &Value, old: &Value, may: &[&str]) -> Vec<FieldError> {
    let mut errors = check(new, Some(old));
    let mut forbid =
        |field: &str, why: String| errors.push(FieldError::new(FieldErrorKind::Forbidden, field, Value::Null, why));
    for kind in FINAL {
        if conditions(new, kind).len() < conditions(old, kind).len() {
            forbid("status.conditions", format!("updates may not remove a condition of type {kind:?}"));
        }
    }
    if !may.contains(&"approval") {
        for kind in &FINAL[..2] {
            let (now, before) = (conditions(new, kind), conditions(old, kind));
            if now.len() > before.len() {
                forbid("status.conditions", format!("updates may not add a condition of type {kind:?}"));
            } else if now.len() == before.len() && !now.iter().zip(before).all(|(a, b)| same(a, b)) {
                forbid("status.conditions", format!("updates may not modify a condition of type {kind:?}"));
            }
        }
    }
    let before = old.text("status.certificate");
    if new.text("status.certificate") != before {
        if !may.contains(&"certificate") {
            forbid("status.certificate", "updates may not set certificate content".into());
        } else if !before.is_empty() {
            forbid("status.certificate", "updates may not modify existing certificate content".into());
        }
    }
    errors
}

/// The value as Go shows bytes in messages.
fn bytes(base64: &str) -> Value {
    STANDARD.decode(base64).unwrap_or_default().into()
}

fn check_request(base64: &str) -> Result<(), String> {
    let pem = STANDARD.decode(base64).unwrap_or_default();
    let block = match x509_parser::pem::parse_x509_pem(&pem) {
        Ok((_, block)) if block.label == "CERTIFICATE REQUEST" => block,
        _ => return Err("PEM block type must be CERTIFICATE REQUEST".into()),
    };
    let (_, request) = X509CertificationRequest::from_der(&block.contents).map_err(|error| error.to_string())?;
    request.verify_signature().map_err(|_| "x509: the signature of the request is not right".into())
}

fn check_certificate(base64: &str) -> Result<(), String> {
    let pem = STANDARD.decode(base64).unwrap_or_default();
    if pem.is_empty() {
        return Ok(());
    }
    let mut blocks = 0;
    for block in x509_parser::pem::Pem::iter_from_buffer(&pem) {
        let block = block.map_err(|error| error.to_string())?;
        if block.label != "CERTIFICATE" {
            return Err(format!("only CERTIFICATE PEM blocks are allowed, found {:?}", block.label));
        }
        X509Certificate::from_der(&block.contents).map_err(|error| error.to_string())?;
        blocks += 1;
    }
    if blocks == 0 { Err("must contain at least one CERTIFICATE PEM block".into()) } else { Ok(()) }
}

fn check_signer(name: &str, field: &str) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    if name == "kubernetes.io/legacy-unknown" {
        return vec![FieldError::invalid(field, name, "the legacy signerName is not allowed via this API version")];
    }
    let Some((domain, path)) = name.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return vec![FieldError::invalid(field, name, why)];
    };
    let mut errors = Vec::new();
    let mut labels = |text: &str, rule: fn(&str) -> Vec<String>| {
        let wrong = text.split('.').map(|label| (label, rule(label))).find(|(_, problems)| !problems.is_empty());
        let (label, problems) = wrong.unwrap_or_default();
        errors.extend(
            problems.iter().map(|why| FieldError::invalid(field, text, format!("validating label {label:?}: {why}"))),
        );
    };
    labels(domain, names::dns_label);
    labels(path, names::dns_subdomain);
    if !domain.contains('.') {
        let why = "should be a domain with at least two segments separated by dots";
        errors.push(FieldError::invalid(field, domain, why));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Value {
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = rcgen::CertificateParams::new(vec!["a.example.com".to_owned()]).unwrap();
        let pem = pem.serialize_request(&key).unwrap().pem().unwrap();
        json!({
            "metadata": {"name": "one"},
            "spec": {"request": STANDARD.encode(pem), "signerName": "example.com/one", "usages": ["client auth"]},
        })
    }

    fn texts(errors: &[FieldError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_request_is_taken_and_faults_are_named() {
        assert_eq!(texts(&check(&request(), None)), [""; 0]);
        let mut wrong = request();
        wrong["spec"] = json!({"signerName": "one", "usages": ["x"], "expirationSeconds": 5});
        let texts = texts(&check(&wrong, None)).join("\n");
        for part in
            ["PEM block type must be CERTIFICATE REQUEST", "spec.usages[0]", "example.com/signer-name", "600 seconds"]
        {
            assert!(texts.contains(part), "{part}: {texts}");
        }
    }

    #[test]
    fn the_signature_of_a_request_must_fit() {
        let other = request();
        let der = |request: &Value| {
            let pem = STANDARD.decode(request.text("spec.request")).unwrap();
            x509_parser::pem::parse_x509_pem(&pem).unwrap().1.contents
        };
        let mut forged = der(&request());
        let end = forged.len();
        forged[end - 8..].copy_from_slice(&der(&other)[der(&other).len() - 8..]);
        let pem = format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
            STANDARD.encode(forged)
        );
        assert!(check_request(&STANDARD.encode(pem)).is_err());
    }

    #[test]
    fn approvals_are_given_through_approval_only() {
        let old = request();
        let mut approved = old.clone();
        approved["status"] = json!({"conditions": [{"type": "Approved", "status": "True"}]});
        assert_eq!(texts(&validate_approval(&approved, &old)), [""; 0]);
        let refused = CertificateSigningRequest.validate_status_update(&approved, &old);
        assert!(texts(&refused).join("").contains("may not add a condition of type \"Approved\""));
        assert!(texts(&validate_approval(&old, &approved)).join("").contains("may not remove a condition"));
        let mut both = approved.clone();
        both["status"]["conditions"] =
            json!([{"type": "Approved", "status": "True"}, {"type": "Denied", "status": "True"}]);
        assert!(texts(&validate_approval(&both, &approved)).join("").contains("mutually exclusive"));
    }

    #[test]
    fn an_approval_changes_nothing_but_the_conditions() {
        let old = request();
        let mut new = old.clone();
        new["spec"]["signerName"] = "example.com/two".into();
        new["status"] = json!({"certificate": "eA==", "conditions": [{"type": "Approved", "status": "True"}]});
        prepare_approval(&mut new, &old);
        assert_eq!(new["spec"], old["spec"]);
        assert_eq!(new["status"], json!({"conditions": [{"type": "Approved", "status": "True"}]}));
    }
}
