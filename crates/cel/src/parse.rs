//! From text to syntax tree: the `cel` crate's parser with the macros of Kubernetes.

use std::sync::LazyLock;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, StructExpr, operators,
};
use cel::parser::{Macro, MacroExprHelper};
use cel::{Env, ParseError};

use crate::ast::{Ast, Position};
use crate::error::{Issue, Issues};

/// How deep an expression may nest.
const DEEPEST: u16 = 250;
/// Expressions of more characters than this are refused before they are parsed, as the real parser does.
const LONGEST: usize = 100_000;
/// How deep the tree may get; chains of operators make it deep without nesting, and it is evaluated by recursion.
const DEEPEST_TREE: usize = 256;

/// Parses an expression and expands its macros. It recurses deeply: see [`crate::stack`].
///
/// # Errors
/// What is wrong with the syntax, with every place.
pub(crate) fn parse(source: &str) -> Result<Ast, Issues> {
    let refuse = |message: String| {
        let position = Position { line: 1, column: 1 };
        Err(Issues::new(source, vec![Issue { position, message }]))
    };
    let length = source.chars().count();
    if length > LONGEST {
        return refuse(format!("expression code point size exceeds limit: size: {length}, limit {LONGEST}"));
    }
    let parser = MACROS.parser().max_recursion_depth(DEEPEST);
    match parser.parse_with_source_info(source) {
        Ok((root, _)) if depth(&root) > DEEPEST_TREE => {
            refuse(format!("expression recursion limit exceeded: {DEEPEST}"))
        }
        Ok((root, info)) => Ok(Ast::new(root, source, &info)),
        Err(errors) => Err(Issues::new(source, errors.errors.iter().map(|error| issue(error, source)).collect())),
    }
}

fn issue(error: &ParseError, source: &str) -> Issue {
    let (line, column) = error.pos;
    if error.msg.contains("Recursion limit of") {
        let message = format!("expression recursion limit exceeded: {DEEPEST}");
        return Issue { position: Position { line: 1, column: 1 }, message };
    }
    let position = Position { line: line.max(1) as usize, column: column.max(1) as usize };
    let mut message = error.msg.clone();
    if message == NO_NAME && is_argument_of(source, position, &["map", "filter", "sortBy"]) {
        message = "argument is not an identifier".to_owned();
    }
    Issue { position, message }
}

const NO_NAME: &str = "argument must be a simple name";

/// At `position` starts the first argument of one of the functions.
fn is_argument_of(source: &str, position: Position, functions: &[&str]) -> bool {
    let line = source.split('\n').nth(position.line - 1).unwrap_or_default();
    let before: String = line.chars().take(position.column - 1).collect();
    let name = before.trim_end().strip_suffix('(').unwrap_or_default();
    functions.iter().any(|function| name.ends_with(&format!(".{function}")))
}

fn depth(root: &IdedExpr) -> usize {
    let mut deepest = 0;
    let mut open = vec![(root, 1)];
    while let Some((node, at)) = open.pop() {
        deepest = deepest.max(at);
        let mut push = |child| open.push((child, at + 1));
        match &node.expr {
            Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(push),
            Expr::Comprehension(c) => {
                [&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result].into_iter().for_each(push);
            }
            Expr::List(list) => list.elements.iter().for_each(push),
            Expr::Map(MapExpr { entries }) | Expr::Struct(StructExpr { entries, .. }) => {
                for entry in entries {
                    match &entry.expr {
                        EntryExpr::StructField(field) => push(&field.value),
                        EntryExpr::MapEntry(entry) => {
                            push(&entry.key);
                            push(&entry.value);
                        }
                    }
                }
            }
            Expr::Select(select) => push(&select.operand),
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        }
    }
    deepest
}

/// The accumulator's name; no expression can spell it.
const RESULT: &str = "@result";
/// The list that `sortBy` sorts.
const SORT_INPUT: &str = "@__sortBy_input__";

