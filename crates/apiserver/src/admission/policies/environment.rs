//! What the expressions of a policy may read: as match conditions of webhooks, and `namespaceObject`, `params` and
//! `variables`.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubewright_cel::{Environment, Merge, ObjectSchema, Program, Schema, SchemaKind, Type, admission_environment};

/// The environment of a policy's expressions, which grows with its variables.
pub(crate) struct PolicyEnvironment {
    base: Environment,
    /// There is an object with the variables even if there are none.
    composed: bool,
    variables: BTreeMap<String, Arc<Schema>>,
}

impl PolicyEnvironment {
    /// Without variables. `params`: the policy has parameters; `composed`: expressions may speak of `variables` before there
    /// is one.
    pub(crate) fn new(params: bool, composed: bool) -> Self {
        let base = admission_environment().with_namespace_object();
        let base = if params { base.variable("params", Type::Dyn) } else { base };
        Self { base, composed, variables: BTreeMap::new() }
    }

    /// For match conditions, which are checked without variables.
    pub(crate) fn without_variables(&self) -> &Environment {
        &self.base
    }

    /// With the variables so far.
    pub(crate) fn get(&self) -> Environment {
        if self.variables.is_empty() && !self.composed {
            return self.base.clone();
        }
        let object = ObjectSchema { name: "kubernetes.variables".into(), fields: self.variables.clone() };
        self.base.clone().object(Arc::new(object)).variable("variables", Type::object("kubernetes.variables"))
    }

    /// For what changes an object: with the variables so far, and what makes patches.
    pub(crate) fn get_with_patches(&self) -> Environment {
        self.get().with_patches()
    }

    /// Compiles a variable, and declares it for what comes after it.
    pub(crate) fn declare(&mut self, name: &str, expression: &str) -> Result<Program, String> {
        let compiled = self.get().compile(expression, &Type::Dyn).map_err(|error| error.to_string());
        let ty = compiled.as_ref().map_or(Type::Dyn, |program| program.result_type().clone());
        self.variables.insert(name.to_owned(), Arc::new(schema(&ty)));
        compiled
    }
}

/// Compiles an expression that must give one of `results`.
pub(crate) fn compile_as(environment: &Environment, expression: &str, results: &[Type]) -> Result<Program, String> {
    let program = environment.compile(expression, &Type::Dyn).map_err(|error| error.to_string())?;
    let result = program.result_type();
    if results.contains(result) {
        return Ok(program);
    }
    match results {
        [one] => Err(format!("must evaluate to {one} but got {result}")),
        many => {
            let name = |ty: &Type| if *ty == Type::Null { "null_type".to_owned() } else { ty.to_string() };
            let names: Vec<String> = many.iter().map(name).collect();
            Err(format!("must evaluate to one of [{}] but got {result}", names.join(" ")))
        }
    }
}

/// A schema whose values are of this type. What no schema describes is known only when the expression runs.
fn schema(ty: &Type) -> Schema {
    let kind = match ty {
        Type::Bool => SchemaKind::Bool,
        Type::Int => SchemaKind::Int,
        Type::Double => SchemaKind::Double,
        Type::String => SchemaKind::String,
        Type::Bytes => SchemaKind::Bytes,
        Type::Duration => SchemaKind::Duration,
        Type::Timestamp => SchemaKind::Timestamp,
        Type::List(element) => SchemaKind::List { items: Arc::new(schema(element)), merge: Merge::Atomic },
        Type::Map(entry) if entry.0 == Type::String => SchemaKind::Map(Arc::new(schema(&entry.1))),
        _ => SchemaKind::Dyn,
    };
    Schema::new(kind, 0, 0)
}
