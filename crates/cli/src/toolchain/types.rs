//! `kubewright types`: definitions out of files, standard input or a cluster → Rust types; kinds of Kubernetes → apply
//! configurations.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, ListParams};
use kubewright_apiserver::schema::BuiltinSchemas;
use kubewright_codegen::{
    BuiltinKind, BuiltinKinds, Definition, File, GenerateError, GenerateOptions, SourceError, builtin_module_file,
    from_object, generate, module_file, read,
};

use super::args::TypesArgs;
use crate::cluster::{ClusterError, answering};

/// Why no types were written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TypesError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    Connect(#[from] ClusterError),
    #[error("the cluster: {0}")]
    Cluster(Box<kubewright::kube::Error>),
    #[error("{}: {cause}", file.display())]
    File { file: PathBuf, cause: io::Error },
    #[error("no CustomResourceDefinition found in {0}")]
    Nothing(String),
    #[error("{0} definitions do not go to standard output: give a folder with --out")]
    Many(usize),
    #[error("not up to date: {0}; run the same without --check")]
    Stale(String),
    #[error("{} is not a file that kubewright types wrote; move it away, or choose another --out", .0.display())]
    Foreign(PathBuf),
}

/// What each file that was written here begins with, or has in its first lines.
const OURS: &str = "Written by `kubewright types`";

pub(super) async fn types(args: TypesArgs) -> Result<(), TypesError> {
    if let (Some(wanted), Some(folder)) = (&args.builtin, &args.out) {
        let kinds = builtin_kinds();
        let all: Vec<BuiltinKind> = kinds.kinds().cloned().collect();
        let files = kinds.generate(if wanted.is_empty() { &all } else { wanted })?;
        return keep(folder, &files, builtin_module_file(&files), "groups", args.check);
    }
    let definitions = match &args.cluster {
        Some(names) => from_cluster(&args, names).await?,
        None => from_files(&args.sources)?,
    };
    if definitions.is_empty() {
        let places: Vec<String> = args.sources.iter().map(|path| path.display().to_string()).collect();
        return Err(TypesError::Nothing(if places.is_empty() { "the cluster".into() } else { places.join(", ") }));
    }
    let files = generate(&definitions, &GenerateOptions { apply_configurations: args.apply_configurations })?;
    let Some(folder) = &args.out else {
        let [file] = files.as_slice() else { return Err(TypesError::Many(files.len())) };
        let failed = |cause| TypesError::File { file: "standard output".into(), cause };
        return io::stdout().write_all(file.text.as_bytes()).map_err(failed);
    };
    keep(folder, &files, module_file(&files), "definitions", args.check)
}

/// The kinds of Kubernetes that can be applied, as the embedded API server serves them.
pub(super) fn builtin_kinds() -> BuiltinKinds {
    let schemas = BuiltinSchemas::get();
    let documents = schemas.document_keys().filter_map(|key| schemas.document(key));
    let documents: Vec<_> = documents.filter_map(|document| serde_json::from_slice(&document).ok()).collect();
    BuiltinKinds::read(&documents)
}

/// Writes the files that are not up to date, or tells of them if `check` is set.
fn keep(folder: &Path, files: &[File], module: String, what: &str, check: bool) -> Result<(), TypesError> {
    let mut wanted: Vec<(PathBuf, String)> =
        files.iter().map(|file| (folder.join(&file.name), file.text.clone())).collect();
    wanted.push((folder.join("mod.rs"), module));
    let mut changed = Vec::new();
    for (file, text) in wanted {
        match fs::read_to_string(&file) {
            Ok(there) if there == text => {}
            Ok(there) if !there.contains(OURS) => return Err(TypesError::Foreign(file)),
            Ok(_) => changed.push((file, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => changed.push((file, text)),
            Err(cause) => return Err(TypesError::File { file, cause }),
        }
    }
    if check {
        let names: Vec<String> = changed.iter().map(|(file, _)| file.display().to_string()).collect();
        return if names.is_empty() { Ok(()) } else { Err(TypesError::Stale(names.join(", "))) };
    }
    fs::create_dir_all(folder).map_err(|cause| TypesError::File { file: folder.into(), cause })?;
    for (file, text) in &changed {
        replace(file, text).map_err(|cause| TypesError::File { file: file.clone(), cause })?;
    }
    println!("{} {what}, {} files changed in {}", files.len(), changed.len(), folder.display());
    Ok(())
}

/// A reader sees the old file or the new one.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let beside = file.with_extension("rs.new");
    fs::write(&beside, text)?;
    fs::rename(&beside, file).inspect_err(|_| {
        _ = fs::remove_file(&beside);
    })
}

fn from_files(sources: &[PathBuf]) -> Result<Vec<Definition>, TypesError> {
    let mut definitions = Vec::new();
    for source in sources {
        if source == Path::new("-") {
            let mut text = String::new();
            let failed = |cause| TypesError::File { file: "standard input".into(), cause };
            io::stdin().read_to_string(&mut text).map_err(failed)?;
            definitions.extend(read("standard input", &text)?);
            continue;
        }
        for file in manifests(source).map_err(|cause| TypesError::File { file: source.clone(), cause })? {
            let text = fs::read_to_string(&file).map_err(|cause| TypesError::File { file: file.clone(), cause })?;
            definitions.extend(read(&file.display().to_string(), &text)?);
        }
    }
    Ok(definitions)
}

/// The file itself, or the manifests in a folder and below it, in order.
fn manifests(source: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(source)?.is_dir() {
        return Ok(vec![source.into()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(source)? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() {
            found.extend(manifests(&path)?);
        } else if ["yaml", "yml", "json"].contains(&ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

async fn from_cluster(args: &TypesArgs, names: &[String]) -> Result<Vec<Definition>, TypesError> {
    let failed = |error| TypesError::Cluster(Box::new(error));
    let client = answering(args.kubeconfig.as_deref(), args.context.as_deref()).await?;
    let api = Api::<CustomResourceDefinition>::all(client);
    let mut crds = Vec::new();
    if names.is_empty() {
        crds = api.list(&ListParams::default()).await.map_err(failed)?.items;
    }
    for name in names {
        crds.push(api.get(name).await.map_err(failed)?);
    }
    let mut definitions = Vec::new();
    for crd in crds {
        // A type of Kubernetes always becomes JSON.
        definitions.extend(from_object("the cluster", serde_json::to_value(crd).unwrap_or_default())?);
    }
    Ok(definitions)
}
