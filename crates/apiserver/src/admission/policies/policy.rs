//! The policies in the store with their bindings, compiled and kept current.

use std::sync::Arc;

use arc_swap::ArcSwap;
use kubewright_cel::{Program, Type};
use serde_json::Value;

use super::environment::{PolicyEnvironment, compile_as};
use crate::admission::webhooks::{Condition, Matching};
use crate::kinds::tree::Tree;
use crate::store::{Collection, RangeRequest, Store};

/// All policies that have bindings.
pub(crate) struct Policies {
    policies: Arc<Collection>,
    bindings: Arc<Collection>,
    current: ArcSwap<Known>,
}

/// As of which revisions of both collections, and what the policies are.
type Known = ((u64, u64), Arc<[Policy]>);

/// A compiled expression, or why it can't be used.
pub(super) type Compiled = Result<Program, String>;

pub(in crate::admission) struct Policy {
    pub(super) name: String,
    /// `failurePolicy` is `Ignore`.
    pub(super) may_fail: bool,
    pub(super) matches: Matching,
    pub(super) conditions: Vec<Condition>,
    /// Group and version, and kind.
    pub(super) param_kind: Option<(String, String)>,
    pub(super) variables: Vec<(String, Compiled)>,
    pub(super) validations: Vec<Validation>,
    pub(super) annotations: Vec<(String, Compiled)>,
    pub(super) mutations: Vec<Mutation>,
    /// `reinvocationPolicy` is `IfNeeded`.
    pub(super) reinvocable: bool,
    pub(super) bindings: Vec<Binding>,
}

pub(super) struct Validation {
    pub expression: String,
    pub program: Compiled,
    pub message: String,
    pub message_program: Option<Compiled>,
    pub reason: String,
}

/// How a policy changes the object.
pub(super) struct Mutation {
    /// It gives a JSON patch, otherwise what is to be applied.
    pub json_patch: bool,
    pub expression: String,
    pub program: Compiled,
}

pub(super) struct Binding {
    pub name: String,
    pub matches: Matching,
    /// `paramRef`, null when there is none.
    pub params: Value,
    pub actions: Vec<String>,
}

impl Policies {
    pub(crate) fn validating(store: &Store) -> Self {
        Self::new(store, "validatingadmissionpolicies", "validatingadmissionpolicybindings")
    }

    pub(crate) fn mutating(store: &Store) -> Self {
        Self::new(store, "mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
    }

    fn new(store: &Store, policies: &str, bindings: &str) -> Self {
        const GROUP: &str = "admissionregistration.k8s.io";
        Self {
            policies: store.collection(GROUP, policies),
            bindings: store.collection(GROUP, bindings),
            current: ArcSwap::from_pointee(((0, 0), Arc::new([]))),
        }
    }

    /// The policies as they are now. Nothing is read while nothing has changed.
    pub(in crate::admission) fn current(&self) -> Arc<[Policy]> {
        // Before the read: what is written after it is seen by the next call.
        let revisions = (self.policies.revision(), self.bindings.revision());
        let known = self.current.load();
        if known.0 == revisions {
            return known.1.clone();
        }
        // The newest state is always there, in order of names.
        let read = |collection: &Collection| -> Vec<Value> {
            let range = collection.range(RangeRequest::default());
            range.map(|range| range.items.iter().map(|stored| stored.tree()).collect()).unwrap_or_default()
        };
        let bindings = read(&self.bindings);
        let of = |policy: &Value| -> Vec<Binding> {
            let name = policy.text("metadata.name");
            bindings.iter().filter(|binding| binding.text("spec.policyName") == name).map(Binding::read).collect()
        };
        let policies: Arc<[Policy]> = read(&self.policies)
            .iter()
            .map(|policy| (policy, of(policy)))
            .filter(|(_, bindings)| !bindings.is_empty())
            .map(|(policy, bindings)| Policy::read(policy, bindings))
            .collect();
        self.current.store(Arc::new((revisions, policies.clone())));
        policies
    }
}

impl Policy {
    fn read(policy: &Value, bindings: Vec<Binding>) -> Self {
        let spec = policy.at("spec");
        let has_params = spec.has("paramKind");
        let mut environment = PolicyEnvironment::new(has_params, true);
        let variables = spec
            .list("variables")
            .iter()
            .map(|variable| {
                let name = variable.text("name");
                (name.to_owned(), environment.declare(name, variable.text("expression")))
            })
            .collect();
        let patches = environment.get_with_patches();
        let mutation = |mutation: &Value| {
            let json_patch = mutation.text("patchType") == "JSONPatch";
            let (field, result) = mutation_of(json_patch);
            let expression = mutation.at(field).text("expression").to_owned();
            Mutation { json_patch, program: compile_as(&patches, &expression, &[result]), expression }
        };
        let environment = environment.get();
        let validation = |validation: &Value| Validation {
            expression: validation.text("expression").trim().to_owned(),
            program: compile_as(&environment, validation.text("expression"), &[Type::Bool]),
            message: validation.text("message").trim().to_owned(),
            message_program: validation
                .at("messageExpression")
                .as_str()
                .map(|expression| compile_as(&environment, expression, &[Type::String])),
            reason: validation.text("reason").to_owned(),
        };
        let annotation = |annotation: &Value| {
            let results = [Type::String, Type::Null];
            let program = compile_as(&environment, annotation.text("valueExpression"), &results);
            (annotation.text("valueExpression").to_owned(), program)
        };
        Self {
            name: policy.text("metadata.name").into(),
            may_fail: spec.text("failurePolicy") == "Ignore",
            matches: Matching::read(spec.at("matchConstraints")),
            conditions: spec
                .list("matchConditions")
                .iter()
                .map(|condition| Condition::read_in(condition, &environment))
                .collect(),
            param_kind: has_params
                .then(|| (spec.text("paramKind.apiVersion").to_owned(), spec.text("paramKind.kind").to_owned())),
            variables,
            validations: spec.list("validations").iter().map(validation).collect(),
            annotations: spec.list("auditAnnotations").iter().map(annotation).collect(),
            mutations: spec.list("mutations").iter().map(mutation).collect(),
            reinvocable: spec.text("reinvocationPolicy") == "IfNeeded",
            bindings,
        }
    }
}

/// The field of a mutation that holds its expression, and the type of what that gives.
pub(crate) fn mutation_of(json_patch: bool) -> (&'static str, Type) {
    match json_patch {
        true => ("jsonPatch", Type::list(Type::object("JSONPatch"))),
        false => ("applyConfiguration", Type::object("Object")),
    }
}

impl Binding {
    fn read(binding: &Value) -> Self {
        let spec = binding.at("spec");
        let actions = spec.list("validationActions").iter().filter_map(Value::as_str).map(String::from).collect();
        Self {
            name: binding.text("metadata.name").into(),
            matches: Matching::read(spec.at("matchResources")),
            params: spec.at("paramRef").clone(),
            actions,
        }
    }
}
