//! Questions to the authorizer: `authorizer.group("apps").resource("deployments").check("create").allowed()`.

use std::fmt;

use crate::error::EvaluationError;
use crate::library::standard::one;
use crate::library::{Extension, Function};
use crate::value::{Result, Value};

/// Who answers whether somebody may do something.
pub trait Authorizer: Sync {
    /// Answers a question.
    fn authorize(&self, attributes: &AuthorizationAttributes) -> AuthorizationDecision;
}

/// What somebody wants to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthorizationAttributes {
    /// Namespace and name of the service account who asks; `None` for the user of the request.
    pub service_account: Option<(String, String)>,
    /// The verb, `get` for example.
    pub verb: String,
    /// The path of a request that is for no resource; everything below is empty then.
    pub path: Option<String>,
    /// API group.
    pub group: String,
    /// Resource, `pods` for example.
    pub resource: String,
    /// Subresource, or empty.
    pub subresource: String,
    /// Namespace, or empty.
    pub namespace: String,
    /// Name, or empty.
    pub name: String,
    /// Field selector, or empty.
    pub field_selector: String,
    /// Label selector, or empty.
    pub label_selector: String,
}

/// The answer of an authorizer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthorizationDecision {
    /// It may be done.
    pub allowed: bool,
    /// Why, or empty.
    pub reason: String,
    /// What kept the authorizer from answering, if something did.
    pub error: Option<String>,
}

/// A question as far as it has been asked, or its answer.
#[derive(Clone)]
pub struct Question<'a> {
    authorizer: &'a dyn Authorizer,
    attributes: AuthorizationAttributes,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Authorizer,
    Path,
    Group,
    Resource,
    Decision(AuthorizationDecision),
}

impl<'a> Question<'a> {
    pub(crate) fn new(authorizer: &'a dyn Authorizer) -> Self {
        Self { authorizer, attributes: AuthorizationAttributes::default(), state: State::Authorizer }
    }

    /// The question about the resource of a request, without its verb.
    pub(crate) fn resource(authorizer: &'a dyn Authorizer, attributes: AuthorizationAttributes) -> Self {
        Self { authorizer, attributes, state: State::Resource }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self.state {
            State::Authorizer => "kubernetes.authorization.Authorizer",
            State::Path => "kubernetes.authorization.PathCheck",
            State::Group => "kubernetes.authorization.GroupCheck",
            State::Resource => "kubernetes.authorization.ResourceCheck",
            State::Decision(_) => "kubernetes.authorization.Decision",
        }
    }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("attributes", &self.attributes).field("state", &self.state).finish()
    }
}

pub(crate) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "path" => |args| {
            ask(args, State::Authorizer, |question, path| {
                if path.trim().is_empty() {
                    return Err(EvaluationError::new("path must not be empty"));
                }
                question.attributes.path = Some(path.to_owned());
                question.state = State::Path;
                Ok(())
            })
        },
        "group" => |args| {
            ask(args, State::Authorizer, |question, group| {
                question.attributes.group = group.to_owned();
                question.state = State::Group;
                Ok(())
            })
        },
        "serviceAccount" => |args| match args {
            [target, Value::String(namespace), name] => {
                ask(&[target.clone(), name.clone()], State::Authorizer, |question, name| {
                    question.attributes.service_account = Some((namespace.to_string(), name.to_owned()));
                    Ok(())
                })
            }
            _ => Err(EvaluationError::no_such_overload()),
        },
        "resource" => |args| {
            ask(args, State::Group, |question, resource| {
                if resource.trim().is_empty() {
                    return Err(EvaluationError::new("resource must not be empty"));
                }
                question.attributes.resource = resource.to_owned();
                question.state = State::Resource;
                Ok(())
            })
        },
        "subresource" => |args| set(args, |attributes, value| attributes.subresource = value),
        "namespace" => |args| set(args, |attributes, value| attributes.namespace = value),
        "name" => |args| set(args, |attributes, value| attributes.name = value),
        "fieldSelector" => |args| set(args, |attributes, value| attributes.field_selector = value),
        "labelSelector" => |args| set(args, |attributes, value| attributes.label_selector = value),
        "check" => check,
        "allowed" => |args| decision(args, |decision| Value::Bool(decision.allowed)),
        "reason" => |args| decision(args, |decision| Value::text(&*decision.reason)),
        "errored" => |args| decision(args, |decision| Value::Bool(decision.error.is_some())),
        "error" => |args| decision(args, |decision| Value::text(decision.error.as_deref().unwrap_or_default())),
        _ => return None,
    })
}

fn ask<'a>(
    args: &[Value<'a>],
    state: State,
    change: impl FnOnce(&mut Question<'a>, &str) -> Result<()>,
) -> Result<Value<'a>> {
    let [Value::Extension(extension), Value::String(value)] = args else {
        return Err(EvaluationError::no_such_overload());
    };
    match &**extension {
        Extension::Authorizer(question) if question.state == state => {
            let mut question = question.clone();
            change(&mut question, value)?;
            Ok(Value::extension(Extension::Authorizer(question)))
        }
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn set<'a>(args: &[Value<'a>], set: fn(&mut AuthorizationAttributes, String)) -> Result<Value<'a>> {
    ask(args, State::Resource, |question, value| {
        set(&mut question.attributes, value.to_owned());
        Ok(())
    })
}

fn check<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let answer = |question: &mut Question<'a>, verb: &str| {
        question.attributes.verb = verb.to_owned();
        question.state = State::Decision(question.authorizer.authorize(&question.attributes));
        Ok(())
    };
    ask(args, State::Resource, answer).or_else(|_| ask(args, State::Path, answer))
}

fn decision<'a>(args: &[Value<'a>], read: fn(&AuthorizationDecision) -> Value<'a>) -> Result<Value<'a>> {
    match one(args)? {
        Value::Extension(extension) => match &**extension {
            Extension::Authorizer(question) => match &question.state {
                State::Decision(decision) => Ok(read(decision)),
                _ => Err(EvaluationError::no_such_overload()),
            },
            _ => Err(EvaluationError::no_such_overload()),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}
