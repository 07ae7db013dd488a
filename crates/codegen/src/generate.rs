//! The files for a set of definitions.

use std::collections::{BTreeMap, BTreeSet};

use crate::names;
use crate::parallel;
use crate::source::Definition;

/// A file of Rust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, `sites.rs`.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// The definition that it is for, `sites.example.com`.
    pub definition: String,
}

/// What is written besides the types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GenerateOptions {
    /// For each type a part of it, in which all fields are optional: what a server-side apply says. Default: no.
    pub apply_configurations: bool,
}

/// Why no types can be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The same definition twice.
    #[error("{name} is defined twice: in {first} and in {second}; give it once")]
    Twice {
        /// Which.
        name: String,
        /// Where first.
        first: String,
        /// Where again.
        second: String,
    },
    /// There is no such kind of Kubernetes.
    #[error("{kind} is no kind of Kubernetes that can be applied; there are: {there}")]
    Unknown {
        /// Which.
        kind: String,
        /// What comes near.
        there: String,
    },
    /// What was written is no Rust: a mistake of this generator.
    #[error("{origin}: the types for {name} would be no Rust ({cause}); please report it with the definition")]
    Unsound {
        /// Where the definition stands.
        origin: String,
        /// Which.
        name: String,
        /// What the parser says.
        cause: String,
    },
}

/// A file for each definition, in the order of their names; the same definitions give the same files.
///
/// # Errors
/// If a definition is there twice.
pub fn generate(definitions: &[Definition], options: &GenerateOptions) -> Result<Vec<File>, GenerateError> {
    let mut sorted: BTreeMap<String, &Definition> = BTreeMap::new();
    for definition in definitions {
        let name = definition.crd.metadata.name.clone().unwrap_or_default();
        if let Some(first) = sorted.insert(name.clone(), definition) {
            return Err(GenerateError::Twice { name, first: first.origin.clone(), second: definition.origin.clone() });
        }
    }
    let mut plurals: BTreeMap<&str, usize> = BTreeMap::new();
    for definition in sorted.values() {
        *plurals.entry(&definition.crd.spec.names.plural).or_default() += 1;
    }
    let mut used = BTreeSet::new();
    let mut jobs = Vec::new();
    for (name, definition) in &sorted {
        let plural = &definition.crd.spec.names.plural;
        let many = plurals.get(plural.as_str()).is_some_and(|count| *count > 1);
        let stem = if many { format!("{plural}_{}", definition.crd.spec.group) } else { plural.clone() };
        jobs.push((names::unique(&mut used, &names::field(&stem), "_"), name, *definition));
    }
    // Most of the time goes into formatting, which knows nothing of other files.
    let files = parallel::map(&jobs, |(stem, name, definition)| {
        let unsound =
            |cause: String| GenerateError::Unsound { origin: definition.origin.clone(), name: (*name).clone(), cause };
        let source = crate::module::source(definition, options);
        let parsed = syn::parse_file(&source).map_err(|error| unsound(error.to_string()))?;
        Ok(File { name: format!("{stem}.rs"), text: prettyplease::unparse(&parsed), definition: (*name).clone() })
    });
    files.into_iter().collect()
}

/// The `mod.rs` for a folder of generated files.
#[must_use]
pub fn module_file(files: &[File]) -> String {
    let mut text = String::from(
        "//! Types of custom resources. Written by `kubewright types`: change the definitions, not this.\n\n",
    );
    for file in files {
        let module = file.name.trim_end_matches(".rs");
        text += &format!("#[rustfmt::skip]\npub mod {module};\n");
    }
    text
}
