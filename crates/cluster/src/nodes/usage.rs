//! What the pods of each node ask for together, kept current from the changes of pods.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kubewright_runtime::{Delta, Stored};
use parking_lot::Mutex;

/// Amounts by resource name: thousandths for `cpu`, whole units for all else; `pods` counts the pods.
pub(super) type Amounts = HashMap<String, i128>;

/// The sums of all nodes.
#[derive(Default)]
pub(super) struct Usage(Mutex<Sums>);

#[derive(Default)]
struct Sums {
    /// By uid: the pod's node and what it asks for.
    pods: HashMap<String, (String, Amounts)>,
    nodes: HashMap<String, Amounts>,
}

impl Usage {
    /// Takes a change of a pod into account.
    pub(super) fn observe(&self, change: &Delta) {
        match &change.new {
            None => {
                let known = change.last.as_ref().or(change.old.as_ref());
                self.0.lock().remove(known.map(Stored::uid).unwrap_or_default());
            }
            Some(pod) => match pod.decode::<Pod>() {
                Ok(pod) if over(&pod) => self.0.lock().remove(pod.metadata.uid.as_deref().unwrap_or_default()),
                Ok(pod) => self.take(&pod, node_of(&pod)),
                // What can't be read is not scheduled either.
                Err(_) => {}
            },
        }
    }

    /// The pod is on its way to a node, which the caches do not show yet.
    pub(super) fn take(&self, pod: &Pod, node: &str) {
        let (Some(uid), false) = (pod.metadata.uid.as_deref(), node.is_empty()) else { return };
        let mut sums = self.0.lock();
        if sums.pods.contains_key(uid) {
            return;
        }
        let asked = pod.spec.as_ref().map(requests).unwrap_or_default();
        let total = sums.nodes.entry(node.to_string()).or_default();
        for (name, amount) in &asked {
            *total.entry(name.clone()).or_default() += amount;
        }
        sums.pods.insert(uid.to_string(), (node.to_string(), asked));
    }

    /// What the pods of a node ask for.
    pub(super) fn of(&self, node: &str) -> Amounts {
        self.0.lock().nodes.get(node).cloned().unwrap_or_default()
    }
}

impl Sums {
    fn remove(&mut self, uid: &str) {
        let Some((node, asked)) = self.pods.remove(uid) else { return };
        let Some(total) = self.nodes.get_mut(&node) else { return };
        for (name, amount) in asked {
            *total.entry(name).or_default() -= amount;
        }
    }
}

fn node_of(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default()
}

fn over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// What a pod asks for: the sum of its containers, or what one init container asks for if that is more.
pub(super) fn requests(spec: &PodSpec) -> Amounts {
    let of = |container: &k8s_openapi::api::core::v1::Container| {
        amounts(container.resources.as_ref().and_then(|resources| resources.requests.as_ref()))
    };
    let mut total = Amounts::from([("pods".to_string(), 1)]);
    let sidecar =
        |container: &&k8s_openapi::api::core::v1::Container| container.restart_policy.as_deref() == Some("Always");
    let inits = || spec.init_containers.iter().flatten();
    for (name, amount) in spec.containers.iter().chain(inits().filter(sidecar)).flat_map(of) {
        *total.entry(name).or_default() += amount;
    }
    for (name, amount) in inits().filter(|container| !sidecar(container)).flat_map(of) {
        let present = total.entry(name).or_default();
        *present = (*present).max(amount);
    }
    for (name, amount) in amounts(spec.overhead.as_ref()) {
        *total.entry(name).or_default() += amount;
    }
    total
}

/// Quantities as numbers.
pub(super) fn amounts(quantities: Option<&std::collections::BTreeMap<String, Quantity>>) -> Amounts {
    let number = |(name, quantity): (&String, &Quantity)| {
        let scale = if name == "cpu" { 1000.0 } else { 1.0 };
        Some((name.clone(), (value(&quantity.0)? * scale).ceil() as i128))
    };
    quantities.into_iter().flatten().filter_map(number).collect()
}

/// The value of a quantity such as `100m`, `1.5Gi` or `2e3`; what the API server has let in can be read.
pub(crate) fn value(quantity: &str) -> Option<f64> {
    let digits = quantity.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(quantity.len());
    let (number, suffix) = quantity.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        exponent => 10.0_f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number * factor)
}

/// Whether a cached pod has no node yet.
pub(super) fn has_no_node(pod: &Stored) -> bool {
    let tree = pod.tree();
    tree["spec"]["nodeName"].as_str().unwrap_or_default().is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(value: serde_json::Value) -> PodSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn quantities_have_their_value() {
        for (text, wanted) in [("100m", 0.1), ("1.5Gi", 1_610_612_736.0), ("2e3", 2000.0), ("5", 5.0), ("1k", 1000.0)] {
            assert!((value(text).unwrap() - wanted).abs() < 1e-9, "{text}");
        }
        assert_eq!(value("much"), None);
    }

    #[test]
    fn a_pod_asks_for_its_containers_or_its_largest_init_container() {
        let of = |cpu: &str| json!({"name": "c", "resources": {"requests": {"cpu": cpu}}});
        let asked = requests(&spec(json!({"containers": [of("100m"), of("200m")], "initContainers": [of("1")]})));
        assert_eq!((asked["cpu"], asked["pods"]), (1000, 1));
        let asked = requests(&spec(json!({"containers": [of("1"), of("200m")], "initContainers": [of("1")]})));
        assert_eq!(asked["cpu"], 1200);
        let mut sidecar = of("1");
        sidecar["restartPolicy"] = json!("Always");
        let asked = requests(&spec(json!({"containers": [of("1")], "initContainers": [sidecar]})));
        assert_eq!(asked["cpu"], 2000);
    }

    #[test]
    fn a_pod_counts_once_and_only_while_it_is_there() {
        let usage = Usage::default();
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"uid": "u"}, "spec": {"nodeName": "n", "containers": []},
        }))
        .unwrap();
        usage.take(&pod, "n");
        usage.take(&pod, "n");
        assert_eq!(usage.of("n")["pods"], 1);
        usage.0.lock().remove("u");
        assert_eq!(usage.of("n")["pods"], 0);
    }
}
