//! What a suspended account does to the object storage of its owner.
//!
//! Every ObjectStorageUser in the owner's namespace gets the annotation [`SUSPENDED`], which the object storage operator
//! takes as an order to disable the remote user; it is taken off again when the account is no longer suspended, or goes. A
//! cluster that does not have that kind is fine: it is looked for by its definition, and what comes later is marked then.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use kubewright::prelude::{Context, Error, ObjectRef, Watch};
use kubewright::runtime::Rights;
use serde_json::{Value, json};

/// Set to `"true"` on ObjectStorageUsers of an owner whose account is suspended.
pub const SUSPENDED: &str = "account.sealos.io/suspended";

/// The definition by which the kind is known to be there.
const DEFINITION: &str = "objectstorageusers.objectstorage.sealos.io";

static USERS: LazyLock<ApiResource> = LazyLock::new(|| ApiResource {
    group: "objectstorage.sealos.io".into(),
    version: "v1".into(),
    api_version: "objectstorage.sealos.io/v1".into(),
    kind: "ObjectStorageUser".into(),
    plural: "objectstorageusers".into(),
});

/// What is watched to learn whether the kind is there.
pub(crate) fn definition() -> Watch<CustomResourceDefinition> {
    Watch::all().fields(format!("metadata.name={DEFINITION}"))
}

/// What is done to users of object storage, wherever they are.
pub(crate) fn rights() -> Rights {
    Rights::on_kind(&USERS, ["list", "watch", "patch"])
}

/// Marks the owner's users, or takes the mark off.
pub(crate) async fn set(ctx: &Context, owner: &str, suspended: bool) -> Result<(), Error> {
    let definitions = ApiResource::erase::<CustomResourceDefinition>(&());
    if ctx.read(&definitions).get(&ObjectRef::new(None, DEFINITION))?.is_none() {
        return Ok(());
    }
    let namespace = format!("ns-{owner}");
    let users = ctx.read(&USERS).list(Some(&namespace))?;
    let api = Api::<DynamicObject>::namespaced_with(ctx.client().clone(), &namespace, &USERS);
    for user in users {
        let marked = user.annotation(SUSPENDED).is_some_and(|mark| mark == "true");
        if marked == suspended {
            continue;
        }
        let mark = if suspended { json!("true") } else { Value::Null };
        // The uid keeps the patch from a user of the same name that is another's.
        let patch = json!({"metadata": {"uid": user.uid(), "annotations": {SUSPENDED: mark}}});
        let params = PatchParams { field_manager: Some(ctx.field_manager().into()), ..PatchParams::default() };
        match api.patch_metadata(user.name(), &params, &Patch::Merge(patch)).await {
            Ok(user) => tracing::info!(user = user.name_any(), namespace, suspended, "marked a user of object storage"),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
