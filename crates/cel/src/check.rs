//! The type checker: what each node of an expression is, and which overloads its calls may reach.

use std::collections::HashMap;

use crate::ast::{Ast, Comprehension, Expr, ExprKind, Literal, NodeId};
use crate::environment::Environment;
use crate::error::{Issue, Issues};
use crate::functions::{Overload, overloads};
use crate::types::Type;
use crate::unify::{Substitution, most_general};

/// An expression with the types of its nodes.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) ast: Ast,
    pub(crate) types: HashMap<NodeId, Type>,
    /// The overloads that a call may reach; one when the types of its arguments are known.
    pub(crate) overloads: HashMap<NodeId, Vec<&'static str>>,
    /// The variables that are read, by their declared names.
    pub(crate) variables: Vec<String>,
}

impl Checked {
    pub(crate) fn type_of(&self, expr: &Expr) -> &Type {
        self.types.get(&expr.id).unwrap_or(&Type::Dyn)
    }

    pub(crate) fn overloads_of(&self, id: NodeId) -> &[&'static str] {
        self.overloads.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// Checks an expression and rewrites qualified names in it to single nodes.
///
/// # Errors
/// Every place where the types are wrong.
pub(crate) fn check(mut ast: Ast, source: &str, environment: &Environment) -> Result<Checked, Issues> {
    let mut root = std::mem::replace(&mut ast.root, Expr { id: 0, kind: ExprKind::Literal(Literal::Null) });
    let mut checker = Checker {
        environment,
        ast: &ast,
        types: HashMap::new(),
        overloads: HashMap::new(),
        variables: Vec::new(),
        scopes: Vec::new(),
        substitution: Substitution::default(),
        issues: Vec::new(),
        free: 0,
    };
    checker.check(&mut root);
    let Checker { mut types, overloads, variables, substitution, issues, .. } = checker;
    if !issues.is_empty() {
        return Err(Issues::new(source, issues));
    }
    for ty in types.values_mut() {
        *ty = substitution.substitute(ty, true);
    }
    ast.root = root;
    Ok(Checked { ast, types, overloads, variables })
}

struct Checker<'a> {
    environment: &'a Environment,
    ast: &'a Ast,
    types: HashMap<NodeId, Type>,
    overloads: HashMap<NodeId, Vec<&'static str>>,
    variables: Vec<String>,
    /// Variables of the comprehensions around, innermost last.
    scopes: Vec<(String, Type)>,
    substitution: Substitution,
    issues: Vec<Issue>,
    free: usize,
}

impl Checker<'_> {
    fn report(&mut self, at: NodeId, message: String) {
        self.issues.push(Issue { position: self.ast.position(at), message });
    }

    fn undeclared(&mut self, at: NodeId, name: &str) {
        self.report(at, format!("undeclared reference to '{name}' (in container '')"));
    }

    fn mismatch(&mut self, at: NodeId, expected: &Type, found: &Type) {
        self.report(at, format!("expected type '{expected}' but found '{found}'"));
    }

    fn set(&mut self, expr: &Expr, ty: Type) -> Type {
        self.types.insert(expr.id, ty.clone());
        ty
    }

    fn resolve(&self, ty: &Type) -> Type {
        self.substitution.substitute(ty, false)
    }

    fn assignable(&mut self, to: &Type, from: &Type) -> bool {
        self.substitution.assign(&[(to, from)])
    }

    fn new_parameter(&mut self) -> Type {
        self.free += 1;
        Type::Parameter(format!("_var{}", self.free - 1).into())
    }

    fn check(&mut self, expr: &mut Expr) -> Type {
        match &mut expr.kind {
            ExprKind::Literal(literal) => {
                let ty = match literal {
                    Literal::Null => Type::Null,
                    Literal::Bool(_) => Type::Bool,
                    Literal::Int(_) => Type::Int,
                    Literal::Uint(_) => Type::Uint,
                    Literal::Double(_) => Type::Double,
                    Literal::String(_) => Type::String,
                    Literal::Bytes(_) => Type::Bytes,
                };
                self.set(expr, ty)
            }
            ExprKind::Ident(name) => {
                let name = name.clone();
                match self.identifier(expr, &name) {
                    Some(ty) => ty,
                    None => {
                        self.undeclared(expr.id, &name);
                        self.set(expr, Type::Error)
                    }
                }
            }
            ExprKind::Select { .. } => self.check_select(expr),
            ExprKind::Call { .. } => self.check_call(expr),
            ExprKind::List { .. } => self.check_list(expr),
            ExprKind::Map(_) => self.check_map(expr),
            ExprKind::Struct { .. } => self.check_struct(expr),
            ExprKind::Comprehension(_) => self.check_comprehension(expr),
        }
    }

