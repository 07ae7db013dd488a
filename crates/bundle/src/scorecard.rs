//! The six static tests of operator-sdk's scorecard. They look at the bundle alone, so no cluster and no image is needed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kubewright_apiserver::selector::LabelSelector;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checks::{self, newer};
use crate::csv::{CrdDescription, EXAMPLES, Gvk, items, name, text};
use crate::finding::{Finding, Level};
use crate::read::{Bundle, annotation, inside, metadata};

const API_VERSION: &str = "scorecard.operatorframework.io/v1alpha3";
/// The program whose tests these are, in the entry points of configurations.
const PROGRAM: &str = "scorecard-test";
/// The tests, and the suites that they are in.
const TESTS: [(&str, &str); 6] = [
    ("basic-check-spec", "basic"),
    ("olm-bundle-validation", "olm"),
    ("olm-crds-have-validation", "olm"),
    ("olm-crds-have-resources", "olm"),
    ("olm-spec-descriptors", "olm"),
    ("olm-status-descriptors", "olm"),
];

/// Which tests to run, in the format of operator-sdk's `config.yaml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ScorecardConfig {
    /// Tests, one stage after the other.
    pub stages: Vec<Stage>,
}

/// A stage of tests.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Stage {
    /// Its tests.
    pub tests: Vec<TestConfig>,
}

/// A test of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestConfig {
    /// The image that it would run in; the six tests run here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// Its program and arguments: `scorecard-test`, and the name of the test.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// What it is selected by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// How a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Well.
    Pass,
    /// The bundle is not as it should be.
    Fail,
    /// It could not be run.
    Error,
}

/// What a test has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// The test.
    pub name: String,
    /// How it went.
    pub state: State,
    /// What is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// What could be better.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
}

/// Results of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TestStatus {
    /// One, once it was run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<TestResult>,
}

/// A test and its results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Test {
    kind: &'static str,
    api_version: &'static str,
    /// The test.
    pub spec: TestConfig,
    /// Its results.
    pub status: TestStatus,
}

/// Tests and their results. Its JSON is operator-sdk's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestList {
    kind: &'static str,
    api_version: &'static str,
    /// The tests.
    pub items: Vec<Test>,
}

/// Why no test can be run.
#[derive(Debug, thiserror::Error)]
pub enum ScorecardError {
    /// The configuration can't be read.
    #[error("{}: {cause}", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: String,
    },
    /// The selector is none.
    #[error("the selector {selector:?} can't be used: {cause}; write for example suite=basic")]
    Selector {
        /// The selector.
        selector: String,
        /// Why.
        cause: String,
    },
    /// There is no bundle.
    #[error("{0}")]
    Bundle(String),
}

impl ScorecardConfig {
    /// The configuration in a file, else that of the bundle, else the six tests.
    ///
    /// # Errors
    /// If there is one that can't be read.
    pub fn find(file: Option<&Path>, bundle: &Path) -> Result<Self, ScorecardError> {
        let annotations = metadata(bundle).map_err(|finding| ScorecardError::Bundle(finding.message))?;
        let folder = annotations.get(annotation::TEST_CONFIG).map_or("tests/scorecard", String::as_str);
        let usual = bundle.join(inside(folder)).join("config.yaml");
        let file = match file {
            Some(file) => file,
            None if usual.exists() => &usual,
            None => return Ok(Self::whole()),
        };
        let failed = |cause: String| ScorecardError::Config { file: file.into(), cause };
        let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        let value: Value = serde_saphyr::from_str(&text).map_err(|error| failed(error.to_string()))?;
        if (self::text(&value, "apiVersion"), self::text(&value, "kind")) != (API_VERSION, "Configuration") {
            return Err(failed(format!("it is no Configuration of {API_VERSION}")));
        }
        serde_json::from_value(value).map_err(|error| failed(error.to_string()))
    }

    /// The six tests.
    #[must_use]
    pub fn whole() -> Self {
        let tests = TESTS.map(|(test, suite)| TestConfig {
            image: String::new(),
            entrypoint: vec![PROGRAM.into(), test.into()],
            labels: BTreeMap::from([("suite".into(), suite.into()), ("test".into(), format!("{test}-test"))]),
        });
        Self { stages: vec![Stage { tests: tests.to_vec() }] }
    }

