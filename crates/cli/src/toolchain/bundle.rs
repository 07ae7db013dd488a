//! `kubewright bundle generate`, `validate` and `build`; `scorecard`; `pkgman-to-bundle`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use kubewright::k8s_openapi::jiff::Timestamp;
use kubewright_bundle::{
    Bundle, BundleMetadata, Finding, GenerateError, GenerateOptions, Manifests, MigrateError, Platform, Platforms,
    Report, ScorecardConfig, ScorecardError, State, TestList, ValidateOptions, generate, migrate, optional_checks,
    select, validate,
};
use kubewright_image::registry::{Registry, RegistryError, RegistryOptions, files};
use kubewright_image::{Files, ImageError, Reference, ReferenceError, pack};
use kubewright_manifests::install;
use kubewright_project::{Changes, Project, ProjectError, Written, find};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ToolchainError;
use super::bundle_args::{
    BundleBuildArgs, BundleGenerateArgs, BundleOutput, BundleValidateArgs, PackagesArgs, RegistryArgs, ScorecardArgs,
    ScorecardOutput,
};
use super::manifests::{Described, ManifestsError};
use super::push::{options, push};

/// The most that the files of a bundle may have, in bytes: far more than one that can be used.
const MOST_BYTES: usize = 64 << 20;
/// The architecture that images of bundles say they are for, always the same so that their digest is: they run nowhere.
pub(super) const ARCHITECTURE: &str = "amd64";

/// Why there is no bundle, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error("{}: {cause}", file.display())]
    File { file: PathBuf, cause: String },
    #[error("the bundle is not valid: {}", .0.join("; "))]
    Invalid(Vec<String>),
    #[error("the bundle is not valid: errors: {errors}, warnings: {warnings}")]
    NotValid { errors: usize, warnings: usize },
    #[error("tests that did not pass: {}", .0.join(", "))]
    Scorecard(Vec<String>),
    #[error(transparent)]
    Config(#[from] ScorecardError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("{image:?} is no image: {cause}")]
    Name { image: String, cause: ReferenceError },
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("{} is there already, and is not overwritten; move it away, or choose another --output-dir", .0.display())]
    InTheWay(PathBuf),
}

fn failed(file: &Path, error: impl ToString) -> BundleError {
    BundleError::File { file: file.into(), cause: error.to_string() }
}

/// Where the manifests come from.
struct Source {
    manifests: Manifests,
    /// The folder that paths are relative to.
    folder: PathBuf,
    /// The name of the project, if there is one.
    name: Option<String>,
    /// Whether it is an operator of ours, which tells the API server of its webhooks itself.
    own: bool,
}

