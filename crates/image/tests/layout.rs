//! The layout that comes out, looked at as a registry would.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use kubewright_image::{Image, ImageError, build};
use serde_json::{Value, json};

fn image(folder: &Path) -> Image {
    fs::write(folder.join("operator"), "a program").unwrap();
    fs::write(folder.join("libc.so"), "a library").unwrap();
    Image {
        program: folder.join("operator"),
        libraries: vec![folder.join("libc.so")],
        sbom: json!({"spdxVersion": "SPDX-2.3"}),
        architecture: "amd64".into(),
        labels: vec![("org.opencontainers.image.version".into(), "1".into())],
        reference: "example.com/operator:1".into(),
    }
}

fn blob(layout: &Path, digest: &str) -> Vec<u8> {
    fs::read(layout.join("blobs").join(digest.replacen(':', "/", 1))).unwrap()
}

fn parsed(layout: &Path, digest: &Value) -> Value {
    serde_json::from_slice(&blob(layout, digest.as_str().unwrap())).unwrap()
}

/// The files of a layer with their modes, as tar has them.
fn files(layer: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut tar = Vec::new();
    GzDecoder::new(layer).read_to_end(&mut tar).unwrap();
    let mut found = BTreeMap::new();
    let mut at = 0;
    while tar[at] != 0 {
        let text = |from: usize, length: usize| {
            let bytes = &tar[at + from..at + from + length];
            String::from_utf8(bytes.iter().take_while(|byte| **byte != 0).copied().collect()).unwrap()
        };
        let number = |from: usize, length: usize| u32::from_str_radix(text(from, length).trim(), 8).unwrap();
        let sum: u32 = tar[at..at + 512]
            .iter()
            .enumerate()
            .map(|(place, byte)| if (148..156).contains(&place) { 32 } else { u32::from(*byte) })
            .sum();
        assert_eq!(number(148, 8), sum, "the checksum");
        let size = number(124, 12) as usize;
        let content = tar[at + 512..at + 512 + size].to_vec();
        let name =
            [text(345, 155), text(0, 100)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        found.insert(name, (number(100, 8), content));
        at += 512 + size.next_multiple_of(512);
    }
    found
}

#[test]
fn an_image_runs_the_program_as_somebody_who_is_not_root() {
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("image");
    let image = image(folder.path());
    let built = build(&image, &layout).unwrap();
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"][0]["digest"], built.digest);
    let manifest = parsed(&layout, &index["manifests"][0]["digest"]);
    let config = parsed(&layout, &manifest["config"]["digest"]);
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"], json!(["/operator"]));
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), config["rootfs"]["diff_ids"].as_array().unwrap().len());
    let mut all = BTreeMap::new();
    for layer in layers {
        let bytes = blob(&layout, layer["digest"].as_str().unwrap());
        assert_eq!(layer["size"], bytes.len());
        all.extend(files(&bytes));
    }
    assert_eq!(all["operator"], (0o755, b"a program".to_vec()));
    assert_eq!(all["tmp/"].0, 0o1777);
    assert!(all.contains_key("usr/share/sbom/operator.spdx.json") && all.contains_key("usr/share/"));
    assert!(all.keys().any(|path| path.ends_with("/libc.so") && !path.starts_with('/')));
    assert!(String::from_utf8_lossy(&all["etc/passwd"].1).contains("nonroot:x:65532"));
}

#[test]
fn the_same_program_gives_the_same_digest() {
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path());
    let one = build(&image, &folder.path().join("one")).unwrap();
    fs::write(&image.program, "a program").unwrap();
    assert_eq!(build(&image, &folder.path().join("one")).unwrap(), one);
    assert_eq!(build(&image, &folder.path().join("two")).unwrap(), one);
    fs::write(&image.program, "another").unwrap();
    assert_ne!(build(&image, &folder.path().join("two")).unwrap().digest, one.digest);
}

#[test]
fn what_is_no_layout_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = image(folder.path());
    let place = folder.path().join("mine");
    fs::create_dir(&place).unwrap();
    assert!(matches!(build(&image, &place), Err(ImageError::InTheWay(_))));
    image.program = folder.path().join("gone");
    let error = build(&image, &folder.path().join("image")).unwrap_err().to_string();
    assert!(error.contains("gone: No such file"), "{error}");
    assert!(!folder.path().join("image").exists());
}
