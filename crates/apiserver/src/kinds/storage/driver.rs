//! CSIDriver.

use serde_json::{Value, json};

use crate::kinds::strategy::{KindContext, Strategy};
use crate::kinds::tree::Tree;
use crate::status::ApiResult;

pub(in crate::kinds) struct CsiDriver;

impl Strategy for CsiDriver {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        spec.default_to("attachRequired", true);
        spec.default_to("fsGroupPolicy", "ReadWriteOnceWithFSType");
        if spec.list("volumeLifecycleModes").is_empty() {
            spec.set("volumeLifecycleModes", json!(["Persistent"]));
        }
        for field in ["podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"] {
            spec.default_to(field, false);
        }
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        // Needs a feature that is off by default. Source: KEP-5030.
        object.ensure("spec").drop_field("preventPodSchedulingIfMissing");
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, _: &Value) -> ApiResult<()> {
        new.ensure("spec").drop_field("preventPodSchedulingIfMissing");
        Ok(())
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let asked = new.list("spec.tokenRequests");
        let told = old.is_some_and(|old| old.list("spec.tokenRequests") == asked);
        if asked.is_empty() || told || new.has("spec.serviceAccountTokenInSecrets") {
            return Vec::new();
        }
        let text =
            "if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";
        vec![format!("spec.serviceAccountTokenInSecrets is unset; {text}")]
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}
