//! Checks of literals: durations, timestamps, patterns and templates that would fail whenever they are evaluated; lists and
//! maps whose elements are not of one type.

use crate::ast::{Entry, Expr, ExprKind, Literal};
use crate::check::Checked;
use crate::error::{Issue, Issues};
use crate::library;
use crate::library::format::{self, Clause, Piece};
use crate::pattern::Pattern;
use crate::types::Type;
use crate::value::Value;

/// # Errors
/// Every literal that is wrong.
pub(crate) fn check(checked: &Checked, source: &str) -> Result<(), Issues> {
    let mut issues = Vec::new();
    visit(&checked.ast.root, &|_| true, &mut |expr| {
        let ExprKind::Call { function, args, target } = &expr.kind else { return };
        let Some(arg) = args.first() else { return };
        let ExprKind::Literal(Literal::String(text)) = &arg.kind else { return };
        let wrong = match (function.as_str(), target) {
            ("duration" | "timestamp", None) => {
                library::function(function).is_some_and(|convert| convert(&[Value::text(text.as_str())]).is_err())
            }
            ("matches", Some(_)) => Pattern::new(text).is_err(),
            _ => false,
        };
        if wrong {
            let message = format!("invalid {function} argument");
            issues.push(Issue { position: checked.ast.position(arg.id), message });
        }
    });
    // What is formatted may be of any types.
    let formats = |expr: &Expr| matches!(&expr.kind, ExprKind::Call { function, .. } if function == "format");
    let enter = |expr: &Expr| !formats(expr);
    visit(&checked.ast.root, &enter, &mut |expr| issues.extend(mixed_list(checked, expr)));
    visit(&checked.ast.root, &enter, &mut |expr| issues.extend(mixed_map(checked, expr)));
    visit(&checked.ast.root, &|_| true, &mut |expr| issues.extend(wrong_template(checked, expr)));
    if issues.is_empty() { Ok(()) } else { Err(Issues::new(source, issues)) }
}

fn mismatch(checked: &Checked, expr: &Expr, expected: &Type, found: &Type) -> Issue {
    let message = format!("expected type '{expected}' but found '{found}'");
    Issue { position: checked.ast.position(expr.id), message }
}

/// The type of an element, or what is in it if it is an optional one.
fn element_type<'a>(checked: &'a Checked, expr: &Expr, optional: bool) -> &'a Type {
    let ty = checked.type_of(expr);
    if optional { ty.unwrap_optional().unwrap_or(ty) } else { ty }
}

/// The first element of a list that is not of the type of the first one; `dyn` is a type of its own here.
fn mixed_list(checked: &Checked, expr: &Expr) -> Option<Issue> {
    let ExprKind::List { elements, optional } = &expr.kind else { return None };
    let of = |index: usize| element_type(checked, &elements[index], optional.contains(&index));
    let wrong = (1..elements.len()).find(|index| of(*index) != of(0))?;
    Some(mismatch(checked, &elements[wrong], of(0), of(wrong)))
}

/// The keys and values of a map that are not of the type of the first one.
fn mixed_map(checked: &Checked, expr: &Expr) -> Vec<Issue> {
    let mut found = Vec::new();
    let ExprKind::Map(entries) = &expr.kind else { return found };
    let Some((first, rest)) = entries.split_first() else { return found };
    let types =
        |entry: &Entry| (element_type(checked, &entry.key, false), element_type(checked, &entry.value, entry.optional));
    let (key, value) = types(first);
    for entry in rest {
        let (other_key, other_value) = types(entry);
        if other_key != key {
            found.push(mismatch(checked, &entry.key, key, other_key));
        }
        if other_value != value {
            found.push(mismatch(checked, &entry.value, value, other_value));
        }
    }
    found
}

/// What is wrong with a template that is a literal, and is given values one by one.
fn wrong_template(checked: &Checked, expr: &Expr) -> Option<Issue> {
    let ExprKind::Call { function, target: Some(target), args } = &expr.kind else { return None };
    let ExprKind::Literal(Literal::String(template)) = &target.kind else { return None };
    let [Expr { kind: ExprKind::List { elements, .. }, .. }] = args.as_slice() else { return None };
    if function != "format" {
        return None;
    }
    let issue = |at: &Expr, message: String| Some(Issue { position: checked.ast.position(at.id), message });
    let mut used = 0;
    for piece in format::pieces(template) {
        let clause = match piece {
            Piece::Text(_) => continue,
            Piece::End => return issue(expr, "unexpected end of string".to_owned()),
            Piece::Clause(clause) => clause,
        };
        let Some(value) = elements.get(used) else { return issue(expr, format!("index {used} out of range")) };
        used += 1;
        let clause = match clause {
            Ok(clause) => clause,
            Err(why) => return issue(expr, why),
        };
        if let Some(refused) = refused(checked, clause, value) {
            return issue(refused, clause.refusal(checked.type_of(refused)));
        }
    }
    let given = elements.len();
    if given > used {
        let message = format!("too many arguments supplied to string.format (expected {used}, got {given})");
        return issue(expr, message);
    }
    None
}

/// The value, or what is in a literal that stands for it, which a clause does not take.
fn refused<'e>(checked: &Checked, clause: Clause, value: &'e Expr) -> Option<&'e Expr> {
    if !clause.accepts(checked.type_of(value)) {
        return Some(value);
    }
    if clause != Clause::Text {
        return None;
    }
    match &value.kind {
        ExprKind::List { elements, .. } => elements.iter().find_map(|element| refused(checked, clause, element)),
        ExprKind::Map(entries) => {
            let parts = entries.iter().flat_map(|entry| [&entry.key, &entry.value]);
            parts.into_iter().find_map(|part| refused(checked, clause, part))
        }
        _ => None,
    }
}

/// Calls `seen` with a node and, where `enter` says so, with all below it.
fn visit(expr: &Expr, enter: &impl Fn(&Expr) -> bool, seen: &mut impl FnMut(&Expr)) {
    seen(expr);
    if !enter(expr) {
        return;
    }
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Ident(_) => {}
        ExprKind::Select { operand, .. } => visit(operand, enter, seen),
        ExprKind::Call { target, args, .. } => {
            target.as_deref().into_iter().chain(args).for_each(|arg| visit(arg, enter, seen));
        }
        ExprKind::List { elements, .. } => elements.iter().for_each(|element| visit(element, enter, seen)),
        ExprKind::Map(entries) => entries.iter().for_each(|entry| {
            visit(&entry.key, enter, seen);
            visit(&entry.value, enter, seen);
        }),
        ExprKind::Struct { fields, .. } => fields.iter().for_each(|field| visit(&field.value, enter, seen)),
        ExprKind::Comprehension(c) => {
            [&c.range, &c.init, &c.condition, &c.step, &c.result].into_iter().for_each(|part| visit(part, enter, seen));
        }
    }
}
