//! Images that the operator needs: those of its containers and, by the convention of operator-sdk, of their variables
//! `RELATED_IMAGE_<NAME>`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Manifests;
use crate::csv::{items, name, text};

const PREFIX: &str = "RELATED_IMAGE_";

impl Manifests {
    /// The images of the operator's containers, and those that their variables name.
    #[must_use]
    pub fn images(&self) -> BTreeSet<String> {
        let mut images = BTreeSet::new();
        for deployment in &self.deployments {
            visit(&mut deployment.clone(), &mut |image| {
                images.insert(image.clone());
            });
        }
        images
    }

    /// Gives images other names, such as those with their digests.
    pub fn rename_images(&mut self, names: &BTreeMap<String, String>) {
        for deployment in &mut self.deployments {
            visit(deployment, &mut |image| {
                if let Some(name) = names.get(image) {
                    image.clone_from(name);
                }
            });
        }
    }
}

/// Shows each image of a Deployment.
fn visit(deployment: &mut Value, see: &mut impl FnMut(&mut String)) {
    for list in ["containers", "initContainers"] {
        let containers = deployment.pointer_mut(&format!("/spec/template/spec/{list}")).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(Value::String(image)) = container.get_mut("image") {
                see(image);
            }
            for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
                let related = text(variable, "name").starts_with(PREFIX);
                if let (true, Some(Value::String(image))) = (related, variable.get_mut("value")) {
                    see(image);
                }
            }
        }
    }
}

/// The images of variables, each once; with `all` those of the containers too.
pub(super) fn related(deployments: &[Value], all: bool) -> Result<Vec<Value>, String> {
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
            let image = text(container, "image");
            if all && !image.is_empty() {
                found.push((text(container, "name").to_string(), image.to_string(), name(deployment).to_string()));
            }
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
