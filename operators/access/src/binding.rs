//! RoleBindings that requests make and take away.

use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use kubewright::patterns::request::Fault;
use serde_json::json;

use crate::{Role, User};

/// The label of what this operator makes.
pub(crate) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubewright-access");
/// The label with the user that something is for.
pub(crate) const USER: &str = "user.sealos.io/user";

/// The name of the binding of a user to a role.
pub(crate) fn name(user: &str, role: Role) -> String {
    format!("{user}-{}", role.name())
}

/// Binds a user, by name and by their service account, to a role of a namespace.
pub(crate) fn binding(user: &str, role: Role, namespace: &str, system: &str) -> RoleBinding {
    RoleBinding { metadata: metadata(user, &name(user, role), namespace), ..binding_to(user, role.name(), system) }
}

/// Metadata of something that is made for a user.
pub(crate) fn metadata(user: &str, name: &str, namespace: &str) -> ObjectMeta {
    let labels = [MANAGED_BY, (USER, user)];
    ObjectMeta {
        name: Some(name.into()),
        namespace: (!namespace.is_empty()).then(|| namespace.into()),
        labels: Some(labels.map(|(key, value)| (key.into(), value.into())).into()),
        ..ObjectMeta::default()
    }
}

/// A binding of the user to this role, without metadata.
pub(crate) fn binding_to(user: &str, role: &str, system: &str) -> RoleBinding {
    let group = "rbac.authorization.k8s.io";
    let person =
        Subject { kind: "User".into(), name: user.into(), api_group: Some(group.into()), ..Subject::default() };
    let account = Subject {
        kind: "ServiceAccount".into(),
        name: user.into(),
        namespace: Some(system.into()),
        ..Subject::default()
    };
    RoleBinding {
        metadata: ObjectMeta::default(),
        role_ref: RoleRef { api_group: Some(group.into()), kind: "Role".into(), name: role.into() },
        subjects: Some(vec![person, account]),
    }
}

/// The reference by which what was granted goes with the user.
pub(crate) fn owner(user: &User) -> OwnerReference {
    OwnerReference {
        api_version: User::api_version(&()).into(),
        kind: User::kind(&()).into(),
        name: user.name_any(),
        uid: user.uid().unwrap_or_default(),
        controller: None,
        block_owner_deletion: Some(true),
    }
}

/// Whether this operator made it for this user.
pub(crate) fn is_ours(binding: &RoleBinding, user: &str) -> bool {
    let label = |key: &str| binding.labels().get(key).map(String::as_str);
    label(MANAGED_BY.0) == Some(MANAGED_BY.1) && label(USER) == Some(user)
}

/// Whether a User object keeps it, so that no request changes it.
pub(crate) fn is_kept(binding: &RoleBinding) -> bool {
    binding.owner_references().iter().any(|owner| owner.controller == Some(true))
}

/// Makes the binding what is wanted. One that is right already is not written.
pub(crate) async fn ensure(api: &Api<RoleBinding>, wanted: &RoleBinding, user: &str) -> Result<(), Fault> {
    let name = wanted.name_any();
    let Some(live) = api.get_opt(&name).await? else { return create(api, wanted).await };
    let gives = live.role_ref == wanted.role_ref && live.subjects == wanted.subjects;
    if is_kept(&live) && gives {
        return Ok(());
    }
    if !is_ours(&live, user) || is_kept(&live) {
        return Err(foreign(&live));
    }
    if live.role_ref != wanted.role_ref {
        // It can't be changed.
        delete(api, &live).await?;
        return create(api, wanted).await;
    }
    let owners = &wanted.metadata.owner_references;
    if gives && live.metadata.owner_references == *owners {
        return Ok(());
    }
    let metadata = json!({"resourceVersion": live.resource_version(), "ownerReferences": owners});
    let patch = json!({"metadata": metadata, "subjects": wanted.subjects});
    api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}

/// Removes the binding. One that is gone already is right.
pub(crate) async fn remove(api: &Api<RoleBinding>, user: &str, role: Role) -> Result<(), Fault> {
    let Some(live) = api.get_opt(&name(user, role)).await? else { return Ok(()) };
    removable(&live, user)?;
    delete(api, &live).await
}

/// Whether a request may remove it.
pub(crate) fn removable(live: &RoleBinding, user: &str) -> Result<(), Fault> {
    if is_kept(live) {
        let (name, namespace) = (live.name_any(), live.namespace().unwrap_or_default());
        let what = format!("RoleBinding {namespace}/{name} is {user}'s own, as the owner of the namespace");
        return Err(Fault::permanent(format!("{what}; delete the User instead")));
    }
    if is_ours(live, user) { Ok(()) } else { Err(foreign(live)) }
}

async fn create(api: &Api<RoleBinding>, wanted: &RoleBinding) -> Result<(), Fault> {
    api.create(&PostParams::default(), wanted).await?;
    Ok(())
}

async fn delete(api: &Api<RoleBinding>, live: &RoleBinding) -> Result<(), Fault> {
    let preconditions = Preconditions { uid: live.uid(), resource_version: live.resource_version() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match api.delete(&live.name_any(), &params).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        deleted => {
            deleted?;
            Ok(())
        }
    }
}

fn foreign(live: &RoleBinding) -> Fault {
    let (name, namespace) = (live.name_any(), live.namespace().unwrap_or_default());
    let what = format!("RoleBinding {namespace}/{name} was not made by a request, so it is left alone");
    Fault::permanent(format!("{what}; rename or remove it, then make the request again"))
}
