//! The kinds that generators work on, said once: each is written in Rust, in Go with kubebuilder's markers, and as a
//! definition.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// The group and version of all kinds.
pub(crate) const GROUP: &str = "bench.example.com";
pub(crate) const VERSION: &str = "v1";

const FIRST: [&str; 20] = [
    "Amber", "Birch", "Cedar", "Delta", "Ember", "Flint", "Grove", "Hazel", "Indigo", "Juniper", "Kelp", "Lunar",
    "Maple", "Noble", "Ocean", "Pearl", "Quartz", "River", "Silver", "Topaz",
];
const SECOND: [&str; 10] =
    ["Bucket", "Cluster", "Database", "Engine", "Forwarder", "Gateway", "Harbor", "Index", "Journal", "Kiosk"];

/// A kind with a specification and a status.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) plural: String,
    spec: Vec<Field>,
    status: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    /// In camel case.
    name: String,
    about: String,
    form: Form,
    required: bool,
}

#[derive(Debug)]
enum Form {
    /// At most so many characters.
    Text(u32),
    /// Of this pattern.
    Pattern(&'static str),
    Choice(&'static [&'static str]),
    Flag,
    /// From, to, and what it is without being said.
    Number(i32, i32, Option<i32>),
    Large,
    Texts,
    Map,
    Part(Vec<Field>),
    Parts(Vec<Field>),
}

/// The first so many kinds. They are alike, as those of an operator are, and no two are the same.
pub(crate) fn kinds(count: usize) -> Vec<Kind> {
    let names = SECOND.iter().flat_map(|second| FIRST.iter().map(move |first| format!("{first}{second}")));
    names.take(count).enumerate().map(|(number, name)| kind(number, name)).collect()
}

fn kind(number: usize, name: String) -> Kind {
    let optional =
        |name: &str, about: &str, form| Field { name: name.into(), about: about.into(), form, required: false };
    let required = |name: &str, about: &str, form| Field { required: true, ..optional(name, about, form) };
    let replicas = i32::try_from(number % 7).unwrap_or_default() + 1;
    let mut spec = vec![
        required("title", "What people call it.", Form::Text(63)),
        optional("hostName", "Where it is reached.", Form::Pattern("^[a-z0-9.-]+$")),
        optional("replicas", "How many there are at the same time.", Form::Number(0, 100, Some(replicas))),
        optional("suspended", "Whether it is left alone for now.", Form::Flag),
        optional("mode", "How it does its work.", Form::Choice(&["Fast", "Careful", "Paused"])),
        optional("zones", "Where it may be.", Form::Texts),
        optional("parameters", "What else it is told, by name.", Form::Map),
        required(
            "template",
            "What each of them is made of.",
            Form::Part(vec![
                required("image", "The image.", Form::Text(255)),
                optional("port", "Where it listens.", Form::Number(1, 65535, None)),
                optional("arguments", "What it is started with.", Form::Texts),
                optional(
                    "variables",
                    "Its environment.",
                    Form::Parts(vec![
                        required("name", "The name.", Form::Text(63)),
                        optional("value", "The value.", Form::Text(1024)),
                    ]),
                ),
            ]),
        ),
        optional(
            "listeners",
            "Who may talk to it.",
            Form::Parts(vec![
                required("name", "The name.", Form::Text(63)),
                required("port", "The port.", Form::Number(1, 65535, None)),
                optional("protocol", "What is spoken.", Form::Choice(&["HTTP", "HTTPS", "TCP"])),
            ]),
        ),
    ];
    for more in 0..=number % 5 {
        spec.push(optional(
            &format!("option{}", ["One", "Two", "Three", "Four", "Five"][more]),
            "An option.",
            Form::Text(99),
        ));
    }
    let status = vec![
        optional("observedGeneration", "The generation that was seen.", Form::Large),
        optional("phase", "Where it stands.", Form::Text(32)),
        optional("ready", "How many are ready.", Form::Number(0, 100, None)),
    ];
    Kind { plural: format!("{}s", name.to_lowercase()), name, spec, status }
}

