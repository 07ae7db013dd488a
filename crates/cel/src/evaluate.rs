//! Runs a planned expression and counts what it costs.

use std::sync::Arc;

use crate::error::EvaluationError;
use crate::estimate::{LIST_COST, MAP_COST, STRUCT_COST};
use crate::library::Extension;
use crate::library::patch::Message;
use crate::library::standard::to_string;
use crate::operators::{add, arithmetic, compare, equal};
use crate::plan::{Call, Fold, Node, Operation};
use crate::program::Bindings;
use crate::value::{Entries, Map, Result, Value};

/// One run.
pub(crate) struct Evaluator<'e, 'a> {
    bindings: &'e Bindings<'a>,
    /// Variables of comprehensions; one may be an error that a later round makes up for.
    locals: Vec<Result<Value<'a>>>,
    pub(crate) cost: u64,
    limit: u64,
}

impl<'e, 'a> Evaluator<'e, 'a> {
    pub(crate) fn new(bindings: &'e Bindings<'a>, limit: u64) -> Self {
        Self { bindings, locals: Vec::new(), cost: 0, limit }
    }

    fn charge(&mut self, cost: u64) -> Result<()> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit { Err(EvaluationError::over_budget()) } else { Ok(()) }
    }

    pub(crate) fn evaluate(&mut self, node: &Node) -> Result<Value<'a>> {
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Variable(name) => {
                self.charge(1)?;
                self.bindings
                    .get(name)
                    .unwrap_or_else(|| Err(EvaluationError::new(format!("no such attribute(s): {name}"))))
            }
            Node::Local(at) => {
                self.charge(1)?;
                self.locals[*at].clone()
            }
            Node::Take(at) => {
                self.charge(1)?;
                std::mem::replace(&mut self.locals[*at], Ok(Value::Null))
            }
            Node::Select { operand, field, optional } => {
                let target = self.operand(operand)?;
                self.charge(1)?;
                select(target, field, *optional)
            }
            Node::Has { operand, field } => {
                let target = self.operand(operand)?;
                self.charge(1)?;
                has(&target, field)
            }
            Node::Index { operand, index, optional } => {
                let target = self.operand(operand)?;
                let index = self.operand(index)?;
                if matches!(node, Node::Index { index, .. } if matches!(**index, Node::Constant(_))) {
                    self.charge(1)?;
                }
                at(target, &index, *optional)
            }
            Node::And(terms) => self.logical(terms, false),
            Node::Or(terms) => self.logical(terms, true),
            Node::Conditional(parts) => {
                let [condition, then, otherwise] = &**parts;
                match self.evaluate(condition)? {
                    Value::Bool(true) => self.evaluate(then),
                    Value::Bool(false) => self.evaluate(otherwise),
                    _ => Err(EvaluationError::no_such_overload()),
                }
            }
            Node::OrElse { first, second, unwrap } => match self.evaluate(first)? {
                Value::Optional(Some(value)) if *unwrap => Ok((*value).clone()),
                value @ Value::Optional(Some(_)) => Ok(value),
                Value::Optional(None) => self.evaluate(second),
                _ => Err(EvaluationError::no_such_overload()),
            },
            Node::List { elements } => {
                let mut values = Vec::with_capacity(elements.len());
                for (element, optional) in elements {
                    match self.evaluate(element)? {
                        Value::Optional(None) if *optional => {}
                        Value::Optional(Some(value)) if *optional => values.push((*value).clone()),
                        _ if *optional => return Err(EvaluationError::no_such_overload()),
                        value => values.push(value),
                    }
                }
                self.charge(LIST_COST)?;
                Ok(Value::list(values))
            }
            Node::Map { entries } => {
                let mut map = Entries::new();
                for (key, value, optional) in entries {
                    let key = self.evaluate(key)?;
                    let value = match self.evaluate(value)? {
                        Value::Optional(None) if *optional => continue,
                        Value::Optional(Some(value)) if *optional => (*value).clone(),
                        value => value,
                    };
                    let at = key.key().ok_or_else(|| EvaluationError::new("unsupported key type"))?;
                    if map.contains_key(&at) {
                        let shown = to_string(&key)?;
                        let message = format!("Failed with repeated key {}", shown.as_str().unwrap_or_default());
                        return Err(EvaluationError::new(message));
                    }
                    map.insert(at, (key, value));
                }
                self.charge(MAP_COST)?;
                Ok(Value::Map(Map::Values(Arc::new(map))))
            }
            Node::Struct { name, fields } => {
                let mut message = Message::new(name);
                for (field, value, optional) in fields {
                    let value = match self.evaluate(value)? {
                        Value::Optional(None) if *optional => continue,
                        Value::Optional(Some(value)) if *optional => (*value).clone(),
                        value => value,
                    };
                    message.set(field, value)?;
                }
                self.charge(STRUCT_COST)?;
                Ok(Value::extension(Extension::Message(message)))
            }
            Node::Call(call) => self.call(call),
            Node::Fold(fold) => self.fold(fold),
            Node::Bind { init, body } => {
                let value = self.evaluate(init)?;
                self.locals.push(Ok(value));
                let result = self.evaluate(body);
                self.locals.pop();
                result
            }
        }
    }

    /// What is read from: reading from something else than a variable costs one more.
    fn operand(&mut self, operand: &Node) -> Result<Value<'a>> {
        let value = self.evaluate(operand)?;
        if !operand.is_attribute() && !matches!(operand, Node::Constant(_)) {
            self.charge(1)?;
        }
        Ok(value)
    }

    /// `&&` ends at the first false and `||` at the first true; an error before that does not count.
    fn logical(&mut self, terms: &[Node], end: bool) -> Result<Value<'a>> {
        let mut failed = None;
        for term in terms {
            match self.evaluate(term) {
                Ok(Value::Bool(value)) if value == end => return Ok(Value::Bool(end)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => failed = failed.or_else(|| Some(EvaluationError::no_such_overload())),
                Err(error) if error.is_over_budget() => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Value::Bool(!end)), Err)
    }

    fn call(&mut self, call: &Call) -> Result<Value<'a>> {
        if let ([only], Operation::NotStrictlyFalse) = (call.args.as_slice(), &call.operation) {
            let going = match self.evaluate(only) {
                Err(error) if error.is_over_budget() => return Err(error),
                given => !matches!(given, Ok(Value::Bool(false))),
            };
            self.charge(1)?;
            return Ok(Value::Bool(going));
        }
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(self.evaluate(arg)?);
        }
        if let Operation::Add = call.operation {
            self.charge(call.cost.cost(&args, None))?;
            return match (args.pop(), args.pop()) {
                (Some(b), Some(a)) => add(a, b),
                _ => Err(EvaluationError::no_such_overload()),
            };
        }
        let result = apply(&call.operation, &args);
        self.finish(call, result, &args)
    }

    fn finish(&mut self, call: &Call, result: Result<Value<'a>>, args: &[Value<'a>]) -> Result<Value<'a>> {
        self.charge(call.cost.cost(args, result.as_ref().ok()))?;
        result
    }

    fn fold(&mut self, fold: &Fold) -> Result<Value<'a>> {
        let range = self.evaluate(&fold.range)?;
        let init = self.evaluate(&fold.init)?;
        let base = self.locals.len();
        debug_assert_eq!(base, fold.accumulator);
        self.locals.push(Ok(init));
        let result = self.iterate(fold, &range).and_then(|()| {
            self.locals.truncate(base + 1);
            self.evaluate(&fold.result)
        });
        self.locals.truncate(base);
        result
    }

    fn iterate(&mut self, fold: &Fold, range: &Value<'a>) -> Result<()> {
        match range {
            Value::List(list) => {
                for index in 0..list.len() {
                    let Some(value) = list.get(index) else { break };
                    let done = if fold.two_variables {
                        self.step(fold, Ok(Value::Int(index as i64)), Some(value))?
                    } else {
                        self.step(fold, value, None)?
                    };
                    if done {
                        break;
                    }
                }
                Ok(())
            }
            Value::Map(map) => {
                for key in map.keys() {
                    let value = match fold.two_variables {
                        true => map.find(&key),
                        false => None,
                    };
                    if self.step(fold, Ok(key), value)? {
                        break;
                    }
                }
                Ok(())
            }
            _ => Err(EvaluationError::no_such_overload()),
        }
    }

    /// One round; true when the condition ends the loop.
    fn step(&mut self, fold: &Fold, first: Result<Value<'a>>, second: Option<Result<Value<'a>>>) -> Result<bool> {
        self.locals.truncate(fold.accumulator + 1);
        self.locals.push(first);
        self.locals.extend(second);
        if let Value::Bool(false) = self.evaluate(&fold.condition)? {
            return Ok(true);
        }
        let stepped = self.evaluate(&fold.step);
        if let Err(error) = &stepped
            && error.is_over_budget()
        {
            return Err(error.clone());
        }
        self.locals[fold.accumulator] = stepped;
        Ok(false)
    }
}

