//! The ReplicaSets of a Deployment: which of them has its template, revisions and annotations.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use super::limits::max_surge;
use crate::workloads::names::hash;
use crate::workloads::pods::controller_reference;

/// The label that tells the pods of one template from those of another.
pub(super) const HASH_LABEL: &str = "pod-template-hash";

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";

/// Annotations of a Deployment that its ReplicaSets do not get.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAX,
];

/// How long the list of earlier revisions may get.
const HISTORY_CHARACTERS: usize = 2000;

/// The ReplicaSets of a Deployment.
#[derive(Debug, Clone, Default)]
pub(super) struct Sets {
    /// The one that has its template.
    pub(super) new: Option<ReplicaSet>,
    /// All others, oldest first.
    pub(super) old: Vec<ReplicaSet>,
}

impl Sets {
    pub(super) fn of(deployment: &Deployment, mut all: Vec<ReplicaSet>) -> Self {
        let age = |set: &ReplicaSet| (set.creation_timestamp().map(|time| time.0), set.name_any());
        all.sort_by_key(age);
        let template = deployment.spec.as_ref().map(|spec| without_hash(&spec.template));
        // The oldest, if there are several: so all replicas of this controller choose the same.
        let new = all
            .iter()
            .position(|set| set.spec.as_ref().and_then(|spec| spec.template.as_ref()).map(without_hash) == template);
        let new = new.map(|at| all.remove(at));
        Self { new, old: all }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &ReplicaSet> {
        self.old.iter().chain(&self.new)
    }

    /// How many pods all of them want.
    pub(super) fn wanted(&self) -> i32 {
        self.all().map(replicas).sum()
    }

    /// How many pods of all of them are available.
    pub(super) fn available(&self) -> i32 {
        self.all().map(available).sum()
    }

    /// Old ones that want pods.
    pub(super) fn active_old(&self) -> impl Iterator<Item = &ReplicaSet> {
        self.old.iter().filter(|set| replicas(set) > 0)
    }

    pub(super) fn replace(&mut self, changed: ReplicaSet) {
        let same = |set: &&mut ReplicaSet| set.metadata.uid == changed.metadata.uid;
        if let Some(set) = self.old.iter_mut().chain(&mut self.new).find(same) {
            *set = changed;
        }
    }

    /// The revision that a new template gets.
    pub(super) fn next_revision(&self) -> i64 {
        self.old.iter().map(revision).max().unwrap_or_default() + 1
    }
}

/// How many pods the set wants.
pub(super) fn replicas(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

pub(super) fn available(set: &ReplicaSet) -> i32 {
    set.status.as_ref().and_then(|status| status.available_replicas).unwrap_or_default()
}

/// The set's revision; 0 if it has none.
pub(super) fn revision(set: &ReplicaSet) -> i64 {
    number(set, REVISION).unwrap_or_default()
}

/// How many pods the Deployment wanted when the set was scaled last.
pub(super) fn desired(set: &ReplicaSet) -> Option<i32> {
    number(set, DESIRED)
}

/// How many pods the Deployment allowed when the set was scaled last.
pub(super) fn allowed(set: &ReplicaSet) -> Option<i32> {
    number(set, MAX)
}

fn number<N: std::str::FromStr>(set: &ReplicaSet, annotation: &str) -> Option<N> {
    set.annotations().get(annotation)?.parse().ok()
}

/// The set with so many pods, and with what tells later that the Deployment wanted that.
pub(super) fn scaled(deployment: &Deployment, set: &ReplicaSet, to: i32) -> ReplicaSet {
    let mut set = set.clone();
    set.spec.get_or_insert_default().replicas = Some(to);
    set.annotations_mut().extend(scale_annotations(deployment));
    set
}

fn scale_annotations(deployment: &Deployment) -> [(String, String); 2] {
    let spec = spec(deployment);
    let wanted = spec.replicas.unwrap_or(1);
    [(DESIRED.into(), wanted.to_string()), (MAX.into(), (wanted + max_surge(&spec)).to_string())]
}

/// The ReplicaSet of the Deployment's template.
pub(super) fn made(deployment: &Deployment, sets: &Sets, replicas: i32) -> ReplicaSet {
    let spec = spec(deployment);
    let collisions = deployment.status.as_ref().and_then(|status| status.collision_count).unwrap_or_default();
    let hash = hash(&spec.template, collisions);
    let mut template = spec.template.clone();
    let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    labels.insert(HASH_LABEL.into(), hash.clone());
    let labels = labels.clone();
    let mut selector = spec.selector.clone();
    selector.match_labels.get_or_insert_default().insert(HASH_LABEL.into(), hash.clone());
    // The whole name may have 253 characters.
    let mut name = deployment.name_any();
    name.truncate(253 - 1 - hash.len());
    let mut annotations: BTreeMap<String, String> = copied(deployment).collect();
    annotations.insert(REVISION.into(), sets.next_revision().to_string());
    annotations.extend(scale_annotations(deployment));
    ReplicaSet {
        metadata: ObjectMeta {
            name: Some(format!("{name}-{hash}")),
            namespace: deployment.namespace(),
            labels: Some(labels),
            annotations: Some(annotations),
            owner_references: Some(vec![controller_reference(deployment)]),
            ..ObjectMeta::default()
        },
        spec: Some(ReplicaSetSpec {
            min_ready_seconds: spec.min_ready_seconds,
            replicas: Some(replicas),
            selector,
            template: Some(template),
        }),
        status: None,
    }
}

/// The new set as it should be told of: the Deployment's annotations and the newest revision. `None`: as it is.
pub(super) fn refreshed(deployment: &Deployment, sets: &Sets) -> Option<ReplicaSet> {
    let set = sets.new.as_ref()?;
    let mut wanted = set.clone();
    let (had, next) = (revision(set), sets.next_revision());
    let annotations = wanted.annotations_mut();
    annotations.extend(copied(deployment));
    if had < next {
        annotations.insert(REVISION.into(), next.to_string());
        if had > 0 {
            // The template comes back: what revisions it was before.
            let earlier = annotations.get(REVISION_HISTORY).cloned().unwrap_or_default();
            annotations.insert(REVISION_HISTORY.into(), history(&earlier, had));
        }
    }
    wanted.spec.get_or_insert_default().min_ready_seconds = spec(deployment).min_ready_seconds;
    let min_ready = |set: &ReplicaSet| set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or_default();
    (wanted.annotations() != set.annotations() || min_ready(&wanted) != min_ready(set)).then_some(wanted)
}

fn history(earlier: &str, revision: i64) -> String {
    let mut revisions: Vec<String> = earlier.split(',').filter(|text| !text.is_empty()).map(str::to_string).collect();
    revisions.push(revision.to_string());
    while revisions.len() > 1 && revisions.join(",").len() > HISTORY_CHARACTERS {
        revisions.remove(0);
    }
    revisions.join(",")
}

fn copied(deployment: &Deployment) -> impl Iterator<Item = (String, String)> {
    let annotations = deployment.annotations().iter();
    annotations
        .filter(|(name, _)| !NOT_COPIED.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
}

fn without_hash(template: &PodTemplateSpec) -> PodTemplateSpec {
    let mut template = template.clone();
    if let Some(labels) = template.metadata.as_mut().and_then(|metadata| metadata.labels.as_mut()) {
        labels.remove(HASH_LABEL);
        if labels.is_empty() {
            template.metadata.get_or_insert_default().labels = None;
        }
    }
    template
}

pub(super) fn spec(deployment: &Deployment) -> DeploymentSpec {
    deployment.spec.clone().unwrap_or_default()
}
