//! Leases on the server: read, made, renewed, taken, released and removed, each on the condition that it is the version that
//! was seen.
//!
//! The fields are client-go's, so that `kubectl get leases` and tools that know `leaderelection` understand them; what
//! others have put into the object stays.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams, Preconditions},
};
use tokio::time::timeout;

use super::election::{Claim, Input, RELEASED, Record};
use crate::clock::Clock;

/// The Leases of a namespace, written in the name of one holder.
#[derive(Clone)]
pub(crate) struct Leases {
    api: Api<Lease>,
    clock: Arc<dyn Clock>,
    pub(crate) holder: String,
    pub(crate) duration: Duration,
    /// How long a request may take.
    pub(crate) timeout: Duration,
}

/// A Lease with the texts that it is to have beside the fields of the election.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Marks {
    fn put_on(&self, lease: &mut Lease) {
        let metadata = &mut lease.metadata;
        for (kept, wanted) in [(&mut metadata.labels, &self.labels), (&mut metadata.annotations, &self.annotations)] {
            if !wanted.is_empty() {
                kept.get_or_insert_default().extend(wanted.clone());
            }
        }
    }
}

/// What came of a write.
#[derive(Debug)]
pub(crate) enum Written {
    Done(Box<Lease>),
    /// The Lease is not what it was.
    Refused,
    /// Nobody knows.
    Unanswered(String),
}

impl Leases {
    pub(crate) fn new(
        client: Client,
        namespace: &str,
        clock: Arc<dyn Clock>,
        holder: String,
        duration: Duration,
        timeout: Duration,
    ) -> Self {
        Self { api: Api::namespaced(client, namespace), clock, holder, duration, timeout }
    }

    /// The Lease, `None` if there is none, or why that is not known.
    pub(crate) async fn read(&self, name: &str) -> Result<Option<Lease>, String> {
        match timeout(self.timeout, self.api.get_opt(name)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(self.late()),
        }
    }

    /// All Leases with a label.
    pub(crate) async fn list(&self, selector: &str) -> Result<Vec<Lease>, String> {
        // No resourceVersion: the newest state that there is.
        match timeout(self.timeout, self.api.list(&ListParams::default().labels(selector))).await {
            Ok(answer) => answer.map(|list| list.items).map_err(|error| error.to_string()),
            Err(_) => Err(self.late()),
        }
    }

    pub(crate) async fn create(&self, name: &str, claim: &Claim, marks: &Marks) -> Written {
        let mut lease = Lease { metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }, spec: None };
        self.fill(&mut lease, claim, marks);
        self.written(self.api.create(&PostParams::default(), &lease)).await
    }

    /// Renews or takes a Lease that was seen as `seen`.
    pub(crate) async fn update(&self, seen: &Lease, claim: &Claim, marks: &Marks) -> Written {
        let mut lease = seen.clone();
        self.fill(&mut lease, claim, marks);
        let name = lease.metadata.name.clone().unwrap_or_default();
        self.written(self.api.replace(&name, &PostParams::default(), &lease)).await
    }

    /// Gives a Lease back that was seen as `seen`, so that the next one need not wait.
    pub(crate) async fn release(&self, seen: &Lease, marks: &Marks) -> Written {
        let mut lease = seen.clone();
        marks.put_on(&mut lease);
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(RELEASED.as_secs() as i32);
        spec.renew_time = Some(MicroTime(self.clock.now()));
        let name = lease.metadata.name.clone().unwrap_or_default();
        self.written(self.api.replace(&name, &PostParams::default(), &lease)).await
    }

    /// Removes a Lease if it is still the version that was seen.
    pub(crate) async fn remove(&self, name: &str, version: &str) -> Written {
        let (uid, resource_version) = version.split_once('@').unwrap_or((version, ""));
        let preconditions = Preconditions { uid: Some(uid.into()), resource_version: Some(resource_version.into()) };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let removed = async { self.api.delete(name, &params).await.map(|_| Lease::default()) };
        self.written(removed).await
    }

    fn fill(&self, lease: &mut Lease, claim: &Claim, marks: &Marks) {
        let now = self.clock.now();
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        spec.holder_identity = Some(if claim.vacant { String::new() } else { self.holder.clone() });
        // The field holds whole seconds: too long is safe.
        spec.lease_duration_seconds = Some(i32::try_from(self.duration.as_millis().div_ceil(1000)).unwrap_or(i32::MAX));
        spec.renew_time = Some(MicroTime(now));
        spec.lease_transitions = Some(claim.transitions);
        if claim.acquires || (spec.acquire_time.is_none() && !claim.vacant) {
            spec.acquire_time = Some(MicroTime(now));
        }
        marks.put_on(lease);
    }

    async fn written(&self, write: impl Future<Output = Result<Lease, kube::Error>>) -> Written {
        match timeout(self.timeout, write).await {
            Ok(Ok(lease)) => Written::Done(Box::new(lease)),
            // Exists already, is another version, is gone.
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409 | 412) => Written::Refused,
            Ok(Err(error)) => Written::Unanswered(error.to_string()),
            Err(_) => Written::Unanswered(self.late()),
        }
    }

    fn late(&self) -> String {
        format!("no answer within {:?}", self.timeout)
    }
}

/// The version by which a Lease is told from all others, before and after it.
pub(crate) fn version(lease: &Lease) -> String {
    let uid = lease.metadata.uid.as_deref().unwrap_or_default();
    format!("{uid}@{}", lease.metadata.resource_version.as_deref().unwrap_or_default())
}

/// What a Lease says of an election.
pub(crate) fn record(lease: &Lease, usual: Duration) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Record {
        version: version(lease),
        holder: spec.holder_identity.unwrap_or_default(),
        duration: seconds.map_or(usual, Duration::from_secs),
        transitions: spec.lease_transitions.unwrap_or_default(),
    }
}

/// An annotation of a Lease.
pub(crate) fn annotation<'a>(lease: &'a Lease, name: &str) -> Option<&'a str> {
    lease.metadata.annotations.as_ref()?.get(name).map(String::as_str)
}

/// A write as the state machine takes it.
pub(crate) fn outcome(written: &Written, sent: Duration, usual: Duration) -> Input {
    match written {
        Written::Done(lease) => Input::Written { sent, record: record(lease, usual) },
        Written::Refused => Input::Refused,
        Written::Unanswered(_) => Input::Unanswered,
    }
}
