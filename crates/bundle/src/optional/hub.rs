//! What OperatorHub.io asks for.

use std::collections::BTreeSet;
use std::env;
use std::fs;

use serde::Deserialize;

use crate::checks;
use crate::finding::{Finding, reason};
use crate::read::Bundle;

const MEDIA_TYPES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/svg+xml"];
const CAPABILITIES: [&str; 5] = ["Basic Install", "Seamless Upgrades", "Full Lifecycle", "Deep Insights", "Auto Pilot"];
const CATEGORIES: [&str; 16] = [
    "AI/Machine Learning",
    "Application Runtime",
    "Big Data",
    "Cloud Provider",
    "Database",
    "Developer Tools",
    "Integration & Delivery",
    "Logging & Tracing",
    "Modernization & Migration",
    "Monitoring",
    "Networking",
    "Observability",
    "OpenShift Optional",
    "Security",
    "Storage",
    "Streaming & Messaging",
];
/// The variable that names a file with categories to use in place of these.
const CATEGORIES_FILE: &str = "OPERATOR_BUNDLE_CATEGORIES";

/// What is wrong with the metadata of the ClusterServiceVersion.
pub(super) fn metadata(bundle: &Bundle) -> Vec<Finding> {
    let spec = &bundle.csv.spec;
    let mut found = Vec::new();
    let mut error = |message: String| found.push(Finding::error(reason::CSV, message));
    if spec.provider.name.trim().is_empty() {
        error("spec.provider.name is missing".into());
    }
    for maintainer in &spec.maintainers {
        if maintainer.name.is_empty() || maintainer.email.is_empty() {
            error("each of spec.maintainers needs a name and an email".into());
        }
        if !maintainer.email.is_empty() && !is_address(&maintainer.email) {
            error(format!("the email {:?} of a maintainer is no address", maintainer.email));
        }
    }
    for link in &spec.links {
        if link.name.is_empty() || link.url.is_empty() {
            error("each of spec.links needs a name and a url".into());
        }
        if !link.url.is_empty() && !is_url(&link.url) {
            error(format!("the url {:?} of a link is no URL", link.url));
        }
    }
    if spec.version.trim().is_empty() || spec.version.trim() == "0.0.0" {
        error("spec.version is missing; set it with kubewright bundle generate --version".into());
    }
    match spec.icon.as_deref() {
        None => found.push(Finding::warning(reason::CSV, "spec.icon is missing: consoles show a default picture")),
        Some(icons) => {
            if icons.len() != 1 {
                error(format!("spec.icon has {} pictures; it takes one", icons.len()));
            }
            if let Some(icon) = icons.first() {
                if icon.mediatype.is_empty() || icon.base64data.is_empty() {
                    error("spec.icon needs base64data and mediatype".into());
                }
                if !icon.mediatype.is_empty() && !MEDIA_TYPES.contains(&icon.mediatype.as_str()) {
                    error(format!("spec.icon has mediatype {:?}; it takes {}", icon.mediatype, MEDIA_TYPES.join(", ")));
                }
            }
        }
    }
    found.extend(checks::kube_version(&bundle.csv));
    found
}

/// What is wrong with the level of capabilities.
pub(super) fn capabilities(bundle: &Bundle) -> Vec<Finding> {
    let said = bundle.csv.metadata.annotations.get("capabilities");
    let wrong = said.filter(|said| !CAPABILITIES.contains(&said.as_str()));
    let message =
        |said: &String| format!("the annotation capabilities is {said:?}; levels are {}", CAPABILITIES.join(", "));
    wrong.map(|said| Finding::error(reason::CSV, message(said))).into_iter().collect()
}

/// What is wrong with the categories.
pub(super) fn categories(bundle: &Bundle) -> Vec<Finding> {
    let Some(said) = bundle.csv.metadata.annotations.get("categories") else { return Vec::new() };
    let known: BTreeSet<String> = match env::var(CATEGORIES_FILE).ok().filter(|file| !file.is_empty()) {
        None => CATEGORIES.iter().map(ToString::to_string).collect(),
        Some(file) => match custom(&file) {
            Ok(known) => known,
            Err(cause) => {
                let message = format!("the categories of {CATEGORIES_FILE}, {file}, can't be read: {cause}");
                return vec![Finding::error(reason::CSV, message)];
            }
        },
    };
    let unknown = said.split(',').map(str::trim).filter(|category| !known.contains(*category));
    let message = |category: &str| {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        format!("the annotation categories has {category:?}; categories are {}", known.join(", "))
    };
    unknown.map(|category| Finding::error(reason::CSV, message(category))).collect()
}

#[derive(Debug, Deserialize)]
struct Categories {
    categories: BTreeSet<String>,
}

fn custom(file: &str) -> Result<BTreeSet<String>, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map(|read: Categories| read.categories).map_err(|error| error.to_string())
}

/// `name@host`, or `Name <name@host>`.
fn is_address(text: &str) -> bool {
    let address = match text.trim().strip_suffix('>') {
        Some(rest) => rest.rsplit_once('<').map_or("", |(_, address)| address),
        None => text.trim(),
    };
    let fits = |part: &str| !part.is_empty() && !part.contains([' ', '<', '>', '(', ')', ',', ';', ':', '"', '[', ']']);
    address.split_once('@').is_some_and(|(name, host)| fits(name) && fits(host) && !host.contains('@'))
}

/// A URL with a scheme, or a path from the root.
fn is_url(text: &str) -> bool {
    if text.contains(|c: char| c.is_control() || c == ' ') {
        return false;
    }
    let scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    text.starts_with('/') || text.split_once(':').is_some_and(|(before, _)| scheme(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_urls_are_told_from_other_texts() {
        for text in ["a@example.com", "A B <a.b@example.com>"] {
            assert!(is_address(text), "{text}");
        }
        for text in ["", "a", "a@", "@b", "a b@c", "A <a>", "a@b@c"] {
            assert!(!is_address(text), "{text}");
        }
        for text in ["https://example.com/a?b", "/docs", "mailto:a@b"] {
            assert!(is_url(text), "{text}");
        }
        for text in ["", "example.com", "https://exa mple.com", ":a", "1a:b"] {
            assert!(!is_url(text), "{text}");
        }
    }
}
