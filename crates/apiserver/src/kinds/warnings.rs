//! Warnings that several kinds share: names, deprecated node labels, amounts that are no whole number.

use serde_json::Value;

use super::names;
use super::path::Path;
use super::pod;
use super::quantity::Quantity;
use super::tree::Tree;

/// Labels of nodes that are no longer to be selected by, and what the server says of them.
const OLD_NODE_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#),
    ("beta.kubernetes.io/os", r#"deprecated since v1.14; use "kubernetes.io/os" instead"#),
    (
        "failure-domain.beta.kubernetes.io/region",
        r#"deprecated since v1.17; use "topology.kubernetes.io/region" instead"#,
    ),
    ("failure-domain.beta.kubernetes.io/zone", r#"deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#),
    ("beta.kubernetes.io/instance-type", r#"deprecated since v1.17; use "node.kubernetes.io/instance-type" instead"#),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
    ("node-role.kubernetes.io/master", r#"use "node-role.kubernetes.io/control-plane" instead"#),
];

/// What there is to say of a node label.
pub(super) fn node_label(label: &str) -> Option<&'static str> {
    OLD_NODE_LABELS.iter().find(|(old, _)| *old == label).map(|(_, text)| *text)
}

/// Warnings on one term of a node selector. `values` says whether its values are looked at too.
pub(super) fn node_selector_term(term: &Value, values: bool, path: &Path<'_>) -> Vec<String> {
    let path = path.child("matchExpressions");
    let mut warnings = Vec::new();
    for (index, expression) in term.list("matchExpressions").iter().enumerate() {
        let path = path.index(index);
        let key = expression.text("key");
        if let Some(text) = node_label(key) {
            warnings.push(format!("{}: {key} is {text}", path.child("key")));
        }
        if !values {
            continue;
        }
        let path = path.child("values");
        for (index, value) in expression.list("values").iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            for message in names::label_value(value) {
                warnings.push(format!("{}: {value} is invalid, {message}", path.index(index)));
            }
        }
    }
    warnings
}

/// Warnings on amounts of bytes that are no whole number.
pub(super) fn whole_bytes(amounts: &Value, names: &[&str], path: &Path<'_>) -> Vec<String> {
    let amounts = names.iter().filter_map(|name| Some((name, Quantity::of(amounts, name)?)));
    let fractions = amounts.filter(|(_, amount)| !amount.is_whole());
    fractions
        .map(|(name, amount)| {
            let text = amount.text();
            format!("{}: fractional byte value \"{text}\" is invalid, must be an integer", path.key(name))
        })
        .collect()
}

/// Warnings on the sources of a volume that are among `old`. Their names are those that the server shows, which writes
/// `storageos` as `storageOS` here.
pub(super) fn volume_sources(volume: &Value, old: &[(&str, &str)], path: &Path<'_>) -> Vec<String> {
    let present = old.iter().filter(|(name, _)| volume.has(name) || volume.has(&name.to_lowercase()));
    present.map(|(name, text)| format!("{}: {text}", path.child(name))).collect()
}

/// Warnings on the spec of a claim.
pub(super) fn claim_spec(spec: &Value, path: &Path<'_>) -> Vec<String> {
    let path = path.child("resources");
    let mut warnings = whole_bytes(spec.at("resources.requests"), &["storage"], &path.child("requests"));
    warnings.extend(whole_bytes(spec.at("resources.limits"), &["storage"], &path.child("limits")));
    warnings
}

/// A warning on a name that pods are named after.
pub(super) fn name_in_pods(object: &Value) -> Option<String> {
    unless_label(object, "Pod names and hostnames")
}

/// A warning on a name that is no DNS label. `used` says where it shows.
pub(super) fn unless_label(object: &Value, used: &str) -> Option<String> {
    let messages = names::dns_label(object.text("metadata.name"));
    (!messages.is_empty()).then(|| {
        let list = messages.join(" ");
        format!(
            "metadata.name: this is used in {used}, which can result in surprising behavior; \
             a DNS label is recommended: [{list}]"
        )
    })
}

/// Warnings on a pod template at `path`: on create, and on an update that counts.
pub(super) fn template(new: &Value, old: Option<&Value>, path: &Path<'_>) -> Vec<String> {
    let same = |old: &Value| old.int("metadata.generation") == new.int("metadata.generation");
    if old.is_some_and(same) {
        return Vec::new();
    }
    pod::template_warnings(new.at(&path.to_string()), path)
}

/// Warnings of the kinds whose pods are named after them and made from `spec.template`.
pub(super) fn named_template(new: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    if old.is_none() {
        warnings.extend(name_in_pods(new));
    }
    warnings.extend(template(new, old, &Path::new("spec.template")));
    warnings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::kinds::strategy;

    #[test]
    fn warnings_read_as_the_real_ones() {
        let containers = json!([{"name": "a"}]);
        let dotted = "a DNS label is recommended: [must not contain dots]";
        let headless = json!({"type": "ClusterIP", "clusterIP": "None", "sessionAffinity": "ClientIP"});
        let cases = [
            (
                ("", "Pod"),
                json!({"metadata": {"name": "a.b"}, "spec": {"containers": &containers}}),
                vec![format!(
                    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; {dotted}"
                )],
            ),
            (
                ("apps", "Deployment"),
                json!({"metadata": {"name": "a.b"}, "spec": {"template": {"spec": {
                    "nodeSelector": {"beta.kubernetes.io/os": "linux"}, "containers": &containers}}}}),
                vec![
                    format!(
                        "metadata.name: this is used in Pod names and hostnames, which can result in surprising \
                         behavior; {dotted}"
                    ),
                    "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; \
                     use \"kubernetes.io/os\" instead"
                        .into(),
                ],
            ),
            (
                ("", "PersistentVolumeClaim"),
                json!({"spec": {"resources": {"requests": {"storage": "100m"}}}}),
                vec![
                    "spec.resources.requests[storage]: fractional byte value \"100m\" is invalid, must be an integer"
                        .into(),
                ],
            ),
            (
                ("", "PersistentVolume"),
                json!({"spec": {"storageos": {}}}),
                vec!["spec.storageOS: deprecated in v1.22, non-functional in v1.25+".into()],
            ),
            (
                ("", "Service"),
                json!({"spec": headless}),
                vec!["spec.SessionAffinity is ignored for headless services".into()],
            ),
        ];
        for ((group, kind), object, warnings) in cases {
            assert_eq!(strategy(group, kind).warnings(&object, None), warnings, "{kind}");
        }
    }

    #[test]
    fn an_update_that_does_not_count_warns_of_nothing() {
        let spec = json!({"template": {"spec": {"nodeSelector": {"beta.kubernetes.io/os": "linux"}}}});
        let old = json!({"metadata": {"name": "a.b", "generation": 1}, "spec": &spec});
        let deployment = strategy("apps", "Deployment");
        assert_eq!(deployment.warnings(&old, Some(&old)), Vec::<String>::new());
        let new = json!({"metadata": {"name": "a.b", "generation": 2}, "spec": &spec});
        assert_eq!(deployment.warnings(&new, Some(&old)).len(), 1);
    }
}
