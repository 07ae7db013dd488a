//! How much an expression may cost at most, from its types and the limits of its schema.

use std::collections::HashMap;

use crate::ast::{Comprehension, Expr, ExprKind, Literal, NodeId};
use crate::check::Checked;
use crate::environment::Environment;
use crate::schema::{Schema, SchemaKind};
use crate::types::Type;

/// The fewest and the most, of a size or a cost. Arithmetic ends at the largest number instead of overflowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The fewest.
    pub min: u64,
    /// The most.
    pub max: u64,
}

pub(crate) const TRAVERSAL: f64 = 0.1;
pub(crate) const REGEX: f64 = 0.25;
pub(crate) const LIST_COST: u64 = 10;
pub(crate) const MAP_COST: u64 = 30;
pub(crate) const STRUCT_COST: u64 = 40;
/// What one check of an authorizer costs: two fit into an expression.
pub(crate) const AUTHORIZATION: u64 = 350_000;
/// The longest pattern behind a named format.
pub(crate) const NAMED_FORMAT: u64 = 128;

impl Range {
    const UNKNOWN: Range = Range { min: 0, max: u64::MAX };
    const EMPTY: Range = Range { min: u64::MAX, max: 0 };
    const ZERO: Range = Range { min: 0, max: 0 };

    fn fixed(size: u64) -> Self {
        Self { min: size, max: size }
    }

    fn add(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    fn times(self, other: Self) -> Self {
        Self { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    fn scale(self, factor: f64) -> Self {
        Self { min: scale(self.min, factor), max: scale(self.max, factor) }
    }

    fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// `size` × `factor`, rounded up.
pub(crate) fn scale(size: u64, factor: f64) -> u64 {
    (size as f64 * factor).ceil() as u64
}

/// What evaluating the expression may cost.
pub(crate) fn estimate(checked: &Checked, environment: &Environment) -> Range {
    let mut estimator = Estimator {
        checked,
        root: environment.root.as_deref(),
        paths: HashMap::new(),
        locals: Vec::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
    };
    estimator.cost(&checked.ast.root)
}

/// A variable and steps into it: field names, `@items`, `@keys`, `@values`.
type Path = Vec<String>;

/// The sizes of the entries of a collection.
#[derive(Debug, Clone, Copy)]
struct Entries {
    list: bool,
    key: Range,
    value: Range,
}

#[derive(Clone)]
struct Local {
    name: String,
    path: Path,
    size: Option<Range>,
    entries: Option<Entries>,
}

/// What a call costs, and how large its result may be.
struct CallCost {
    cost: Range,
    result: Option<Range>,
}

struct Estimator<'a> {
    checked: &'a Checked,
    root: Option<&'a Schema>,
    paths: HashMap<NodeId, Path>,
    locals: Vec<Local>,
    sizes: HashMap<NodeId, Range>,
    entries: HashMap<NodeId, Entries>,
}

impl Estimator<'_> {
    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, expr: &Expr) -> Path {
        if let ExprKind::Ident(name) = &expr.kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&expr.id).cloned().unwrap_or_default()
    }

    fn step(&self, expr: &Expr, step: &str) -> Path {
        let mut path = self.path(expr);
        path.push(step.to_owned());
        path
    }

    fn size_at(&self, path: &[String]) -> Option<Range> {
        let (_, steps) = path.split_first()?;
        let mut schema = self.root?;
        for (index, step) in steps.iter().enumerate() {
            schema = match (step.as_str(), &schema.kind) {
                // Keys have no limit of their own; the real server takes that for none at all.
                ("@keys", SchemaKind::Map(_)) => return (index + 1 == steps.len()).then_some(Range::ZERO),
                ("@items" | "@values", _) => schema.element()?,
                (field, SchemaKind::Object(object)) => object.fields.get(field)?,
                _ => return None,
            };
        }
        Some(Range { min: 0, max: schema.max_elements })
    }

