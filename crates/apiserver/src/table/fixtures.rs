//! Rows as kube-apiserver v1.36.3 made them: `fixtures.json` holds objects, the cells that the server sent for them,
//! and when.

use jiff::Timestamp;
use serde_json::Value;

use crate::kinds::tree::Tree;

#[test]
fn cells_equal_those_of_the_real_server() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("fixtures.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let object = &case["object"];
        let (group, version) = group_version(object);
        let kind = object.text("kind");
        let now: Timestamp = case.text("now").parse().unwrap();
        let cells = super::row(group, kind, object, now);
        if cells != case["cells"] {
            wrong.push(format!("{kind} {}\n  real {}\n  ours {cells}", object.text("metadata.name"), case["cells"]));
        }
        let conditions = super::conditions(group, kind, object);
        if conditions.as_ref() != case.get("conditions") {
            wrong.push(format!("{kind} {}: conditions {conditions:?}", object.text("metadata.name")));
        }
        // The real server sends IPAddresses with one cell too many.
        let columns = super::columns(group, version, case.text("plural"));
        let (columns, cells) = (columns.as_array().unwrap().len(), cells.as_array().unwrap().len());
        if columns != cells && kind != "IPAddress" {
            wrong.push(format!("{kind}: {columns} columns, {cells} cells"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn group_version(object: &Value) -> (&str, &str) {
    let api_version = object.text("apiVersion");
    api_version.split_once('/').unwrap_or(("", api_version))
}