fn apply<'a>(operation: &Operation, args: &[Value<'a>]) -> Result<Value<'a>> {
    match (operation, args) {
        (Operation::Function(function), args) => function(args),
        (Operation::Equal { negated }, [a, b]) => Ok(Value::Bool(equal(a, b)? != *negated)),
        (Operation::Compare(test), [a, b]) => Ok(Value::Bool(test(compare(a, b)?))),
        (Operation::Arithmetic(operator), [a, b]) => arithmetic(*operator, a, b),
        (Operation::In | Operation::InConstants, [item, Value::List(list)]) => {
            for member in list.iter() {
                if equal(item, &member?)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        (Operation::In, [key, Value::Map(map)]) => Ok(Value::Bool(map.find(key).transpose()?.is_some())),
        (Operation::Matches(pattern), [Value::String(text), _]) => Ok(Value::Bool(pattern.matches(text))),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn select<'a>(target: Value<'a>, field: &str, optional: bool) -> Result<Value<'a>> {
    match target {
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(value)) => select((*value).clone(), field, true),
        Value::Map(map) => match (map.field(field).transpose()?, optional) {
            (Some(value), true) => Ok(Value::some(value)),
            (None, true) => Ok(Value::Optional(None)),
            (Some(value), false) => Ok(value),
            (None, false) => Err(EvaluationError::no_such_key(field)),
        },
        Value::Extension(extension) => match (&*extension, optional) {
            (Extension::Message(message), false) => {
                message.field(field).cloned().ok_or_else(|| EvaluationError::no_such_key(field))
            }
            (Extension::Message(message), true) => Ok(match message.field(field) {
                Some(value) => Value::some(value.clone()),
                None => Value::Optional(None),
            }),
            _ => Err(EvaluationError::no_such_overload()),
        },
        Value::List(_) => Err(EvaluationError::new("unsupported index type 'string' in list")),
        // What is no map has no fields, null above all.
        _ if optional => Ok(Value::Optional(None)),
        _ => Err(EvaluationError::no_such_key(field)),
    }
}

