//! From a checked tree to one that runs: variables as positions, functions as pointers, constants folded.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{Comprehension, Expr, ExprKind, Literal};
use crate::check::Checked;
use crate::cost::CostRule;
use crate::error::EvaluationError;
use crate::library::{self, Function};
use crate::operators::Arithmetic;
use crate::pattern::Pattern;
use crate::types::Type;
use crate::value::{Entries, Map, Result, Value};

/// An operation that runs.
#[derive(Debug)]
pub(crate) enum Node {
    Constant(Value<'static>),
    /// A variable of the environment.
    Variable(String),
    /// A variable of a comprehension, by its place on the stack.
    Local(usize),
    /// A local that is read for the last time before it is set anew.
    Take(usize),
    Select {
        operand: Box<Node>,
        field: Arc<str>,
        optional: bool,
    },
    Has {
        operand: Box<Node>,
        field: Arc<str>,
    },
    Index {
        operand: Box<Node>,
        index: Box<Node>,
        optional: bool,
    },
    And(Vec<Node>),
    Or(Vec<Node>),
    Conditional(Box<[Node; 3]>),
    /// `or` and `orValue` of an optional.
    OrElse {
        first: Box<Node>,
        second: Box<Node>,
        unwrap: bool,
    },
    List {
        elements: Vec<(Node, bool)>,
    },
    Map {
        entries: Vec<(Node, Node, bool)>,
    },
    Struct {
        name: Arc<str>,
        fields: Vec<(Arc<str>, Node, bool)>,
    },
    Call(Box<Call>),
    Fold(Box<Fold>),
    /// A value with a name.
    Bind {
        init: Box<Node>,
        body: Box<Node>,
    },
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) cost: CostRule,
    pub(crate) args: Vec<Node>,
}

#[derive(Debug)]
pub(crate) enum Operation {
    Equal {
        negated: bool,
    },
    Compare(fn(std::cmp::Ordering) -> bool),
    Add,
    Arithmetic(Arithmetic),
    In,
    /// `in` of a list of constants.
    InConstants,
    /// `matches` with a constant pattern.
    Matches(Pattern),
    /// Anything but `false`, errors included.
    NotStrictlyFalse,
    Function(Function),
}

#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) range: Node,
    pub(crate) two_variables: bool,
    /// The place of the accumulator; the variables follow it.
    pub(crate) accumulator: usize,
    pub(crate) init: Node,
    pub(crate) condition: Node,
    pub(crate) step: Node,
    pub(crate) result: Node,
}

impl Node {
    /// It reads a variable, and what is read of its value costs no more than the step.
    pub(crate) fn is_attribute(&self) -> bool {
        matches!(
            self,
            Self::Variable(_)
                | Self::Local(_)
                | Self::Take(_)
                | Self::Select { .. }
                | Self::Index { .. }
                | Self::Has { .. }
                | Self::Conditional(_)
        )
    }
}

/// Makes the tree that runs.
///
/// # Errors
/// When a constant part of the expression fails.
pub(crate) fn plan(checked: &Checked) -> Result<Node> {
    Planner { checked, locals: Vec::new() }.plan(&checked.ast.root)
}

struct Planner<'a> {
    checked: &'a Checked,
    locals: Vec<String>,
}

