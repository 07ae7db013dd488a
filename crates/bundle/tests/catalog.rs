//! Bundles in file-based catalogs: what of them is told, what replaces what, and how a catalog gets into ConfigMaps.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use kubewright_bundle::{Bundle, Catalog, CatalogError};
use serde_json::{Value, json};
use support::Files;

const IMAGE: &str = "registry.example.com/site-bundle:v0.1.0";

/// A catalog with a bundle.
fn catalog(files: &Files) -> Result<Catalog, CatalogError> {
    let mut catalog = Catalog::default();
    add(&mut catalog, files, IMAGE, "stable").map(|()| catalog)
}

fn add(catalog: &mut Catalog, files: &Files, image: &str, channel: &str) -> Result<(), CatalogError> {
    let folder = files.written();
    let (bundle, _) = Bundle::read(folder.path()).unwrap();
    catalog.add(&bundle, image, channel)
}

/// The good bundle as another version.
fn version(number: &str) -> Files {
    Files::good().csv(|csv| {
        csv["metadata"]["name"] = format!("site.v{number}").into();
        csv["spec"]["version"] = number.into();
    })
}

fn bundle(catalog: &Catalog) -> Value {
    let blobs = catalog.blobs();
    (*blobs.iter().find(|blob| blob["schema"] == "olm.bundle").unwrap()).clone()
}

/// The properties of a bundle without its objects, as `opm render` shows them.
fn properties(files: &Files) -> Vec<Value> {
    let all = bundle(&catalog(files).unwrap())["properties"].as_array().unwrap().clone();
    all.into_iter().filter(|property| property["type"] != "olm.bundle.object").collect()
}

#[test]
fn a_bundle_alone_makes_package_channel_and_bundle() {
    let catalog = catalog(&Files::good()).unwrap();
    let blobs = catalog.blobs();
    assert_eq!(*blobs[0], json!({"schema": "olm.package", "name": "site", "defaultChannel": "stable"}));
    let entries = json!([{"name": "site.v0.1.0"}]);
    assert_eq!(*blobs[1], json!({"schema": "olm.channel", "name": "stable", "package": "site", "entries": entries}));
    let [name, package, image] = ["name", "package", "image"].map(|key| blobs[2][key].as_str().unwrap());
    assert_eq!((name, package, image), ("site.v0.1.0", "site", IMAGE));
    assert_eq!(blobs.len(), 3);
}

#[test]
fn a_bundle_tells_its_version_its_kinds_and_its_objects() {
    let files = Files::good().csv(|csv| csv["spec"]["description"] = "a < b & c".into());
    let bundle = bundle(&catalog(&files).unwrap());
    let properties = bundle["properties"].as_array().unwrap();
    assert_eq!(
        properties[0],
        json!({"type": "olm.gvk", "value": {"group": "web.example.com", "kind": "Site", "version": "v1"}})
    );
    assert_eq!(properties[1], json!({"type": "olm.package", "value": {"packageName": "site", "version": "0.1.0"}}));
    let objects: Vec<String> = properties[2..]
        .iter()
        .map(|property| {
            assert_eq!(property["type"], "olm.bundle.object", "objects stand at the end");
            String::from_utf8(STANDARD.decode(property["value"]["data"].as_str().unwrap()).unwrap()).unwrap()
        })
        .collect();
    let kinds: BTreeMap<String, Value> = objects
        .iter()
        .map(|text| serde_json::from_str::<Value>(text).unwrap())
        .map(|object| (object["kind"].as_str().unwrap().to_string(), object))
        .collect();
    assert_eq!(kinds.keys().collect::<Vec<_>>(), ["ClusterServiceVersion", "CustomResourceDefinition"]);
    assert_eq!(kinds["ClusterServiceVersion"]["spec"]["description"], "a < b & c");
    assert!(objects.iter().any(|text| text.contains(r"a \u003c b \u0026 c")), "as Go writes JSON");
}