impl Kind {
    /// The file with its types as `kubewright create api` would have it. `note` stands in a description.
    pub(crate) fn rust(&self, note: &str) -> String {
        let Self { name, plural, .. } = self;
        let mut types = String::new();
        rust_struct(&mut types, &format!("{name}Status"), "What there is.", &self.status, "Default, ");
        let fields = rust_fields(&mut types, name, &self.spec);
        format!(
            "//! {name}.\n\nuse std::collections::BTreeMap;\n\nuse kube::CustomResource;\nuse schemars::JsonSchema;\n\
             use serde::{{Deserialize, Serialize}};\n\n/// What is wanted.{note}\n\
             #[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]\n\
             #[kube(group = \"{GROUP}\", version = \"{VERSION}\", kind = \"{name}\", plural = \"{plural}\", namespaced, \
             status = \"{name}Status\")]\n#[serde(rename_all = \"camelCase\")]\npub struct {name}Spec {{\n{fields}}}\n\n{types}"
        )
    }

    /// The file with its types as `kubebuilder create api` would have it.
    pub(crate) fn go(&self, note: &str) -> String {
        let name = &self.name;
        let mut types = String::new();
        let spec = go_fields(&mut types, name, &self.spec);
        let status = go_fields(&mut types, &format!("{name}Status"), &self.status);
        format!(
            "package {VERSION}\n\nimport metav1 \"k8s.io/apimachinery/pkg/apis/meta/v1\"\n\n\
             // {name}Spec is what is wanted.{note}\ntype {name}Spec struct {{\n{spec}}}\n\n\
             // {name}Status is what there is.\ntype {name}Status struct {{\n{status}}}\n\n{types}\
             // +kubebuilder:object:root=true\n// +kubebuilder:subresource:status\n\n\
             // {name} is a kind of the benchmark.\ntype {name} struct {{\n\tmetav1.TypeMeta `json:\",inline\"`\n\n\
             \t// +optional\n\tmetav1.ObjectMeta `json:\"metadata,omitzero\"`\n\n\
             \t// +required\n\tSpec {name}Spec `json:\"spec\"`\n\n\t// +optional\n\tStatus {name}Status `json:\"status,omitzero\"`\n}}\n\n\
             // +kubebuilder:object:root=true\n\n// {name}List is a list of them.\ntype {name}List struct {{\n\
             \tmetav1.TypeMeta `json:\",inline\"`\n\tmetav1.ListMeta `json:\"metadata,omitzero\"`\n\tItems []{name} `json:\"items\"`\n}}\n\n\
             func init() {{\n\tSchemeBuilder.Register(&{name}{{}}, &{name}List{{}})\n}}\n"
        )
    }

    /// Its definition.
    pub(crate) fn definition(&self) -> Value {
        let (name, plural) = (&self.name, &self.plural);
        let mut spec = schema_of(&self.spec);
        spec["description"] = "What is wanted.".into();
        let mut status = schema_of(&self.status);
        status["description"] = "What there is.".into();
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{GROUP}")},
            "spec": {
                "group": GROUP, "scope": "Namespaced",
                "names": {"kind": name, "listKind": format!("{name}List"), "plural": plural, "singular": name.to_lowercase()},
                "versions": [{
                    "name": VERSION, "served": true, "storage": true, "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {
                        "type": "object", "required": ["spec"], "description": format!("{name} is a kind of the benchmark."),
                        "properties": {
                            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
                            "spec": spec, "status": status,
                        },
                    }},
                }],
            },
        })
    }
}

fn schema_of(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut schema = match &field.form {
            Form::Text(longest) => json!({"type": "string", "maxLength": longest}),
            Form::Pattern(pattern) => json!({"type": "string", "pattern": pattern}),
            Form::Choice(values) => json!({"type": "string", "enum": values}),
            Form::Flag => json!({"type": "boolean"}),
            Form::Number(least, most, default) => {
                let mut schema = json!({"type": "integer", "format": "int32", "minimum": least, "maximum": most});
                if let Some(default) = default {
                    schema["default"] = (*default).into();
                }
                schema
            }
            Form::Large => json!({"type": "integer", "format": "int64"}),
            Form::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Form::Map => json!({"type": "object", "additionalProperties": {"type": "string"}}),
            Form::Part(fields) => schema_of(fields),
            Form::Parts(fields) => json!({"type": "array", "items": schema_of(fields)}),
        };
        schema["description"] = field.about.clone().into();
        properties.insert(field.name.clone(), schema);
    }
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// `hostName` → `HostName`.
fn upper(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// `hostName` → `host_name`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn rust_struct(types: &mut String, name: &str, about: &str, fields: &[Field], derive: &str) {
    let body = rust_fields(types, name, fields);
    _ = write!(
        types,
        "/// {about}\n#[derive(Clone, Debug, {derive}PartialEq, Serialize, Deserialize, JsonSchema)]\n\
         #[serde(rename_all = \"camelCase\")]\npub struct {name} {{\n{body}}}\n\n"
    );
}

