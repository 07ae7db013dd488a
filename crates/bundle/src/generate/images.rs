//! Images that the operator needs, by the convention of operator-sdk: variables `RELATED_IMAGE_<NAME>` of its containers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::csv::{items, name, text};

const PREFIX: &str = "RELATED_IMAGE_";

/// The images, each once.
pub(super) fn related(deployments: &[Value]) -> Result<Vec<Value>, String> {
    // What an image is called, and by which container.
    let mut found: Vec<(String, String, String)> = Vec::new();
    for deployment in deployments {
        let pod = &deployment["spec"]["template"]["spec"];
        let containers: Vec<&Value> = items(&pod["containers"]).iter().chain(items(&pod["initContainers"])).collect();
        for container in &containers {
            let user = match containers.len() {
                1 => name(deployment).to_string(),
                _ => format!("{}-{}", name(deployment), text(container, "name")),
            };
            for variable in items(&container["env"]) {
                let Some(called) = text(variable, "name").strip_prefix(PREFIX) else { continue };
                if variable.get("valueFrom").is_some_and(|from| !from.is_null()) {
                    return Err(format!("the image in {PREFIX}{called} of {user} must be a value, not valueFrom"));
                }
                let called = called.to_lowercase().replace('_', "-");
                let image = text(variable, "value").to_string();
                if !found.iter().any(|(other, same, _)| (other, same) == (&called, &image)) {
                    found.push((called, image, user.clone()));
                }
            }
        }
    }
    let count = |of: fn(&(String, String, String)) -> &String| {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for one in &found {
            *counts.entry(of(one)).or_default() += 1;
        }
        counts
    };
    let (by_name, by_image) = (count(|found| &found.0), count(|found| &found.1));
    let mut images: Vec<Value> = Vec::new();
    for (called, image, user) in &found {
        // One image by several names is listed once and without one.
        let shared = by_image.get(image).is_some_and(|count| *count > 1);
        if shared && images.iter().any(|listed| listed["image"] == **image) {
            continue;
        }
        let called = match (shared, by_name.get(called).is_some_and(|count| *count > 1)) {
            (true, _) => String::new(),
            (false, true) => format!("{user}-{called}"),
            (false, false) => called.clone(),
        };
        images.push(json!({"name": called, "image": image}));
    }
    Ok(images)
}
