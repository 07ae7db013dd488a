//! The quality-of-service class of a Pod. Source: its description in the Kubernetes documentation.

use serde_json::Value;

use crate::kinds::quantity::Quantity;
use crate::kinds::tree::Tree;

const COMPUTE: [&str; 2] = ["cpu", "memory"];

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub(crate) fn class(spec: &Value) -> &'static str {
    // Resources of the whole pod, where given, decide alone.
    if ["limits", "requests"].iter().any(|field| COMPUTE.iter().any(|name| amount(spec, field, name).is_some())) {
        return of(&[spec]);
    }
    let containers: Vec<&Value> = spec.list("containers").iter().chain(spec.list("initContainers")).collect();
    of(&containers)
}

fn of(holders: &[&Value]) -> &'static str {
    let asks_nothing = holders.iter().all(|holder| {
        COMPUTE.iter().all(|name| ["limits", "requests"].iter().all(|f| amount(holder, f, name).is_none()))
    });
    if asks_nothing {
        return "BestEffort";
    }
    let fixed = holders.iter().all(|holder| {
        COMPUTE.iter().all(|name| {
            let limit = amount(holder, "limits", name);
            limit.is_some() && amount(holder, "requests", name).is_none_or(|request| Some(request) == limit)
        })
    });
    if fixed { "Guaranteed" } else { "Burstable" }
}

fn amount(holder: &Value, field: &str, name: &str) -> Option<Quantity> {
    Quantity::of(holder.at("resources").at(field), name).filter(|amount| !amount.is_zero())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_class_follows_from_requests_and_limits() {
        let pod = |resources: &[Value]| {
            let containers: Vec<Value> = resources.iter().map(|r| json!({"resources": r})).collect();
            json!({"containers": containers})
        };
        let full = json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}});
        assert_eq!(class(&pod(&[json!({})])), "BestEffort");
        assert_eq!(class(&pod(std::slice::from_ref(&full))), "Guaranteed");
        assert_eq!(class(&pod(&[full.clone(), json!({})])), "Burstable");
        assert_eq!(class(&pod(&[json!({"requests": {"cpu": "1"}})])), "Burstable");
        assert_eq!(class(&pod(&[json!({"requests": {"cpu": "0"}})])), "BestEffort");
    }
}
