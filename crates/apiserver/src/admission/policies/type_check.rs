//! Whether the expressions of a validating policy fit the kinds that it is about. A misfit does not keep a policy from being
//! enforced; kube-controller-manager writes it to the policy's status, and so does the controller in `kubewright-cluster`.

use std::sync::Arc;

use kubewright_cel::{CompileError, Environment, Schema};
use serde_json::Value;

use super::PolicyEnvironment;
use crate::cel::of_document;
use crate::kinds::tree::Tree;

/// Something that does not fit: an entry of `status.typeChecking.expressionWarnings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionWarning {
    /// The field of the expression: `spec.validations[0].expression`.
    pub field: String,
    /// What is wrong with it, for each kind; lines that point at places in the expression.
    pub warning: String,
}

/// Checks the expressions of a ValidatingAdmissionPolicy against the schemas of kinds.
#[derive(Debug, Default)]
pub struct PolicyTypeCheck {
    kinds: Vec<(String, Arc<Schema>)>,
    has_params: bool,
    params: Option<Arc<Schema>>,
}

impl PolicyTypeCheck {
    /// For a policy about no kind, of which nothing can be said.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind that the policy is about. `document` is the OpenAPI v3 document of its group and version; when that does
    /// not have the kind, there is nothing to check for it.
    #[must_use]
    pub fn kind(mut self, (group, version, kind): (&str, &str, &str), document: &Value) -> Self {
        if let Some(schema) = of_document(document, (group, version, kind), kind) {
            self.kinds.push((format!("{group}/{version}, Kind={kind}"), schema));
        }
        self
    }

    /// Says that the policy has parameters, and of which kind they are if there is a document that knows it.
    #[must_use]
    pub fn params(mut self, (group, version, kind): (&str, &str, &str), document: Option<&Value>) -> Self {
        self.has_params = true;
        // Under a name of its own: an object of another group may be of a kind with the same name.
        let name = format!("params.{kind}");
        self.params = document.and_then(|document| of_document(document, (group, version, kind), &name));
        self
    }

    /// What is wrong with the expressions of a policy.
    pub fn warnings(&self, policy: &Value) -> Vec<ExpressionWarning> {
        let environments: Vec<(&str, Environment)> =
            self.kinds.iter().map(|(kind, schema)| (kind.as_str(), self.environment(policy, schema))).collect();
        let mut warnings = Vec::new();
        for (index, validation) in policy.list("spec.validations").iter().enumerate() {
            for field in ["expression", "messageExpression"] {
                let expression = validation.text(field);
                if expression.is_empty() {
                    continue;
                }
                let wrong: Vec<String> = environments
                    .iter()
                    .filter_map(|(kind, environment)| Some(format!("{kind}: {}\n", wrong(environment, expression)?)))
                    .collect();
                if !wrong.is_empty() {
                    let field = format!("spec.validations[{index}].{field}");
                    warnings.push(ExpressionWarning { field, warning: wrong.join("\n") });
                }
            }
        }
        warnings
    }

    fn environment(&self, policy: &Value, object: &Arc<Schema>) -> Environment {
        let mut environment = PolicyEnvironment::typed(object, self.has_params.then_some(self.params.as_ref()));
        for variable in policy.list("spec.variables") {
            environment.declare_type(variable.text("name"), variable.text("expression"));
        }
        environment.get()
    }
}

fn wrong(environment: &Environment, expression: &str) -> Option<String> {
    match environment.check(expression) {
        Ok(_) => None,
        Err(CompileError::Issues(issues)) => Some(issues.to_string()),
        Err(error) => Some(format!("type checking error: {error}")),
    }
}