    /// Takes `expr` for the variable or type `name`, where there is one.
    fn identifier(&mut self, expr: &mut Expr, name: &str) -> Option<Type> {
        let absolute = name.strip_prefix('.');
        let local = self.scopes.iter().rev().find(|(local, _)| local == name).map(|(_, ty)| ty.clone());
        let ty = match local.filter(|_| absolute.is_none()) {
            Some(ty) => ty,
            None => {
                let name = absolute.unwrap_or(name);
                let ty = self.environment.variable_type(name).cloned();
                if ty.is_some() && !self.variables.iter().any(|known| known == name) {
                    self.variables.push(name.to_owned());
                }
                ty.or_else(|| type_name(name))?
            }
        };
        expr.kind = ExprKind::Ident(name.to_owned());
        Some(self.set(expr, ty))
    }

    fn check_select(&mut self, expr: &mut Expr) -> Type {
        if let Some(name) = expr.qualified_name()
            && let Some(ty) = self.identifier(expr, &name)
        {
            return ty;
        }
        let id = expr.id;
        let ExprKind::Select { operand, field, test } = &mut expr.kind else { return Type::Error };
        let (field, test) = (field.clone(), *test);
        let selected = self.check_field(id, operand, &field, false);
        let ty = if test { Type::Bool } else { selected };
        let ty = self.resolve(&ty);
        self.set(expr, ty)
    }

    fn check_optional_select(&mut self, expr: &mut Expr) -> Type {
        let id = expr.id;
        let ExprKind::Call { args, .. } = &mut expr.kind else { return Type::Error };
        let [operand, Expr { kind: ExprKind::Literal(Literal::String(field)), .. }] = args.as_mut_slice() else {
            self.report(id, "unsupported optional field selection".into());
            return self.set(expr, Type::Error);
        };
        let field = field.clone();
        let ty = self.check_field(id, operand, &field, true);
        let ty = self.resolve(&ty);
        self.overloads.insert(id, vec!["select_optional_field"]);
        self.set(expr, ty)
    }

    fn check_field(&mut self, at: NodeId, operand: &mut Expr, field: &str, optional: bool) -> Type {
        let operand = self.check(operand);
        let operand = self.resolve(&operand);
        let (target, was_optional) = match operand.unwrap_optional() {
            Some(inner) => (inner.clone(), true),
            None => (operand, false),
        };
        let ty = match &target {
            Type::Map(entry) => entry.1.clone(),
            Type::Object(name) => match self.environment.field_type(name, field) {
                Some(ty) => ty,
                None if self.environment.has_object(name) => {
                    self.report(at, format!("undefined field '{field}'"));
                    Type::Error
                }
                None => {
                    self.report(at, format!("unexpected failed resolution of '{name}'"));
                    Type::Error
                }
            },
            Type::Parameter(_) => {
                self.assignable(&Type::Dyn, &target);
                Type::Dyn
            }
            _ => {
                if !target.is_dyn_or_error() {
                    self.report(at, format!("type '{target}' does not support field selection"));
                }
                Type::Dyn
            }
        };
        if was_optional || optional { Type::optional(ty) } else { ty }
    }

    fn check_call(&mut self, expr: &mut Expr) -> Type {
        let id = expr.id;
        let ExprKind::Call { function, target, args } = &mut expr.kind else { return Type::Error };
        if function == "_?._" {
            return self.check_optional_select(expr);
        }
        let mut types: Vec<Type> = args.iter_mut().map(|arg| self.check(arg)).collect();
        let Some(receiver) = target else {
            let name = function.strip_prefix('.').unwrap_or(function).to_owned();
            let Some(declared) = self.overloads_of(&name) else {
                let name = function.clone();
                self.undeclared(id, &name);
                return self.set(expr, Type::Error);
            };
            *function = name.clone();
            return self.resolve_overload(expr, &name, declared, types, false);
        };
        // `a.b.c()` is a call of `a.b.c` or of `c` on `a.b`.
        if let Some(prefix) = receiver.qualified_name() {
            let name = format!("{}.{function}", prefix.strip_prefix('.').unwrap_or(&prefix));
            if let Some(declared) = self.overloads_of(&name) {
                *function = name.clone();
                *target = None;
                return self.resolve_overload(expr, &name, declared, types, false);
            }
        }
        let receiver = self.check(receiver);
        types.insert(0, receiver);
        let name = function.clone();
        let Some(declared) = self.overloads_of(&name) else {
            self.undeclared(id, &name);
            return self.set(expr, Type::Error);
        };
        self.resolve_overload(expr, &name, declared, types, true)
    }

