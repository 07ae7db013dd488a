//! A property → a field: optional or not, its default, and the attributes that make its schema that of the definition.

use serde_json::{Map, Value};

use crate::names;
use crate::schema::{Shape, Ty};

/// Above this length JSON in an attribute becomes a text that is parsed: macros count their steps.
const LONG: usize = 400;

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) ident: String,
    /// Its name in JSON; none for what takes all other properties.
    pub(crate) property: Option<String>,
    /// The schema of the property.
    pub(crate) schema: Value,
    /// Whether schemars derives that it is required.
    pub(crate) derived_required: bool,
    /// Its value in `Default`, if it has one.
    pub(crate) initial: Option<String>,
    /// Whether its name is what serde's camelCase makes of the identifier, and no rename is needed.
    pub(crate) camel: bool,
    /// Its source.
    pub(crate) source: String,
    /// The function that gives its default, if it has one.
    pub(crate) function: String,
    /// Its type in an apply configuration, without the `Option`.
    pub(crate) apply: String,
    /// The type of the items if it is a list, in an apply configuration.
    pub(crate) apply_item: Option<String>,
    /// Whether it may be missing in JSON.
    optional: bool,
}

impl Field {
    /// A field for all properties that the schema does not name.
    pub(crate) fn rest(ident: &str) -> Self {
        let source = format!(
            "/// Properties that the schema does not name.\n#[serde(flatten)]\n#[schemars(skip)]\n\
             pub {ident}: BTreeMap<String, Value>,\n"
        );
        Self {
            ident: ident.into(),
            property: None,
            schema: Value::Null,
            derived_required: false,
            initial: Some("Default::default()".into()),
            camel: false,
            source,
            function: String::new(),
            apply: "BTreeMap<String, Value>".into(),
            apply_item: None,
            optional: true,
        }
    }

    /// A field of an apply configuration, of which the whole is written elsewhere.
    pub(crate) fn part(ident: &str, property: &str, apply: &str, apply_item: Option<&str>) -> Self {
        Self {
            ident: ident.into(),
            property: Some(property.into()),
            schema: Value::Null,
            derived_required: false,
            initial: None,
            camel: names::serde_camel(ident) == property,
            source: String::new(),
            function: String::new(),
            apply: apply.into(),
            apply_item: apply_item.map(Into::into),
            optional: true,
        }
    }

    /// Whether it may be missing in what the server is given.
    pub(crate) fn fills_itself(&self) -> bool {
        self.optional
    }
}

/// The field for a property.
pub(crate) fn field(
    owner: &str,
    property: &str,
    ident: &str,
    node: &Map<String, Value>,
    ty: Ty,
    required: bool,
) -> Field {
    let nullable = node.get("nullable") == Some(&Value::Bool(true));
    let default = node.get("default").filter(|value| !value.is_null());
    let known_default = default.filter(|_| !nullable).and_then(|value| Some((initial(&ty, value)?, value)));
    let optional = known_default.is_none() && (!required || nullable || default.is_some());

    let (doc, described) = description(node.get("description").and_then(Value::as_str));
    let mut attributes = doc + &described;
    let camel = names::serde_camel(ident) == property;
    let mut serde = Vec::new();
    if !camel {
        serde.push(format!("rename = {property:?}"));
    }
    let mut function = String::new();
    let mut derived = ty.model.clone();
    let first;
    if let Some((expression, value)) = &known_default {
        let trivial = expression == "Default::default()";
        if trivial {
            serde.push("default".into());
        } else {
            let name = format!("default_{}", ident.trim_start_matches('_'));
            serde.push(format!("default = \"{owner}::{name}\""));
            function = format!("fn {name}() -> {} {{\n{expression}\n}}\n", ty.rust);
        }
        first = if trivial {
            Some(expression.clone())
        } else {
            Some(format!("Self::default_{}()", ident.trim_start_matches('_')))
        };
        // What schemars makes of an object's default has the defaults of its fields in it, and of 1 it makes 1.0.
        derived["default"] = if comes_back(&ty.shape) { (*value).clone() } else { Value::Null };
    } else if optional {
        // A required field that may be null is sent as null.
        if !(required && nullable && default.is_none()) {
            serde.push("default".into());
            serde.push("skip_serializing_if = \"Option::is_none\"".into());
        }
        first = Some("Default::default()".into());
    } else {
        first = ty.default.then(|| "Default::default()".into());
    }
    if !serde.is_empty() {
        attributes += &format!("#[serde({})]\n", serde.join(", "));
    }
    if optional || ty.with != ty.rust {
        attributes += &format!("#[schemars(with = {:?})]\n", ty.with);
    }
    attributes += &constraints(node, &derived);
    let rust = if optional { format!("Option<{}>", ty.rust) } else { ty.rust.clone() };
    Field {
        ident: ident.into(),
        property: Some(property.into()),
        schema: Value::Object(node.clone()),
        derived_required: required && known_default.is_none() && !(optional && !(nullable && default.is_none())),
        initial: first,
        camel,
        source: format!("{attributes}pub {ident}: {rust},\n"),
        function,
        apply_item: match &ty.shape {
            Shape::List(item) => Some(item.apply.clone()),
            _ => None,
        },
        apply: ty.apply,
        optional: optional || known_default.is_some(),
    }
}

