//! What goes into an image of a program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::layer::Entry;
use crate::layout::{Content, write};

/// The user that the program runs as: not root, and the one that other images without a distribution have too.
const USER: &str = "65532";

/// What goes into an image.
#[derive(Debug, Clone)]
pub struct Image {
    /// The program; it becomes the entry point, as `/<its name>`.
    pub program: PathBuf,
    /// The libraries that it needs, which keep their paths; see [`libraries`](crate::libraries).
    pub libraries: Vec<PathBuf>,
    /// Its bill of materials; see [`sbom`](crate::sbom).
    pub sbom: Value,
    /// The architecture, as Go names it: `amd64`, `arm64`.
    pub architecture: String,
    /// Labels of the image, such as `org.opencontainers.image.version`.
    pub labels: Vec<(String, String)>,
    /// The name that the layout gives it, such as `registry.example.com/site:v1`.
    pub reference: String,
}

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The digest of its manifest.
    pub digest: String,
    /// How many bytes its layers have, compressed.
    pub size: usize,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file can't be read or written.
    #[error("{}: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It is not known what the program is linked to.
    #[error("the libraries of {}: {cause}", program.display())]
    Libraries {
        /// The program.
        program: PathBuf,
        /// Why.
        cause: String,
    },
    /// The folder holds something else.
    #[error("{} is there and is no OCI layout; it is not replaced: move it away, or choose another folder", .0.display())]
    InTheWay(PathBuf),
}

/// Writes the image as an OCI layout into a folder, in place of the layout that is there.
///
/// # Errors
/// If a file can't be read or written. The folder is as it was then.
pub fn build(image: &Image, folder: &Path) -> Result<Built, ImageError> {
    let failed = |file: &Path| {
        let file = file.to_path_buf();
        move |cause| ImageError::File { file, cause }
    };
    let name = image.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = |file: &Path| fs::read(file).map_err(failed(file));
    let text = |path: &str, content: String| Entry { path: path.into(), content: content.into_bytes(), mode: 0o644 };
    let mut system = vec![
        text(
            "etc/passwd",
            format!("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/:/sbin/nologin\n"),
        ),
        text("etc/group", format!("root:x:0:\nnonroot:x:{USER}:\n")),
        Entry { path: "tmp/".into(), content: Vec::new(), mode: 0o1777 },
    ];
    for library in &image.libraries {
        let path = library.display().to_string().trim_start_matches('/').to_string();
        system.push(Entry { path, content: read(library)?, mode: 0o755 });
    }
    let program = [
        Entry { path: name.clone(), content: read(&image.program)?, mode: 0o755 },
        text(&format!("usr/share/sbom/{name}.spdx.json"), image.sbom.to_string()),
    ];
    let labels: serde_json::Map<String, Value> =
        image.labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    let content = Content {
        // The system seldom changes: its layer is shared by all versions.
        layers: vec![system, program.to_vec()],
        config: json!({
            "User": format!("{USER}:{USER}"),
            "Entrypoint": [format!("/{name}")],
            "Env": ["PATH=/"],
            "WorkingDir": "/",
            "Labels": labels,
        }),
        architecture: &image.architecture,
        reference: &image.reference,
    };
    write(&content, folder)
}