/// Runs `bundle generate`.
pub(super) async fn bundle_generate(args: &BundleGenerateArgs) -> Result<(), ToolchainError> {
    let mut source = source(args)?;
    if args.use_image_digests {
        let names = digests(&source.manifests, &args.registry).await?;
        source.manifests.rename_images(&names);
    }
    let package = args.package.clone().or(source.name.clone()).unwrap_or_default();
    let file = source.folder.join(&args.kustomize_dir).join(format!("bases/{package}.clusterserviceversion.yaml"));
    let base = yaml_if_there(&file)?;
    let output = source.folder.join(&args.output_dir);
    let previous =
        yaml_if_there(&output.join(format!("manifests/{}.clusterserviceversion.yaml", package.to_lowercase())));
    let options = GenerateOptions {
        metadata: BundleMetadata {
            package,
            channels: args.channels.clone(),
            default_channel: args.default_channel.clone(),
            ..BundleMetadata::default()
        },
        version: args.version.clone(),
        base,
        extra_service_accounts: args.extra_service_accounts.clone(),
        registers_webhooks: source.own,
        relate_images: args.use_image_digests,
        created_at: Some(Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        // One that can't be read is replaced, or told to be in the way.
        previous: previous.unwrap_or_default(),
        folder: args.output_dir.display().to_string(),
    };
    let bundle = generate(&source.manifests, &options).map_err(BundleError::from)?;
    for warning in &bundle.warnings {
        eprintln!("{warning}");
    }
    if args.stdout {
        let manifests = bundle.files.iter().filter(|(path, _)| path.starts_with("manifests/"));
        let texts: Vec<&str> = manifests.map(|(_, text)| text.as_str()).collect();
        print!("{}", texts.join("---\n"));
        return Ok(());
    }
    let mut changes = Changes::default();
    for (path, text) in &bundle.files {
        changes.generated(args.output_dir.join(path), "#", text);
    }
    changes.generated("bundle.Dockerfile", "#", &bundle.dockerfile);
    let written = changes.apply(&source.folder, args.overwrite).map_err(|error| match error {
        ProjectError::Edited { file } => BundleError::File {
            file,
            cause: "it was edited, or another program has made it; use --overwrite to have it written anew".into(),
        }
        .into(),
        error => ToolchainError::from(error),
    })?;
    if args.quiet {
        return Ok(());
    }
    for file in &written {
        match file {
            Written::New(path) => println!("new      {}", path.display()),
            Written::Changed(path) => println!("changed  {}", path.display()),
        }
    }
    if written.is_empty() {
        println!("up to date: {}", args.output_dir.display());
    }
    for entry in fs::read_dir(output.join("manifests")).into_iter().flatten().flatten() {
        let name = format!("manifests/{}", entry.file_name().to_string_lossy());
        if !bundle.files.contains_key(&name) {
            println!(
                "left     {}: it is not of these manifests; remove it if it is no longer wanted",
                args.output_dir.join(name).display()
            );
        }
    }
    Ok(())
}

/// The names of images with the digests that their registries have for them now.
async fn digests(manifests: &Manifests, args: &RegistryArgs) -> Result<BTreeMap<String, String>, ToolchainError> {
    let options = options(args)?;
    let mut names = BTreeMap::new();
    for image in manifests.images() {
        let name = |cause| BundleError::Name { image: image.clone(), cause };
        let mut reference = Reference::parse(&image).map_err(name)?;
        if reference.digest.is_none() {
            let registry = Registry::connect(&reference, &options).await.map_err(BundleError::from)?;
            reference.digest = Some(registry.resolve(&reference).await.map_err(BundleError::from)?);
            reference.tag = None;
            names.insert(image, reference.to_string());
        }
    }
    Ok(names)
}

fn source(args: &BundleGenerateArgs) -> Result<Source, ToolchainError> {
    let here =
        std::env::current_dir().map_err(|cause| ToolchainError::Io { what: "the current folder".into(), cause })?;
    let project = find(&here).ok();
    let rust = project.as_ref().filter(|folder| Project::read(&folder.join("PROJECT")).is_ok());
    let piped =
        args.input_dir.as_deref() == Some(Path::new("-")) || (args.input_dir.is_none() && rust.is_none() && is_pipe());
    if (args.input_dir.is_some() || piped) && args.deploy.image.is_some() {
        let usage = "--image is for the manifests of a project of this program; those of --input-dir have their image";
        return Err(ToolchainError::Usage(usage.into()));
    }
    if args.deploy.cert_manager {
        let usage =
            "--cert-manager: the Operator Lifecycle Manager makes the certificates of webhooks itself; leave it out";
        return Err(ToolchainError::Usage(usage.into()));
    }
    let name = project.as_ref().and_then(|folder| project_name(folder));
    let folder = project.clone().unwrap_or_else(|| here.clone());
    let manifests = if piped {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .map_err(|cause| ToolchainError::Io { what: "standard input".into(), cause })?;
        Manifests::read("standard input", &text).map_err(BundleError::from)?
    } else if let Some(input) = &args.input_dir {
        read_folder(&here.join(input))?
    } else if rust.is_some() {
        let manifests = of_project(&Described::new(&args.deploy)?)?;
        return Ok(Source { manifests, folder, name, own: true });
    } else {
        let usage = "there are no manifests: pipe them in, such as kubectl kustomize config/default | kubewright bundle generate \
                     …, or give a folder of them with --input-dir; in a project of Rust they are made of it";
        return Err(ToolchainError::Usage(usage.into()));
    };
    Ok(Source { manifests, folder, name, own: false })
}

/// Whether somebody pipes manifests into this program.
fn is_pipe() -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    fs::metadata("/dev/stdin").is_ok_and(|stdin| stdin.file_type().is_fifo())
}

