//! Keeps the namespace of each User: roles, their binding, their service account, and their kubeconfig if they ask for one.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role as RoleObject, RoleBinding};
use kube::ResourceExt;
use kubewright::prelude::*;
use kubewright::runtime::Rights;
use kubewright::runtime::conditions::{self, State};

use crate::binding::{self, MANAGED_BY, binding_to, metadata};
use crate::kubeconfig::{self, Kubeconfig};
use crate::roles::rule;
use crate::{Options, Role, User, UserStatus, api};

/// How long until a name that is taken is looked at again.
const RETRY: Duration = Duration::from_secs(60);

/// The controller of Users.
pub(crate) fn controller(options: &Options) -> Controller {
    fn ours<K: Resource<DynamicType = ()>>() -> Watch<K>
    where
        K::Scope: 'static,
    {
        Watch::all().labels(format!("{}={}", MANAGED_BY.0, MANAGED_BY.1))
    }
    let system = &options.namespace;
    let how = ControllerOptions { concurrency: options.workers, ..ControllerOptions::default() };
    Controller::new("access-users", Watch::<User>::all(), Users { options: options.clone() })
        .owns(ours::<Namespace>())
        .owns(ours::<RoleObject>())
        .owns(ours::<RoleBinding>())
        .owns(ours::<ServiceAccount>().namespace(system))
        .owns(ours::<Secret>().namespace(system))
        .writes_status()
        // Whoever gives roles has to hold what they allow, or these verbs.
        .may(Rights::on::<RoleObject>(["bind", "escalate"]))
        .may(Rights::on::<ServiceAccount>(["create"]).of_subresource("token").within(system))
        .options(how)
}

struct Users {
    options: Options,
}

impl Reconciler for Users {
    type Object = User;

    async fn reconcile(&self, user: Arc<User>, ctx: &Context) -> Result<Outcome, Error> {
        if user.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        let (name, system) = (user.name_any(), &self.options.namespace);
        let kubeconfig = kubeconfig::wanted(ctx, &user, &self.options).await?;
        let namespace = namespace(&name);
        let mut access = Children::new()
            .add(account(&name, system))
            .add(own_role(&name, system))
            .add(own_binding(&name, system))
            .add(binding::binding(&name, Role::Owner, &api::namespace_of(&name), system));
        for role in Role::ALL {
            access = access.add(role_object(&name, role, &self.options.groups));
        }
        if let Some(secret) = &kubeconfig.secret {
            access = access.add(secret.clone());
        }
        let children = Children::new()
            .wave(Wave::new("namespace", Children::new().add(namespace)))
            .wave(Wave::new("access", access).ready_when(|_| readiness::Readiness::Ready));
        let owned = ctx.own(children).await?;
        let mut status = UserStatus {
            namespace: Some(api::namespace_of(&name)),
            service_account: Some(name.clone()),
            kubeconfig: kubeconfig.status.clone(),
            conditions: user.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default(),
            observed_generation: user.metadata.generation,
        };
        let taken: Vec<String> = owned.refused.iter().map(ToString::to_string).collect();
        let ready = if !taken.is_empty() {
            ctx.warning("NameTaken", taken.join("; "));
            (false, "NameTaken", taken.join("; "))
        } else if owned.is_ready() {
            (true, "Complete", String::new())
        } else {
            (false, "Incomplete", "its parts are being made".into())
        };
        let Kubeconfig { state, again, .. } = kubeconfig;
        status.conditions.retain(|condition| condition.type_ != "KubeconfigReady" || state.is_some());
        for (kind, state) in [("Ready", Some(ready)), ("KubeconfigReady", state)] {
            if let Some((is, reason, message)) = state {
                let state = State { kind, status: Some(is), reason, message: &message };
                conditions::set(&mut status.conditions, state, user.metadata.generation, ctx.now());
            }
        }
        ctx.set_status(&status).await?;
        Ok(match (taken.is_empty(), again) {
            (false, _) => Outcome::After(RETRY),
            (true, Some(again)) => Outcome::After(again),
            (true, None) => Outcome::Settled,
        })
    }
}

fn namespace(user: &str) -> Namespace {
    Namespace { metadata: metadata(user, &api::namespace_of(user), ""), ..Namespace::default() }
}

/// It lives where nobody else has access: who could make its tokens, or run Pods with it, would be the user.
fn account(user: &str, system: &str) -> ServiceAccount {
    ServiceAccount { metadata: metadata(user, user, system), ..ServiceAccount::default() }
}

fn role_object(user: &str, role: Role, groups: &[String]) -> RoleObject {
    let metadata = metadata(user, role.name(), &api::namespace_of(user));
    RoleObject { metadata, rules: Some(role.rules(groups)) }
}

/// What a user may do in the operator's namespace: make requests and see what became of them, and read their kubeconfig.
fn own_role(user: &str, system: &str) -> RoleObject {
    let requests = rule(&["user.sealos.io"], &["operationrequests", "deleterequests"], &["create", "get"]);
    let mut kubeconfig = rule(&[""], &["secrets"], &["get"]);
    kubeconfig.resource_names = Some(vec![kubeconfig::secret_name(user)]);
    RoleObject { metadata: metadata(user, &own_name(user), system), rules: Some(vec![requests, kubeconfig]) }
}

fn own_binding(user: &str, system: &str) -> RoleBinding {
    RoleBinding { metadata: metadata(user, &own_name(user), system), ..binding_to(user, &own_name(user), system) }
}

fn own_name(user: &str) -> String {
    format!("user-{user}")
}
