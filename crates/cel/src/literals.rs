//! Checks of literals that would fail whenever they are evaluated: durations, timestamps, patterns.

use crate::ast::{Expr, ExprKind, Literal};
use crate::check::Checked;
use crate::error::{Issue, Issues};
use crate::library;
use crate::pattern::Pattern;
use crate::value::Value;

/// # Errors
/// Every literal that is wrong.
pub(crate) fn check(checked: &Checked, source: &str) -> Result<(), Issues> {
    let mut issues = Vec::new();
    visit(&checked.ast.root, &mut |expr| {
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
    if issues.is_empty() { Ok(()) } else { Err(Issues::new(source, issues)) }
}

fn visit(expr: &Expr, seen: &mut impl FnMut(&Expr)) {
    seen(expr);
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Ident(_) => {}
        ExprKind::Select { operand, .. } => visit(operand, seen),
        ExprKind::Call { target, args, .. } => {
            target.as_deref().into_iter().chain(args).for_each(|arg| visit(arg, seen));
        }
        ExprKind::List { elements, .. } => elements.iter().for_each(|element| visit(element, seen)),
        ExprKind::Map(entries) => entries.iter().for_each(|entry| {
            visit(&entry.key, seen);
            visit(&entry.value, seen);
        }),
        ExprKind::Struct { fields, .. } => fields.iter().for_each(|field| visit(&field.value, seen)),
        ExprKind::Comprehension(c) => {
            [&c.range, &c.init, &c.condition, &c.step, &c.result].into_iter().for_each(|part| visit(part, seen));
        }
    }
}
