//! The webhook configurations in the store, kept current.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;

use super::conditions::Condition;
use super::matching::Matching;
use crate::kinds::tree::Tree;
use crate::store::{Collection, RangeRequest, Store};
use crate::webhook::ClientConfig;

/// Which webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Mutating,
    Validating,
}

/// All webhooks of a phase, in the order in which they are asked.
pub(crate) struct Configurations {
    collection: Arc<Collection>,
    /// As of which revision, and what they are.
    hooks: ArcSwap<(u64, Arc<[Hook]>)>,
}

/// One webhook.
#[derive(Debug)]
pub(crate) struct Hook {
    pub name: String,
    pub matching: Matching,
    /// `failurePolicy` is `Ignore`.
    pub may_fail: bool,
    pub timeout: Duration,
    /// `sideEffects` is `None` or `NoneOnDryRun`.
    pub takes_dry_runs: bool,
    /// `reinvocationPolicy` is `IfNeeded`.
    pub reinvocable: bool,
    /// Of AdmissionReview, in order of preference.
    pub review_versions: Vec<String>,
    pub conditions: Vec<Condition>,
    pub client: ClientConfig,
}

/// One of `rules`.
#[derive(Debug)]
pub(crate) struct Rule {
    pub operations: Vec<String>,
    pub groups: Vec<String>,
    pub versions: Vec<String>,
    /// Resource and subresource.
    pub resources: Vec<(String, String)>,
    pub scope: String,
    /// Of the objects; empty: all. Only rules of policies have them.
    pub names: Vec<String>,
}

impl Configurations {
    pub(crate) fn new(store: &Store, phase: Phase) -> Self {
        let plural = match phase {
            Phase::Mutating => "mutatingwebhookconfigurations",
            Phase::Validating => "validatingwebhookconfigurations",
        };
        let collection = store.collection("admissionregistration.k8s.io", plural);
        Self { collection, hooks: ArcSwap::from_pointee((0, Arc::new([]))) }
    }

    /// The webhooks as they are now. Nothing is read while no configuration has changed.
    pub(crate) fn current(&self) -> Arc<[Hook]> {
        // Before the read: what is written after it is seen by the next call.
        let revision = self.collection.revision();
        let known = self.hooks.load();
        if known.0 == revision {
            return known.1.clone();
        }
        // The newest state is always there, in order of names.
        let range = self.collection.range(RangeRequest::default());
        let configurations = range.map(|range| range.items).unwrap_or_default();
        let hooks: Arc<[Hook]> = configurations
            .iter()
            .flat_map(|stored| {
                let configuration = stored.tree();
                configuration.list("webhooks").iter().map(Hook::read).collect::<Vec<_>>()
            })
            .collect();
        self.hooks.store(Arc::new((revision, hooks.clone())));
        hooks
    }
}

impl Hook {
    /// Reads a webhook that was checked and completed when it was written.
    fn read(hook: &Value) -> Self {
        Self {
            name: hook.text("name").into(),
            matching: Matching::of_webhook(hook),
            may_fail: hook.text("failurePolicy") == "Ignore",
            timeout: Duration::from_secs(hook.int("timeoutSeconds").and_then(|s| u64::try_from(s).ok()).unwrap_or(10)),
            takes_dry_runs: matches!(hook.text("sideEffects"), "None" | "NoneOnDryRun"),
            reinvocable: hook.text("reinvocationPolicy") == "IfNeeded",
            review_versions: texts(hook, "admissionReviewVersions"),
            conditions: hook.list("matchConditions").iter().map(Condition::read).collect(),
            client: ClientConfig::read(hook.at("clientConfig")),
        }
    }
}

impl Rule {
    pub(super) fn read(rule: &Value) -> Self {
        let split = |text: String| match text.split_once('/') {
            Some((resource, subresource)) => (resource.into(), subresource.into()),
            None => (text, String::new()),
        };
        Self {
            operations: texts(rule, "operations"),
            groups: texts(rule, "apiGroups"),
            versions: texts(rule, "apiVersions"),
            resources: texts(rule, "resources").into_iter().map(split).collect(),
            scope: rule.text("scope").into(),
            names: texts(rule, "resourceNames"),
        }
    }
}

fn texts(value: &Value, field: &str) -> Vec<String> {
    value.list(field).iter().filter_map(Value::as_str).map(String::from).collect()
}
