//! Texts that several kinds show: selectors, labels, containers, lists cut short.

use serde_json::Value;

use crate::go_text::{GoList, GoValue};
use crate::kinds::tree::Tree;

/// `a=b,c in (d,e),!f`; `empty` for a selector that selects everything, `<none>` for none at all.
pub(super) fn selector(selector: &Value, empty: &str) -> String {
    if selector.is_null() {
        return "<none>".into();
    }
    let mut requirements: Vec<(&str, String)> = selector
        .entries("matchLabels")
        .map(|(key, value)| (key.as_str(), format!("{key}={}", value.as_str().unwrap_or_default())))
        .collect();
    for requirement in selector.list("matchExpressions") {
        let key = requirement.text("key");
        let mut values: Vec<&str> = requirement.list("values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        requirements.push(match requirement.text("operator") {
            "In" => (key, format!("{key} in ({values})")),
            "NotIn" => (key, format!("{key} notin ({values})")),
            "Exists" => (key, key.into()),
            "DoesNotExist" => (key, format!("!{key}")),
            _ => return "<error>".into(),
        });
    }
    if requirements.is_empty() {
        return empty.into();
    }
    requirements.sort_by(|a, b| a.0.cmp(b.0));
    requirements.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

/// A selector as Go prints its message: `&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]…{},}`.
pub(super) fn selector_message(selector: &Value) -> String {
    let labels: String =
        selector.entries("matchLabels").map(|(key, value)| format!("{key}: {},", GoValue(value))).collect();
    let requirement = |one: &Value| {
        let (key, operator) = (one.text("key"), one.text("operator"));
        let values = GoList(one.list("values"));
        format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:{values},}},")
    };
    let expressions: String = selector.list("matchExpressions").iter().map(requirement).collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

/// `a=b,c=d`, or `<none>`.
pub(super) fn labels(labels: &Value) -> String {
    let pairs: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() { "<none>".into() } else { pairs.join(",") }
}

/// Names and images of the containers of a pod spec.
pub(super) fn containers(spec: &Value) -> [Value; 2] {
    ["name", "image"].map(|field| {
        let texts: Vec<&str> = spec.list("containers").iter().map(|container| container.text(field)).collect();
        texts.join(",").into()
    })
}

/// The first texts, and how many more there are.
pub(super) fn shortened(texts: &[String], shown: usize, all: usize) -> String {
    let text = texts.iter().take(shown).map(String::as_str).collect::<Vec<_>>().join(",");
    if all > shown && texts.len() > shown { format!("{text} + {} more...", all - shown) } else { text }
}

/// A quantity, count or percentage as it is written.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "0".into(),
        other => other.to_string(),
    }
}

/// Addresses of a load balancer, each once, in order.
pub(super) fn load_balancer(ingress: &[Value]) -> String {
    let mut addresses: Vec<&str> = ingress
        .iter()
        .map(|one| if one.text("ip").is_empty() { one.text("hostname") } else { one.text("ip") })
        .filter(|address| !address.is_empty())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_is_printed_as_its_message() {
        let one = json!({
            "matchLabels": {"b": "c", "a": "b"},
            "matchExpressions": [{"key": "k", "operator": "In", "values": ["x", "y"]}, {"key": "z", "operator": "Exists"}],
        });
        assert_eq!(
            selector_message(&one),
            "&LabelSelector{MatchLabels:map[string]string{a: b,b: c,},MatchExpressions:[]LabelSelectorRequirement{\
             LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},LabelSelectorRequirement{Key:z,Operator:Exists,\
             Values:[],},},}"
        );
        let empty = "&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{},}";
        assert_eq!(selector_message(&json!({})), empty);
    }
}
