//! `kubewright image push`, and what else pushes.

use std::fs;
use std::io::{self, BufRead as _};
use std::path::Path;

use kubewright_image::Reference;
use kubewright_image::registry::{Credentials, Registry, RegistryOptions};
use serde_json::Value;

use super::ToolchainError;
use super::bundle::BundleError;
use super::bundle_args::{ImagePushArgs, RegistryArgs};

/// Runs `image push`.
pub(super) async fn image_push(args: &ImagePushArgs) -> Result<(), ToolchainError> {
    push(&args.layout, args.image.as_deref(), &args.registry).await
}

/// Pushes a layout, by the name that it was built with if no other is given.
pub(super) async fn push(layout: &Path, name: Option<&str>, args: &RegistryArgs) -> Result<(), ToolchainError> {
    let built = || {
        let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).ok()?).ok()?;
        let name = &index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"];
        name.as_str().map(ToString::to_string)
    };
    let Some(name) = name.map(ToString::to_string).or_else(built) else {
        let cause = format!(
            "{} is no image with a name; build it with kubewright image build, or give its name",
            layout.display()
        );
        return Err(ToolchainError::Usage(cause));
    };
    let reference = Reference::parse(&name).map_err(|cause| BundleError::Name { image: name.clone(), cause })?;
    let registry = Registry::connect(&reference, &options(args)?).await.map_err(BundleError::from)?;
    let pushed = registry.push(layout, &reference).await.map_err(BundleError::from)?;
    println!("pushed {reference}  {}  parts sent: {}, there already: {}", pushed.digest, pushed.sent, pushed.kept);
    Ok(())
}

/// How the registry is reached, as the flags have it.
pub(super) fn options(args: &RegistryArgs) -> Result<RegistryOptions, ToolchainError> {
    let credentials = match &args.username {
        None => None,
        Some(username) => {
            let mut password = String::new();
            io::stdin()
                .lock()
                .read_line(&mut password)
                .map_err(|cause| ToolchainError::Io { what: "standard input".into(), cause })?;
            let password = password.trim_end_matches(['\r', '\n']).to_string();
            Some(Credentials { username: username.clone(), password })
        }
    };
    Ok(RegistryOptions {
        credentials,
        plain_http: args.plain_http,
        skip_tls_verify: args.skip_tls_verify,
        ..RegistryOptions::default()
    })
}