    fn cost(&mut self, expr: &Expr) -> Range {
        match &expr.kind {
            ExprKind::Literal(_) => Range::ZERO,
            ExprKind::Ident(name) => {
                let path = self.local(name).map_or_else(|| vec![name.clone()], |local| local.path.clone());
                self.paths.insert(expr.id, path);
                Range::fixed(1)
            }
            ExprKind::Select { operand, test: true, .. } => self.cost(operand),
            ExprKind::Select { operand, field, .. } => {
                let mut sum = self.cost(operand);
                if matches!(self.checked.type_of(operand), Type::Map(_) | Type::Object(_) | Type::Parameter(_)) {
                    sum = sum.add(Range::fixed(1));
                }
                let path = self.step(operand, field);
                self.paths.insert(expr.id, path);
                sum
            }
            ExprKind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            ExprKind::List { elements, .. } => {
                let mut sum = Range::fixed(LIST_COST);
                let mut size = if elements.is_empty() { Range::ZERO } else { Range::EMPTY };
                for element in elements {
                    sum = sum.add(self.cost(element));
                    size = size.union(self.size_or_unknown(element));
                }
                self.entries.insert(expr.id, Entries { list: true, key: Range::fixed(1), value: size });
                sum
            }
            ExprKind::Map(entries) => {
                let mut sum = Range::fixed(MAP_COST);
                let none = if entries.is_empty() { Range::ZERO } else { Range::EMPTY };
                let (mut key, mut value) = (none, none);
                for entry in entries {
                    sum = sum.add(self.cost(&entry.key)).add(self.cost(&entry.value));
                    key = key.union(self.size_or_unknown(&entry.key));
                    value = value.union(self.size_or_unknown(&entry.value));
                }
                self.entries.insert(expr.id, Entries { list: false, key, value });
                sum
            }
            ExprKind::Struct { fields, .. } => {
                fields.iter().fold(Range::fixed(STRUCT_COST), |sum, field| sum.add(self.cost(&field.value)))
            }
            ExprKind::Comprehension(comprehension) if comprehension.is_binding() => self.binding(expr, comprehension),
            ExprKind::Comprehension(comprehension) => self.comprehension(expr, comprehension),
        }
    }

    fn comprehension(&mut self, expr: &Expr, comprehension: &Comprehension) -> Range {
        let Comprehension { range, variable, variable2, accumulator, init, condition, step, result } = comprehension;
        let mut sum = self.cost(range).add(self.cost(init));
        self.push_local(accumulator, init);
        let outer = self.locals.len();
        let entries = self.entries_of(range);
        let list = match entries {
            Some(entries) => entries.list,
            None => matches!(self.checked.type_of(range), Type::List(_)),
        };
        let key = entries.map(|entries| entries.key);
        let value = entries.map(|entries| entries.value);
        let mut push = |name: &String, step: &str, size| {
            let path = self.step(range, step);
            self.locals.push(Local { name: name.clone(), path, size, entries: None });
        };
        match variable2 {
            Some(variable2) => {
                push(variable, if list { "@indices" } else { "@keys" }, key);
                push(variable2, if list { "@items" } else { "@values" }, value);
            }
            None if list => push(variable, "@items", value),
            None => push(variable, "@keys", key),
        }
        let each = self.cost(condition);
        let each = self.cost(step).add(each);
        self.locals.truncate(outer);
        sum = sum.add(self.cost(result));
        self.locals.truncate(outer - 1);

        let count = self.size_or_unknown(range);
        sum = sum.add(count.times(each));
        match &init.kind {
            ExprKind::Literal(_) => {
                let size = self.size(init);
                self.set_size(expr, size);
            }
            ExprKind::List { .. } | ExprKind::Map(_) => {
                self.set_size(expr, Some(count));
                if let Some(entries) = self.entries_of(step) {
                    self.entries.insert(expr.id, entries);
                }
            }
            _ => {}
        }
        sum
    }

    fn binding(&mut self, expr: &Expr, comprehension: &Comprehension) -> Range {
        let mut sum = self.cost(&comprehension.range).add(self.cost(&comprehension.init));
        self.push_local(&comprehension.accumulator, &comprehension.init);
        sum = sum.add(self.cost(&comprehension.result));
        let (size, entries) = (self.size(&comprehension.result), self.entries_of(&comprehension.result));
        self.locals.pop();
        self.set_size(expr, size);
        if let Some(entries) = entries {
            self.entries.insert(expr.id, entries);
        }
        sum
    }

