//! For which requests the API server calls a webhook, and what it does when there is no answer.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Map, Value, json};

use crate::Operation;
use crate::admission::AdmittedObject;

/// What happens to a request when the webhook does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// It is refused. Safe; but while the webhook is away nothing that it looks at can be written.
    #[default]
    Fail,
    /// It is let through.
    Ignore,
}

/// When and how an admission webhook is called. A misspelt option does not compile:
///
/// ```compile_fail,E0560
/// use kubewright_webhook::AdmissionOptions;
///
/// let options = AdmissionOptions { failure_polisy: Default::default(), ..AdmissionOptions::default() };
/// ```
#[derive(Debug, Clone)]
pub struct AdmissionOptions {
    /// The webhook's name in the configuration, a domain name with three parts at least. Default: made of the kind, such
    /// as `vsite-v1.example.com`.
    pub name: Option<String>,
    /// For which operations. Default: create and update.
    pub operations: Vec<Operation>,
    /// Subresources, such as `status`, for which it is called too. Default: none.
    pub subresources: Vec<String>,
    /// What happens without an answer. Default: [`FailurePolicy::Fail`].
    pub failure_policy: FailurePolicy,
    /// How long the API server waits, from 1 to 30 s; each write waits with it. Default: 10 s.
    pub timeout: Duration,
    /// Only objects in namespaces with these labels. Default: all.
    pub namespace_selector: Option<LabelSelector>,
    /// Only objects with these labels. Default: all.
    pub object_selector: Option<LabelSelector>,
    /// Only requests for which all of these CEL expressions hold, as name and expression. Default: none.
    pub match_conditions: Vec<(String, String)>,
    /// A mutating webhook is called again when a later one has changed the object. Default: no.
    pub reinvoke: bool,
    /// The webhook changes things elsewhere, except in a dry run (see [`Request::dry_run`](crate::Request::dry_run)).
    /// Default: no.
    pub side_effects: bool,
}

impl Default for AdmissionOptions {
    fn default() -> Self {
        Self {
            name: None,
            operations: vec![Operation::Create, Operation::Update],
            subresources: Vec::new(),
            failure_policy: FailurePolicy::default(),
            timeout: Duration::from_secs(10),
            namespace_selector: None,
            object_selector: None,
            match_conditions: Vec::new(),
            reinvoke: false,
            side_effects: false,
        }
    }
}

/// Mutating or validating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Mutating,
    Validating,
}

impl Phase {
    /// The kind of the configuration.
    pub(crate) fn configuration(self) -> &'static str {
        match self {
            Self::Mutating => "MutatingWebhookConfiguration",
            Self::Validating => "ValidatingWebhookConfiguration",
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Mutating => 'm',
            Self::Validating => 'v',
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Mutating => "mutate",
            Self::Validating => "validate",
        }
    }
}

/// Where a webhook for `K` is served: kubebuilder's paths, so that configurations made for it fit.
pub(crate) fn path<K: AdmittedObject>(phase: Phase) -> String {
    let group = K::group(&()).replace('.', "-");
    let (version, kind) = (K::version(&()), K::kind(&()).to_lowercase());
    format!("/{}-{group}-{version}-{kind}", phase.verb())
}

/// The entry in a configuration, without its `clientConfig`.
pub(crate) fn entry<K: AdmittedObject>(phase: Phase, options: &AdmissionOptions) -> Value {
    let (group, version, plural) = (K::group(&()), K::version(&()), K::plural(&()));
    let name = options.name.clone().unwrap_or_else(|| {
        // A name must have three parts; the groups of Kubernetes' own kinds have one or none.
        let domain = match &*group {
            "" => "core.k8s.io".to_string(),
            group if group.contains('.') => group.to_string(),
            group => format!("{group}.k8s.io"),
        };
        format!("{}{}-{version}.{domain}", phase.letter(), K::kind(&()).to_lowercase())
    });
    let subresources = options.subresources.iter().map(|subresource| format!("{plural}/{subresource}"));
    let resources: Vec<String> = std::iter::once(plural.to_string()).chain(subresources).collect();
    let mut entry = json!({
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": if options.side_effects { "NoneOnDryRun" } else { "None" },
        "failurePolicy": match options.failure_policy { FailurePolicy::Fail => "Fail", FailurePolicy::Ignore => "Ignore" },
        "timeoutSeconds": options.timeout.as_secs().clamp(1, 30),
        "rules": [{
            "apiGroups": [group], "apiVersions": [version], "resources": resources, "operations": options.operations,
        }],
    });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            entry[name] = value;
        }
    };
    // A selector of labels always becomes JSON.
    let selector = |selector: &Option<LabelSelector>| {
        selector.as_ref().map(|selector| serde_json::to_value(selector).unwrap_or_else(|_| Value::Object(Map::new())))
    };
    set("namespaceSelector", selector(&options.namespace_selector));
    set("objectSelector", selector(&options.object_selector));
    let conditions: Vec<Value> = options
        .match_conditions
        .iter()
        .map(|(name, expression)| json!({"name": name, "expression": expression}))
        .collect();
    set("matchConditions", (!conditions.is_empty()).then_some(Value::Array(conditions)));
    set("reinvocationPolicy", (phase == Phase::Mutating && options.reinvoke).then(|| json!("IfNeeded")));
    entry
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use k8s_openapi::api::core::v1::Pod;

    use super::*;

    #[test]
    fn paths_are_kubebuilder_s() {
        assert_eq!(path::<Pod>(Phase::Mutating), "/mutate--v1-pod");
        assert_eq!(path::<Deployment>(Phase::Validating), "/validate-apps-v1-deployment");
    }

    #[test]
    fn names_have_three_parts() {
        let name = |entry: Value| entry["name"].as_str().unwrap_or_default().to_string();
        assert_eq!(name(entry::<Pod>(Phase::Mutating, &AdmissionOptions::default())), "mpod-v1.core.k8s.io");
        assert_eq!(
            name(entry::<Deployment>(Phase::Validating, &AdmissionOptions::default())),
            "vdeployment-v1.apps.k8s.io"
        );
        let options = AdmissionOptions { name: Some("a.b.c".into()), ..AdmissionOptions::default() };
        assert_eq!(name(entry::<Pod>(Phase::Mutating, &options)), "a.b.c");
    }
}
