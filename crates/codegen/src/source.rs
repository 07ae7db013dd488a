//! Definitions out of manifests: YAML or JSON, one or many documents, lists too; other kinds are passed over.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

/// A definition, and where it stands.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Where it was read, for messages: the file and the number of the document.
    pub origin: String,
    /// The definition.
    pub crd: CustomResourceDefinition,
    /// The schema of each version, as it was written: nothing is lost that a type does not know.
    pub(crate) schemas: Vec<Value>,
}

/// Why definitions could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is no YAML, nor JSON.
    #[error("{file}: {cause}")]
    Malformed {
        /// The file.
        file: String,
        /// What the parser says; it names line and column.
        cause: String,
    },
    /// A definition in a format that servers have dropped.
    #[error(
        "{origin}: {name} is {api_version}, which Kubernetes has dropped with 1.22; convert it to apiextensions.k8s.io/v1"
    )]
    Outdated {
        /// Where.
        origin: String,
        /// Which definition.
        name: String,
        /// Its apiVersion.
        api_version: String,
    },
    /// A definition with something missing or of the wrong type.
    #[error("{origin}: {name} is no valid definition: {cause}")]
    Invalid {
        /// Where.
        origin: String,
        /// Which definition.
        name: String,
        /// What is wrong.
        cause: String,
        /// What the line begins with that it is about; empty: not known.
        key: String,
    },
}

/// The definitions of a manifest. `file` stands in messages.
///
/// # Errors
/// If it can't be parsed, or a definition in it is not valid. Documents of other kinds are passed over.
pub fn read(file: &str, text: &str) -> Result<Vec<Definition>, SourceError> {
    let documents: Vec<Value> = match serde_json::from_str::<Value>(text) {
        Ok(document) => vec![document],
        Err(_) => parse_yaml(text).map_err(|cause| SourceError::Malformed { file: file.into(), cause })?,
    };
    let mut found = Vec::new();
    for (number, document) in documents.into_iter().enumerate() {
        let origin = if number == 0 { file.to_string() } else { format!("{file}, document {}", number + 1) };
        take(&origin, document, &mut found).map_err(|error| error.in_text(text))?;
    }
    Ok(found)
}

impl SourceError {
    /// With the line and the column of a value that is not of its type; else with the line of what is wrong, or the one where the
    /// definition is named.
    fn in_text(mut self, text: &str) -> Self {
        let (Self::Outdated { name, .. } | Self::Invalid { name, .. }) = &self else { return self };
        let named = |line: &str| !name.is_empty() && line.contains("name") && line.contains(name.as_str());
        let Some(line) = text.lines().position(named) else { return self };
        let lines: Vec<&str> = text.lines().collect();
        let separates = |line: &&str| line.starts_with("---");
        let begin = lines[..line].iter().rposition(separates).map_or(0, |at| at + 1);
        let end = lines[line..].iter().position(separates).map_or(lines.len(), |at| line + at);
        match &mut self {
            // In a list the definition is no document of its own.
            Self::Invalid { origin, cause, key, .. } if !origin.contains(", item ") => {
                let begins = |line: &&str| {
                    let rest = line.trim_start_matches(['-', ' ', '{', '"']).strip_prefix(key.as_str());
                    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
                };
                let about = lines[begin..end].iter().position(begins).filter(|_| !key.is_empty());
                match mistyped(&lines[..end], begin) {
                    Some(found) => *cause = found,
                    None => *origin = format!("{origin}, line {}", about.map_or(line, |at| begin + at) + 1),
                }
            }
            Self::Outdated { origin, .. } | Self::Invalid { origin, .. } => {
                *origin = format!("{origin}, line {}", line + 1);
            }
            Self::Malformed { .. } => {}
        }
        self
    }
}

/// What a parser says that knows places, of the definition that begins with a line.
fn mistyped(lines: &[&str], begin: usize) -> Option<String> {
    // Lines count from the beginning of the file.
    let document = format!("{}{}", "\n".repeat(begin), lines[begin..].join("\n"));
    let options = serde_saphyr::options! { budget: None };
    serde_saphyr::from_str_with_options::<CustomResourceDefinition>(&document, options)
        .err()
        .map(|error| error.to_string())
}

/// A definition that is at hand, such as one that a server gave.
///
/// # Errors
/// If it is not valid.
pub fn from_object(origin: &str, object: Value) -> Result<Option<Definition>, SourceError> {
    let mut found = Vec::new();
    take(origin, object, &mut found)?;
    Ok(found.pop())
}

fn parse_yaml(text: &str) -> Result<Vec<Value>, String> {
    // Definitions are large: the limits against malicious YAML, which this is not, would refuse some.
    let options = serde_saphyr::options! { budget: None };
    serde_saphyr::from_multiple_with_options::<Option<Value>>(text, options)
        .map(|documents| documents.into_iter().flatten().collect())
        .map_err(|error| error.to_string())
}