/// The name in a PROJECT file, whoever has made it.
fn project_name(folder: &Path) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        project_name: String,
    }
    let text = fs::read_to_string(folder.join("PROJECT")).ok()?;
    serde_saphyr::from_str::<Named>(&text).ok().map(|named| named.project_name)
}

/// The manifests in a folder and below it.
fn read_folder(folder: &Path) -> Result<Manifests, BundleError> {
    let mut manifests = Manifests::default();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(place) = pending.pop() {
        let mut below = Vec::new();
        for entry in fs::read_dir(&place).map_err(|error| failed(&place, error))? {
            below.push(entry.map_err(|error| failed(&place, error))?.path());
        }
        below.sort();
        for path in below {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden {
                pending.push(path);
            } else if ["yaml", "yml", "json"].contains(&ending) && !hidden {
                let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
                manifests.add(&path.display().to_string(), &text)?;
            }
        }
    }
    Ok(manifests)
}

/// The manifests of a project of ours, for whatever namespace the bundle gets into.
fn of_project(described: &Described) -> Result<Manifests, ToolchainError> {
    let text = install(&described.description, &described.options).map_err(ManifestsError::from)?;
    let own = |error: serde_saphyr::Error| failed(Path::new("the operator's manifests"), error);
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text).map_err(own)?;
    for object in objects.iter_mut().filter(|object| object["kind"] == "Deployment") {
        for container in object["spec"]["template"]["spec"]["containers"].as_array_mut().into_iter().flatten() {
            in_any_namespace(container);
        }
    }
    let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
    let mut manifests =
        Manifests::read("the operator's manifests", &texts.join("\n---\n")).map_err(BundleError::from)?;
    for (name, text) in &described.options.samples {
        manifests.add(&format!("samples/{name}"), text).map_err(BundleError::from)?;
    }
    Ok(manifests)
}

