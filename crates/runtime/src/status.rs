//! Status writes: only when something changes, and without conflicts.

use kube::{
    Resource,
    api::{DynamicObject, Patch, PatchParams},
    core::Request,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Context, Error,
    context::Subject,
    owned::{memory::Target, remove_nulls},
};

impl Context {
    /// Makes the object's status this. Tells whether something was written: a status that is there already costs no
    /// request, so a reconcile that settles does not wake itself again and again.
    ///
    /// It is sent by server-side apply to the `status` subresource, so it never conflicts with writes to the
    /// specification, and fields of the status that other controllers set survive. Fields that are `null` count as
    /// absent; fields that were given before and no longer are get removed. Leave out what changes on its own, such as
    /// the time of the last run: it would make each reconcile cause the next.
    ///
    /// An object that is gone meanwhile is no error: nothing is written. A kind without a `status` subresource is a
    /// terminal one.
    pub async fn set_status(&self, status: &impl Serialize) -> Result<bool, Error> {
        let Subject { resource, stored } = self.subject()?;
        let object = stored.reference();
        let mut status = serde_json::to_value(status)?;
        remove_nulls(&mut status);
        let desired = json!({
            "apiVersion": resource.api_version, "kind": resource.kind,
            "metadata": {"name": *object.name, "namespace": object.namespace.as_deref(), "uid": stored.uid()},
            "status": status,
        });
        let manager = &self.controller.field_manager;
        let target = Target::new(resource, object.clone(), "status");
        if self.controller.memory.settled(&target, &desired, &stored.tree(), manager) {
            return Ok(false);
        }
        let params = PatchParams::apply(manager).force();
        let path = DynamicObject::url_path(resource, object.namespace.as_deref());
        let request = Request::new(path)
            .patch_subresource("status", &object.name, &params, &Patch::Apply(&desired))
            .map_err(kube::Error::BuildRequest)?;
        match self.client().request::<Value>(request).await {
            Ok(answer) => {
                self.controller.memory.applied(target, &desired, &answer, manager);
                Ok(true)
            }
            Err(kube::Error::Api(answer)) if answer.is_not_found() => {
                // The server names the object if that is what is missing, and nothing if it is the path.
                if answer.details.is_some_and(|details| details.name == *object.name) {
                    return Ok(false);
                }
                let kind = &resource.kind;
                let what = format!("{kind} has no status subresource: declare it in its CustomResourceDefinition");
                Err(Error::terminal(what))
            }
            Err(error) => Err(error.into()),
        }
    }
}