fn take(origin: &str, document: Value, found: &mut Vec<Definition>) -> Result<(), SourceError> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    let kind = text(&document, "kind");
    if kind == "List" || kind == "CustomResourceDefinitionList" {
        for (number, item) in document["items"].as_array().into_iter().flatten().enumerate() {
            let mut item = item.clone();
            if kind != "List"
                && let Some(item) = item.as_object_mut()
            {
                item.entry("kind").or_insert_with(|| "CustomResourceDefinition".into());
                item.entry("apiVersion").or_insert_with(|| "apiextensions.k8s.io/v1".into());
            }
            take(&format!("{origin}, item {}", number + 1), item, found)?;
        }
        return Ok(());
    }
    let api_version = text(&document, "apiVersion");
    if kind != "CustomResourceDefinition" || !api_version.starts_with("apiextensions.k8s.io/") {
        return Ok(());
    }
    let name = text(&document["metadata"], "name");
    if api_version != "apiextensions.k8s.io/v1" {
        return Err(SourceError::Outdated { origin: origin.into(), name, api_version });
    }
    let invalid = |key: &str, cause: String| SourceError::Invalid {
        origin: origin.into(),
        name: name.clone(),
        cause,
        key: key.into(),
    };
    let versions = document["spec"]["versions"].as_array();
    let schemas: Vec<Value> =
        versions.into_iter().flatten().map(|version| version["schema"]["openAPIV3Schema"].clone()).collect();
    let crd: CustomResourceDefinition =
        serde_json::from_value(document.clone()).map_err(|error| invalid("", error.to_string()))?;
    if let Some(at) = schemas.iter().position(|schema| !schema.is_object()) {
        let version = &crd.spec.versions[at].name;
        let cause = format!("version {version} has no schema.openAPIV3Schema; write at least {{type: object}}");
        return Err(invalid(&format!("name: {version}"), cause));
    }
    if crd.spec.versions.is_empty() {
        return Err(invalid("versions", "spec.versions is empty; there must be one at least".into()));
    }
    if !["Cluster", "Namespaced"].contains(&crd.spec.scope.as_str()) {
        let cause = format!("spec.scope is {:?}; it must be Cluster or Namespaced", crd.spec.scope);
        return Err(invalid("scope", cause));
    }
    let names = &crd.spec.names;
    let expected = format!("{}.{}", names.plural, crd.spec.group);
    if names.kind.is_empty() || names.plural.is_empty() || name != expected {
        return Err(invalid("", format!("its name must be {expected:?}, of spec.names.plural and spec.group")));
    }
    found.push(Definition { origin: origin.into(), crd, schemas });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRD: &str = r#"{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "sites.example.com"}, "spec": {"group": "example.com", "scope": "Cluster",
        "names": {"kind": "Site", "plural": "sites"}, "versions": [{"name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object"}}}]}}"#;

    #[test]
    fn definitions_are_found_among_other_documents_and_in_lists() {
        let text = format!("# nothing\n---\nkind: Service\napiVersion: v1\n---\n{CRD}\n---\n");
        let found = read("all.yaml", &text).unwrap();
        assert_eq!(found.len(), 1);
        let list = format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{CRD}, {CRD}]}}"#);
        let found = read("all.json", &list).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].origin, "all.json, item 2");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let error = |text: &str| read("crd.yaml", text).unwrap_err().to_string();
        let message = error("a: b\nc: [");
        assert!(message.starts_with("crd.yaml: ") && message.contains("line 2"), "{message}");
        let message = error(&CRD.replace("k8s.io/v1", "k8s.io/v1beta1"));
        assert!(message.contains("sites.example.com is apiextensions.k8s.io/v1beta1"), "{message}");
        let message = error(&CRD.replace(r#"{"openAPIV3Schema": {"type": "object"}}"#, "{}"));
        assert!(message.contains("version v1 has no schema.openAPIV3Schema"), "{message}");
        assert!(message.starts_with("crd.yaml, line 2: "), "{message}");
        let other = "kind: Service\napiVersion: v1\n---\n";
        let message = error(&format!("{other}{}", CRD.replace(r#""served": true"#, r#""served": "a lot""#)));
        assert!(message.starts_with("crd.yaml, document 2: sites.example.com is no valid definition"), "{message}");
        assert!(message.contains("line 6"), "the line of the field, not of the name: {message}");
        let message = error(&CRD.replace(r#""scope": "Cluster","#, ""));
        assert!(message.contains("sites.example.com is no valid definition") && message.contains("scope"), "{message}");
    }
}