static MACROS: LazyLock<Env> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let macros = [
        Macro::receiver("all", 3, |helper, target, args| all_or_exists(helper, target, args, true)),
        Macro::receiver("exists", 3, |helper, target, args| all_or_exists(helper, target, args, false)),
        Macro::receiver("exists_one", 3, exists_one),
        Macro::receiver("existsOne", 3, exists_one),
        Macro::receiver("transformList", 3, transform_list),
        Macro::receiver("transformList", 4, transform_list),
        Macro::receiver("transformMap", 3, |helper, target, args| transform_map(helper, target, args, false)),
        Macro::receiver("transformMap", 4, |helper, target, args| transform_map(helper, target, args, false)),
        Macro::receiver("transformMapEntry", 3, |helper, target, args| transform_map(helper, target, args, true)),
        Macro::receiver("transformMapEntry", 4, |helper, target, args| transform_map(helper, target, args, true)),
        Macro::receiver("sortBy", 2, sort_by),
    ];
    for added in macros {
        // They differ from the standard ones in name or number of arguments.
        let _ = env.add_macro(added);
    }
    env
});

type Target = Option<IdedExpr>;
type Expansion = Result<Option<IdedExpr>, ParseError>;

/// `range.all(k, v, p)` and `range.exists(k, v, p)`.
fn all_or_exists(
    helper: &mut MacroExprHelper<'_>,
    target: &mut Target,
    args: &mut Vec<IdedExpr>,
    all: bool,
) -> Expansion {
    let variables = variables(helper, args)?;
    let predicate = pop(args);
    let init = helper.next_expr(Expr::Literal(LiteralValue::Boolean(all.into())));
    let mut going = result(helper);
    if !all {
        going = call(helper, operators::LOGICAL_NOT, vec![going]);
    }
    let condition = call(helper, operators::NOT_STRICTLY_FALSE, vec![going]);
    let accumulated = result(helper);
    let operator = if all { operators::LOGICAL_AND } else { operators::LOGICAL_OR };
    let step = call(helper, operator, vec![accumulated, predicate]);
    let end = result(helper);
    Ok(Some(fold(helper, target, variables, init, condition, step, end)))
}

/// `range.existsOne(k, v, p)`.
fn exists_one(helper: &mut MacroExprHelper<'_>, target: &mut Target, args: &mut Vec<IdedExpr>) -> Expansion {
    let variables = variables(helper, args)?;
    let predicate = pop(args);
    let init = int(helper, 0);
    let condition = helper.next_expr(Expr::Literal(LiteralValue::Boolean(true.into())));
    let (accumulated, one) = (result(helper), int(helper, 1));
    let more = call(helper, operators::ADD, vec![accumulated, one]);
    let same = result(helper);
    let step = call(helper, operators::CONDITIONAL, vec![predicate, more, same]);
    let (accumulated, one) = (result(helper), int(helper, 1));
    let end = call(helper, operators::EQUALS, vec![accumulated, one]);
    Ok(Some(fold(helper, target, variables, init, condition, step, end)))
}

/// `range.transformList(k, v, e)` and `range.transformList(k, v, p, e)`.
fn transform_list(helper: &mut MacroExprHelper<'_>, target: &mut Target, args: &mut Vec<IdedExpr>) -> Expansion {
    let variables = variables(helper, args)?;
    let transformed = pop(args);
    let init = helper.next_expr(Expr::List(ListExpr::new(Vec::new())));
    let element = helper.next_expr(Expr::List(ListExpr::new(vec![transformed])));
    let accumulated = result(helper);
    let step = call(helper, operators::ADD, vec![accumulated, element]);
    Ok(Some(collect(helper, target, variables, args.pop(), init, step)))
}

/// `range.transformMap(k, v, e)`, which keeps the key, and `range.transformMapEntry(k, v, {k: e})`; both also with a
/// filter before the last argument.
fn transform_map(
    helper: &mut MacroExprHelper<'_>,
    target: &mut Target,
    args: &mut Vec<IdedExpr>,
    entry: bool,
) -> Expansion {
    let variables = variables(helper, args)?;
    let transformed = pop(args);
    let init = helper.next_expr(Expr::Map(MapExpr { entries: Vec::new() }));
    let mut inserted = vec![result(helper)];
    if !entry {
        inserted.push(helper.next_expr(Expr::Ident(variables.0.clone())));
    }
    inserted.push(transformed);
    let step = call(helper, "cel.@mapInsert", inserted);
    Ok(Some(collect(helper, target, variables, args.pop(), init, step)))
}

