//! Strategies of custom resources, and of built-in kinds that have no rules of their own.

use serde_json::{Value, json};

use super::metadata;
use super::names::NameRule;
use super::strategy::{KindContext, Strategy};
use super::tree::Tree;
use crate::status::ApiResult;

/// The strategy of a custom resource. Its schema is checked elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct CustomResource {
    /// Whether the version has the status subresource.
    pub status: bool,
}

impl Strategy for CustomResource {
    fn has_status(&self) -> bool {
        self.status
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn generation_changes(&self, new: &Value, old: &Value) -> bool {
        // Without the subresource, status is a field like any other.
        let except: &[&str] = &["apiVersion", "kind", "metadata", "status"];
        let except = if self.status { except } else { &except[..3] };
        // Nothing is taken for something else here: the real server has no types for these objects either.
        let fields = |object: &Value| -> Vec<String> {
            object.as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect()
        };
        let mut all = fields(new).into_iter().chain(fields(old)).filter(|field| !except.contains(&field.as_str()));
        all.any(|field| new.get(&field) != old.get(&field))
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        // Nothing is stored for it, unlike with built-in kinds.
        if self.status {
            object.drop_field("status");
        }
        Ok(())
    }

    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        keep_all_but_status(new, old);
    }

    fn standard_finalizers(&self) -> bool {
        false
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let before = old.map_or(&[][..], |old| old.list("metadata.finalizers"));
        let mut added: Vec<&str> =
            new.list("metadata.finalizers").iter().filter(|f| !before.contains(f)).filter_map(Value::as_str).collect();
        added.sort_unstable();
        added.dedup();
        let bare = added.into_iter().filter(|name| !metadata::has_domain(name));
        let advice =
            "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers";
        bare.map(|name| format!("metadata.finalizers: {name:?}: {advice}")).collect()
    }

    fn reset_fields(&self, subresource: &str) -> &'static [&'static str] {
        match subresource {
            "" if self.status => &["status"],
            "status" => &["metadata", "spec"],
            _ => &[],
        }
    }
}

/// A built-in kind without rules of its own.
#[derive(Debug, Clone, Copy)]
struct Plain {
    status: bool,
    attached: bool,
    generation: bool,
    rule: NameRule,
    unconditional: bool,
    creates: bool,
}

/// The strategy of a built-in kind without rules of its own.
pub(super) fn plain(group: &str, kind: &str) -> &'static dyn Strategy {
    const BARE: Plain = Plain {
        status: false,
        attached: false,
        generation: false,
        rule: NameRule::Subdomain,
        unconditional: true,
        creates: false,
    };
    const COUNTED: Plain = Plain { generation: true, ..BARE };
    const STATUS: Plain = Plain { status: true, ..BARE };
    match (group, kind) {
        ("networking.k8s.io", "ServiceCIDR") => &STATUS,
        ("apiregistration.k8s.io", "APIService") => &Plain { rule: NameRule::PathSegment, ..STATUS },
        // Its checks, defaults and status are in `crd`.
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            &Plain { status: true, unconditional: false, ..COUNTED }
        }
        ("storage.k8s.io", "VolumeAttachment") => &Plain { unconditional: false, attached: true, ..STATUS },
        ("resource.k8s.io", "ResourceSlice" | "DeviceClass") => &COUNTED,
        ("node.k8s.io", "RuntimeClass") => &Plain { unconditional: false, creates: true, ..BARE },
        ("storage.k8s.io", "CSINode" | "CSIStorageCapacity") => &Plain { unconditional: false, ..BARE },
        _ => &BARE,
    }
}

impl Strategy for Plain {
    fn name_rule(&self) -> NameRule {
        self.rule
    }

    fn has_status(&self) -> bool {
        self.status
    }

    fn empty_status(&self) -> Value {
        // Of these kinds, only VolumeAttachment has a field that is always shown.
        if self.attached { json!({"attached": false}) } else { json!({}) }
    }

    fn has_generation(&self) -> bool {
        self.generation
    }

    fn standard_finalizers(&self) -> bool {
        // RuntimeClass: the one of these kinds that PUT makes is also the one whose finalizers are not looked at.
        !self.creates
    }

    fn creates_on_update(&self) -> bool {
        self.creates
    }

    fn unconditional_update(&self) -> bool {
        self.unconditional
    }
}

/// Takes everything but the status from `old`, metadata too.
pub(super) fn keep_all_but_status(new: &mut Value, old: &Value) {
    let mut kept = old.clone();
    kept.copy_field("status", new);
    // The caller has put these in, so they are those of this write.
    let metadata = kept.ensure("metadata");
    metadata.copy_field("managedFields", new.at("metadata"));
    metadata.copy_field("resourceVersion", new.at("metadata"));
    *new = kept;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::allocation::{AllocationOptions, Allocations};
    use crate::kinds::{before_create, before_status_update, before_update};

    fn with_context<T>(run: impl FnOnce(&KindContext<'_>) -> T) -> T {
        let allocations = Allocations::new(&AllocationOptions::default());
        run(&KindContext {
            group: "example.com",
            version: "v1",
            kind: "Widget",
            resource: "widgets",
            namespaced: true,
            reservation: allocations.reserve(),
        })
    }

    fn widget(spec: Value, status: Value) -> Value {
        let metadata = json!({"name": "a", "namespace": "default", "resourceVersion": "1", "generation": 1});
        json!({"metadata": metadata, "spec": spec, "status": status})
    }

    #[test]
    fn status_is_dropped_on_create_and_kept_on_update() {
        with_context(|context| {
            let mut new = widget(json!(1), json!(1));
            before_create(&CustomResource { status: true }, context, &mut new).unwrap();
            assert_eq!(new.get("status"), None);
            let mut new = widget(json!(1), json!(2));
            before_update(&CustomResource { status: true }, context, &mut new, &widget(json!(1), json!(1))).unwrap();
            assert_eq!(new, widget(json!(1), json!(1)));
        });
    }

    #[test]
    fn generation_counts_changes_outside_metadata_and_a_separate_status() {
        let old = widget(json!(1), json!(1));
        let cases = [
            (true, widget(json!(2), json!(1)), 2),
            (true, widget(json!(1), json!(2)), 1),
            (false, widget(json!(1), json!(2)), 2),
            (false, old.clone(), 1),
        ];
        for (status, mut new, generation) in cases {
            with_context(|context| before_update(&CustomResource { status }, context, &mut new, &old)).unwrap();
            assert_eq!(new["metadata"]["generation"], generation, "status={status}");
        }
    }

    #[test]
    fn a_status_write_of_a_custom_resource_changes_nothing_else() {
        let old = widget(json!(1), json!(1));
        let mut new = widget(json!(2), json!(2));
        new["metadata"]["labels"] = json!({"a": "b"});
        with_context(|context| before_status_update(&CustomResource { status: true }, context, &mut new, &old))
            .unwrap();
        assert_eq!(new, widget(json!(1), json!(2)));
    }
}
