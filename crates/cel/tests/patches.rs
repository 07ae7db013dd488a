//! Expressions that make patches: `Object{…}` and `JSONPatch{…}`.

use kubewright_cel::{Bindings, Environment, Type};
use serde_json::{Value, json};

fn environment() -> Environment {
    Environment::new().variable("x", Type::Dyn).with_patches()
}

fn run(expression: &str) -> Result<Value, String> {
    let program = environment().compile(expression, &Type::Dyn).map_err(|error| error.to_string())?;
    let x = json!({"a": 1, "b": "text"});
    let evaluation = program.evaluate(&Bindings::new().json("x", &x), 1_000_000);
    let value = evaluation.result.map_err(|error| error.to_string())?;
    value.to_json().ok_or_else(|| "no JSON".to_owned())
}

#[test]
fn objects_have_the_fields_that_they_are_given() {
    let given =
        run("Object{spec: Object.spec{replicas: x.a + 1, ?none: x.?none, ?b: x.?b, list: [1, 2], map: {'k': true}}}");
    assert_eq!(given, Ok(json!({"spec": {"replicas": 2, "b": "text", "list": [1, 2], "map": {"k": true}}})));
    let given = run("[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c~d'), value: Object.a{e: null}}]");
    assert_eq!(given, Ok(json!([{"op": "add", "path": "/a/b~1c~0d", "value": {"e": null}}])));
    assert_eq!(
        run("has(JSONPatch{op: 'add'}.op) && Object{} == Object{} && Object{a: 1} != Object{a: 2}"),
        Ok(json!(true))
    );
}

#[test]
fn the_type_of_an_object_is_its_name() {
    let ty = |expression: &str| environment().compile(expression, &Type::Dyn).unwrap().result_type().to_string();
    assert_eq!(ty("Object{}"), "Object");
    assert_eq!(ty("Object.spec{}"), "Object.spec");
    assert_eq!(ty("[JSONPatch{op: 'add'}]"), "list(JSONPatch)");
}

#[test]
fn what_is_no_patch_is_not_made() {
    let error = |expression: &str| environment().compile(expression, &Type::Dyn).unwrap_err().to_string();
    assert!(error("Other{}").contains("undeclared reference to 'Other'"));
    assert!(error("JSONPatch{op: 1}").contains("expected type of field 'op' is 'string' but provided type is 'int'"));
    let plain = Environment::new().compile("Object{}", &Type::Dyn).unwrap_err().to_string();
    assert!(plain.contains("undeclared reference to 'Object'"), "{plain}");
    let plain = Environment::new().compile("jsonpatch.escapeKey('a')", &Type::Dyn).unwrap_err().to_string();
    assert!(plain.contains("undeclared reference"), "{plain}");
    assert_eq!(run("JSONPatch{op: x.a}"), Err("unexpected type int64 for JSONPatchType 'op' field".to_owned()));
}