/// The Service of the webhooks is in the namespace of the Pod, which is not known before.
fn in_any_namespace(container: &mut Value) {
    let mut named = false;
    for argument in container["args"].as_array_mut().into_iter().flatten() {
        let Some((flag, service)) = argument.as_str().and_then(|text| text.split_once('=')) else { continue };
        if let (true, Some((_, name))) = (flag.ends_with("webhook-service"), service.split_once('/')) {
            *argument = format!("{flag}=$(POD_NAMESPACE)/{name}").into();
            named = true;
        }
    }
    if named {
        let variable = json!({"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}});
        match container["env"].as_array_mut() {
            Some(env) => env.insert(0, variable),
            None => container["env"] = json!([variable]),
        }
    }
}

fn yaml_if_there(file: &Path) -> Result<Option<Value>, BundleError> {
    match fs::read_to_string(file) {
        Ok(text) => serde_saphyr::from_str(&text).map(Some).map_err(|error| failed(file, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(file, error)),
    }
}

/// Runs `bundle validate`.
pub(super) async fn bundle_validate(args: &BundleValidateArgs) -> Result<(), ToolchainError> {
    if args.list_optional {
        list_checks(args.output);
        return Ok(());
    }
    let optional = match &args.select_optional {
        Some(selector) => {
            select(selector).map_err(|cause| ToolchainError::Usage(format!("--select-optional: {cause}")))?
        }
        None => Vec::new(),
    };
    let local = local(&args.bundle, &args.registry).await?;
    let platforms = match optional.iter().any(|check| check.asks_registries) {
        true => platforms(local.path(), &options(&args.registry)?).await,
        false => Platforms::new(),
    };
    let values = args.optional_values.iter().cloned().collect();
    let report = validate(local.path(), &ValidateOptions { optional, values, platforms });
    Ok(tell(&report, args.output)?)
}

/// What the images of a bundle are made for. One that can't be read has none, and the checks tell why it can't.
async fn platforms(folder: &Path, options: &RegistryOptions) -> Platforms {
    let Ok((bundle, _)) = Bundle::read(folder) else { return Platforms::new() };
    let mut known = Platforms::new();
    for image in bundle.images() {
        known.insert(image.into(), made_for(image, options).await.map_err(|error| error.to_string()));
    }
    known
}

async fn made_for(image: &str, options: &RegistryOptions) -> Result<BTreeSet<Platform>, BundleError> {
    let reference = Reference::parse(image).map_err(|cause| BundleError::Name { image: image.into(), cause })?;
    let found = Registry::connect(&reference, options).await?.platforms(&reference).await?;
    Ok(found.into_iter().map(|(os, architecture)| Platform { os, architecture }).collect())
}

fn list_checks(output: BundleOutput) {
    let checks = optional_checks();
    if output == BundleOutput::Json {
        println!("{:#}", json!(checks));
        return;
    }
    println!("{:<22} {:<26} DESCRIPTION", "NAME", "LABELS");
    for check in checks {
        let mut labels = check.labels.iter().map(|(key, value)| format!("{key}={value}"));
        println!("{:<22} {:<26} {}", check.name, labels.next().unwrap_or_default(), check.description);
        for label in labels {
            println!("{:<22} {label}", "");
        }
    }
}

/// A bundle on this machine.
enum Local {
    /// It was there.
    Here(PathBuf),
    /// It was pulled, and goes with this.
    Pulled(tempfile::TempDir),
}

impl Local {
    fn path(&self) -> &Path {
        match self {
            Self::Here(path) => path,
            Self::Pulled(folder) => folder.path(),
        }
    }
}

/// A bundle by its folder, or by its image if there is no such folder.
async fn local(bundle: &str, args: &RegistryArgs) -> Result<Local, ToolchainError> {
    match Path::new(bundle).exists() {
        true => Ok(Local::Here(bundle.into())),
        false => Ok(Local::Pulled(pulled(bundle, &options(args)?).await?)),
    }
}

/// The files of a bundle out of a registry.
pub(super) async fn pulled(image: &str, options: &RegistryOptions) -> Result<tempfile::TempDir, ToolchainError> {
    let name = |cause| BundleError::Name { image: image.into(), cause };
    let reference = Reference::parse(image).map_err(name)?;
    let registry = Registry::connect(&reference, options).await.map_err(BundleError::from)?;
    let pulled = registry.pull(&reference, ARCHITECTURE).await.map_err(BundleError::from)?;
    let folder =
        tempfile::tempdir().map_err(|cause| ToolchainError::Io { what: "a temporary folder".into(), cause })?;
    for (path, content) in files(&pulled, MOST_BYTES).map_err(BundleError::from)? {
        write(&folder.path().join(path), &content)?;
    }
    Ok(folder)
}

fn write(file: &Path, content: &[u8]) -> Result<(), BundleError> {
    let parent = file.parent().unwrap_or(file);
    fs::create_dir_all(parent).and_then(|()| fs::write(file, content)).map_err(|error| failed(file, error))
}

fn tell(report: &Report, output: BundleOutput) -> Result<(), BundleError> {
    let (errors, warnings) = (report.errors().count(), report.warnings().count());
    match output {
        BundleOutput::Json => println!("{:#}", json!(report)),
        BundleOutput::Text => {
            report.findings.iter().for_each(|finding: &Finding| println!("{finding}"));
            if report.passed {
                println!("the bundle is valid; warnings: {warnings}");
            }
        }
    }
    if report.passed { Ok(()) } else { Err(BundleError::NotValid { errors, warnings }) }
}

/// Runs `bundle build`.
pub(super) async fn bundle_build(args: &BundleBuildArgs) -> Result<(), ToolchainError> {
    let report = validate(&args.bundle, &ValidateOptions::default());
    if !report.passed {
        return Err(BundleError::Invalid(report.errors().map(|finding| finding.message.clone()).collect()).into());
    }
    let told =
        |findings: Vec<Finding>| BundleError::Invalid(findings.into_iter().map(|finding| finding.message).collect());
    let (bundle, _) = Bundle::read(&args.bundle).map_err(told)?;
    let name = args.tag.clone().unwrap_or_else(|| format!("{}-bundle:v{}", bundle.package(), bundle.csv.spec.version));
    image(&bundle, &name, &args.out)?;
    if args.push {
        push(&args.out, Some(&name), &args.registry).await?;
    }
    Ok(())
}

fn image(bundle: &Bundle, name: &str, out: &Path) -> Result<(), BundleError> {
    Reference::parse(name).map_err(|cause| BundleError::Name { image: name.into(), cause })?;
    let files = Files {
        files: bundle.files().map_err(|finding| BundleError::Invalid(vec![finding.message]))?,
        labels: bundle.annotations.clone().into_iter().collect(),
        architecture: ARCHITECTURE.into(),
        reference: name.into(),
    };
    let built = pack(&files, out)?;
    println!("{name}  {}  {:.1} kB in {}", built.digest, built.size as f64 / 1e3, out.display());
    Ok(())
}

/// Runs `scorecard`.
pub(super) async fn scorecard(args: &ScorecardArgs) -> Result<(), ToolchainError> {
    let folder = local(&args.bundle, &args.registry).await?;
    let config = ScorecardConfig::find(args.config.as_deref(), folder.path()).map_err(BundleError::from)?;
    let mut tests = config.select(&args.selector).map_err(|error| ToolchainError::Usage(error.to_string()))?;
    if !args.list {
        tests.run(folder.path());
    }
    match args.output {
        ScorecardOutput::Json => println!("{:#}", json!(tests)),
        ScorecardOutput::Xunit => print!("{}", tests.xunit()),
        ScorecardOutput::Text => print_tests(&tests),
    }
    if tests.passed() {
        return Ok(());
    }
    let results = tests.items.iter().flat_map(|test| &test.status.results);
    let bad = results.filter(|result| result.state != State::Pass).map(|result| result.name.clone());
    Err(BundleError::Scorecard(bad.collect()).into())
}

fn print_tests(tests: &TestList) {
    if tests.items.is_empty() {
        println!("no test is selected");
    }
    for test in &tests.items {
        let labels: Vec<String> = test.spec.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let state = test.status.results.first().map_or("", |result| match result.state {
            State::Pass => "pass",
            State::Fail => "fail",
            State::Error => "error",
        });
        println!("{state:<6}{:<26}{}", test.spec.name(), labels.join(","));
        for result in &test.status.results {
            result.errors.iter().for_each(|text| println!("      error: {text}"));
            result.suggestions.iter().for_each(|text| println!("      suggestion: {text}"));
        }
    }
}

/// Runs `pkgman-to-bundle`.
pub(super) fn packages(args: &PackagesArgs) -> Result<(), ToolchainError> {
    if args.output_dir.exists() {
        return Err(BundleError::InTheWay(args.output_dir.clone()).into());
    }
    let migrated = migrate(&args.packages).map_err(BundleError::from)?;
    // All of it is there at once, or none.
    let parent = args.output_dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staging = tempfile::tempdir_in(parent).map_err(|error| failed(parent, error))?;
    let whole = staging.path().join("bundles");
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for bundle in &migrated {
        let folder = whole.join(format!("bundle-{}", bundle.version));
        for (path, content) in &bundle.files {
            write(&folder.join("bundle").join(path), content)?;
        }
        write(&folder.join("bundle.Dockerfile"), bundle.dockerfile.as_bytes())?;
        names.insert(bundle.version.clone(), bundle.files.len());
        if let Some(base) = &args.image_tag_base {
            let told =
                |found: Vec<Finding>| BundleError::Invalid(found.into_iter().map(|finding| finding.message).collect());
            let (read, _) = Bundle::read(&folder.join("bundle")).map_err(told)?;
            image(&read, &format!("{base}:{}", bundle.version), &folder.join("image"))?;
        }
    }
    fs::rename(&whole, &args.output_dir).map_err(|error| failed(&args.output_dir, error))?;
    for (version, files) in names {
        println!("new      {}: {files} files", args.output_dir.join(format!("bundle-{version}")).display());
    }
    Ok(())
}