/// The fields of a struct; the types that they need go into `types`.
fn rust_fields(types: &mut String, owner: &str, fields: &[Field]) -> String {
    let mut body = String::new();
    for field in fields {
        let inner = format!("{owner}{}", upper(&field.name));
        let (ty, check) = match &field.form {
            Form::Text(longest) => ("String".to_owned(), format!("#[schemars(length(max = {longest}))]")),
            Form::Pattern(pattern) => ("String".to_owned(), format!("#[schemars(regex(pattern = r\"{pattern}\"))]")),
            Form::Choice(values) => {
                let variants: String = values.iter().map(|value| format!("{value},\n")).collect();
                _ = write!(
                    types,
                    "/// {}\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]\n\
                     #[allow(clippy::upper_case_acronyms)]\npub enum {inner} {{\n{variants}}}\n\n",
                    field.about
                );
                (inner, String::new())
            }
            Form::Flag => ("bool".to_owned(), String::new()),
            Form::Number(least, most, _) => {
                ("i32".to_owned(), format!("#[schemars(range(min = {least}, max = {most}))]"))
            }
            Form::Large => ("i64".to_owned(), String::new()),
            Form::Texts => ("Vec<String>".to_owned(), String::new()),
            Form::Map => ("BTreeMap<String, String>".to_owned(), String::new()),
            Form::Part(fields) => {
                rust_struct(types, &inner, &field.about, fields, "");
                (inner, String::new())
            }
            Form::Parts(fields) => {
                rust_struct(types, &inner, &field.about, fields, "");
                (format!("Vec<{inner}>"), String::new())
            }
        };
        _ = writeln!(body, "/// {}", field.about);
        if !check.is_empty() {
            _ = writeln!(body, "{check}");
        }
        let default = match &field.form {
            Form::Number(_, _, Some(default)) => Some(default),
            _ => None,
        };
        let ident = snake(&field.name);
        if let Some(default) = default {
            let function = format!("default_{}", snake(owner));
            _ = write!(types, "fn {function}() -> i32 {{\n    {default}\n}}\n\n");
            _ = writeln!(body, "#[serde(default = \"{function}\")]\npub {ident}: {ty},");
        } else if field.required {
            _ = writeln!(body, "pub {ident}: {ty},");
        } else {
            _ = writeln!(
                body,
                "#[serde(default, skip_serializing_if = \"Option::is_none\")]\npub {ident}: Option<{ty}>,"
            );
        }
    }
    body
}

/// The fields of a struct, with kubebuilder's markers; the types that they need go into `types`.
fn go_fields(types: &mut String, owner: &str, fields: &[Field]) -> String {
    let mut body = String::new();
    for field in fields {
        let inner = format!("{owner}{}", upper(&field.name));
        let (ty, markers) = match &field.form {
            Form::Text(longest) => ("string".to_owned(), vec![format!("kubebuilder:validation:MaxLength={longest}")]),
            Form::Pattern(pattern) => {
                ("string".to_owned(), vec![format!("kubebuilder:validation:Pattern=`{pattern}`")])
            }
            Form::Choice(values) => {
                ("string".to_owned(), vec![format!("kubebuilder:validation:Enum={}", values.join(";"))])
            }
            Form::Flag => ("*bool".to_owned(), Vec::new()),
            Form::Number(least, most, default) => {
                let mut markers = vec![
                    format!("kubebuilder:validation:Minimum={least}"),
                    format!("kubebuilder:validation:Maximum={most}"),
                ];
                markers.extend(default.map(|default| format!("kubebuilder:default={default}")));
                ("*int32".to_owned(), markers)
            }
            Form::Large => ("int64".to_owned(), Vec::new()),
            Form::Texts => ("[]string".to_owned(), Vec::new()),
            Form::Map => ("map[string]string".to_owned(), Vec::new()),
            Form::Part(fields) => {
                go_struct(types, &inner, &field.about, fields);
                (inner, Vec::new())
            }
            Form::Parts(fields) => {
                go_struct(types, &inner, &field.about, fields);
                (format!("[]{inner}"), Vec::new())
            }
        };
        _ = writeln!(body, "\t// {}", field.about);
        for marker in markers {
            _ = writeln!(body, "\t// +{marker}");
        }
        let (optional, how) = if field.required { ("required", "") } else { ("optional", ",omitempty") };
        _ = writeln!(body, "\t// +{optional}\n\t{} {ty} `json:\"{}{how}\"`", upper(&field.name), field.name);
    }
    body
}