impl Planner<'_> {
    fn boxed(&mut self, expr: &Expr) -> Result<Box<Node>> {
        self.plan(expr).map(Box::new)
    }

    fn plan(&mut self, expr: &Expr) -> Result<Node> {
        Ok(match &expr.kind {
            ExprKind::Literal(literal) => Node::Constant(constant(literal)),
            ExprKind::Ident(name) => match self.locals.iter().rposition(|local| local == name) {
                Some(at) => Node::Local(at),
                None => match self.checked.type_of(expr) {
                    Type::Type(Some(ty)) if !self.checked.variables.contains(name) => {
                        Node::Constant(Value::Type((**ty).clone()))
                    }
                    _ => Node::Variable(name.strip_prefix('.').unwrap_or(name).to_owned()),
                },
            },
            ExprKind::Select { operand, field, test: false } => {
                Node::Select { operand: self.boxed(operand)?, field: field.as_str().into(), optional: false }
            }
            ExprKind::Select { operand, field, test: true } => {
                Node::Has { operand: self.boxed(operand)?, field: field.as_str().into() }
            }
            ExprKind::List { elements, optional } => {
                let mut planned = Vec::with_capacity(elements.len());
                for (index, element) in elements.iter().enumerate() {
                    planned.push((self.plan(element)?, optional.contains(&index)));
                }
                let constants: Option<Vec<Value<'static>>> = planned
                    .iter()
                    .map(|(node, optional)| match node {
                        Node::Constant(value) if !optional => Some(value.clone()),
                        _ => None,
                    })
                    .collect();
                match constants {
                    Some(constants) => Node::Constant(Value::list(constants)),
                    None => Node::List { elements: planned },
                }
            }
            ExprKind::Map(entries) => {
                let mut planned = Vec::with_capacity(entries.len());
                for entry in entries {
                    planned.push((self.plan(&entry.key)?, self.plan(&entry.value)?, entry.optional));
                }
                match constant_map(&planned) {
                    Some(map) => Node::Constant(Value::Map(Map::Values(Arc::new(map)))),
                    None => Node::Map { entries: planned },
                }
            }
            ExprKind::Struct { name, fields } => {
                let mut planned = Vec::with_capacity(fields.len());
                for field in fields {
                    planned.push((field.name.as_str().into(), self.plan(&field.value)?, field.optional));
                }
                Node::Struct { name: name.strip_prefix('.').unwrap_or(name).into(), fields: planned }
            }
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension)?,
            ExprKind::Call { function, target, args } => {
                let mut nodes = Vec::with_capacity(args.len() + 1);
                for arg in target.as_deref().into_iter().chain(args) {
                    nodes.push(self.plan(arg)?);
                }
                self.call(expr, function, nodes)?
            }
        })
    }

    fn call(&mut self, expr: &Expr, function: &str, mut args: Vec<Node>) -> Result<Node> {
        let overloads = self.checked.overloads_of(expr.id);
        let one_overload = if let [overload] = overloads { overload } else { "" };
        match (function, args.len()) {
            ("_&&_", _) => {
                return Ok(Node::And(flatten(args, |node| match node {
                    Node::And(terms) => Ok(terms),
                    other => Err(other),
                })));
            }
            ("_||_", _) => {
                return Ok(Node::Or(flatten(args, |node| match node {
                    Node::Or(terms) => Ok(terms),
                    other => Err(other),
                })));
            }
            ("_?_:_", 3) => {
                if let Ok(parts) = <[Node; 3]>::try_from(args) {
                    return Ok(Node::Conditional(Box::new(parts)));
                }
                return Err(EvaluationError::no_such_overload());
            }
            ("_[_]" | "_[?_]" | "_?._" | "or" | "orValue", 2) => {
                let (Some(second), Some(first)) = (args.pop(), args.pop()) else {
                    return Err(EvaluationError::no_such_overload());
                };
                let (first, second) = (Box::new(first), Box::new(second));
                return Ok(match (function, *second) {
                    ("_?._", Node::Constant(Value::String(field))) => {
                        Node::Select { operand: first, field: (&*field).into(), optional: true }
                    }
                    ("or" | "orValue", second) => {
                        Node::OrElse { first, second: Box::new(second), unwrap: function == "orValue" }
                    }
                    (_, index) => Node::Index { operand: first, index: Box::new(index), optional: function != "_[_]" },
                });
            }
            _ => {}
        }
        let operation = match function {
            "_==_" => Operation::Equal { negated: false },
            "_!=_" => Operation::Equal { negated: true },
            "_<_" => Operation::Compare(std::cmp::Ordering::is_lt),
            "_<=_" => Operation::Compare(std::cmp::Ordering::is_le),
            "_>_" => Operation::Compare(std::cmp::Ordering::is_gt),
            "_>=_" => Operation::Compare(std::cmp::Ordering::is_ge),
            "_+_" => Operation::Add,
            "_-_" => Operation::Arithmetic(Arithmetic::Subtract),
            "_*_" => Operation::Arithmetic(Arithmetic::Multiply),
            "_/_" => Operation::Arithmetic(Arithmetic::Divide),
            "_%_" => Operation::Arithmetic(Arithmetic::Modulo),
            "@in" if one_overload == "in_list" && is_constant_set(&args) => Operation::InConstants,
            "@in" => Operation::In,
            "@not_strictly_false" => Operation::NotStrictlyFalse,
            "matches" => match args.last() {
                Some(Node::Constant(Value::String(pattern))) => {
                    Operation::Matches(library::standard::compile(pattern)?)
                }
                _ => Operation::Function(find(function)?),
            },
            _ => Operation::Function(find(function)?),
        };
        if let ([Node::Constant(arg)], Operation::Function(convert)) = (args.as_slice(), &operation)
            && CONVERSIONS.contains(&function)
        {
            return convert(std::slice::from_ref(arg)).map(Node::Constant);
        }
        let cost = if matches!(operation, Operation::InConstants) {
            CostRule::Free
        } else {
            CostRule::of(function, one_overload)
        };
        Ok(Node::Call(Box::new(Call { operation, cost, args })))
    }

    fn comprehension(&mut self, comprehension: &Comprehension) -> Result<Node> {
        let init = self.plan(&comprehension.init)?;
        if comprehension.is_binding() {
            self.locals.push(comprehension.accumulator.clone());
            let body = self.boxed(&comprehension.result)?;
            self.locals.pop();
            return Ok(Node::Bind { init: Box::new(init), body });
        }
        let range = self.plan(&comprehension.range)?;
        let accumulator = self.locals.len();
        self.locals.push(comprehension.accumulator.clone());
        self.locals.push(comprehension.variable.clone());
        self.locals.extend(comprehension.variable2.clone());
        let condition = self.plan(&comprehension.condition)?;
        let mut step = self.plan(&comprehension.step)?;
        self.locals.truncate(accumulator + 1);
        let result = self.plan(&comprehension.result)?;
        self.locals.pop();
        take_accumulator(&mut step, accumulator);
        let two_variables = comprehension.variable2.is_some();
        Ok(Node::Fold(Box::new(Fold { range, two_variables, accumulator, init, condition, step, result })))
    }
}

