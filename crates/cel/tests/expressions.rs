//! What expressions give: tables of expressions that are true, and of errors.

use kubewright_cel::{Bindings, Environment, Type, Value};
use serde_json::json;

const LIMIT: u64 = 1_000_000;

fn environment() -> Environment {
    Environment::new().variable("x", Type::Dyn).variable("list", Type::list(Type::Int))
}

fn run(expression: &str) -> Result<String, String> {
    let program = environment().compile(expression, &Type::Dyn).map_err(|error| error.to_string())?;
    let x = json!({"a": 1, "text": "héllo", "items": [{"name": "a", "n": 1}, {"name": "b", "n": 2}], "none": null, "f": 1.5});
    let list = json!([3, 1, 2]);
    let bindings = Bindings::new().json("x", &x).json("list", &list);
    match program.evaluate(&bindings, LIMIT).result {
        Ok(Value::Bool(value)) => Ok(value.to_string()),
        Ok(value) => Ok(format!("{value:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[track_caller]
fn all_true(expressions: &[&str]) {
    let wrong: Vec<String> = expressions
        .iter()
        .filter_map(|expression| match run(expression) {
            Ok(result) if result == "true" => None,
            other => Some(format!("{expression}  →  {other:?}")),
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[track_caller]
fn all_fail(table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(expression, message)| match run(expression) {
            Err(error) if error == *message => None,
            other => Some(format!("{expression}  →  {other:?}")),
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn arithmetic_and_order_are_those_of_the_specification() {
    all_true(&[
        "1 + 2 * 3 == 7",
        "7 / 2 == 3 && -7 / 2 == -3 && 7 % 3 == 1 && -7 % 3 == -1",
        "1.5 + 1.5 == 3.0",
        "2u * 3u == 6u",
        "dyn(1) == 1.0 && dyn(1u) == 1 && 2.0 > 1 && 1u < 2 && !(dyn(1) == 1.5)",
        "'a' < 'b' && b'a' < b'b' && false < true",
        "dyn(1) != dyn('1')",
        "[1, 2] == [1, 2] && [1] != [2] && {'a': 1} == {'a': 1}",
        "null == null && x.none == null",
        "1 in [1, 2] && !(3 in [1, 2]) && 'a' in {'a': 1} && dyn(1.0) in [1, 2]",
        "'a' + 'b' == 'ab' && [1] + [2] == [1, 2] && b'a' + b'b' == b'ab'",
        "true ? true : false",
        "-(-1) == 1 && -1.5 < 0.0",
    ]);
    all_fail(&[
        ("1 / 0", "division by zero"),
        ("1 % 0", "modulus by zero"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("0u - 1u", "unsigned integer overflow"),
        ("[1][5]", "index out of bounds: 5"),
        ("{'a': 1}['b']", "no such key: b"),
        ("x.missing", "no such key: missing"),
        ("x.none.missing", "no such key: missing"),
        ("x.a.missing == 1 || x.none['gone'] == 1", "no such key: missing"),
        ("x.items.missing", "unsupported index type 'string' in list"),
        ("dyn('a') + 1", "no such overload"),
        ("dyn('a') > 1", "no such overload"),
    ]);
}

#[test]
fn errors_are_absorbed_where_the_result_does_not_depend_on_them() {
    all_true(&[
        "true || 1 / 0 == 1",
        "1 / 0 == 1 || true",
        "!(1 / 0 == 1 && false)",
        "[1, 0].exists(n, 1 / n == 1)",
        "[0, 1].exists(n, 1 / n == 1)",
        "![0, 2].all(n, 1 / n == 1)",
    ]);
    all_fail(&[("1 / 0 == 1 && true", "division by zero"), ("[0].all(n, 1 / n == 1)", "division by zero")]);
}

#[test]
fn macros_go_over_lists_and_maps() {
    all_true(&[
        "has(x.a) && !has(x.b) && has(x.none) && !has(x.none.b) && !has(x.a.b) && !x.none.?b.hasValue()",
        "x.items.all(i, i.n > 0) && x.items.exists(i, i.name == 'b') && x.items.exists_one(i, i.n == 2)",
        "list.map(n, n * 2) == [6, 2, 4] && list.filter(n, n > 1) == [3, 2] && list.map(n, n > 1, n + 1) == [4, 3]",
        "{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])",
        "[3, 4].all(i, v, v == i + 3) && {'a': 1}.exists(k, v, k == 'a' && v == 1)",
        "[1, 1].existsOne(i, v, i == v)",
        "[1, 2].transformList(i, v, v * 10 + i) == [10, 21]",
        "[1, 2].transformList(i, v, v > 1, v) == [2]",
        "{'a': 1, 'b': 2}.transformMap(k, v, v + 1) == {'a': 2, 'b': 3}",
        "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) == {'b': 2}",
        "['a', 'b'].transformMapEntry(i, v, {v: i}) == {'a': 0, 'b': 1}",
        "[1, 2].map(a, [10, 20].map(b, a * b)) == [[10, 20], [20, 40]]",
    ]);
}

#[test]
fn optionals_hold_a_value_or_none() {
    all_true(&[
        "x.?a.hasValue() && !x.?b.hasValue() && !x.?b.c.hasValue()",
        "x.?b.orValue(5) == 5 && x.?a.orValue(5) == 1 && x.?a.or(optional.of(3)).value() == 1",
        "optional.of(1) == optional.of(1) && optional.none() != optional.of(1)",
        "!optional.ofNonZeroValue('').hasValue() && optional.ofNonZeroValue(1).hasValue()",
        "[1, 2][?5].orValue(0) == 0 && {'a': 1}[?'a'].value() == 1",
        "x.?a.optMap(v, v + 1).value() == 2 && !optional.none().optMap(v, v + 1).hasValue()",
        "x.?a.optFlatMap(v, optional.of(v + 1)).value() == 2",
        "[?x.?a, ?x.?b] == [1] && {?'a': x.?a, ?'b': x.?b} == {'a': 1}",
        "[].first() == optional.none() && [1, 2].last().value() == 2",
        "optional.unwrap([optional.of(1), optional.none()]) == [1]",
    ]);
    all_fail(&[("x.?b.value()", "optional.none() dereference")]);
}

#[test]
fn conversions_follow_go() {
    all_true(&[
        "int('12') == 12 && int(1.9) == 1 && int(3u) == 3 && uint('3') == 3u && double('1.5') == 1.5",
        "string(1) == '1' && string(1.5) == '1.5' && string(true) == 'true' && string(b'a') == 'a'",
        "string(1e21) == '1e+21' && string(100000.0) == '100000'",
        "bool('true') && !bool('0')",
        "type(1) == int && type('a') == string && type(x) == map && type(x.items) == type([]) && type(null) == null_type",
        "int(timestamp('1970-01-01T00:01:00Z')) == 60",
        "string(timestamp('2024-01-02T03:04:05.5Z')) == '2024-01-02T03:04:05.5Z'",
        "string(duration('1h30m')) == '5400s' && string(duration('1.5s')) == '1.5s'",
    ]);
    all_fail(&[
        ("int(x.text)", "type conversion error from 'string' to 'int'"),
        ("uint(0 - 1)", "unsigned integer overflow"),
    ]);
}

#[test]
fn times_have_parts() {
    all_true(&[
        "timestamp('2024-02-29T13:14:15.167Z').getFullYear() == 2024",
        "timestamp('2024-02-29T13:14:15.167Z').getMonth() == 1",
        "timestamp('2024-02-29T13:14:15.167Z').getDayOfMonth() == 28 && timestamp('2024-02-29T13:14:15Z').getDate() == 29",
        "timestamp('2024-02-29T13:14:15.167Z').getDayOfYear() == 59",
        "timestamp('2024-02-29T13:14:15.167Z').getDayOfWeek() == 4",
        "timestamp('2024-02-29T13:14:15.167Z').getHours('+02:00') == 15",
        "timestamp('2024-02-29T13:14:15.167Z').getMilliseconds() == 167",
        "duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90 && duration('1s').getMilliseconds() == 1000",
        "timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')",
        "timestamp('2024-01-01T00:00:00Z') + duration('1h') > timestamp('2024-01-01T00:00:00Z')",
        "duration('-1.5h') == duration('-90m')",
    ]);
}

#[test]
fn texts_have_their_functions() {
    all_true(&[
        "size('héllo') == 5 && 'héllo'.size() == 5 && size(b'h') == 1 && size([1]) == 1 && size({'a': 1}) == 1",
        "'abc'.startsWith('a') && 'abc'.endsWith('c') && 'abc'.contains('b') && 'abc'.matches('^a.c$')",
        "'héllo'.charAt(1) == 'é' && 'abc'.charAt(3) == ''",
        "'abcb'.indexOf('b') == 1 && 'abcb'.indexOf('b', 2) == 3 && 'abcb'.lastIndexOf('b') == 3 && 'a'.indexOf('z') == -1",
        "'ABC'.lowerAscii() == 'abc' && 'abc'.upperAscii() == 'ABC' && '  a '.trim() == 'a'",
        "'aaa'.replace('a', 'b') == 'bbb' && 'aaa'.replace('a', 'b', 1) == 'baa'",
        "'a,b'.split(',') == ['a', 'b'] && 'abc'.split('') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']",
        "'abc'.substring(1) == 'bc' && 'abc'.substring(1, 2) == 'b'",
        "['a', 'b'].join('-') == 'a-b' && ['a', 'b'].join() == 'ab'",
        "strings.quote('a\"b') == '\"a\\\\\"b\"'",
        "'%s has %d, %.2f %b %x %o %e'.format([dyn('a'), 1, 1.5, 5, 255, 8, 1.5]) == 'a has 1, 1.50 101 ff 10 1.500000×10⁰⁰'",
        "'%s %s'.format([dyn([dyn(1), 'a']), {'k': true}]) == '[1, \"a\"] {\"k\":true}'",
        "'%f %.0f %.3f'.format([1234567.5, 2.5, 1.2345]) == '1,234,567.500000 2 1.234'",
        "'%.1e|%e|%.16e'.format([-0.00025, 1052.032911275, 2.5]) == '-2.500000×10⁻⁰⁴|1.052033×10⁰³|   2.500000×10⁰⁰'",
        "'%f %f %.2f'.format(['NaN', '-Infinity', -0.0]) == 'NaN -∞ 0.00'",
        "'%s'.format([[1.5, 2.0]]) == '[1.500000, 2.000000]' && '%s'.format([1000000.0]) == '1e+06'",
        "'%s'.format([{'b': duration('1h'), 'a': [b'x', type(1), null]}]) == '{\"a\":[b\"x\", int, null], \"b\":duration(\"3600s\")}'",
        "'100%%'.format([]) == '100%'",
        "'abc 123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1', '2'] && 'a1b2'.findAll('[0-9]', 1) == ['1']",
    ]);
    all_fail(&[
        ("'abc'.charAt(4)", "index out of range: 4"),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
    ]);
}

#[test]
fn lists_and_sets_have_their_functions() {
    all_true(&[
        "list.sum() == 6 && list.min() == 1 && list.max() == 3 && !list.isSorted() && [1, 2].isSorted()",
        "list.indexOf(1) == 1 && list.lastIndexOf(9) == -1",
        "list.sort() == [1, 2, 3] && list.reverse() == [2, 1, 3] && [1, 1, 2].distinct() == [1, 2]",
        "list.slice(0, 2) == [3, 1] && [[1], [2]].flatten() == [1, 2] && [dyn(1), dyn([dyn(2), dyn([3])])].flatten(2) == [1, 2, 3]",
        "x.items.sortBy(i, -i.n).map(i, i.name) == ['b', 'a']",
        "lists.range(3) == [0, 1, 2]",
        "sets.contains([1, 2], [1]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 2], [2, 1])",
        "[1.5, 2.5].sum() == 4.0 && ['b', 'a'].min() == 'a'",
    ]);
    all_fail(&[("[].max()", "max called on empty list"), ("list.slice(0, 9)", "cannot slice(0, 9), list is length 3")]);
}

#[test]
fn the_libraries_of_kubernetes_are_there() {
    all_true(&[
        "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('1500m').asApproximateFloat() == 1.5",
        "quantity('1k').asInteger() == 1000 && !quantity('1m').isInteger() && quantity('1000m') == quantity('1')",
        "quantity('1').add(quantity('2')).sub(1) == quantity('2') && quantity('-1').sign() == -1",
        "isQuantity('1.5Gi') && !isQuantity('1.5Gb') && quantity('50k').compareTo(quantity('50000')) == 0",
        "ip('10.0.0.1').family() == 4 && isIP('::1') && !isIP('::ffff:1.2.3.4') && ip('127.0.0.1').isLoopback()",
        "ip.isCanonical('::1') && !ip.isCanonical('0:0::1') && string(ip('::1')) == '::1'",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
        "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8",
        "cidr('10.0.0.0/8').ip() == ip('10.0.0.0') && !isCIDR('10.0.0.0') && string(cidr('10.0.0.0/8')) == '10.0.0.0/8'",
        "url('https://a.example:8080/p?q=1&q=2#f').getHost() == 'a.example:8080'",
        "url('https://a.example:8080/p').getHostname() == 'a.example' && url('https://a.example:8080/p').getPort() == '8080'",
        "url('https://a/p?q=1&q=2').getQuery() == {'q': ['1', '2']} && url('https://a/a b').getEscapedPath() == '/a%20b'",
        "isURL('https://a') && !isURL('../a') && url('https://a').getScheme() == 'https'",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.2.3').minor() == 2 && isSemver('v1.2', true)",
        "!isSemver('v1.2') && semver('v01.2', true) == semver('1.2.0')",
        "!format.dns1123Label().validate('abc').hasValue() && format.dns1123Label().validate('A').hasValue()",
        "format.named('uuid').hasValue() && !format.named('nothing').hasValue()",
    ]);
    all_fail(&[
        (
            "quantity(x.text)",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("quantity('1m').asInteger()", "cannot convert value to integer"),
    ]);
}

#[test]
fn an_evaluation_ends_at_its_limit() {
    let program = environment().compile("list.all(a, list.all(b, list.all(c, a + b + c > 0)))", &Type::Bool).unwrap();
    let list = json!((1..200).collect::<Vec<i64>>());
    let bindings = Bindings::new().json("list", &list);
    let evaluation = program.evaluate(&bindings, LIMIT);
    assert!(evaluation.result.unwrap_err().is_over_budget());
    assert!(evaluation.cost > LIMIT && evaluation.cost < LIMIT + 10);
}

#[test]
fn a_cost_beyond_all_numbers_is_over_the_limit() {
    let program = environment().compile("[1].flatten(9223372036854775807) == [1]", &Type::Bool).unwrap();
    let evaluation = program.evaluate(&Bindings::new(), LIMIT);
    assert!(evaluation.result.unwrap_err().is_over_budget());
}

#[test]
fn mapping_a_long_list_is_linear() {
    let program = environment().compile("list.map(n, n + 1).size() == 50000", &Type::Bool).unwrap();
    let list = json!((0..50_000).collect::<Vec<i64>>());
    let evaluation = program.evaluate(&Bindings::new().json("list", &list), 10_000_000);
    assert!(matches!(evaluation.result, Ok(Value::Bool(true))));
}

#[test]
fn a_template_that_is_a_literal_is_checked_with_what_it_is_given() {
    let refused = |expression: &str, message: &str| {
        let error = run(expression).unwrap_err();
        assert!(error.contains(&format!(": {message}\n |")), "{expression}: {error}");
    };
    refused(
        "'%d'.format(['a'])",
        "error during formatting: decimal clause can only be used on integers, was given string",
    );
    refused(
        "'%s'.format([[1, optional.of(1)]])",
        "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given optional_type",
    );
    refused(
        "'%f'.format([1])",
        "error during formatting: fixed-point clause can only be used on doubles, was given int",
    );
    refused("'%s %s'.format([1])", "index 1 out of range");
    refused("'%s'.format([1, 2])", "too many arguments supplied to string.format (expected 1, got 2)");
    refused("'a%'.format([1])", "unexpected end of string");
    refused("'%z'.format([1])", "could not parse formatting clause: unrecognized formatting clause \"z\"");
    refused(
        "'%.'.format([1])",
        "could not parse formatting clause: error while parsing precision: could not find end of precision specifier",
    );
    // It points at what does not fit.
    assert!(run("'%s %d'.format([1, 'a'])").unwrap_err().contains("<input>:1:20: "));
    // What is known only when it runs fails then.
    all_fail(&[
        (
            "'%d'.format([dyn('a')])",
            "error during formatting: decimal clause can only be used on integers, was given string",
        ),
        ("'%s'.format(list) + '%s %s'.format(list.filter(n, n > 2))", "index 1 out of range"),
    ]);
}

#[test]
fn lists_and_maps_are_of_one_type_unless_they_are_formatted() {
    all_true(&["[[1], []].size() == 2", "'%s %d'.format(['a', 1]) == 'a 1'", "[dyn(1), dyn('a')].size() == 2"]);
    let refused = |expression: &str| run(expression).unwrap_err();
    assert!(refused("[1, 2.0, 'x'] == []").contains("expected type 'int' but found 'double'"));
    assert!(!refused("[1, 2.0, 'x'] == []").contains("'string'"), "only the first is told");
    // Not even what may be of the type.
    assert!(refused("[1, dyn(2)] == []").contains("expected type 'int' but found 'dyn'"));
    assert!(refused("{'a': 1, 'b': dyn(2)} == {}").contains("expected type 'int' but found 'dyn'"));
}
