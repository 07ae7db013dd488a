//! ResourceQuotas: their limits come into force, and what is used of them is counted.
//!
//! Admission counts what writes add; this controller counts anew when a quota changes, when an object is gone, and when a
//! Pod has ended. Source: the behaviour of kube-controller-manager's resource quota controller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use kube::api::{Api, ListParams, PostParams};
use kube::core::{ApiResource, DynamicObject};
use kube::{Client, ResourceExt};
use kubewright_apiserver::env::Clock;
use kubewright_apiserver::quota::{self, Amounts};
use kubewright_runtime::{Context, Controller, Error, KeyReconciler, Manager, Outcome, Trigger, Watch};
use serde_json::{Value, json};

use crate::kinds::served_kinds;

/// Somebody has changed the quota meanwhile, most often admission.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Adds the controller to a manager. The trigger is to be woken with the namespace of whatever is gone.
pub(crate) fn add_to(manager: Manager, clock: Arc<dyn Clock>) -> (Manager, Trigger<String>) {
    let namespace_of = |object: &kubewright_runtime::Stored| object.reference().namespace.as_deref().map(str::to_owned);
    let ended = |change: &kubewright_runtime::Delta| {
        let phase = |state: &Option<kubewright_runtime::Stored>| {
            state.as_ref().and_then(|pod| pod.tree()["status"]["phase"].as_str().map(str::to_owned))
        };
        let over = |phase: &Option<String>| matches!(phase.as_deref(), Some("Failed" | "Succeeded"));
        over(&phase(&change.new)) && !over(&phase(&change.old))
    };
    let controller = Controller::for_keys("resourcequota-controller", Quotas { clock })
        .watches(Watch::<ResourceQuota>::all(), namespace_of)
        .watches(Watch::<Pod>::all().when(ended), namespace_of);
    let trigger = controller.trigger();
    (manager.controller(controller), trigger)
}

/// Works on the quotas of a namespace, which is the key.
struct Quotas {
    clock: Arc<dyn Clock>,
}

impl KeyReconciler for Quotas {
    type Key = String;

    async fn reconcile(&self, namespace: &String, ctx: &Context) -> Result<Outcome, Error> {
        if ctx.list::<ResourceQuota>(Some(namespace))?.is_empty() {
            return Ok(Outcome::Settled);
        }
        // Not from the cache: admission may have counted since.
        let api = Api::<ResourceQuota>::namespaced(ctx.client().clone(), namespace);
        let now = self.clock.now().to_string();
        let mut counted = Counted { client: ctx.client(), namespace, now, objects: BTreeMap::new(), kinds: None };
        let mut outcome = Outcome::Settled;
        for found in api.list(&ListParams::default()).await?.items {
            let Some(changed) = counted.update(&found).await? else { continue };
            match api.replace_status(&found.name_any(), &PostParams::default(), &changed).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.code == 409 => outcome = Outcome::After(LOOK_AGAIN),
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(outcome)
    }
}

/// What is in a namespace, read once for all of its quotas.
struct Counted<'a> {
    client: &'a Client,
    namespace: &'a str,
    now: String,
    objects: BTreeMap<(String, String), Arc<Vec<Value>>>,
    kinds: Option<Vec<ApiResource>>,
}

impl Counted<'_> {
    /// The quota with its new status; none when it has it already.
    async fn update(&mut self, quota: &ResourceQuota) -> Result<Option<ResourceQuota>, Error> {
        let tree = serde_json::to_value(quota)?;
        let hard = Amounts::read(&tree["spec"]["hard"]);
        let before = Amounts::read(&tree["status"]["used"]);
        let mut used = Amounts::default();
        for (group, plural) in quota::limited_resources(&tree["spec"]["hard"]) {
            if let Some(objects) = self.of(&group, &plural).await? {
                let own = quota::used(&tree, (&group, &plural), objects.iter(), &self.now);
                for (name, amount) in own.iter() {
                    used.set(name, amount.clone());
                }
            }
        }
        // Of what can't be counted the last count stays.
        for (name, amount) in before.iter() {
            if used.get(name).is_none() && hard.get(name).is_some() {
                used.set(name, amount.clone());
            }
        }
        let same = hard.equals(&Amounts::read(&tree["status"]["hard"])) && used.equals(&before);
        if same && tree["status"]["hard"].is_object() {
            return Ok(None);
        }
        let mut new = tree;
        new["status"] = json!({"hard": hard.to_value(), "used": used.to_value()});
        Ok(Some(serde_json::from_value(new)?))
    }

    /// The objects of a resource; none when it is not served.
    async fn of(&mut self, group: &str, plural: &str) -> Result<Option<Arc<Vec<Value>>>, Error> {
        let key = (group.to_owned(), plural.to_owned());
        if let Some(known) = self.objects.get(&key) {
            return Ok(Some(known.clone()));
        }
        if self.kinds.is_none() {
            let mut kinds = served_kinds(self.client).await?;
            kinds.retain(|kind| kind.namespaced && kind.can(&["list"]));
            self.kinds = Some(kinds.into_iter().map(|kind| kind.resource).collect());
        }
        let mut kinds = self.kinds.iter().flatten();
        let Some(resource) = kinds.find(|kind| kind.group == group && kind.plural == plural) else { return Ok(None) };
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), self.namespace, resource);
        let objects = api.list(&ListParams::default()).await?.items;
        let objects: Result<Vec<Value>, _> = objects.iter().map(serde_json::to_value).collect();
        let objects = Arc::new(objects?);
        self.objects.insert(key, objects.clone());
        Ok(Some(objects))
    }
}
