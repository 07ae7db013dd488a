//! Carries out Operationrequests.

use std::sync::Arc;

use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::{Api, Client, ResourceExt};
use kubewright::patterns::request::{Done, Fault, Recovery, Request, RequestStatus};
use kubewright::prelude::*;
use kubewright::runtime::conditions;

use crate::rights::{Rights, holds};
use crate::seal::{Requester, Seals};
use crate::{Action, Operationrequest, Role, User, api, binding};

/// What an Operationrequest asks for, and how it is done.
pub(crate) struct Operations {
    pub(crate) namespace: String,
    pub(crate) seals: Arc<Seals>,
}

impl Request for Operations {
    type Object = Operationrequest;
    // Bindings are looked at before they are made or removed.
    const RECOVERY: Recovery = Recovery::Resume;

    fn status(request: &Operationrequest) -> Option<&RequestStatus> {
        request.status.as_ref()
    }

    fn lane(request: &Operationrequest) -> Option<String> {
        Some(format!("{}/{}", request.spec.namespace, request.spec.user))
    }

    fn requester(&self, request: &Operationrequest) -> Option<String> {
        creator(request)
    }

    async fn check(&self, request: &Operationrequest, ctx: &Context) -> Result<(), Fault> {
        let client = ctx.client();
        let requester = self.seals.get(client).await?.requester(request).map_err(Fault::permanent)?;
        let Change { given, taken } = change(request)?;
        let spec = &request.spec;
        if given.is_some() {
            user(client, ctx, &spec.user).await?;
        }
        let bindings = Api::<RoleBinding>::namespaced(client.clone(), &spec.namespace);
        let mut touched = Vec::from_iter(given);
        for role in taken {
            if let Some(live) = bindings.get_opt(&binding::name(&spec.user, role)).await? {
                binding::removable(&live, &spec.user)?;
                touched.push(role);
            }
        }
        for role in touched {
            match holds(client, &requester, &spec.namespace, role).await? {
                Rights::Held => {}
                Rights::Lacking(right) => {
                    return Err(Fault::permanent(lacking(&requester, role, &spec.namespace, &right)));
                }
                // Without its role a binding gives nothing, and can be removed by anybody.
                Rights::NoRole if given == Some(role) => return Err(no_role(client, ctx, &spec.namespace, role).await?),
                Rights::NoRole => {}
            }
        }
        Ok(())
    }

    async fn run(&self, request: &Operationrequest, ctx: &Context) -> Result<Done, Fault> {
        let spec = &request.spec;
        tracing::info!(
            request = request.name_any(),
            action = %spec.action,
            user = spec.user,
            role = spec.role.map(Role::name),
            namespace = spec.namespace,
            creator = creator(request),
            "operation started"
        );
        let Change { given, taken } = change(request)?;
        let bindings = Api::<RoleBinding>::namespaced(ctx.client().clone(), &spec.namespace);
        if let Some(role) = given {
            let mut wanted = binding::binding(&spec.user, role, &spec.namespace, &self.namespace);
            let user = user(ctx.client(), ctx, &spec.user).await?;
            wanted.metadata.owner_references = Some(vec![binding::owner(&user)]);
            binding::ensure(&bindings, &wanted, &spec.user).await?;
        }
        for role in taken {
            binding::remove(&bindings, &spec.user, role).await?;
        }
        Ok(Done::default())
    }
}

/// Which role a request gives, and which it takes.
struct Change {
    given: Option<Role>,
    taken: Vec<Role>,
}

fn change(request: &Operationrequest) -> Result<Change, Fault> {
    let role = request.spec.role;
    let given = |role: Option<Role>| {
        role.ok_or_else(|| Fault::permanent("spec.role is missing: use Owner, Manager or Developer"))
    };
    Ok(match &request.spec.action {
        Action::Grant => Change { given: Some(given(role)?), taken: Vec::new() },
        Action::Update => {
            let given = given(role)?;
            Change { given: Some(given), taken: Role::ALL.into_iter().filter(|role| *role != given).collect() }
        }
        Action::Deprive => Change { given: None, taken: role.map_or(Role::ALL.to_vec(), |role| vec![role]) },
        Action::Unknown(action) => {
            let what = format!("spec.action: unknown action {action:?}: use Grant, Update or Deprive");
            return Err(Fault::permanent(what));
        }
    })
}

/// The roles that a request gives or can take, for those who look at it before it is carried out.
pub(crate) fn touched(request: &Operationrequest) -> Vec<Role> {
    match change(request) {
        Ok(Change { given: Some(role), .. }) => vec![role],
        Ok(Change { given: None, taken }) => taken,
        Err(_) => Vec::new(),
    }
}

/// Why a request is refused for want of rights.
pub(crate) fn lacking(requester: &Requester, role: Role, namespace: &str, right: &str) -> String {
    let (who, role) = (&requester.username, role.name());
    format!(
        "{who} may not give or take role {role} in namespace {namespace}, as they lack a right of it: {right}; nobody gives \
         or takes more than they have"
    )
}

/// Who made a request, as it says itself: for logs and lists only.
pub(crate) fn creator<K: ResourceExt>(request: &K) -> Option<String> {
    request.annotations().get(crate::seal::CREATOR).cloned()
}

/// The user, as the cache or the server has it. One that changes wakes the request.
async fn user(client: &Client, ctx: &Context, name: &str) -> Result<User, Fault> {
    let cached = ctx.get::<User>(&ObjectRef::new(None, name))?;
    let found = match cached {
        Some(user) => Some(user),
        None => Api::<User>::all(client.clone()).get_opt(name).await?,
    };
    match found {
        Some(user) if user.metadata.deletion_timestamp.is_none() => Ok(user),
        Some(_) => Err(Fault::permanent(format!("spec.user: User {name:?} is being deleted"))),
        None => Err(Fault::permanent(format!("spec.user: there is no User {name:?}; create it first"))),
    }
}

/// The role is not there: because the namespace is not ready yet, or for good.
async fn no_role(client: &Client, ctx: &Context, namespace: &str, role: Role) -> Result<Fault, Fault> {
    let role = role.name();
    if let Some(owner) = api::user_of(namespace)
        && let Ok(owner) = user(client, ctx, owner).await
        && !owner.status.as_ref().is_some_and(|status| conditions::is_true(&status.conditions, "Ready"))
    {
        return Ok(Fault::waiting(format!("namespace {namespace} is not ready yet: see User {}", owner.name_any())));
    }
    let what = format!("spec.namespace: namespace {namespace:?} has no Role {role:?}");
    Ok(Fault::permanent(format!("{what}: use the namespace of a User, or create that Role in it")))
}
