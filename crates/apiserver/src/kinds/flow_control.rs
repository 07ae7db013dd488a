//! FlowSchema and PriorityLevelConfiguration: their defaults.

use serde_json::Value;

use super::strategy::Strategy;
use super::tree::Tree;

pub(super) struct FlowSchema;

impl Strategy for FlowSchema {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        if spec.int("matchingPrecedence").unwrap_or_default() == 0 {
            spec.set("matchingPrecedence", 1000);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        true
    }
}

pub(super) struct PriorityLevelConfiguration;

impl Strategy for PriorityLevelConfiguration {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        for (kind, shares) in [("limited", 30), ("exempt", 0)] {
            if let Some(level) = spec.field_mut(kind).filter(|level| level.is_object()) {
                level.default_to("nominalConcurrencyShares", shares);
                level.default_to("lendablePercent", 0);
                if let Some(response) = level.field_mut("limitResponse")
                    && let Some(queuing) = response.field_mut("queuing").filter(|queuing| queuing.is_object())
                {
                    for (field, value) in [("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)] {
                        if queuing.int(field).unwrap_or_default() == 0 {
                            queuing.set(field, value);
                        }
                    }
                }
            }
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        true
    }
}
