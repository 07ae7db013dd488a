//! The object in the version that a policy or a webhook asks for.

use std::sync::Arc;

use serde_json::Value;

use super::attributes::Attributes;
use crate::registry::Resource;
use crate::status::ApiResult;
use crate::verbs;

/// The object as it is being changed, in the version that was asked for last.
pub(super) struct Versioned {
    pub(super) resource: Arc<Resource>,
    pub(super) object: Option<Value>,
    pub(super) old: Option<Value>,
    /// It is to be taken back.
    pub(super) changed: bool,
}

impl Versioned {
    /// In the version of the request.
    pub(super) fn new(attributes: &Attributes, object: Option<&Value>, old: Option<&Value>) -> Self {
        let (object, old) = (object.cloned(), old.cloned());
        Self { resource: attributes.resource.clone(), object, old, changed: false }
    }

    /// Brings both objects into another version.
    pub(super) async fn convert(&mut self, attributes: &Attributes, target: &Arc<Resource>) -> ApiResult<()> {
        for object in [&mut self.object, &mut self.old].into_iter().flatten() {
            verbs::convert_between(&attributes.core, &self.resource, target, object).await?;
        }
        self.resource = target.clone();
        Ok(())
    }

    /// Puts the changed object, in the version of the request, in the place of `object`.
    pub(super) async fn take_back(
        mut self,
        attributes: &Attributes,
        object: &mut Value,
        warnings: &mut Vec<String>,
    ) -> ApiResult<()> {
        self.convert(attributes, &attributes.resource).await?;
        if let Some(new) = self.object {
            verbs::complete_mutated(object, new, warnings);
        }
        Ok(())
    }
}
