//! An image that holds files and runs nothing, such as a bundle for the Operator Lifecycle Manager.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::layer::Entry;
use crate::layout::{Content, write};
use crate::{Built, ImageError};

/// Files that become an image.
#[derive(Debug, Clone)]
pub struct Files {
    /// Paths, without a slash at the beginning, and contents.
    pub files: Vec<(String, Vec<u8>)>,
    /// Labels of the image.
    pub labels: Vec<(String, String)>,
    /// The architecture that the image says it is for, as Go names it. Nodes refuse images of another one.
    pub architecture: String,
    /// The name that the layout gives it, such as `registry.example.com/site-bundle:v1`.
    pub reference: String,
}

/// Writes the image as an OCI layout into a folder, in place of the layout that is there. Same files, same digest.
///
/// # Errors
/// If the folder can't be written or holds something else. It is as it was then.
pub fn pack(files: &Files, folder: &Path) -> Result<Built, ImageError> {
    let labels: Map<String, Value> =
        files.labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    let entry =
        |(path, content): &(String, Vec<u8>)| Entry { path: path.clone(), content: content.clone(), mode: 0o644 };
    let content = Content {
        layers: vec![files.files.iter().map(entry).collect()],
        config: json!({"Labels": labels, "WorkingDir": "/"}),
        architecture: &files.architecture,
        reference: &files.reference,
    };
    write(&content, folder)
}