    /// The tests that a label selector selects, not run.
    ///
    /// # Errors
    /// If it is no selector.
    pub fn select(&self, selector: &str) -> Result<TestList, ScorecardError> {
        let failed = |cause| ScorecardError::Selector { selector: selector.into(), cause };
        let parsed = LabelSelector::parse(selector).map_err(failed)?;
        let tests = self.stages.iter().flat_map(|stage| &stage.tests);
        let selected = tests.filter(|test| parsed.matches(|key| test.labels.get(key).map(String::as_str)));
        let test = |spec: &TestConfig| Test {
            kind: "Test",
            api_version: API_VERSION,
            spec: spec.clone(),
            status: TestStatus::default(),
        };
        Ok(TestList { kind: "TestList", api_version: API_VERSION, items: selected.map(test).collect() })
    }
}

impl TestList {
    /// Runs the tests on a bundle.
    pub fn run(&mut self, folder: &Path) {
        let bundle = Bundle::read(folder);
        for test in &mut self.items {
            let result = match known(&test.spec) {
                Some(name) => run(name, folder, &bundle),
                None => foreign(&test.spec),
            };
            test.status.results = vec![result];
        }
    }

    /// Whether all that were run have passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.items.iter().flat_map(|test| &test.status.results).all(|result| result.state == State::Pass)
    }
}

impl TestConfig {
    /// The name of the test, or its program.
    #[must_use]
    pub fn name(&self) -> String {
        known(self).map_or_else(|| self.entrypoint.join(" "), Into::into)
    }
}

/// The test, if it is one of the six.
fn known(test: &TestConfig) -> Option<&'static str> {
    let [program, wanted, ..] = test.entrypoint.as_slice() else { return None };
    let program = program.rsplit('/').next()?;
    TESTS.iter().map(|(test, _)| *test).find(|test| program == PROGRAM && test == wanted)
}

/// A test that is a program of somebody else's.
fn foreign(test: &TestConfig) -> TestResult {
    let known: Vec<&str> = TESTS.iter().map(|(test, _)| *test).collect();
    let error = format!(
        "{:?} of the image {:?} was not run: it takes a cluster; run here are {}",
        test.entrypoint.join(" "),
        test.image,
        known.join(", ")
    );
    TestResult { name: test.name(), state: State::Error, errors: vec![error], suggestions: Vec::new() }
}

fn run(name: &'static str, folder: &Path, bundle: &Result<(Bundle, Vec<Finding>), Vec<Finding>>) -> TestResult {
    let mut result = TestResult { name: name.into(), state: State::Pass, errors: Vec::new(), suggestions: Vec::new() };
    let (bundle, found) = match bundle {
        Ok((bundle, found)) => (bundle, found),
        Err(found) => {
            // What is no bundle fails where bundles are validated, and keeps other tests from being run.
            result.state = if name == "olm-bundle-validation" { State::Fail } else { State::Error };
            result.errors = found.iter().map(|finding| finding.message.clone()).collect();
            return result;
        }
    };
    if name == "olm-bundle-validation" {
        let formal = checks::format(folder, bundle.media_type);
        for finding in found.iter().cloned().chain(formal).chain(checks::core(bundle)) {
            match finding.level {
                Level::Error => result.errors.push(finding.message),
                Level::Warning => result.suggestions.push(finding.message),
            }
        }
        if !result.errors.is_empty() {
            result.state = State::Fail;
        }
        return result;
    }
    let examples = match examples(bundle) {
        Ok(examples) => examples,
        Err(error) => {
            result.state = State::Error;
            result.errors.push(error);
            return result;
        }
    };
    match name {
        "basic-check-spec" => check_spec(&examples, &mut result),
        "olm-crds-have-validation" => check_validation(bundle, &examples, &mut result),
        "olm-crds-have-resources" => check_resources(bundle, &mut result),
        "olm-spec-descriptors" => {
            examples.iter().for_each(|example| check_spec_descriptors(bundle, example, &mut result));
        }
        _ => examples.iter().for_each(|example| check_status_descriptors(bundle, example, &mut result)),
    }
    result
}

