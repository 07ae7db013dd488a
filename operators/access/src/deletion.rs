//! Carries out Deleterequests.

use std::fmt;
use std::sync::Arc;

use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role as RoleObject, RoleBinding};
use kube::api::{DeleteParams, ListParams, Preconditions};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, ResourceExt};
use kubewright::patterns::request::{Done, Fault, Recovery, Request, RequestStatus};
use kubewright::prelude::*;
use serde::de::DeserializeOwned;

use crate::binding::{MANAGED_BY, USER};
use crate::rights::{attributes, may};
use crate::seal::{Requester, Seals};
use crate::{Deleterequest, User, api, operation};

/// What a Deleterequest asks for, and how it is done.
pub(crate) struct Deletions {
    pub(crate) namespace: String,
    pub(crate) seals: Arc<Seals>,
}

impl Request for Deletions {
    type Object = Deleterequest;
    // What is gone needs no deletion.
    const RECOVERY: Recovery = Recovery::Resume;

    fn status(request: &Deleterequest) -> Option<&RequestStatus> {
        request.status.as_ref()
    }

    fn lane(request: &Deleterequest) -> Option<String> {
        Some(request.spec.user.clone())
    }

    fn requester(&self, request: &Deleterequest) -> Option<String> {
        operation::creator(request)
    }

    async fn check(&self, request: &Deleterequest, ctx: &Context) -> Result<(), Fault> {
        let client = ctx.client();
        let requester = self.seals.get(client).await?.requester(request).map_err(Fault::permanent)?;
        let name = &request.spec.user;
        if may(client, &requester, &deletes(name)).await? {
            return Ok(());
        }
        Err(Fault::permanent(forbidden(&requester, name)))
    }

    async fn run(&self, request: &Deleterequest, ctx: &Context) -> Result<Done, Fault> {
        let (name, dependents) = (&request.spec.user, request.spec.delete_dependents);
        tracing::info!(
            request = request.name_any(),
            action = "Delete",
            user = name,
            dependents,
            creator = operation::creator(request),
            "operation started"
        );
        // The end of the deletion wakes the request.
        ctx.get::<User>(&ObjectRef::new(None, name))?;
        let users = Api::<User>::all(ctx.client().clone());
        let found = users.get_opt(name).await?;
        // A user who came after the request is another one.
        let meant = |user: &User| user.creation_timestamp() <= request.creation_timestamp();
        if let Some(user) = found.filter(meant) {
            if user.metadata.deletion_timestamp.is_none() {
                delete(&users, &user, dependents).await?;
            }
            // Without dependents it can be gone at once.
            if users.get_opt(name).await?.is_some_and(|left| left.uid() == user.uid()) {
                let with = if dependents { " with all that is theirs" } else { "" };
                return Err(Fault::waiting(format!("User {name} is being deleted{with}")));
            }
        }
        if dependents {
            self.remove_left(ctx.client(), name).await?;
        }
        Ok(Done::default())
    }
}

impl Deletions {
    /// Removes what an earlier deletion has left.
    async fn remove_left(&self, client: &Client, user: &str) -> Result<(), Fault> {
        let labels = format!("{}={},{USER}={user}", MANAGED_BY.0, MANAGED_BY.1);
        let params = ListParams::default().labels(&labels);
        if Api::<User>::all(client.clone()).get_opt(user).await?.is_some() {
            // It is another's by now.
            return Ok(());
        }
        let namespaces = Api::<Namespace>::all(client.clone());
        for namespace in namespaces.list(&params).await? {
            if namespace.name_any() == api::namespace_of(user) && namespace.metadata.deletion_timestamp.is_none() {
                remove(&namespaces, &namespace).await?;
            }
        }
        let bindings = Api::<RoleBinding>::all(client.clone());
        for binding in bindings.list(&params).await? {
            let api = Api::namespaced(client.clone(), &binding.namespace().unwrap_or_default());
            remove(&api, &binding).await?;
        }
        self.remove_own::<ServiceAccount>(client, &params).await?;
        self.remove_own::<Secret>(client, &params).await?;
        self.remove_own::<RoleObject>(client, &params).await
    }

    async fn remove_own<K>(&self, client: &Client, params: &ListParams) -> Result<(), Fault>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + fmt::Debug,
    {
        let api = Api::<K>::namespaced(client.clone(), &self.namespace);
        for object in api.list(params).await? {
            remove(&api, &object).await?;
        }
        Ok(())
    }
}

/// The right to delete a user.
pub(crate) fn deletes(user: &str) -> ResourceAttributes {
    ResourceAttributes { name: Some(user.into()), ..attributes("", "delete", "user.sealos.io", "users") }
}

/// Why a request is refused for want of that right.
pub(crate) fn forbidden(requester: &Requester, user: &str) -> String {
    let who = &requester.username;
    format!("{who} may not delete User {user}: they lack the right to delete users.user.sealos.io")
}

async fn delete(users: &Api<User>, user: &User, dependents: bool) -> Result<(), Fault> {
    let params = if dependents { DeleteParams::foreground() } else { DeleteParams::orphan() };
    let preconditions = Preconditions { uid: user.uid(), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..params };
    match users.delete(&user.name_any(), &params).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        deleted => {
            deleted?;
            Ok(())
        }
    }
}

async fn remove<K>(api: &Api<K>, object: &K) -> Result<(), Fault>
where
    K: Resource + Clone + DeserializeOwned + fmt::Debug,
{
    let preconditions = Preconditions { uid: object.meta().uid.clone(), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    match api.delete(object.meta().name.as_deref().unwrap_or_default(), &params).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        deleted => {
            deleted?;
            Ok(())
        }
    }
}
