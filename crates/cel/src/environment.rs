//! What an expression may refer to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::library::patch;
use crate::schema::{ObjectSchema, Schema};
use crate::types::Type;

/// The variables that expressions may read, and the object types behind them.
///
/// ```
/// use kubewright_cel::{Bindings, Environment, Type};
///
/// let environment = Environment::new().variable("object", Type::Dyn);
/// let program = environment.compile("object.spec.replicas > 1", &Type::Bool)?;
/// let object = serde_json::json!({"spec": {"replicas": 3}});
/// let evaluation = program.evaluate(&Bindings::new().json("object", &object), 1_000_000);
/// assert!(evaluation.result.unwrap().as_bool() == Some(true));
/// # Ok::<(), kubewright_cel::CompileError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: Vec<Variable>,
    objects: HashMap<Arc<str>, Arc<ObjectSchema>>,
    /// Expressions may make patches.
    patches: bool,
    /// What the sizes of values are estimated by.
    pub(crate) root: Option<Arc<Schema>>,
}

#[derive(Debug, Clone)]
struct Variable {
    name: String,
    ty: Type,
}

impl Environment {
    /// No variables, only the libraries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a variable; one of the same name is replaced. A name may have dots.
    #[must_use]
    pub fn variable(self, name: &str, ty: Type) -> Self {
        self.declare(Variable { name: name.into(), ty })
    }

    /// Declares a variable whose JSON is read by `schema`; its objects have names.
    #[must_use]
    pub fn schema_variable(self, name: &str, schema: &Arc<Schema>) -> Self {
        self.with_objects(schema).declare(Variable { name: name.into(), ty: schema.to_type() })
    }

    /// Declares a variable that holds a value of `schema` or none.
    #[must_use]
    pub fn optional_variable(self, name: &str, schema: &Arc<Schema>) -> Self {
        let ty = Type::optional(schema.to_type());
        self.with_objects(schema).declare(Variable { name: name.into(), ty })
    }

    /// Declares an object type whose fields are not JSON but given when the program runs.
    #[must_use]
    pub fn object(mut self, object: Arc<ObjectSchema>) -> Self {
        self.objects.insert(object.name.clone(), object);
        self
    }

    /// Estimates sizes by `schema`, whatever variable a value comes from, as validation rules do.
    #[must_use]
    pub fn sizes_of(mut self, schema: &Arc<Schema>) -> Self {
        self.root = Some(schema.clone());
        self
    }

    /// Lets expressions make patches: `JSONPatch{…}`, and `Object{…}` with the objects in it, as `Object.spec{…}`; and write
    /// paths with `jsonpatch.escapeKey(…)`.
    #[must_use]
    pub fn with_patches(self) -> Self {
        Self { patches: true, ..self }
    }

    /// Whether expressions may make objects of this type.
    pub(crate) fn makes(&self, object: &str) -> bool {
        self.patches && (object == patch::OPERATION || patch::is_object(object))
    }

    /// Whether there is a function of this name.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.patches || name != patch::ESCAPE_KEY
    }

    fn with_objects(mut self, schema: &Arc<Schema>) -> Self {
        let mut found = Vec::new();
        schema.objects(&mut found);
        self.objects.extend(found.into_iter().map(|object| (object.name.clone(), object)));
        self
    }

    fn declare(mut self, variable: Variable) -> Self {
        self.variables.retain(|known| known.name != variable.name);
        self.variables.push(variable);
        self
    }

    pub(crate) fn variable_type(&self, name: &str) -> Option<&Type> {
        self.variables.iter().find(|variable| variable.name == name).map(|variable| &variable.ty)
    }

    pub(crate) fn has_object(&self, name: &str) -> bool {
        self.objects.contains_key(name) || self.makes(name)
    }

    pub(crate) fn field_type(&self, object: &str, field: &str) -> Option<Type> {
        if self.makes(object) {
            return patch::field_type(object, field);
        }
        let fields = &self.objects.get(object)?.fields;
        let reserved = || crate::escape::is_reserved(field).then(|| fields.get(&format!("__{field}__"))).flatten();
        Some(fields.get(field).or_else(reserved)?.to_type())
    }
}
