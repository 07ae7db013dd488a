//! No expression makes the compiler or the evaluator panic, and none runs longer than its limit.

use kubewright_cel::{Bindings, Environment, Type};
use proptest::prelude::*;
use serde_json::json;

/// Expressions that mostly compile: leaves joined by operators, calls and macros.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("x".to_owned()),
        Just("x.a".to_owned()),
        Just("x.items".to_owned()),
        Just("x.text".to_owned()),
        Just("dyn([1, 2])".to_owned()),
        Just("{'a': 1}".to_owned()),
        Just("optional.none()".to_owned()),
        Just("duration('1h')".to_owned()),
        Just("timestamp('2024-01-01T00:00:00Z')".to_owned()),
        any::<i64>().prop_map(|number| format!("({number})")),
        any::<f64>().prop_map(|number| format!("({number:?})").replace("NaN", "0.0").replace("inf", "1.0")),
        "[a-z%.é]{0,6}".prop_map(|text| format!("'{text}'")),
    ];
    leaf.prop_recursive(4, 32, 3, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "<", "&&", "||", "in"]);
        let unary = prop::sample::select(vec![
            "size",
            "string",
            "int",
            "uint",
            "double",
            "type",
            "timestamp",
            "duration",
            "quantity",
            "ip",
            "cidr",
            "url",
            "semver",
            "optional.of",
            "bytes",
            "bool",
            "lists.range",
            "strings.quote",
        ]);
        let member = prop::sample::select(vec![
            "size",
            "sum",
            "min",
            "sort",
            "distinct",
            "flatten",
            "reverse",
            "first",
            "join",
            "trim",
            "lowerAscii",
            "getHours",
            "hasValue",
            "value",
            "isSorted",
            "getMonth",
        ]);
        let with_argument = prop::sample::select(vec![
            "split",
            "indexOf",
            "lastIndexOf",
            "substring",
            "charAt",
            "contains",
            "matches",
            "find",
            "findAll",
            "format",
            "join",
            "orValue",
            "getHours",
            "flatten",
            "compareTo",
            "add",
            "replace",
            "slice",
        ]);
        let over = prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter", "sortBy"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("dyn({a}) {op} dyn({b})")),
            (unary, inner.clone()).prop_map(|(function, a)| format!("{function}(dyn({a}))")),
            (member, inner.clone()).prop_map(|(function, a)| format!("dyn({a}).{function}()")),
            (with_argument, inner.clone(), inner.clone())
                .prop_map(|(function, a, b)| format!("dyn({a}).{function}(dyn({b}))")),
            (over, inner.clone(), inner.clone()).prop_map(|(name, a, b)| format!("dyn({a}).{name}(v, dyn({b}) == v)")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("dyn({a})[dyn({b})]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("dyn({a})[?dyn({b})]")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(dyn({a}) == {b} ? dyn({c}) : dyn({a}))")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn expressions_that_make_sense_end(expression in expression()) {
        let environment = Environment::new().variable("x", Type::Dyn);
        let x = json!({"a": 1, "text": "héllo", "items": [1, "b", null, {"c": 2.5}]});
        if let Ok(program) = environment.compile(&expression, &Type::Dyn) {
            let evaluation = program.evaluate(&Bindings::new().json("x", &x), 10_000);
            prop_assert!(evaluation.result.is_err() || evaluation.cost <= 10_000);
        }
    }

    #[test]
    fn any_text_is_compiled_or_refused(text in "[-a-z0-9 .,:?!(){}\\[\\]<>=+*/%&|'\"\\\\`é\n]{0,40}") {
        let _ = Environment::new().variable("x", Type::Dyn).compile(&text, &Type::Dyn);
    }
}

#[test]
fn deep_expressions_are_refused() {
    let environment = Environment::new();
    for deep in [
        format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("1{}", " + 1".repeat(260)),
        format!("1{}", " + 1".repeat(20_000)),
        "[".repeat(5_000),
        "a".repeat(100_001),
    ] {
        assert!(environment.compile(&deep, &Type::Dyn).is_err(), "{}", &deep[..10]);
    }
    for deepest in
        [format!("1{} == 241", " + 1".repeat(240)), format!("{}1{} == 1", "dyn(".repeat(230), ")".repeat(230))]
    {
        let program = environment.compile(&deepest, &Type::Bool).unwrap();
        assert_eq!(program.evaluate(&Bindings::new(), 10_000).result.unwrap().as_bool(), Some(true));
    }
}