impl TestResult {
    fn fail(&mut self, error: String) {
        self.state = State::Fail;
        self.errors.push(error);
    }
}

/// The examples of custom resources.
fn examples(bundle: &Bundle) -> Result<Vec<Value>, String> {
    let text = bundle.csv.metadata.annotations.get(EXAMPLES[0]).map(String::as_str).unwrap_or_default();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| format!("the annotation alm-examples is no list in JSON: {error}"))
}

fn check_spec(examples: &[Value], result: &mut TestResult) {
    if let Some(example) = examples.iter().find(|example| example["spec"].is_null()) {
        result.suggestions.push(format!("the example {:?} has no spec", name(example)));
    }
}

fn check_validation(bundle: &Bundle, examples: &[Value], result: &mut TestResult) {
    let old = bundle.definitions("v1beta1").map(|object| newer(&object.value));
    let definitions: Vec<Value> = bundle.definitions("v1").map(|object| object.value.clone()).chain(old).collect();
    for example in examples {
        let gvk = Gvk::of(example);
        let same = |definition: &&Value| {
            let spec = &definition["spec"];
            text(spec, "group") == gvk.group && text(&spec["names"], "kind").eq_ignore_ascii_case(&gvk.kind)
        };
        for definition in definitions.iter().filter(same) {
            let versions = items(&definition["spec"]["versions"]).iter();
            for version in versions.filter(|version| text(version, "name").eq_ignore_ascii_case(&gvk.version)) {
                let schema = &version["schema"]["openAPIV3Schema"];
                if schema.is_null() {
                    result.suggestions.push(format!("give {gvk} a schema"));
                    continue;
                }
                for part in ["spec", "status"] {
                    for key in example[part].as_object().into_iter().flat_map(|fields| fields.keys()) {
                        if schema["properties"][part]["properties"].get(key).is_none() {
                            result.state = State::Fail;
                            result.suggestions.push(format!("give the field {part}.{key} of {gvk} a schema"));
                        }
                    }
                }
            }
        }
    }
}

fn check_resources(bundle: &Bundle, result: &mut TestResult) {
    let owned = &bundle.csv.spec.customresourcedefinitions.owned;
    for description in owned.iter().filter(|description| description.resources.is_empty()) {
        result.fail(format!(
            "the owned definition {:?} has no resources: say which kinds of objects stand behind it, in \
             spec.customresourcedefinitions.owned of the ClusterServiceVersion",
            description.name
        ));
    }
}

/// What the ClusterServiceVersion tells of the kind of an example.
fn described<'a>(bundle: &'a Bundle, example: &Value, result: &mut TestResult) -> Option<&'a CrdDescription> {
    let gvk = Gvk::of(example);
    let owned = &bundle.csv.spec.customresourcedefinitions.owned;
    let found = owned.iter().find(|description| description.kind == gvk.kind && description.version == gvk.version);
    if found.is_none() {
        result
            .fail(format!("the example {:?} is of {gvk}, which the ClusterServiceVersion does not own", name(example)));
    }
    found
}

fn check_spec_descriptors(bundle: &Bundle, example: &Value, result: &mut TestResult) {
    let Some(spec) = example["spec"].as_object() else {
        result.fail(format!("the example {:?} has no spec", name(example)));
        return;
    };
    let Some(description) = described(bundle, example, result) else { return };
    for key in spec.keys() {
        if !description.spec_descriptors.iter().any(|descriptor| descriptor.path == *key) {
            result.fail(format!("the field spec.{key} of {} has no descriptor", description.name));
            result.suggestions.push(format!("add {key} to specDescriptors of {}", description.name));
        }
    }
}

fn check_status_descriptors(bundle: &Bundle, example: &Value, result: &mut TestResult) {
    let Some(description) = described(bundle, example, result) else { return };
    let has_status = example["status"].as_object().is_some_and(|status| !status.is_empty());
    if !has_status {
        result.suggestions.push(format!("the example {:?} of {} has no status", name(example), description.name));
    } else if description.status_descriptors.is_empty() {
        result.fail(format!("{} has no descriptor of its status", description.name));
        result.suggestions.push(format!("add statusDescriptors to {}", description.name));
    }
}