#[test]
fn what_a_bundle_needs_is_told() {
    let files = Files::good()
        .csv(|csv| {
            csv["spec"]["customresourcedefinitions"]["required"] =
                json!([{"name": "stores.data.example.com", "version": "v1", "kind": "Store"}]);
            csv["spec"]["apiservicedefinitions"] = json!({
                "owned": [{"group": "own.example.com", "version": "v1", "kind": "Own"}],
                "required": [{"group": "other.example.com", "version": "v2", "kind": "Other"}],
            });
            csv["metadata"]["annotations"]["olm.properties"] =
                r#"[{"type": "olm.maxOpenShiftVersion", "value": "4.8"}]"#.into();
        })
        .with(
            "metadata/dependencies.yaml",
            &json!({"dependencies": [
                {"type": "olm.package", "value": {"packageName": "store", "version": ">=1.0.0"}},
                {"type": "olm.gvk", "value": {"group": "more.example.com", "version": "v1", "kind": "More"}},
                {"type": "olm.constraint", "value": {"failureMessage": "no", "cel": {"rule": "true"}}},
            ]}),
        )
        .with("metadata/properties.yaml", &json!({"properties": [{"type": "colour", "value": {"is": "red"}}]}));
    let gvk = |kind: &str, group: &str, version: &str, name: &str| json!({"type": kind, "value": {"group": format!("{group}.example.com"), "version": version, "kind": name}});
    let wanted = [
        json!({"type": "colour", "value": {"is": "red"}}),
        json!({"type": "olm.constraint", "value": {"failureMessage": "no", "cel": {"rule": "true"}}}),
        gvk("olm.gvk", "own", "v1", "Own"),
        gvk("olm.gvk", "web", "v1", "Site"),
        gvk("olm.gvk.required", "data", "v1", "Store"),
        gvk("olm.gvk.required", "more", "v1", "More"),
        gvk("olm.gvk.required", "other", "v2", "Other"),
        json!({"type": "olm.maxOpenShiftVersion", "value": "4.8"}),
        json!({"type": "olm.package", "value": {"packageName": "site", "version": "0.1.0"}}),
        json!({"type": "olm.package.required", "value": {"packageName": "store", "versionRange": ">=1.0.0"}}),
    ];
    assert_eq!(properties(&files), wanted);
}

#[test]
fn images_are_those_of_the_operator_and_of_the_bundle() {
    let files = Files::good().csv(|csv| {
        csv["spec"]["relatedImages"] = json!([{"name": "other", "image": "registry.example.com/other:1"}]);
        let pod = &mut csv["spec"]["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"];
        pod["containers"] = json!([{"name": "manager", "image": "registry.example.com/site:1"}]);
        pod["initContainers"] = json!([{"name": "first", "image": "registry.example.com/first:1"}]);
    });
    let images = [("first:1", ""), ("other:1", "other"), ("site-bundle:v0.1.0", ""), ("site:1", "")];
    let images = images.map(|(image, name)| json!({"image": format!("registry.example.com/{image}"), "name": name}));
    assert_eq!(bundle(&catalog(&files).unwrap())["relatedImages"], json!(images));
}

#[test]
fn the_next_bundle_of_a_channel_replaces_the_one_before() {
    let mut catalog = catalog(&version("0.1.0")).unwrap();
    add(&mut catalog, &version("0.2.0"), "registry.example.com/site-bundle:v0.2.0", "stable").unwrap();
    add(&mut catalog, &version("0.3.0"), "registry.example.com/site-bundle:v0.3.0", "stable").unwrap();
    let entries = json!([
        {"name": "site.v0.1.0"},
        {"name": "site.v0.2.0", "replaces": "site.v0.1.0"},
        {"name": "site.v0.3.0", "replaces": "site.v0.2.0"},
    ]);
    assert_eq!(catalog.blobs()[1]["entries"], entries);

    let before = catalog.clone();
    let again = add(&mut catalog, &version("0.2.0"), IMAGE, "stable").unwrap_err();
    assert!(matches!(again, CatalogError::Duplicate { .. }), "{again}");
    let same = version("0.3.0").csv(|csv| csv["metadata"]["name"] = "site.again".into());
    let same = add(&mut catalog, &same, IMAGE, "stable").unwrap_err().to_string();
    assert!(same.contains("has the version 0.3.0, which site.v0.3.0 of the catalog has"), "{same}");
    assert_eq!(catalog, before, "what is refused changes nothing");
}

/// The catalog of an index image.
const INDEX: &str = "---
schema: olm.package
name: site
defaultChannel: fast
---
schema: olm.channel
package: site
name: fast
entries:
- {name: site.v0.0.1}
- {name: site.v0.0.3, replaces: site.v0.0.1, skips: [site.v0.0.2]}
- {name: site.v0.0.2}
---
schema: olm.deprecations
package: site
entries: []
";