    fn push_local(&mut self, name: &str, expr: &Expr) {
        let local = Local {
            name: name.to_owned(),
            path: self.path(expr),
            size: self.size(expr),
            entries: self.entries_of(expr),
        };
        self.locals.push(local);
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr]) -> Range {
        if function == "dyn"
            && let [arg] = args
        {
            let cost = self.cost(arg);
            let (size, entries) = (self.size(arg), self.entries_of(arg));
            self.set_size(expr, size);
            if let Some(entries) = entries {
                self.entries.insert(expr.id, entries);
            }
            return cost.add(Range::fixed(1));
        }
        let costs: Vec<Range> = args.iter().map(|arg| self.cost(arg)).collect();
        let overloads = self.checked.overloads_of(expr.id);
        if overloads.is_empty() {
            return Range::ZERO;
        }
        let mut sum = Range::ZERO;
        if let Some(target) = target {
            sum = sum.add(self.cost(target));
        }
        let mut cost = Range::EMPTY;
        let mut result: Option<Range> = None;
        for overload in overloads {
            let of_overload = self.overload(expr, function, overload, target, args, &costs);
            cost = cost.union(of_overload.cost);
            if let Some(size) = of_overload.result {
                result = Some(result.map_or(size, |known| known.union(size)));
            }
            if let Some(first) = args.first() {
                let step = match *overload {
                    "index_list" => Some("@items"),
                    "index_map" => Some("@values"),
                    _ => None,
                };
                if let Some(step) = step {
                    result = self.entries_of(first).map(|entries| entries.value);
                    let path = self.step(first, step);
                    self.paths.insert(expr.id, path);
                }
            }
            if result.is_none() {
                result = self.size(expr);
            }
        }
        self.set_size(expr, result);
        sum.add(cost)
    }

    fn overload(
        &mut self,
        expr: &Expr,
        function: &str,
        overload: &str,
        target: Option<&Expr>,
        args: &[Expr],
        costs: &[Range],
    ) -> CallCost {
        let of_args = costs.iter().fold(Range::ZERO, |sum, cost| sum.add(*cost));
        if let Some(CallCost { cost, result }) = self.library(function, overload, target, args) {
            return CallCost { cost: cost.add(of_args), result };
        }
        let plain = |cost: Range| CallCost { cost: cost.add(of_args), result: None };
        let sized = |cost: Range, result: Range| CallCost { cost: cost.add(of_args), result: Some(result) };
        match (overload, target, args) {
            ("string_format", Some(target), _) => plain(self.size_or_unknown(target).scale(TRAVERSAL)),
            ("string_to_bytes", _, [arg]) => {
                let size = self.size_or_unknown(arg);
                sized(size.scale(TRAVERSAL), Range { min: size.min, max: size.max.wrapping_mul(4) })
            }
            ("bytes_to_string", _, [arg]) => {
                let size = self.size_or_unknown(arg);
                sized(size.scale(TRAVERSAL), Range { min: size.min / 4, max: size.max })
            }
            ("strings_quote", _, [arg]) => {
                let size = self.size_or_unknown(arg);
                let max = size.max.wrapping_mul(2).wrapping_add(2);
                sized(size.scale(TRAVERSAL), Range { min: size.min.wrapping_add(2), max })
            }
            ("starts_with_string" | "ends_with_string", _, [arg]) => plain(self.size_or_unknown(arg).scale(TRAVERSAL)),
            ("in_list", _, [_, list]) => plain(self.size_or_unknown(list).scale(1.0)),
            ("matches_string", Some(target), [pattern]) => {
                let text = self.size_or_unknown(target).add(Range::fixed(1)).scale(TRAVERSAL);
                plain(text.times(self.size_or_unknown(pattern).scale(REGEX)))
            }
            ("contains_string", Some(target), [part]) => {
                let text = self.size_or_unknown(target).scale(TRAVERSAL);
                plain(text.times(self.size_or_unknown(part).scale(TRAVERSAL)))
            }
            ("logical_or" | "logical_and", ..) => {
                let first = costs.first().copied().unwrap_or(Range::ZERO);
                CallCost { cost: Range { min: first.min, max: of_args.max }, result: None }
            }
            ("conditional", _, [_, then, otherwise]) => {
                let size = self.size_or_unknown(then).union(self.size_or_unknown(otherwise));
                if let (Some(a), Some(b)) = (self.entries_of(then), self.entries_of(otherwise)) {
                    self.entries.insert(expr.id, a.union(b));
                }
                CallCost { cost: costs[0].add(costs[1].union(costs[2])), result: Some(size) }
            }
            ("add_string" | "add_bytes" | "add_list", _, [left, right]) => {
                let size = self.size_or_unknown(left).add(self.size_or_unknown(right));
                if let (Some(a), Some(b)) = (self.entries_of(left), self.entries_of(right)) {
                    self.entries.insert(expr.id, a.union(b));
                }
                let cost = if overload == "add_list" { Range::fixed(1) } else { size.scale(TRAVERSAL) };
                sized(cost, size)
            }
            (_, _, [left, right]) if compares_sizes(overload) => {
                let (left, right) = (self.size_or_unknown(left), self.size_or_unknown(right));
                let most = left.max.min(right.max);
                plain(Range { min: u64::from(most > 0), max: most }.scale(TRAVERSAL))
            }
            _ => plain(Range::fixed(1)),
        }
    }

    /// The functions that Kubernetes adds or that bring their own costs.
    fn library(&mut self, function: &str, overload: &str, target: Option<&Expr>, args: &[Expr]) -> Option<CallCost> {
        let plain = |cost: Range| Some(CallCost { cost, result: None });
        let sized = |cost: Range, result: Range| Some(CallCost { cost, result: Some(result) });
        let allocating = |factor: f64, size: Range| sized(size.scale(factor).add(Range::fixed(1 + LIST_COST)), size);
        let one = plain(Range::fixed(1));
        match (overload, target, args) {
            ("list_slice", Some(target), [start, end]) => {
                let most = self.size_or_unknown(target).max;
                let (start, end) = (literal_int(start).unwrap_or(0), literal_int(end).unwrap_or(most));
                return allocating(1.0, Range::fixed(end.wrapping_sub(start)));
            }
            ("list_flatten" | "list_flatten_int", Some(target), args) => {
                let depth = args.first().map_or(1, |depth| literal_int(depth).unwrap_or(u64::MAX));
                return allocating(depth as f64, self.size_or_unknown(target));
            }
            ("lists_range", None, [count]) => {
                return allocating(1.0, Range::fixed(literal_int(count).unwrap_or(u64::MAX)));
            }
            ("list_reverse", Some(target), []) => return allocating(1.0, self.size_or_unknown(target)),
            ("list_distinct", Some(target), []) => {
                let size = self.size_or_unknown(target);
                return allocating(2.0, size.times(size));
            }
            (sort, Some(list), []) | (sort, Some(_), [list])
                if sort.ends_with("_sort") || sort.ends_with("_sortByAssociatedKeys") =>
            {
                let size = self.size_or_unknown(list);
                let texts = sort.starts_with("list_string_") || sort.starts_with("list_bytes_");
                return allocating(if texts { 2.0 + TRAVERSAL } else { 2.0 }, size.times(size));
            }
            ("list_sets_contains_list" | "list_sets_intersects_list" | "list_sets_equivalent_list", _, [a, b]) => {
                let factor = if overload == "list_sets_equivalent_list" { 2.0 } else { 1.0 };
                let size = self.size_or_unknown(a).times(self.size_or_unknown(b));
                return plain(size.scale(factor).add(Range::fixed(1)));
            }
            _ => {}
        }
        match function {
            "check" => plain(Range::fixed(AUTHORIZATION)),
            "serviceAccount"
            | "path"
            | "group"
            | "resource"
            | "subresource"
            | "namespace"
            | "name"
            | "allowed"
            | "reason"
            | "error"
            | "errored"
            | "masked"
            | "prefixLength"
            | "family"
            | "isUnspecified"
            | "isLoopback"
            | "isLinkLocalMulticast"
            | "isLinkLocalUnicast"
            | "isGlobalUnicast"
            | "format.named"
            | "sign"
            | "asInteger"
            | "isInteger"
            | "asApproximateFloat"
            | "isGreaterThan"
            | "isLessThan"
            | "compareTo"
            | "add"
            | "sub"
            | "major"
            | "minor"
            | "patch"
            | "getScheme"
            | "getHostname"
            | "getHost"
            | "getPort"
            | "getEscapedPath"
            | "getQuery" => one,
            "fieldSelector" | "labelSelector" => {
                let [selector] = args else { return None };
                let length = self.size_or_unknown(selector);
                let requirements = length.scale(0.5).scale((LIST_COST + STRUCT_COST) as f64);
                plain(Range::fixed(LIST_COST).add(length.scale(TRAVERSAL)).add(requirements))
            }
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
                let target = target?;
                let size = self.size_or_unknown(target);
                match self.element(target) {
                    Some((ty, element)) => {
                        let mut each = Range::fixed(1);
                        if matches!(ty, Type::String | Type::Bytes) {
                            each = each.add(element.scale(TRAVERSAL));
                        }
                        plain(size.times(each))
                    }
                    None => plain(size.scale(TRAVERSAL)),
                }
            }
            "url" => {
                let size = self.size_or_unknown(args.first()?);
                sized(size.scale(TRAVERSAL), size)
            }
            "lowerAscii" | "upperAscii" | "substring" | "trim" | "jsonpatch.escapeKey" => {
                let size = self.size_or_unknown(target?);
                sized(size.scale(TRAVERSAL), size)
            }
            "replace" => {
                let (target, [from, to, ..]) = (target?, args) else { return None };
                let (size, from, to) =
                    (self.size_or_unknown(target), self.size_or_unknown(from), self.size_or_unknown(to));
                sized(size.scale(2.0 * TRAVERSAL), replaced(size, from, to))
            }
            "split" => {
                let size = self.size_or_unknown(target?);
                let parts = args.get(1).and_then(|limit| match limit.kind {
                    ExprKind::Literal(Literal::Int(limit)) => Some(limit as u64),
                    _ => None,
                });
                sized(size.scale(2.0 * TRAVERSAL), Range { min: 0, max: parts.unwrap_or(size.max) })
            }
            "join" => {
                let target = target?;
                let count = self.size_or_unknown(target);
                let mut size = self.element(target).map_or(Range::ZERO, |(_, element)| count.times(element));
                if let Some(separator) = args.first() {
                    let separators = Range { min: count.min.saturating_sub(1), max: count.max.saturating_sub(1) };
                    size = size.add(self.size_or_unknown(separator).times(separators));
                }
                sized(size.scale(TRAVERSAL), size)
            }
            "find" | "findAll" => {
                let (target, pattern) = (target?, args.first()?);
                let size = self.size_or_unknown(target);
                let text = size.add(Range::fixed(1)).scale(TRAVERSAL);
                let pattern = self.size_or_unknown(pattern).scale(REGEX);
                sized(text.times(pattern), Range { min: 0, max: size.max })
            }
            "ip" if overload == "cidr_ip" => one,
            "ip" | "cidr" | "isIP" | "isCIDR" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
                plain(self.size_or_unknown(args.first()?).scale(TRAVERSAL))
            }
            "ip.isCanonical" => plain(self.size_or_unknown(args.first()?).scale(2.0 * TRAVERSAL)),
            "containsIP" | "containsCIDR" => {
                let address = Range { min: 4, max: 16 };
                let mut cost = address.add(address).scale(TRAVERSAL);
                if function == "containsCIDR" {
                    cost = cost.add(address.scale(TRAVERSAL)).add(Range::fixed(1));
                }
                if overload.ends_with("_string") {
                    cost = cost.add(self.size_or_unknown(args.first()?).scale(TRAVERSAL));
                }
                plain(cost)
            }
            "validate" => {
                let size = self.size_or_unknown(args.first()?);
                plain(size.scale(TRAVERSAL).scale(NAMED_FORMAT as f64 * REGEX))
            }
            "_==_" => {
                let [left, right] = args else { return None };
                let (left, right) = (self.checked.type_of(left), self.checked.type_of(right));
                match left {
                    Type::Opaque(name, _) | Type::Object(name) if left == right => match &**name {
                        "kubernetes.NamedFormat" => plain(Range { min: 1, max: 64 }.scale(TRAVERSAL)),
                        "kubernetes.URL" => {
                            let size = self.size_or_unknown(&args[1]).max;
                            plain(Range { min: 1, max: size }.scale(TRAVERSAL))
                        }
                        name if name.starts_with("net.") || name.starts_with("kubernetes.") => one,
                        _ => None,
                    },
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The type and size of a list's elements; for a map, its keys. `None` where the type has no parameters.
    fn element(&mut self, list: &Expr) -> Option<(Type, Range)> {
        let ty = match self.checked.type_of(list) {
            Type::List(element) => (**element).clone(),
            Type::Map(entry) => entry.0.clone(),
            Type::Opaque(_, of) => of.first()?.clone(),
            _ => return None,
        };
        let mut path = self.path(list);
        if path.first().is_some_and(|root| root == "@result") {
            path.clear();
        }
        let size = if path.is_empty() {
            None
        } else {
            path.push("@items".to_owned());
            self.size_at(&path)
        };
        Some((ty, size.unwrap_or(Range::UNKNOWN)))
    }

    fn set_size(&mut self, expr: &Expr, size: Option<Range>) {
        if let Some(size) = size {
            self.sizes.insert(expr.id, size);
        }
    }

    fn size_or_unknown(&mut self, expr: &Expr) -> Range {
        self.size(expr).unwrap_or(Range::UNKNOWN)
    }

    fn size(&mut self, expr: &Expr) -> Option<Range> {
        if let Some(size) = self.sizes.get(&expr.id) {
            return Some(*size);
        }
        match &expr.kind {
            ExprKind::Literal(Literal::String(text)) => return Some(Range::fixed(text.chars().count() as u64)),
            ExprKind::Literal(Literal::Bytes(bytes)) => return Some(Range::fixed(bytes.len() as u64)),
            ExprKind::Literal(_) => return Some(Range::fixed(1)),
            ExprKind::List { elements, .. } => return Some(Range::fixed(elements.len() as u64)),
            ExprKind::Map(entries) => return Some(Range::fixed(entries.len() as u64)),
            _ => {}
        }
        if let Some(size) = self.size_at(&self.path(expr)) {
            self.sizes.insert(expr.id, size);
            return Some(size);
        }
        if self.checked.type_of(expr).is_scalar() {
            return Some(Range::fixed(1));
        }
        match &expr.kind {
            ExprKind::Ident(name) => self.local(name)?.size,
            _ => None,
        }
    }

    fn entries_of(&self, expr: &Expr) -> Option<Entries> {
        if let Some(entries) = self.entries.get(&expr.id) {
            return Some(*entries);
        }
        match &expr.kind {
            ExprKind::Ident(name) => self.local(name)?.entries,
            _ => None,
        }
    }
}

impl Entries {
    fn union(self, other: Self) -> Self {
        Self { list: self.list, key: self.key.union(other.key), value: self.value.union(other.value) }
    }
}

impl Comprehension {
    /// It only gives a value a name: it goes over nothing and has its own accumulator.
    pub(crate) fn is_binding(&self) -> bool {
        matches!(&self.range.kind, ExprKind::List { elements, .. } if elements.is_empty())
            && matches!(self.condition.kind, ExprKind::Literal(Literal::Bool(false)))
    }
}

fn compares_sizes(overload: &str) -> bool {
    matches!(overload, "equals" | "not_equals")
        || ["less", "greater"].iter().any(|operator| overload.starts_with(operator))
            && (overload.ends_with("_string") || overload.ends_with("_bytes"))
}

fn literal_int(expr: &Expr) -> Option<u64> {
    match expr.kind {
        ExprKind::Literal(Literal::Int(value)) => Some(value.max(0) as u64),
        _ => None,
    }
}

/// How long a text may be after `from` was replaced with `to` in it.
fn replaced(size: Range, from: Range, to: Range) -> Range {
    let (mut count, mut kept) = (Range::ZERO, Range::ZERO);
    if from.min == 0 {
        count.max = size.max.saturating_add(1);
        kept.max = size.max;
    } else if to.max <= from.min {
        kept.max = size.max;
    } else {
        count.max = (size.max as f64 / from.min as f64).ceil() as u64;
    }
    if from.max == 0 {
        count.min = size.min.saturating_add(1);
        kept.min = size.min;
    } else if from.max <= to.min {
        kept.min = size.min;
    } else {
        count.min = (size.min as f64 / from.max as f64).ceil() as u64;
    }
    count.times(to).add(kept)
}
