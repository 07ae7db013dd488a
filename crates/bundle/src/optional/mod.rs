//! Checks that are run when they are asked for, by operator-sdk's names and labels.
//!
//! | module | what is checked |
//! |---|---|
//! | `hub` | what OperatorHub.io asks for; capabilities, categories |
//! | `removed` | APIs that newer versions of Kubernetes no longer have |
//! | `practices` | good practices of operator-framework |
//! | `community` | community operators of OpenShift |
//! | `platforms` | images of several architectures, beside the labels that promise them |

mod community;
mod hub;
mod platforms;
mod practices;
mod removed;

use std::collections::BTreeMap;

use kubewright_apiserver::selector::LabelSelector;
use serde::Serialize;

use crate::finding::{Finding, reason};
use crate::read::Bundle;
use crate::validate::ValidateOptions;
pub use platforms::{Platform, Platforms};

/// A check that is run when it is asked for.
#[derive(Debug, Clone, Serialize)]
pub struct OptionalCheck {
    /// Its name.
    pub name: &'static str,
    /// What it is selected by.
    pub labels: BTreeMap<&'static str, &'static str>,
    /// What it is for.
    pub description: &'static str,
    /// Whether it looks at [`ValidateOptions::platforms`](crate::ValidateOptions::platforms).
    #[serde(skip)]
    pub asks_registries: bool,
    #[serde(skip)]
    run: fn(&Bundle, &ValidateOptions) -> Vec<Finding>,
}

/// Values for the checks: `k8s-version`, `index-path`.
pub type Values = BTreeMap<String, String>;

/// All checks that can be asked for.
#[must_use]
pub fn optional_checks() -> Vec<OptionalCheck> {
    let check = |name, suite: bool, description, run: fn(&Bundle, &ValidateOptions) -> Vec<Finding>| {
        let mut labels = BTreeMap::from([("name", name)]);
        if suite {
            labels.insert("suite", "operatorframework");
        }
        OptionalCheck { name, labels, description, asks_registries: false, run }
    };
    vec![
        check("operatorhubv2", true, "What OperatorHub.io asks of the metadata.", |bundle, options| {
            let mut found = hub::metadata(bundle);
            found.extend(removed::removed(bundle, &options.values));
            found
        }),
        check("capabilities", true, "Levels of capabilities that OperatorHub.io knows.", |bundle, _| {
            hub::capabilities(bundle)
        }),
        check("categories", true, "Categories that OperatorHub.io knows.", |bundle, _| hub::categories(bundle)),
        check("operatorhub", false, "Deprecated: the three before in one.", |bundle, options| {
            let mut found = hub::metadata(bundle);
            found.extend(hub::capabilities(bundle));
            found.extend(hub::categories(bundle));
            found.extend(removed::removed(bundle, &options.values));
            let message = "the check operatorhub is deprecated; use operatorhubv2, capabilities and categories";
            found.push(Finding::warning(reason::DEPRECATED, message));
            found
        }),
        check("community", false, "Alpha: what community operators of OpenShift need.", |bundle, options| {
            community::community(bundle, &options.values)
        }),
        check(
            "alpha-deprecated-apis",
            true,
            "Alpha: APIs that newer versions of Kubernetes no longer have; --optional-values k8s-version=1.25 makes errors of \
             what is gone there.",
            |bundle, options| removed::removed(bundle, &options.values),
        ),
        check("good-practices", true, "Good practices of operator-framework.", |bundle, _| {
            practices::practices(bundle)
        }),
        OptionalCheck {
            asks_registries: true,
            ..check(
                "multiarch",
                false,
                "Images are made for the architectures that labels promise; asks their registries.",
                |bundle, options| platforms::platforms(bundle, &options.platforms),
            )
        },
    ]
}

/// The checks that a label selector selects.
///
/// # Errors
/// If it is no selector, or selects nothing: what it can be.
pub fn select(selector: &str) -> Result<Vec<OptionalCheck>, String> {
    let parsed = LabelSelector::parse(selector)?;
    let all = optional_checks();
    let selected: Vec<OptionalCheck> =
        all.iter().filter(|check| parsed.matches(|key| check.labels.get(key).copied())).cloned().collect();
    if !selected.is_empty() {
        return Ok(selected);
    }
    let names: Vec<&str> = all.iter().map(|check| check.name).collect();
    Err(format!(
        "{selector:?} selects no check; there are suite=operatorframework and name= one of {}",
        names.join(", ")
    ))
}

impl OptionalCheck {
    /// What it finds.
    #[must_use]
    pub fn run(&self, bundle: &Bundle, options: &ValidateOptions) -> Vec<Finding> {
        (self.run)(bundle, options)
    }
}
