//! A bundle → its blob in a file-based catalog, the same as `opm render` makes of it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{BUNDLE, CatalogError, PACKAGE};
use crate::csv::{Gvk, items, text};
use crate::read::{Bundle, list_in, listed};

/// The annotation of a ClusterServiceVersion with properties of its bundle.
const PROPERTIES: &str = "olm.properties";
/// The types of properties.
const OBJECT: &str = "olm.bundle.object";
const GVK: &str = "olm.gvk";
const GVK_REQUIRED: &str = "olm.gvk.required";
const PACKAGE_REQUIRED: &str = "olm.package.required";

/// The blob of a bundle, whose image has this name.
pub(super) fn render(bundle: &Bundle, image: &str) -> Result<Value, CatalogError> {
    let mut properties: Vec<(&str, Value)> = Vec::new();
    let given = given(bundle)?;
    let mut package = package(bundle);
    for property in &given {
        match text(property, "type") {
            PACKAGE => package = property["value"].clone(),
            GVK => properties.push((GVK, gvk(&named(&property["value"])))),
            other => properties.push((other, property["value"].clone())),
        }
    }
    properties.push((PACKAGE, package));
    let dependencies = in_metadata(bundle, "dependencies")?;
    for dependency in &dependencies {
        let value = &dependency["value"];
        match text(dependency, "type") {
            GVK => properties.push((GVK_REQUIRED, gvk(&named(value)))),
            PACKAGE => {
                let range = json!({"packageName": text(value, "packageName"), "versionRange": text(value, "version")});
                properties.push((PACKAGE_REQUIRED, range));
            }
            other => properties.push((other, value.clone())),
        }
    }
    properties.extend(provided(bundle)?.iter().map(|one| (GVK, gvk(one))));
    properties.extend(required(bundle)?.iter().map(|one| (GVK_REQUIRED, gvk(one))));
    let objects = bundle.objects.iter().map(|object| json!({"data": STANDARD.encode(escaped(&object.value))}));
    properties.extend(objects.map(|object| (OBJECT, object)));
    // As opm orders them: by type and value, the objects behind the others.
    properties.sort_by_cached_key(|(kind, value)| (*kind == OBJECT, *kind, value.to_string()));
    properties.dedup();
    let properties: Vec<Value> =
        properties.into_iter().map(|(kind, value)| json!({"type": kind, "value": value})).collect();
    Ok(json!({
        "schema": BUNDLE,
        "name": bundle.name(),
        "package": bundle.package(),
        "image": image,
        "properties": properties,
        "relatedImages": images(bundle, image),
    }))
}

fn package(bundle: &Bundle) -> Value {
    let spec = &bundle.csv.spec;
    let mut package = json!({"packageName": bundle.package(), "version": spec.version});
    if !spec.release.is_empty() {
        package["release"] = spec.release.clone().into();
    }
    package
}

/// Properties that the author of the bundle has given it.
fn given(bundle: &Bundle) -> Result<Vec<Value>, CatalogError> {
    let mut all = Vec::new();
    if let Some(text) = bundle.csv.metadata.annotations.get(PROPERTIES) {
        let annotated: Result<Vec<Value>, _> = serde_json::from_str(text);
        all = annotated.map_err(|error| CatalogError::Bundle {
            bundle: bundle.name().into(),
            cause: format!("the annotation {PROPERTIES} is no list in JSON: {error}"),
        })?;
    }
    all.extend(in_metadata(bundle, "properties")?);
    Ok(all)
}

/// The list of the first file of the metadata that has it.
fn in_metadata(bundle: &Bundle, key: &str) -> Result<Vec<Value>, CatalogError> {
    let files = listed(&bundle.folder.join("metadata"))
        .map_err(|finding| CatalogError::Bundle { bundle: bundle.name().into(), cause: finding.message })?;
    Ok(files.iter().find_map(|file| list_in(file, key)).unwrap_or_default())
}

/// The kinds that the bundle brings; those that it says it owns must be among them.
fn provided(bundle: &Bundle) -> Result<BTreeSet<Gvk>, CatalogError> {
    let mut provided = BTreeSet::new();
    for version in ["v1", "v1beta1"] {
        for definition in bundle.definitions(version) {
            let spec = &definition.value["spec"];
            let (group, kind) = (text(spec, "group"), text(&spec["names"], "kind"));
            let versions = items(&spec["versions"]).iter().map(|version| text(version, "name"));
            let single = Some(text(spec, "version")).filter(|single| !single.is_empty());
            provided.extend(versions.chain(single).map(|version| Gvk::new(group, version, kind)));
        }
    }
    for owned in &bundle.csv.spec.customresourcedefinitions.owned {
        let gvk = Gvk::new(owned.group().unwrap_or_default(), &owned.version, &owned.kind);
        if !provided.contains(&gvk) {
            let cause = format!("it owns {gvk}, and no definition of its manifests has that");
            return Err(CatalogError::Bundle { bundle: bundle.name().into(), cause });
        }
    }
    let served = &bundle.csv.spec.apiservicedefinitions.owned;
    provided.extend(served.iter().map(|api| Gvk::new(&api.group, &api.version, &api.kind)));
    Ok(provided)
}

/// The kinds that others are to bring.
fn required(bundle: &Bundle) -> Result<BTreeSet<Gvk>, CatalogError> {
    let spec = &bundle.csv.spec;
    let served = spec.apiservicedefinitions.required.iter();
    let mut required: BTreeSet<Gvk> = served.map(|api| Gvk::new(&api.group, &api.version, &api.kind)).collect();
    for description in &spec.customresourcedefinitions.required {
        let Some(group) = description.group() else {
            let cause =
                format!("it requires {:?}, which is no name of a definition: <plural>.<group>", description.name);
            return Err(CatalogError::Bundle { bundle: bundle.name().into(), cause });
        };
        required.insert(Gvk::new(group, &description.version, &description.kind));
    }
    Ok(required)
}

/// The images that the bundle needs, itself among them.
fn images(bundle: &Bundle, image: &str) -> Vec<Value> {
    let spec = &bundle.csv.spec;
    let mut images: Vec<(&str, &str)> =
        spec.related_images.iter().map(|related| (related.image.as_str(), related.name.as_str())).collect();
    let deployments = match spec.install.strategy == "deployment" {
        true => spec.install.spec.deployments.as_deref().unwrap_or_default(),
        false => &[],
    };
    let pods = deployments.iter().filter_map(|deployment| deployment.spec.template.spec.as_ref());
    let containers = pods.flat_map(|pod| pod.containers.iter().chain(pod.init_containers.iter().flatten()));
    let run = containers.filter_map(|container| container.image.as_deref());
    for one in std::iter::once(image).chain(run) {
        if !one.is_empty() && !images.iter().any(|(other, _)| *other == one) {
            images.push((one, ""));
        }
    }
    images.sort_by_key(|(image, _)| *image);
    images.into_iter().map(|(image, name)| json!({"image": image, "name": name})).collect()
}

/// The kind that a property is about.
fn named(value: &Value) -> Gvk {
    Gvk::new(text(value, "group"), text(value, "version"), text(value, "kind"))
}

fn gvk(gvk: &Gvk) -> Value {
    json!({"group": gvk.group, "kind": gvk.kind, "version": gvk.version})
}

/// JSON as Go writes it, so that the same bundle is the same text in every catalog.
fn escaped(value: &Value) -> String {
    let mut text = String::new();
    // Outside of strings JSON has none of these.
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}