/// The attributes that make the derived schema that of the node.
fn constraints(node: &Map<String, Value>, derived: &Value) -> String {
    let mut attributes = String::new();
    let kind = derived.get("type").and_then(Value::as_str).unwrap_or_default();
    let differs = |key: &str| node.get(key).filter(|value| derived.get(key) != Some(*value));
    let mut done: Vec<&str> = vec!["description"];
    let (low, high, word, numbers) = match kind {
        "integer" | "number" => ("minimum", "maximum", "range", true),
        "string" => ("minLength", "maxLength", "length", true),
        "array" => ("minItems", "maxItems", "length", true),
        _ => ("", "", "", false),
    };
    if numbers {
        let parts: Vec<String> = [(low, "min"), (high, "max")]
            .iter()
            .filter_map(|(key, name)| Some((*key, *name, differs(key)?.as_number()?)))
            .map(|(key, name, value)| {
                done.push(key);
                format!("{name} = {}", number(value))
            })
            .collect();
        if !parts.is_empty() {
            attributes += &format!("#[schemars({word}({}))]\n", parts.join(", "));
        }
    }
    if kind == "string"
        && let Some(pattern) = differs("pattern").and_then(Value::as_str)
    {
        attributes += &format!("#[schemars(regex(pattern = {}))]\n", text(pattern));
        done.push("pattern");
    }
    for (key, value) in node {
        if !done.contains(&key.as_str()) && derived.get(key) != Some(value) {
            attributes += &extend(key, value);
        }
    }
    attributes
}

/// An attribute that puts a keyword into the schema.
pub(crate) fn extend(key: &str, value: &Value) -> String {
    let json = value.to_string();
    let value = match value {
        Value::Object(_) | Value::Array(_) if json.len() > LONG || json.contains("\\u") => {
            format!("super::schema::json({})", text(&json))
        }
        _ => tokens(value),
    };
    format!("#[schemars(extend({key:?} = {value}))]\n")
}

