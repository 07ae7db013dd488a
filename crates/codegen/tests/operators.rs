//! The definitions of well-known operators → types → definitions, without a difference.
//!
//! Part of the real tier (`KUBEWRIGHT_REAL=1`, which `cargo xtask real` sets), since it needs Go, with which the operators'
//! modules are fetched. All types become one crate, which is compiled against the same dependencies as this test.
//! Definitions of more than [`LIMIT`] bytes are left out, as each would take minutes to compile; with
//! `KUBEWRIGHT_DEFINITIONS=all` they are taken too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright_codegen::{Definition, GenerateOptions, generate, module_file, read};
use serde_json::Value;

/// Go modules with definitions, and the folders that they are in.
const OPERATORS: [(&str, &str, &str); 12] = [
    ("github.com/cert-manager/cert-manager", "v1.18.2", "deploy/crds"),
    ("github.com/prometheus-operator/prometheus-operator", "v0.84.0", "example/prometheus-operator-crd"),
    ("github.com/argoproj/argo-cd/v3", "v3.0.12", "manifests/crds"),
    ("istio.io/istio", "v0.0.0-20260827124520-eed52ebb66ad", "manifests/charts/base/files"),
    ("sigs.k8s.io/gateway-api", "v1.3.0", "config/crd/experimental"),
    ("github.com/kyverno/kyverno", "v1.19.1", "config/crds"),
    ("github.com/kedacore/keda/v2", "v2.17.2", "config/crd/bases"),
    ("github.com/external-secrets/external-secrets", "v1.3.2", "config/crds/bases"),
    ("knative.dev/serving", "v0.46.0", "config/core/300-resources"),
    ("github.com/cilium/cilium", "v1.17.6", "pkg/k8s/apis/cilium.io/client/crds/v2"),
    ("github.com/fluxcd/source-controller", "v1.8.0", "config/crd/bases"),
    ("sigs.k8s.io/cluster-api", "v1.14.2", "core/config/crd/bases"),
];

/// The largest definition that is compiled, in bytes of JSON.
const LIMIT: usize = 40_000;

#[test]
fn the_definitions_of_twelve_operators_come_back_as_they_were() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let all = std::env::var("KUBEWRIGHT_DEFINITIONS").is_ok_and(|value| value == "all");
    let mut definitions: BTreeMap<String, Definition> = BTreeMap::new();
    let mut left_out = 0;
    for (module, version, folder) in OPERATORS {
        let folder = download(module, version).join(folder);
        let mut found = 0;
        for file in manifests(&folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            for definition in read(&file.display().to_string(), &text).unwrap() {
                found += 1;
                if !all && serde_json::to_string(&definition.crd).unwrap().len() > LIMIT {
                    left_out += 1;
                    continue;
                }
                definitions.insert(definition.crd.metadata.name.clone().unwrap(), definition);
            }
        }
        assert!(found > 0, "no definitions in {}", folder.display());
    }
    let definitions: Vec<Definition> = definitions.into_values().collect();

    let begin = Instant::now();
    let files = generate(&definitions, &GenerateOptions::default()).unwrap();
    let took = begin.elapsed();
    let scratch = tempfile::tempdir().unwrap();
    let source = scratch.path().join("src");
    std::fs::create_dir_all(source.join("types")).unwrap();
    std::fs::write(source.join("types/mod.rs"), module_file(&files)).unwrap();
    let mut calls = String::new();
    for file in &files {
        std::fs::write(source.join("types").join(&file.name), &file.text).unwrap();
        writeln!(calls, "        types::{}::crd(),", file.name.trim_end_matches(".rs")).unwrap();
    }
    let main = format!(
        "#[allow(dead_code)]\nmod types;\n\nfn main() {{\n    let all = vec![\n{calls}    ];\n    \
         println!(\"{{}}\", serde_json::to_string(&all).unwrap());\n}}\n"
    );
    std::fs::write(source.join("main.rs"), main).unwrap();
    let back = run(scratch.path());
    assert_eq!(back.len(), definitions.len());
    for (definition, back) in definitions.iter().zip(back) {
        support::assert_same(&definition.crd, &serde_json::from_value::<CustomResourceDefinition>(back).unwrap());
    }
    // The test harness would keep what println! prints.
    let lines: usize = files.iter().map(|file| file.text.lines().count()).sum();
    let told = format!(
        "{} definitions of {} operators came back as they were ({left_out} larger ones left out): {lines} lines of Rust, \
         written in {:.1} s",
        definitions.len(),
        OPERATORS.len(),
        took.as_secs_f64()
    );
    writeln!(std::io::stdout(), "{told}").unwrap();
}

/// The folder of a Go module.
fn download(module: &str, version: &str) -> PathBuf {
    let mut command = Command::new("go");
    command.args(["mod", "download", "-json", &format!("{module}@{version}")]);
    let output =
        command.current_dir(std::env::temp_dir()).env("GOFLAGS", "-mod=mod").output().expect("Go is installed");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = answer["Dir"].as_str();
    folder.unwrap_or_else(|| panic!("{module}@{version}: {}", answer["Error"])).into()
}

/// The YAML files in a folder and below it, in order.
fn manifests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(manifests(&path));
        } else if name.ends_with(".yaml") && !name.starts_with("profile-") && name != "values.yaml" {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Compiles and runs the crate in the workspace's target directory, with its lock file: the dependencies are there already.
fn run(folder: &Path) -> Vec<Value> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let manifest = std::fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
    let of = |name: &str| {
        let line = manifest.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        format!("{line}\n")
    };
    let dependencies: String = ["k8s-openapi", "kube", "schemars", "serde", "serde_json"].map(of).concat();
    let text = format!(
        "[package]\nname = \"definitions\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}\n\
         [profile.dev]\ndebug = false\nincremental = false\n"
    );
    std::fs::write(folder.join("Cargo.toml"), text).unwrap();
    std::fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--quiet", "--offline"]).current_dir(folder);
    let output = command.env("CARGO_TARGET_DIR", workspace.join("target")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
