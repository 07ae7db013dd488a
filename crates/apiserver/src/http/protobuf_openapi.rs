//! OpenAPI v2 documents in protobuf: the messages of `openapi.v2` as gnostic defines them (OpenAPIv2.proto), which
//! client-go reads.
//!
//! Messages are tables of the members of JSON objects. Maps are lists of names and values there; what is free in form
//! (extensions, enums) is YAML, which JSON is.

use serde_json::Value;

use super::protobuf_write::{bytes_field, key, varint_field};
use crate::kinds::tree::Tree;

/// A document, or some members of one: who reads messages that follow one another merges them.
pub(crate) fn document(tree: &Value) -> Vec<u8> {
    message(&DOCUMENT, tree)
}

/// The members of an object with their numbers.
struct Message {
    members: &'static [(&'static str, u16, Form)],
    /// The number of members that start with `x-`.
    extensions: u16,
}

/// How a value is written.
enum Form {
    Text,
    Flag,
    Integer,
    Number,
    /// As YAML.
    Free,
    Object(&'static Message),
    /// Each value of a list.
    Each(&'static Form),
    /// A message that holds the value at this number, and nothing else.
    Inside(u16, &'static Form),
    /// A message that holds the members of an object at this number, with their names.
    Map(u16, &'static Form),
    /// Schema or flag.
    SchemaOrFlag,
    Parameter,
    /// Parameter or reference.
    ParameterItem,
}

use Form::{Each, Flag, Free, Inside, Integer, Map, Number, Object, Parameter, ParameterItem, SchemaOrFlag, Text};

static DOCUMENT: Message = Message {
    members: &[
        ("swagger", 1, Text),
        ("info", 2, Object(&INFO)),
        ("paths", 8, Map(2, &Object(&PATH_ITEM))),
        ("definitions", 9, Map(1, &Object(&SCHEMA))),
        ("parameters", 10, Map(1, &Parameter)),
        ("security", 12, Each(&Map(1, &Inside(1, &Each(&Text))))),
        ("securityDefinitions", 13, Map(1, &Inside(2, &Object(&API_KEY)))),
    ],
    extensions: 16,
};

static INFO: Message =
    Message { members: &[("title", 1, Text), ("version", 2, Text), ("description", 3, Text)], extensions: 7 };

static API_KEY: Message = Message {
    members: &[("type", 1, Text), ("name", 2, Text), ("in", 3, Text), ("description", 4, Text)],
    extensions: 5,
};

static PATH_ITEM: Message = Message {
    members: &[
        ("get", 2, Object(&OPERATION)),
        ("put", 3, Object(&OPERATION)),
        ("post", 4, Object(&OPERATION)),
        ("delete", 5, Object(&OPERATION)),
        ("options", 6, Object(&OPERATION)),
        ("head", 7, Object(&OPERATION)),
        ("patch", 8, Object(&OPERATION)),
        ("parameters", 9, Each(&ParameterItem)),
    ],
    extensions: 10,
};

static OPERATION: Message = Message {
    members: &[
        ("tags", 1, Each(&Text)),
        ("summary", 2, Text),
        ("description", 3, Text),
        ("operationId", 5, Text),
        ("produces", 6, Each(&Text)),
        ("consumes", 7, Each(&Text)),
        ("parameters", 8, Each(&ParameterItem)),
        ("responses", 9, Map(1, &Inside(1, &Object(&RESPONSE)))),
        ("schemes", 10, Each(&Text)),
        ("deprecated", 11, Flag),
    ],
    extensions: 13,
};

static RESPONSE: Message =
    Message { members: &[("description", 1, Text), ("schema", 2, Inside(1, &Object(&SCHEMA)))], extensions: 5 };

static BODY_PARAMETER: Message = Message {
    members: &[
        ("description", 1, Text),
        ("name", 2, Text),
        ("in", 3, Text),
        ("required", 4, Flag),
        ("schema", 5, Object(&SCHEMA)),
    ],
    extensions: 6,
};

static QUERY_PARAMETER: Message = Message {
    members: &[
        ("required", 1, Flag),
        ("in", 2, Text),
        ("description", 3, Text),
        ("name", 4, Text),
        ("type", 6, Text),
        ("format", 7, Text),
        ("uniqueItems", 20, Flag),
    ],
    extensions: 23,
};

static PATH_PARAMETER: Message = Message {
    members: &[
        ("required", 1, Flag),
        ("in", 2, Text),
        ("description", 3, Text),
        ("name", 4, Text),
        ("type", 5, Text),
        ("format", 6, Text),
        ("uniqueItems", 19, Flag),
    ],
    extensions: 22,
};

/// Parameters other than the body are one alternative, of which these are alternatives.
static IN_QUERY: Form = Inside(3, &Object(&QUERY_PARAMETER));
static IN_PATH: Form = Inside(4, &Object(&PATH_PARAMETER));

static SCHEMA: Message = Message {
    members: &[
        ("$ref", 1, Text),
        ("format", 2, Text),
        ("title", 3, Text),
        ("description", 4, Text),
        ("default", 5, Free),
        ("multipleOf", 6, Number),
        ("maximum", 7, Number),
        ("exclusiveMaximum", 8, Flag),
        ("minimum", 9, Number),
        ("exclusiveMinimum", 10, Flag),
        ("maxLength", 11, Integer),
        ("minLength", 12, Integer),
        ("pattern", 13, Text),
        ("maxItems", 14, Integer),
        ("minItems", 15, Integer),
        ("uniqueItems", 16, Flag),
        ("maxProperties", 17, Integer),
        ("minProperties", 18, Integer),
        ("required", 19, Each(&Text)),
        ("enum", 20, Each(&Free)),
        ("additionalProperties", 21, SchemaOrFlag),
        ("type", 22, Inside(1, &Text)),
        ("items", 23, Inside(1, &Object(&SCHEMA))),
        ("properties", 25, Map(1, &Object(&SCHEMA))),
        ("externalDocs", 29, Object(&EXTERNAL_DOCS)),
        ("example", 30, Free),
    ],
    extensions: 31,
};

static EXTERNAL_DOCS: Message = Message { members: &[("description", 1, Text), ("url", 2, Text)], extensions: 3 };

/// `JsonReference`, as the one alternative of a parameter.
static REFERENCE: Message = Message { members: &[("$ref", 1, Text), ("description", 2, Text)], extensions: 0 };

fn message(of: &Message, tree: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in tree.as_object().into_iter().flatten() {
        if let Some((_, number, form)) = of.members.iter().find(|(member, ..)| member == name) {
            put(&mut out, *number, form, value);
        } else if name.starts_with("x-") && of.extensions > 0 {
            entry(&mut out, of.extensions, name, &Free, value);
        }
    }
    out
}

fn put(out: &mut Vec<u8>, number: u16, form: &Form, value: &Value) {
    let mut inner = |form: &Form, number_inside: u16| {
        let mut body = Vec::new();
        put(&mut body, number_inside, form, value);
        bytes_field(out, number, &body);
    };
    match form {
        Text => bytes_field(out, number, value.as_str().unwrap_or_default().as_bytes()),
        Flag => varint_field(out, number, u64::from(value.as_bool().unwrap_or_default())),
        // A number without a fraction may have been written with one.
        Integer => varint_field(out, number, value.as_i64().or(value.as_f64().map(|v| v as i64)).unwrap_or(0) as u64),
        Number => {
            key(out, number, 1);
            out.extend_from_slice(&value.as_f64().unwrap_or_default().to_le_bytes());
        }
        Free => {
            let mut any = Vec::new();
            bytes_field(&mut any, 2, value.to_string().as_bytes());
            bytes_field(out, number, &any);
        }
        Object(of) => bytes_field(out, number, &message(of, value)),
        Each(form) => value.as_array().into_iter().flatten().for_each(|value| put(out, number, form, value)),
        Inside(number_inside, form) => inner(form, *number_inside),
        Map(number_inside, form) => {
            let mut body = Vec::new();
            for (name, value) in value.as_object().into_iter().flatten() {
                entry(&mut body, *number_inside, name, form, value);
            }
            bytes_field(out, number, &body);
        }
        SchemaOrFlag if value.is_boolean() => inner(&Flag, 2),
        SchemaOrFlag => inner(&Object(&SCHEMA), 1),
        Parameter => match value.text("in") {
            "body" => inner(&Object(&BODY_PARAMETER), 1),
            "path" => inner(&IN_PATH, 2),
            // The server has none in headers or forms.
            _ => inner(&IN_QUERY, 2),
        },
        ParameterItem if value.get("$ref").is_some() => inner(&Object(&REFERENCE), 2),
        ParameterItem => inner(&Parameter, 1),
    }
}

/// A name and its value.
fn entry(out: &mut Vec<u8>, number: u16, name: &str, form: &Form, value: &Value) {
    let mut named = Vec::new();
    bytes_field(&mut named, 1, name.as_bytes());
    put(&mut named, 2, form, value);
    bytes_field(out, number, &named);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Tag and length of a field that is shorter than 128 bytes, and its bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
    }

    #[test]
    fn a_schema_is_written_as_gnostic_defines_it() {
        let schema = json!({"type": "array", "maxItems": 3, "items": {"$ref": "#/a"}});
        let expected = [
            // items, 23: a list of schemas
            &[0xba, 0x01, 7][..],
            &field(1, &field(1, b"#/a")),
            // maxItems, 14
            &[0x70, 3],
            // type, 22: a list of texts
            &[0xb2, 0x01, 7],
            &field(1, b"array"),
        ]
        .concat();
        assert_eq!(message(&SCHEMA, &schema), expected);
        assert_eq!(message(&SCHEMA, &json!({"additionalProperties": false})), [0xaa, 0x01, 2, 0x10, 0]);
        let maximum = [&[0x39][..], &1.5_f64.to_le_bytes()].concat();
        assert_eq!(message(&SCHEMA, &json!({"maximum": 1.5, "unknown": 1})), maximum);
    }

    #[test]
    fn maps_are_lists_of_names_and_values_and_extensions_are_yaml() {
        let responses = json!({"responses": {"200": {"description": "OK"}}});
        let named = [field(1, b"200"), field(2, &field(1, &field(1, b"OK")))].concat();
        assert_eq!(message(&OPERATION, &responses), field(9, &field(1, &named)));
        let extension = [field(1, b"x-kubernetes-action"), field(2, &field(2, b"\"get\""))].concat();
        assert_eq!(message(&OPERATION, &json!({"x-kubernetes-action": "get"})), field(13, &extension));
    }

    #[test]
    fn parameters_are_told_apart_by_where_they_stand() {
        let item = |parameter: Value| message(&PATH_ITEM, &json!({"parameters": [parameter]}));
        let body = field(1, &field(1, &field(3, b"body")));
        assert_eq!(item(json!({"in": "body"})), field(9, &body));
        let query = field(1, &field(2, &field(3, &field(2, b"query"))));
        assert_eq!(item(json!({"in": "query"})), field(9, &query));
        let path = field(1, &field(2, &field(4, &field(2, b"path"))));
        assert_eq!(item(json!({"in": "path"})), field(9, &path));
        assert_eq!(item(json!({"$ref": "#/parameters/a"})), field(9, &field(2, &field(1, b"#/parameters/a"))));
    }

    #[test]
    fn who_may_call_is_written() {
        let security = json!({"security": [{"BearerToken": []}], "swagger": "2.0"});
        let named = [field(1, b"BearerToken"), field(2, b"")].concat();
        assert_eq!(document(&security), [field(12, &field(1, &named)), field(1, b"2.0")].concat());
        let definitions = json!({"securityDefinitions": {"A": {"in": "header"}}});
        let named = [field(1, b"A"), field(2, &field(2, &field(3, b"header")))].concat();
        assert_eq!(document(&definitions), field(13, &field(1, &named)));
    }
}
