//! Definitions → what the ClusterServiceVersion tells of them.

use serde_json::{Map, Value, json};

use super::base::display_name;
use crate::checks::newer;
use crate::csv::{items, name, text};

/// The versions of the definitions. What the base tells of one stays; of others their schemas tell.
pub(super) fn owned(definitions: &[Value], known: &[Value]) -> Vec<Value> {
    let mut owned = Vec::new();
    for definition in definitions {
        let definition = match definition["apiVersion"] == "apiextensions.k8s.io/v1" {
            true => definition.clone(),
            false => newer(definition),
        };
        let kind = &definition["spec"]["names"]["kind"];
        for version in items(&definition["spec"]["versions"]) {
            let same = |known: &&Value| {
                text(known, "name") == name(&definition)
                    && known["version"] == version["name"]
                    && known["kind"] == *kind
            };
            match known.iter().find(same) {
                Some(known) => owned.push(known.clone()),
                None => owned.push(described(&definition, version)),
            }
        }
    }
    owned.sort_by(|a, b| [text(a, "kind"), text(a, "version")].cmp(&[text(b, "kind"), text(b, "version")]));
    owned
}

fn described(definition: &Value, version: &Value) -> Value {
    let schema = &version["schema"]["openAPIV3Schema"];
    let kind = text(&definition["spec"]["names"], "kind");
    let mut described = Map::new();
    let mut put = |key: &str, value: Value| {
        let empty = value.as_array().is_some_and(Vec::is_empty) || value == "";
        if !empty {
            described.insert(key.into(), value);
        }
    };
    put("name", name(definition).into());
    put("version", version["name"].clone());
    put("kind", kind.into());
    put("displayName", display_name(kind).into());
    put("description", text(schema, "description").into());
    put("specDescriptors", descriptors(&schema["properties"]["spec"]));
    put("statusDescriptors", descriptors(&schema["properties"]["status"]));
    described.into()
}

/// The fields, as consoles show them.
fn descriptors(schema: &Value) -> Value {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let described = fields.map(|(field, schema)| {
        let mut descriptor = json!({"path": field, "displayName": display_name(field)});
        let description = text(schema, "description");
        if !description.is_empty() {
            descriptor["description"] = description.into();
        }
        descriptor
    });
    described.collect::<Vec<_>>().into()
}