    fn overloads_of(&self, name: &str) -> Option<&'static [Overload]> {
        overloads(name).filter(|_| self.environment.has_function(name))
    }

    fn resolve_overload(
        &mut self,
        expr: &Expr,
        name: &str,
        declared: &'static [Overload],
        args: Vec<Type>,
        member: bool,
    ) -> Type {
        if name == "_&&_" || name == "_||_" {
            let ExprKind::Call { args: nodes, .. } = &expr.kind else { return Type::Error };
            let mut failed = false;
            for (node, ty) in nodes.iter().zip(&args) {
                if !self.assignable(ty, &Type::Bool) {
                    self.mismatch(node.id, &Type::Bool, ty);
                    failed = true;
                }
            }
            if failed {
                return self.set(expr, Type::Error);
            }
            self.overloads.insert(expr.id, vec![declared[0].id]);
            return self.set(expr, Type::Bool);
        }
        let mut result: Option<Type> = None;
        let mut reached = Vec::new();
        for overload in declared.iter().filter(|overload| overload.member == member) {
            if overload.args.len() != args.len() {
                continue;
            }
            let mut fresh: Vec<(Type, Type)> = Vec::new();
            for parameter in overload.args.iter().chain([&overload.result]).flat_map(parameters) {
                if !fresh.iter().any(|(known, _)| *known == parameter) {
                    let new = self.new_parameter();
                    fresh.push((parameter, new));
                }
            }
            let wanted: Vec<Type> = overload.args.iter().map(|arg| instantiate(arg, &fresh)).collect();
            let pairs: Vec<(&Type, &Type)> = args.iter().zip(&wanted).collect();
            if !self.substitution.assign(&pairs) {
                continue;
            }
            reached.push(overload.id);
            let of_overload = self.resolve(&instantiate(&overload.result, &fresh));
            result = Some(match result {
                None => of_overload,
                Some(result) if !result.is_dyn() && result != of_overload => Type::Dyn,
                Some(result) => result,
            });
        }
        let Some(result) = result else {
            let args: Vec<String> =
                args.iter().map(|arg| self.substitution.substitute(arg, true).to_string()).collect();
            let applied = match args.split_first() {
                Some((target, args)) if member => format!("{target}.({})", args.join(", ")),
                _ => format!("({})", args.join(", ")),
            };
            self.report(expr.id, format!("found no matching overload for '{name}' applied to '{applied}'"));
            return self.set(expr, Type::Error);
        };
        self.overloads.insert(expr.id, reached);
        self.set(expr, result)
    }

    fn check_list(&mut self, expr: &mut Expr) -> Type {
        let ExprKind::List { elements, optional } = &mut expr.kind else { return Type::Error };
        let mut joined = None;
        for (index, element) in elements.iter_mut().enumerate() {
            let mut ty = self.check(element);
            if optional.contains(&index) {
                ty = self.unwrap_entry(element.id, ty);
            }
            joined = Some(self.join(joined, ty));
        }
        let element = joined.unwrap_or_else(|| self.new_parameter());
        self.set(expr, Type::list(element))
    }

    fn check_map(&mut self, expr: &mut Expr) -> Type {
        let ExprKind::Map(entries) = &mut expr.kind else { return Type::Error };
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            let key = self.check(&mut entry.key);
            keys = Some(self.join(keys, key));
            let mut value = self.check(&mut entry.value);
            if entry.optional {
                value = self.unwrap_entry(entry.value.id, value);
            }
            values = Some(self.join(values, value));
        }
        let key = keys.unwrap_or_else(|| self.new_parameter());
        let value = values.unwrap_or_else(|| self.new_parameter());
        self.set(expr, Type::map(key, value))
    }

    /// The type inside an optional element or entry.
    fn unwrap_entry(&mut self, at: NodeId, ty: Type) -> Type {
        match ty.unwrap_optional() {
            Some(inner) => inner.clone(),
            None => {
                if !ty.is_dyn() {
                    self.mismatch(at, &Type::optional(ty.clone()), &ty);
                }
                ty
            }
        }
    }

    /// The type of elements of a list, or of a map, of which there may be several: that they are of one is checked with the
    /// literals.
    fn join(&mut self, previous: Option<Type>, current: Type) -> Type {
        let Some(previous) = previous else { return current };
        if self.assignable(&previous, &current) { most_general(previous, current) } else { Type::Dyn }
    }

    /// Only patches may be made; no other type that an expression can name.
    fn check_struct(&mut self, expr: &mut Expr) -> Type {
        let id = expr.id;
        let ExprKind::Struct { name, fields } = &mut expr.kind else { return Type::Error };
        let name = name.strip_prefix('.').unwrap_or(name).to_owned();
        let made = self.environment.makes(&name);
        if !made {
            match type_name(&name) {
                Some(Type::Type(Some(ty))) => self.report(id, format!("'{}' is not a message type", ty.runtime_name())),
                _ => self.undeclared(id, &name),
            }
        }
        for field in fields {
            let mut ty = self.check(&mut field.value);
            if field.optional {
                ty = self.unwrap_entry(field.value.id, ty);
            }
            if !made {
                continue;
            }
            match self.environment.field_type(&name, &field.name) {
                Some(wanted) if self.assignable(&wanted, &ty) => {}
                Some(wanted) => {
                    let field_name = &field.name;
                    let message =
                        format!("expected type of field '{field_name}' is '{wanted}' but provided type is '{ty}'");
                    self.report(field.id, message);
                }
                None => self.report(field.id, format!("undefined field '{}'", field.name)),
            }
        }
        let ty = if made { Type::object(&name) } else { Type::Error };
        self.set(expr, ty)
    }

    fn check_comprehension(&mut self, expr: &mut Expr) -> Type {
        let ExprKind::Comprehension(comprehension) = &mut expr.kind else { return Type::Error };
        let Comprehension { range, variable, variable2, accumulator, init, condition, step, result } =
            &mut **comprehension;
        let range_type = self.check(range);
        let accumulated = self.check(init);
        let range_type = self.resolve(&range_type);
        let outer = self.scopes.len();
        self.scopes.push((accumulator.clone(), accumulated.clone()));
        let (first, second) = match &range_type {
            Type::List(element) if variable2.is_some() => (Type::Int, (**element).clone()),
            Type::List(element) => ((**element).clone(), Type::Error),
            Type::Map(entry) => (entry.0.clone(), entry.1.clone()),
            Type::Dyn | Type::Error | Type::Parameter(_) => {
                self.assignable(&Type::Dyn, &range_type);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.report(range.id, message);
                (Type::Error, Type::Error)
            }
        };
        let inner = self.scopes.len();
        self.scopes.push((variable.clone(), first));
        if let Some(variable2) = variable2 {
            self.scopes.push((variable2.clone(), second));
        }
        let ty = self.check(condition);
        self.expect(condition.id, &Type::Bool, &ty);
        let ty = self.check(step);
        self.expect(step.id, &accumulated, &ty);
        self.scopes.truncate(inner);
        let ty = self.check(result);
        self.scopes.truncate(outer);
        let ty = self.resolve(&ty);
        self.set(expr, ty)
    }

    fn expect(&mut self, at: NodeId, wanted: &Type, found: &Type) {
        if !self.assignable(wanted, found) {
            self.mismatch(at, wanted, found);
        }
    }
}