/// `list.sortBy(v, key)` as `bind(input, list, input.@sortByAssociatedKeys(input.map(v, key)))`.
fn sort_by(helper: &mut MacroExprHelper<'_>, target: &mut Target, args: &mut Vec<IdedExpr>) -> Expansion {
    let list = target.take().unwrap_or_default();
    if matches!(list.expr, Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified) {
        let message = "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
        return Err(helper.new_error(list.id, message));
    }
    let key = pop(args);
    let variable = simple_name(helper, pop(args))?;
    let input = |helper: &mut MacroExprHelper<'_>| helper.next_expr(Expr::Ident(SORT_INPUT.to_owned()));

    let init = helper.next_expr(Expr::List(ListExpr::new(Vec::new())));
    let element = helper.next_expr(Expr::List(ListExpr::new(vec![key])));
    let accumulated = result(helper);
    let step = call(helper, operators::ADD, vec![accumulated, element]);
    let mut range = Some(input(helper));
    let keys = collect(helper, &mut range, (variable, None), None, init, step);

    let sorted = input(helper);
    let sorted = helper.next_expr(Expr::Call(CallExpr {
        func_name: "@sortByAssociatedKeys".to_owned(),
        target: Some(Box::new(sorted)),
        args: vec![keys],
    }));
    let iter_range = helper.next_expr(Expr::List(ListExpr::new(Vec::new())));
    let loop_cond = helper.next_expr(Expr::Literal(LiteralValue::Boolean(false.into())));
    let loop_step = input(helper);
    Ok(Some(helper.next_expr(Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range,
        iter_var: "#unused".to_owned(),
        iter_var2: None,
        accu_var: SORT_INPUT.to_owned(),
        accu_init: list,
        loop_cond,
        loop_step,
        result: sorted,
    })))))
}

type Variables = (String, Option<String>);

/// The two variables of a two-variable comprehension, taken from the front of its arguments.
fn variables(helper: &mut MacroExprHelper<'_>, args: &mut Vec<IdedExpr>) -> Result<Variables, ParseError> {
    let (first, second) = (args.remove(0), args.remove(0));
    let second_id = second.id;
    let first = simple_name(helper, first)?;
    let second = simple_name(helper, second)?;
    if first == second {
        let message = format!("duplicate variable name: {second}");
        return Err(helper.new_error(second_id, message));
    }
    Ok((first, Some(second)))
}

fn simple_name(helper: &mut MacroExprHelper<'_>, expr: IdedExpr) -> Result<String, ParseError> {
    match expr.expr {
        Expr::Ident(name) if name == RESULT || name == "__result__" => {
            Err(helper.new_error(expr.id, "iteration variable overwrites accumulator variable"))
        }
        Expr::Ident(name) => Ok(name),
        _ => Err(helper.new_error(expr.id, NO_NAME)),
    }
}

/// A comprehension that adds to a collection, where `filter` lets it.
fn collect(
    helper: &mut MacroExprHelper<'_>,
    target: &mut Target,
    variables: Variables,
    filter: Option<IdedExpr>,
    init: IdedExpr,
    mut step: IdedExpr,
) -> IdedExpr {
    let condition = helper.next_expr(Expr::Literal(LiteralValue::Boolean(true.into())));
    if let Some(filter) = filter {
        let same = result(helper);
        step = call(helper, operators::CONDITIONAL, vec![filter, step, same]);
    }
    let end = result(helper);
    fold(helper, target, variables, init, condition, step, end)
}

fn fold(
    helper: &mut MacroExprHelper<'_>,
    target: &mut Target,
    (iter_var, iter_var2): Variables,
    accu_init: IdedExpr,
    loop_cond: IdedExpr,
    loop_step: IdedExpr,
    result: IdedExpr,
) -> IdedExpr {
    let iter_range = target.take().unwrap_or_default();
    let accu_var = RESULT.to_owned();
    helper.next_expr(Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range,
        iter_var,
        iter_var2,
        accu_var,
        accu_init,
        loop_cond,
        loop_step,
        result,
    })))
}

fn call(helper: &mut MacroExprHelper<'_>, function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    helper.next_expr(Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }))
}

fn result(helper: &mut MacroExprHelper<'_>) -> IdedExpr {
    helper.next_expr(Expr::Ident(RESULT.to_owned()))
}

fn int(helper: &mut MacroExprHelper<'_>, value: i64) -> IdedExpr {
    helper.next_expr(Expr::Literal(LiteralValue::Int(value.into())))
}

/// The macros are called with as many arguments as they were registered for.
fn pop(args: &mut Vec<IdedExpr>) -> IdedExpr {
    args.pop().unwrap_or_default()
}
