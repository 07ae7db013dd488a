//! The webhook: seals requests, and refuses at once what would be refused later.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::object::HasSpec;
use kube::{Client, Resource, ResourceExt};
use kubewright::runtime::clock::Clock;
use kubewright::webhook::{
    AdmissionOptions, Allowed, Denied, Mutator, Operation, Request, Validator, WebhookOptions, Webhooks,
};
use serde::Serialize;

use crate::rights::{Rights, holds, may};
use crate::seal::{CREATOR, Requester, SEAL, Seals};
use crate::{Deleterequest, Operationrequest, deletion, operation};

/// The webhooks for requests in this namespace.
pub(crate) fn webhooks(client: Client, namespace: &str, seals: Arc<Seals>, options: WebhookOptions) -> Webhooks {
    let clock = options.clock.clone();
    let labels = [("kubernetes.io/metadata.name".to_string(), namespace.to_string())].into();
    let selector = LabelSelector { match_labels: Some(labels), match_expressions: None };
    let on = |operations: &[Operation]| AdmissionOptions {
        operations: operations.to_vec(),
        namespace_selector: Some(selector.clone()),
        ..AdmissionOptions::default()
    };
    let create = [Operation::Create];
    let both = [Operation::Create, Operation::Update];
    let guard = || Guard { client: client.clone(), seals: seals.clone(), clock: clock.clone() };
    Webhooks::new(format!("access-{namespace}"), options)
        .mutating(Sealing::<Operationrequest>(guard(), Default::default()), on(&create))
        .mutating(Sealing::<Deleterequest>(guard(), Default::default()), on(&create))
        .validating(Operations(guard()), on(&both))
        .validating(Deletions(guard()), on(&both))
}

struct Guard {
    client: Client,
    seals: Arc<Seals>,
    clock: Arc<dyn Clock>,
}

/// Writes into a request who makes it.
struct Sealing<K>(Guard, std::marker::PhantomData<fn() -> K>);

impl<K> Mutator for Sealing<K>
where
    K: Resource<DynamicType = ()> + HasSpec<Spec: Serialize> + Serialize,
    K: serde::de::DeserializeOwned + Send + Sync + 'static,
{
    type Object = K;

    async fn mutate(&self, object: &mut K, _: Option<&K>, request: &Request) -> Result<Allowed, Denied> {
        let Guard { client, seals, clock } = &self.0;
        let sealer = seals.get(client).await.map_err(Denied::failed)?;
        let namespace = request.namespace.as_deref().unwrap_or_default();
        // A fraction of a second would not survive being written down.
        let now = clock.now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        sealer.seal(object, namespace, Requester::from(&request.user), now);
        Ok(Allowed::default())
    }
}

/// Refuses Operationrequests of those who lack the rights.
struct Operations(Guard);

impl Validator for Operations {
    type Object = Operationrequest;

    async fn create(&self, new: &Operationrequest, request: &Request) -> Result<Allowed, Denied> {
        let requester = Requester::from(&request.user);
        let namespace = &new.spec.namespace;
        for role in operation::touched(new) {
            match holds(&self.0.client, &requester, namespace, role).await.map_err(Denied::failed)? {
                // What is not there yet is looked at when the request is carried out.
                Rights::Held | Rights::NoRole => {}
                Rights::Lacking(right) => {
                    return Err(Denied::forbidden(operation::lacking(&requester, role, namespace, &right)));
                }
            }
        }
        Ok(Allowed::default())
    }

    async fn update(&self, new: &Operationrequest, old: &Operationrequest, _: &Request) -> Result<Allowed, Denied> {
        unchanged(new, old)
    }
}

/// Refuses Deleterequests of those who may not delete the user.
struct Deletions(Guard);

impl Validator for Deletions {
    type Object = Deleterequest;

    async fn create(&self, new: &Deleterequest, request: &Request) -> Result<Allowed, Denied> {
        let requester = Requester::from(&request.user);
        let name = &new.spec.user;
        if may(&self.0.client, &requester, &deletion::deletes(name)).await.map_err(Denied::failed)? {
            return Ok(Allowed::default());
        }
        Err(Denied::forbidden(deletion::forbidden(&requester, name)))
    }

    async fn update(&self, new: &Deleterequest, old: &Deleterequest, _: &Request) -> Result<Allowed, Denied> {
        unchanged(new, old)
    }
}

/// Refuses changes of who made a request. The API server refuses those of what is asked for.
fn unchanged<K: ResourceExt>(new: &K, old: &K) -> Result<Allowed, Denied> {
    for key in [CREATOR, SEAL] {
        if new.annotations().get(key) != old.annotations().get(key) {
            let field = format!("metadata.annotations[{key}]");
            return Err(Denied::invalid(field, "tells who made the request and can't be changed"));
        }
    }
    Ok(Allowed::default())
}