fn has<'a>(target: &Value<'a>, field: &str) -> Result<Value<'a>> {
    match target {
        Value::Optional(None) => Ok(Value::Bool(false)),
        Value::Optional(Some(value)) => has(value, field),
        Value::Map(map) => Ok(Value::Bool(map.field(field).is_some())),
        Value::Extension(extension) => match &**extension {
            Extension::Message(message) => Ok(Value::Bool(message.field(field).is_some())),
            _ => Err(EvaluationError::no_such_overload()),
        },
        Value::List(_) => Err(EvaluationError::new("unsupported index type 'string' in list")),
        // As in cel-go: what is no map has no fields, and that is no error.
        _ => Ok(Value::Bool(false)),
    }
}

fn at<'a>(target: Value<'a>, index: &Value<'a>, optional: bool) -> Result<Value<'a>> {
    let missing = |error| if optional { Ok(Value::Optional(None)) } else { Err(error) };
    let found = match target {
        Value::Optional(None) => return Ok(Value::Optional(None)),
        Value::Optional(Some(value)) => return at((*value).clone(), index, true),
        Value::List(list) => {
            let position = match index {
                Value::Int(index) => *index,
                Value::Uint(index) => i64::try_from(*index).unwrap_or(-1),
                Value::Double(index) if index.fract() == 0.0 => *index as i64,
                _ => return Err(EvaluationError::no_such_overload()),
            };
            match usize::try_from(position).ok().and_then(|position| list.get(position)) {
                Some(value) => value?,
                None => return missing(EvaluationError::new(format!("index out of bounds: {position}"))),
            }
        }
        Value::Map(map) => match map.find(index) {
            Some(value) => value?,
            None => {
                let shown = to_string(index)?;
                return missing(EvaluationError::no_such_key(shown.as_str().unwrap_or_default()));
            }
        },
        Value::Extension(_) => return Err(EvaluationError::no_such_overload()),
        _ => {
            let shown = to_string(index)?;
            return missing(EvaluationError::no_such_key(shown.as_str().unwrap_or_default()));
        }
    };
    Ok(if optional { Value::some(found) } else { found })
}