/// The types that have a name in expressions.
fn type_name(name: &str) -> Option<Type> {
    let ty = match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "string" => Type::String,
        "null_type" => Type::Null,
        "dyn" => Type::Dyn,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "type" => return Some(Type::Type(Some(std::sync::Arc::new(Type::Type(None))))),
        "google.protobuf.Timestamp" => Type::Timestamp,
        "google.protobuf.Duration" => Type::Duration,
        "optional_type" => Type::optional(Type::Dyn),
        "net.IP" | "net.CIDR" => Type::Opaque(name.into(), std::sync::Arc::new([])),
        "kubernetes.URL" | "kubernetes.Quantity" | "kubernetes.Semver" | "kubernetes.NamedFormat" => Type::object(name),
        _ => return None,
    };
    Some(Type::Type(Some(std::sync::Arc::new(ty))))
}

fn parameters(ty: &Type) -> Vec<Type> {
    match ty {
        Type::Parameter(_) => vec![ty.clone()],
        Type::List(element) => parameters(element),
        Type::Map(entry) => [parameters(&entry.0), parameters(&entry.1)].concat(),
        Type::Opaque(_, of) => of.iter().flat_map(parameters).collect(),
        Type::Type(Some(of)) => parameters(of),
        _ => Vec::new(),
    }
}

fn instantiate(ty: &Type, fresh: &[(Type, Type)]) -> Type {
    match ty {
        Type::Parameter(_) => {
            fresh.iter().find(|(parameter, _)| parameter == ty).map_or_else(|| ty.clone(), |(_, new)| new.clone())
        }
        Type::List(element) => Type::list(instantiate(element, fresh)),
        Type::Map(entry) => Type::map(instantiate(&entry.0, fresh), instantiate(&entry.1, fresh)),
        Type::Opaque(name, of) => Type::Opaque(name.clone(), of.iter().map(|ty| instantiate(ty, fresh)).collect()),
        Type::Type(Some(of)) => Type::Type(Some(std::sync::Arc::new(instantiate(of, fresh)))),
        _ => ty.clone(),
    }
}
