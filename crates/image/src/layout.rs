//! The OCI layout of an image: a folder with its manifest, its configuration and its layers.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::layer::{Entry, digest, layer};
use crate::{Built, ImageError};

/// What a layout is made of.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    /// The files of each layer, the lowest first.
    pub(crate) layers: Vec<Vec<Entry>>,
    /// How a container runs: user, entry point, labels.
    pub(crate) config: Value,
    /// As Go names it.
    pub(crate) architecture: &'a str,
    /// The name that the layout gives the image.
    pub(crate) reference: &'a str,
}

/// Writes a layout into a folder, in place of the one that is there.
pub(crate) fn write(content: &Content<'_>, folder: &Path) -> Result<Built, ImageError> {
    let failed = |file: &Path| {
        let file = file.to_path_buf();
        move |cause| ImageError::File { file, cause }
    };
    if folder.exists() && !folder.join("oci-layout").exists() {
        return Err(ImageError::InTheWay(folder.into()));
    }
    let layers = content.layers.iter().map(|entries| layer(entries));
    let layers = layers.collect::<io::Result<Vec<_>>>().map_err(failed(folder))?;
    let config = json!({
        "architecture": content.architecture,
        "os": "linux",
        "config": content.config,
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|layer| layer.diff_id.clone()).collect::<Vec<_>>()},
    })
    .to_string();
    let descriptor = |kind: &str, bytes: &[u8]| json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest(bytes), "size": bytes.len()});
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", config.as_bytes()),
        "layers": layers.iter().map(|layer| descriptor("layer.v1.tar+gzip", &layer.compressed)).collect::<Vec<_>>(),
    })
    .to_string();
    let mut entry = descriptor("manifest.v1+json", manifest.as_bytes());
    entry["platform"] = json!({"architecture": content.architecture, "os": "linux"});
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": content.reference});
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry],
    });

    let staging = folder.with_extension(format!("new-{}", std::process::id()));
    let write = |path: &str, bytes: &[u8]| {
        let file = staging.join(path);
        fs::create_dir_all(file.parent().unwrap_or(&staging))
            .and_then(|()| fs::write(&file, bytes))
            .map_err(failed(&file))
    };
    let blob = |bytes: &[u8]| write(&format!("blobs/{}", digest(bytes).replacen(':', "/", 1)), bytes);
    let written = (|| {
        for bytes in
            layers.iter().map(|layer| layer.compressed.as_slice()).chain([config.as_bytes(), manifest.as_bytes()])
        {
            blob(bytes)?;
        }
        write("index.json", index.to_string().as_bytes())?;
        write("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(failed(folder))?;
        }
        fs::rename(&staging, folder).map_err(failed(folder))
    })();
    if written.is_err() {
        // What is left over is ours, and the error says what is wrong with the place.
        _ = fs::remove_dir_all(&staging);
    }
    written?;
    let size = layers.iter().map(|layer| layer.compressed.len()).sum();
    Ok(Built { digest: digest(manifest.as_bytes()), size })
}
