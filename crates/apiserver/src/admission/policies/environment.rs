//! What the expressions of a policy may read: as match conditions of webhooks, and `namespaceObject`, `params` and
//! `variables`.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubewright_cel::{
    Environment, ObjectSchema, Program, Schema, SchemaKind, Type, admission_environment, typed_admission_environment,
};

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

    /// Without variables, where the schema of the object is known, and that of the parameters may be.
    pub(super) fn typed(object: &Arc<Schema>, params: Option<Option<&Arc<Schema>>>) -> Self {
        let base = typed_admission_environment(object).with_namespace_object();
        let base = match params {
            Some(Some(schema)) => base.schema_variable("params", schema),
            Some(None) => base.variable("params", Type::Dyn),
            None => base,
        };
        Self { base, composed: true, variables: BTreeMap::new() }
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

    /// Declares a variable for what comes after it, without compiling it.
    pub(super) fn declare_type(&mut self, name: &str, expression: &str) {
        let ty = self.get().check(expression).unwrap_or(Type::Dyn);
        self.variables.insert(name.to_owned(), Arc::new(schema(&ty)));
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

/// The schema of a variable.
fn schema(ty: &Type) -> Schema {
    Schema::new(SchemaKind::Given(known(ty)), 0, 0)
}

/// What is known of a variable's type: of objects and of what libraries make nothing is, until the expression runs.
fn known(ty: &Type) -> Type {
    match ty {
        Type::List(element) => Type::list(known(element)),
        Type::Map(entry) => Type::map(known(&entry.0), known(&entry.1)),
        Type::Bool
        | Type::Bytes
        | Type::Double
        | Type::Duration
        | Type::Int
        | Type::Null
        | Type::String
        | Type::Timestamp
        | Type::Uint => ty.clone(),
        _ => Type::Dyn,
    }
}