fn go_struct(types: &mut String, name: &str, about: &str, fields: &[Field]) {
    let body = go_fields(types, name, fields);
    _ = write!(types, "// {name} is a part. {about}\ntype {name} struct {{\n{body}}}\n\n");
}

/// What a definition says, as far as both sides have to say the same: the properties of the first version with what is
/// checked of them, without descriptions.
pub(crate) fn said(definition: &Value) -> Value {
    let properties = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    json!({"spec": plain(&properties["spec"]), "status": plain(&properties["status"])})
}

/// A schema without what the two sides write in ways of their own, and means the same.
fn plain(schema: &Value) -> Value {
    let mut out = Map::new();
    for key in
        ["type", "enum", "pattern", "maxLength", "minimum", "maximum", "default", "items", "additionalProperties"]
    {
        match &schema[key] {
            Value::Null => {}
            Value::Object(_) => _ = out.insert(key.into(), plain(&schema[key])),
            Value::Number(number) => _ = out.insert(key.into(), json!(number.as_f64())),
            Value::Array(values) => {
                // The enum of a field that may be missing has null with it in ours, and their order says nothing.
                let mut values: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
                values.sort_by_key(|value| value.to_string());
                out.insert(key.into(), json!(values));
            }
            other => _ = out.insert(key.into(), other.clone()),
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        let properties: Map<String, Value> =
            properties.iter().map(|(name, schema)| (name.clone(), plain(schema))).collect();
        out.insert("properties".into(), properties.into());
        let mut required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        required.sort_unstable();
        out.insert("required".into(), json!(required));
    }
    out.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests end at the first surprise")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn kinds_are_many_and_no_two_have_one_name() {
        let all = kinds(200);
        let names: BTreeSet<&str> = all.iter().map(|kind| kind.name.as_str()).collect();
        let plurals: BTreeSet<&str> = all.iter().map(|kind| kind.plural.as_str()).collect();
        assert_eq!((all.len(), names.len(), plurals.len()), (200, 200, 200));
    }

    #[test]
    fn all_forms_name_all_fields() {
        let kind = kinds(5).pop().unwrap();
        let (rust, go, definition) = (kind.rust(""), kind.go(""), said(&kind.definition()));
        for (field, rust_name) in [("hostName", "host_name"), ("observedGeneration", "observed_generation")] {
            assert!(rust.contains(&format!("pub {rust_name}: ")), "{rust}");
            assert!(go.contains(&format!("`json:\"{field},omitempty\"`")), "{go}");
        }
        let spec = &definition["spec"];
        assert_eq!(spec["properties"]["listeners"]["items"]["required"], json!(["name", "port"]));
        assert_eq!(spec["properties"]["replicas"]["default"], json!(5.0));
        assert!(go.contains("// +kubebuilder:default=5\n") && rust.contains("fn default_ember_bucket() -> i32"));
        assert!(spec["properties"]["optionFive"].is_object() && go.contains("OptionFive string"));
    }

    #[test]
    fn what_is_said_is_the_same_whoever_writes_it() {
        let ours = json!({"type": "string", "enum": ["b", "a", null], "nullable": true, "description": "x"});
        let theirs = json!({"type": "string", "enum": ["a", "b"], "description": "y"});
        assert_eq!(plain(&ours), plain(&theirs));
        assert_ne!(plain(&ours), plain(&json!({"type": "string", "enum": ["a"]})));
    }
}