#[test]
fn a_bundle_goes_into_the_catalog_of_an_index_image() {
    let mut catalog = Catalog::default();
    catalog.add_file("configs/site/index.yaml", INDEX).unwrap();
    let other = json!({"schema": "olm.package", "name": "apple"});
    let stream = format!("{other}\n{}", json!({"schema": "olm.channel", "name": "a", "package": "apple"}));
    catalog.add_file("configs/apple/catalog.json", &stream).unwrap();
    add(&mut catalog, &Files::good(), IMAGE, "fast").unwrap();
    add(&mut catalog, &version("0.2.0"), IMAGE, "operator-sdk-run-bundle").unwrap();
    let told: Vec<String> = catalog
        .blobs()
        .iter()
        .map(|blob| format!("{} {}", blob["schema"].as_str().unwrap(), blob["name"].as_str().unwrap_or_default()))
        .collect();
    let wanted = [
        "olm.package apple",
        "olm.channel a",
        "olm.package site",
        "olm.channel fast",
        "olm.channel operator-sdk-run-bundle",
        "olm.bundle site.v0.1.0",
        "olm.bundle site.v0.2.0",
        "olm.deprecations ",
    ];
    assert_eq!(told, wanted);
    let blobs = catalog.blobs();
    assert_eq!(blobs[2]["defaultChannel"], "fast", "what is there stays");
    assert_eq!(blobs[3]["entries"][3], json!({"name": "site.v0.1.0", "replaces": "site.v0.0.3"}));
    assert_eq!(blobs[4]["entries"], json!([{"name": "site.v0.2.0"}]));
}

#[test]
fn a_channel_without_one_newest_bundle_takes_no_other() {
    for (entries, told) in [
        (json!([{"name": "a"}, {"name": "b"}]), "a, b are replaced by none"),
        (json!([{"name": "a", "replaces": "b"}, {"name": "b", "replaces": "a"}]), "each is replaced by another"),
    ] {
        let mut catalog = Catalog::default();
        let channel = json!({"schema": "olm.channel", "name": "stable", "package": "site", "entries": entries});
        catalog.add_file("index.json", &channel.to_string()).unwrap();
        let error = add(&mut catalog, &Files::good(), IMAGE, "stable").unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn what_can_not_be_in_a_catalog_is_told() {
    let owned = |name: &str| json!([{"name": name, "version": "v1", "kind": "Other"}]);
    for (files, told) in [
        (Files::good().csv(|csv| csv["spec"]["version"] = "1.0".into()), r#"its version "1.0" is no semantic version"#),
        (
            Files::good().csv(|csv| csv["spec"]["customresourcedefinitions"]["owned"] = owned("others.example.com")),
            "it owns example.com/v1, Kind=Other, and no definition",
        ),
        (
            Files::good().csv(|csv| csv["spec"]["customresourcedefinitions"]["required"] = owned("others")),
            r#"it requires "others", which is no name of a definition"#,
        ),
        (
            Files::good().csv(|csv| csv["metadata"]["annotations"]["olm.properties"] = "{".into()),
            "the annotation olm.properties is no list",
        ),
        (
            Files::good().annotation("operators.operatorframework.io.bundle.package.v1", None),
            "its annotations name no package",
        ),
    ] {
        let error = catalog(&files).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    for (text, told) in
        [("a: [", "index.yaml: "), ("{", "index.yaml: EOF"), ("a: 1", "without a schema"), ("[1]", "without a schema")]
    {
        let error = Catalog::default().add_file("index.yaml", text).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_catalog_is_packed_into_parts_that_fit() {
    let mut catalog = Catalog::default();
    for number in 1..=9 {
        add(&mut catalog, &version(&format!("0.{number}.0")), IMAGE, "stable").unwrap();
    }
    let whole = catalog.packed(1 << 20).unwrap();
    assert_eq!(whole.len(), 1);
    let most = whole[0].len() / 3;
    let parts = catalog.packed(most).unwrap();
    assert!(parts.len() > 2 && parts.iter().all(|part| part.len() <= most));
    let mut back = Catalog::default();
    for part in &parts {
        let mut text = String::new();
        MultiGzDecoder::new(part.as_slice()).read_to_string(&mut text).unwrap();
        back.add_file("part", &text).unwrap();
    }
    assert_eq!(back.blobs(), catalog.blobs());
    let error = catalog.packed(200).unwrap_err().to_string();
    assert!(error.contains("olm.bundle site.v0.1.0 has") && error.contains("200 fit in a ConfigMap"), "{error}");
}
