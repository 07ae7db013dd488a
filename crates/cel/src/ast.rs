//! The syntax tree that everything after the parser works on.

use std::collections::HashMap;

use cel::common::ast::{EntryExpr, Expr as Parsed, IdedExpr, LiteralValue, SourceInfo};

/// Identifies a node of one expression.
pub(crate) type NodeId = u64;

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) id: NodeId,
    pub(crate) kind: ExprKind,
}

#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    Literal(Literal),
    Ident(String),
    Select { operand: Box<Expr>, field: String, test: bool },
    Call { function: String, target: Option<Box<Expr>>, args: Vec<Expr> },
    List { elements: Vec<Expr>, optional: Vec<usize> },
    Map(Vec<Entry>),
    Struct { name: String, fields: Vec<Field> },
    Comprehension(Box<Comprehension>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Expr,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// A field of an object that an expression makes.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) id: NodeId,
    pub(crate) name: String,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Comprehension {
    pub(crate) range: Expr,
    pub(crate) variable: String,
    pub(crate) variable2: Option<String>,
    pub(crate) accumulator: String,
    pub(crate) init: Expr,
    pub(crate) condition: Expr,
    pub(crate) step: Expr,
    pub(crate) result: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// An expression with the places of its nodes.
#[derive(Debug)]
pub(crate) struct Ast {
    pub(crate) root: Expr,
    pub(crate) positions: HashMap<NodeId, Position>,
}

impl Ast {
    pub(crate) fn new(parsed: IdedExpr, source: &str, info: &SourceInfo) -> Self {
        let mut positions = HashMap::new();
        let root = convert(parsed, &mut |id| {
            if let Some((start, _)) = info.offset_for(id) {
                positions.insert(id, position(source, start as usize));
            }
        });
        Self { root, positions }
    }

    pub(crate) fn position(&self, id: NodeId) -> Position {
        self.positions.get(&id).copied().unwrap_or(Position { line: 1, column: 1 })
    }
}

/// `offset` counts bytes.
fn position(source: &str, offset: usize) -> Position {
    let mut at = Position { line: 1, column: 1 };
    for (_, c) in source.char_indices().take_while(|(start, _)| *start < offset) {
        if c == '\n' {
            at = Position { line: at.line + 1, column: 1 };
        } else {
            at.column += 1;
        }
    }
    at
}

fn convert(parsed: IdedExpr, seen: &mut impl FnMut(NodeId)) -> Expr {
    let id = parsed.id;
    seen(id);
    let kind = match parsed.expr {
        Parsed::Unspecified => ExprKind::Literal(Literal::Null),
        Parsed::Ident(name) => ExprKind::Ident(name),
        Parsed::Literal(value) => ExprKind::Literal(literal(&value)),
        Parsed::Select(select) => ExprKind::Select {
            operand: Box::new(convert(*select.operand, seen)),
            field: select.field,
            test: select.test,
        },
        Parsed::Call(call) => ExprKind::Call {
            function: call.func_name,
            target: call.target.map(|target| Box::new(convert(*target, seen))),
            args: call.args.into_iter().map(|arg| convert(arg, seen)).collect(),
        },
        Parsed::List(list) => ExprKind::List {
            elements: list.elements.into_iter().map(|element| convert(element, seen)).collect(),
            optional: list.optional_indices,
        },
        Parsed::Map(map) => {
            let mut entries = Vec::with_capacity(map.entries.len());
            for entry in map.entries {
                if let EntryExpr::MapEntry(entry) = entry.expr {
                    let (key, value) = (convert(entry.key, seen), convert(entry.value, seen));
                    entries.push(Entry { key, value, optional: entry.optional });
                }
            }
            ExprKind::Map(entries)
        }
        Parsed::Struct(parsed) => {
            let mut fields = Vec::with_capacity(parsed.entries.len());
            for entry in parsed.entries {
                seen(entry.id);
                if let EntryExpr::StructField(field) = entry.expr {
                    let value = convert(field.value, seen);
                    fields.push(Field { id: entry.id, name: field.field, value, optional: field.optional });
                }
            }
            ExprKind::Struct { name: parsed.type_name, fields }
        }
        Parsed::Comprehension(parsed) => {
            let parsed = *parsed;
            ExprKind::Comprehension(Box::new(Comprehension {
                range: convert(parsed.iter_range, seen),
                variable: parsed.iter_var,
                variable2: parsed.iter_var2,
                accumulator: parsed.accu_var,
                init: convert(parsed.accu_init, seen),
                condition: convert(parsed.loop_cond, seen),
                step: convert(parsed.loop_step, seen),
                result: convert(parsed.result, seen),
            }))
        }
    };
    Expr { id, kind }
}

fn literal(value: &LiteralValue) -> Literal {
    match value {
        LiteralValue::Boolean(value) => Literal::Bool(*value.inner()),
        LiteralValue::Bytes(value) => Literal::Bytes(value.inner().to_vec()),
        LiteralValue::Double(value) => Literal::Double(*value.inner()),
        LiteralValue::Int(value) => Literal::Int(*value.inner()),
        LiteralValue::Null => Literal::Null,
        LiteralValue::String(value) => Literal::String(value.inner().to_owned()),
        LiteralValue::UInt(value) => Literal::Uint(*value.inner()),
    }
}

impl Expr {
    /// The dotted name that it spells, if it is one.
    pub(crate) fn qualified_name(&self) -> Option<String> {
        match &self.kind {
            ExprKind::Ident(name) => Some(name.clone()),
            ExprKind::Select { operand, field, test: false } => Some(format!("{}.{field}", operand.qualified_name()?)),
            _ => None,
        }
    }
}
