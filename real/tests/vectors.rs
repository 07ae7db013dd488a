//! The vectors of k8s.io/api: each of its kinds in JSON, YAML and protobuf, as the real server writes them.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use kubewright_apiserver::{decode_protobuf, decode_yaml, encode_protobuf};
use serde_json::Value;

/// The folder of the vectors in the Go module that the real servers are built from.
fn vectors() -> PathBuf {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let output = Command::new("go")
        .args(["list", "-m", "-f", "{{.Dir}}", "k8s.io/api"])
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .current_dir(module)
        .output()
        .expect("go is installed");
    assert!(output.status.success(), "go list: {}", String::from_utf8_lossy(&output.stderr));
    let directory = String::from_utf8(output.stdout).expect("a path is text");
    Path::new(directory.trim()).join("testdata/HEAD")
}

#[test]
fn every_vector_is_written_and_read_as_the_real_server_does() {
    if !support::enabled("every_vector_is_written_and_read_as_the_real_server_does") {
        return;
    }
    let mut files: Vec<PathBuf> = fs::read_dir(vectors())
        .expect("the vectors are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let (mut known, mut wrong) = (0, Vec::new());
    for path in &files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let tree: Value =
            serde_json::from_slice(&fs::read(path).expect("a vector can be read")).expect("a vector is JSON");
        let yaml = fs::read(path.with_extension("yaml")).expect("a vector has its YAML");
        match decode_yaml(&yaml) {
            Ok(read) if read == tree => {}
            Ok(_) => wrong.push(format!("{name}: the YAML is read as something else")),
            Err(why) => wrong.push(format!("{name}: the YAML can't be read: {why}")),
        }
        let wire = fs::read(path.with_extension("pb")).expect("a vector has its protobuf");
        // Kinds that 1.36 does not serve have no schema here.
        let Some(written) = encode_protobuf(&tree) else { continue };
        known += 1;
        if written != wire {
            let at = written.iter().zip(&wire).take_while(|(one, two)| one == two).count();
            wrong.push(format!("{name}: written differs from byte {at} of {}", wire.len()));
        }
        match decode_protobuf(&wire) {
            Ok(read) if encode_protobuf(&read).as_ref() == Some(&wire) => {}
            Ok(_) => wrong.push(format!("{name}: what is read is not written again")),
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    for line in &wrong {
        println!("{line}");
    }
    // Not with println!, which says nothing when a test passes.
    writeln!(io::stdout(), "vectors: {} files, {known} of kinds that are served, {} wrong", files.len(), wrong.len())
        .expect("the standard output can be written");
    assert!(wrong.is_empty(), "{} vectors are wrong, see above", wrong.len());
}