/// JSON as the tokens of `json!`.
fn tokens(value: &Value) -> String {
    match value {
        Value::String(value) => format!("{value:?}"),
        Value::Number(value) => number(value),
        Value::Array(items) => format!("[{}]", items.iter().map(tokens).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{key:?}: {}", tokens(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}

/// A number as a Rust literal whose type holds it.
fn number(value: &serde_json::Number) -> String {
    match (value.as_i64(), value.as_u64(), value.as_f64()) {
        (Some(value), ..) if i32::try_from(value).is_ok() => value.to_string(),
        (Some(value), ..) => format!("{value}i64"),
        (_, Some(value), _) => format!("{value}u64"),
        (.., value) => format!("{:?}f64", value.unwrap_or_default()),
    }
}

/// The Rust value of a default, if the type has one for it.
fn initial(ty: &Ty, value: &Value) -> Option<String> {
    match (&ty.shape, value) {
        (Shape::Bool, Value::Bool(false)) => Some("Default::default()".into()),
        (Shape::Bool, Value::Bool(true)) => Some("true".into()),
        (Shape::Integer(low, high), Value::Number(value)) => {
            let value = value.as_i64().filter(|value| (*low..=*high).contains(value))?;
            Some(if value == 0 { "Default::default()".into() } else { value.to_string() })
        }
        (Shape::Number, Value::Number(value)) => Some(format!("{:?}", value.as_f64()?)),
        (Shape::Text, Value::String(value)) if value.is_empty() => Some("Default::default()".into()),
        (Shape::Text, Value::String(value)) => Some(format!("{}.to_string()", text(value))),
        (Shape::Enum(variants), Value::String(value)) => Some(format!("{}::{}", ty.rust, variants.get(value)?)),
        (Shape::List(_), Value::Array(items)) if items.is_empty() => Some("Default::default()".into()),
        (Shape::List(item), Value::Array(items)) => {
            let scalar = !matches!(item.shape, Shape::Struct { .. } | Shape::Map | Shape::Other | Shape::List(_));
            let trivial = |text: String| if text == "Default::default()" { scalar_zero(item) } else { Some(text) };
            let items: Option<Vec<String>> = items.iter().map(|value| initial(item, value).and_then(trivial)).collect();
            scalar.then_some(())?;
            Some(format!("vec![{}]", items?.join(", ")))
        }
        (Shape::Map, Value::Object(map)) if map.is_empty() => Some("Default::default()".into()),
        (Shape::Struct { empty: true }, Value::Object(map)) if map.is_empty() && ty.default => {
            Some("Default::default()".into())
        }
        (Shape::IntOrString, Value::Number(value)) => {
            Some(format!("IntOrString::Int({})", i32::try_from(value.as_i64()?).ok()?))
        }
        (Shape::IntOrString, Value::String(value)) => Some(format!("IntOrString::String({}.to_string())", text(value))),
        _ => None,
    }
}

/// Whether a default is written as it stands in the definition.
fn comes_back(shape: &Shape) -> bool {
    match shape {
        Shape::Struct { .. } | Shape::Number => false,
        Shape::List(item) => comes_back(&item.shape),
        _ => true,
    }
}

fn scalar_zero(item: &Ty) -> Option<String> {
    match item.shape {
        Shape::Bool => Some("false".into()),
        Shape::Integer(..) => Some("0".into()),
        Shape::Text => Some("String::new()".into()),
        _ => None,
    }
}

/// A string as a Rust literal, raw where that is easier to read.
pub(crate) fn text(value: &str) -> String {
    let plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    if !(value.contains('\\') || value.contains('"')) || !value.chars().all(plain) || value.contains('\r') {
        return format!("{value:?}");
    }
    let mut hashes = String::new();
    while value.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{value}\"{hashes}")
}

/// A description as a doc comment, and as an attribute too where a comment would change it or be run as an example.
pub(crate) fn description(text: Option<&str>) -> (String, String) {
    let Some(description) = text else { return Default::default() };
    let runs =
        |line: &str| line.starts_with("    ") || line.contains('\t') || line.contains("```") || line.contains("~~~");
    let trailing = |line: &str| line.ends_with(char::is_whitespace);
    let odd = description.trim() != description
        || description.lines().any(|line| line.starts_with('#'))
        || description.is_empty()
        || description.contains('\r')
        || description
            .lines()
            .any(|line| runs(line) || trailing(line) || line.starts_with('/') || line.starts_with('!'));
    let mut out = String::new();
    for line in description.trim().lines() {
        let line = if odd { line.trim().replace("```", "'''").replace("~~~", "'''") } else { line.to_string() };
        // A heading would become the schema's title.
        let line = if line.starts_with('#') { format!("\\{line}") } else { line };
        out += if line.is_empty() { "///\n".into() } else { format!("/// {line}\n") }.as_str();
    }
    let attribute =
        if odd { format!("#[schemars(description = {})]\n", self::text(description)) } else { String::new() };
    (out, attribute)
}