const CONVERSIONS: [&str; 9] = ["bool", "bytes", "double", "duration", "int", "string", "timestamp", "type", "uint"];

fn find(function: &str) -> Result<Function> {
    library::function(function).ok_or_else(|| EvaluationError::new(format!("no such overload: {function}")))
}

/// Lets `accumulator + [element]` have the accumulator for itself, so that it grows in place.
fn take_accumulator(step: &mut Node, accumulator: usize) {
    match step {
        Node::Conditional(parts) => take_accumulator(&mut parts[1], accumulator),
        Node::Call(call) if matches!(call.operation, Operation::Add) => {
            if let [first, Node::List { .. } | Node::Constant(_)] = call.args.as_mut_slice()
                && matches!(first, Node::Local(at) if *at == accumulator)
            {
                *first = Node::Take(accumulator);
            }
        }
        _ => {}
    }
}

/// `a && (b && c)` as one list of terms.
fn flatten(args: Vec<Node>, terms: fn(Node) -> std::result::Result<Vec<Node>, Node>) -> Vec<Node> {
    let mut flat = Vec::with_capacity(args.len());
    for arg in args {
        match terms(arg) {
            Ok(terms) => flat.extend(terms),
            Err(term) => flat.push(term),
        }
    }
    flat
}

fn is_constant_set(args: &[Node]) -> bool {
    let Some(Node::Constant(Value::List(list))) = args.get(1) else { return false };
    list.iter().all(|value| {
        matches!(value, Ok(Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_)))
    })
}

fn constant(literal: &Literal) -> Value<'static> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::String(value) => Value::text(value.as_str()),
        Literal::Bytes(value) => Value::Bytes(value.as_slice().into()),
    }
}

fn constant_map(entries: &[(Node, Node, bool)]) -> Option<Entries<'static>> {
    let mut map = BTreeMap::new();
    for (key, value, optional) in entries {
        let (Node::Constant(key), Node::Constant(value), false) = (key, value, optional) else { return None };
        if map.insert(key.key()?, (key.clone(), value.clone())).is_some() {
            return None;
        }
    }
    Some(map)
}
