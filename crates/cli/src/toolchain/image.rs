//! `kubewright image build`: the project's operator as an OCI image, without a daemon and without root.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kubewright_image::{Image, ImageError, build, libraries, sbom};
use kubewright_project::{Project, find};

use super::ToolchainError;
use super::args::ImageBuildArgs;
use super::program::executable;
use super::push::push;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("{program} can't be started: {cause}; install Rust")]
    Start { program: &'static str, cause: std::io::Error },
    #[error("the project does not build for {target}: see above{hint}")]
    Cargo { target: String, hint: &'static str },
    #[error("cargo has built no program {name:?}; an image is made of the program that has the project's name")]
    NoProgram { name: String },
    #[error("target {target} is not installed; add it with rustup target add {target}")]
    NoTarget { target: String },
    #[error("images can't be made for {target}: the program must be for Linux, on x86_64 or aarch64")]
    Target { target: String },
    #[error("{} is no program for Linux on x86_64 or aarch64", file.display())]
    NoElf { file: PathBuf },
    #[error("{}: {cause}", file.display())]
    File { file: PathBuf, cause: std::io::Error },
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// Runs the command.
pub(super) async fn image_build(args: &ImageBuildArgs) -> Result<(), ToolchainError> {
    let here =
        std::env::current_dir().map_err(|cause| ToolchainError::Io { what: "the current folder".into(), cause })?;
    let folder = find(&here)?;
    let project = Project::read(&folder.join("PROJECT"))?;
    made(args, &folder, &project.project_name)?;
    match &args.tag {
        Some(tag) if args.push => push(&folder.join(&args.out), Some(tag), &args.registry).await,
        _ => Ok(()),
    }
}

fn made(args: &ImageBuildArgs, folder: &Path, name: &str) -> Result<(), BuildError> {
    let (program, target, is_static) = match &args.program {
        Some(file) => {
            let program = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            (program, format!("{}-unknown-linux-gnu", machine(file)?), false)
        }
        None => {
            let (target, is_static) = target(args.target.as_deref())?;
            (program(folder, name, &target, args.debug)?, target, is_static)
        }
    };
    let architecture = match target.split('-').next() {
        Some("x86_64") => "amd64",
        Some("aarch64") => "arm64",
        _ => return Err(BuildError::Target { target }),
    };
    let libraries = if is_static { Vec::new() } else { libraries(&program)? };
    let file = folder.join("Cargo.lock");
    let lock = std::fs::read_to_string(&file).map_err(|cause| BuildError::File { file, cause })?;
    let image = Image {
        program,
        sbom: sbom(name, &args.image_version, &lock),
        architecture: architecture.into(),
        labels: vec![
            ("org.opencontainers.image.title".into(), name.into()),
            ("org.opencontainers.image.version".into(), args.image_version.clone()),
        ],
        reference: args.tag.clone().unwrap_or_else(|| format!("{name}:latest")),
        libraries,
    };
    let out = folder.join(&args.out);
    let built = build(&image, &out)?;
    println!("{}  {}  {:.1} MB in {}", image.reference, built.digest, built.size as f64 / 1e6, out.display());
    if image.libraries.is_empty() {
        println!("the program is static: there is nothing else in the image");
    } else {
        println!(
            "the program is not static: {} libraries of this machine are in the image, {}",
            image.libraries.len(),
            image.libraries.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        );
        println!("for a static one: rustup target add {}", musl(&target));
    }
    Ok(())
}

/// The architecture of a program for Linux, out of its ELF header.
fn machine(file: &Path) -> Result<&'static str, BuildError> {
    let mut header = [0; 20];
    let read = std::fs::File::open(file).and_then(|mut program| program.read_exact(&mut header));
    read.map_err(|cause| BuildError::File { file: file.into(), cause })?;
    // Four bytes of magic; at 5 the order of bytes, at 18 the machine.
    match (&header[..4], header[5], u16::from_le_bytes([header[18], header[19]])) {
        (b"\x7fELF", 1, 62) => Ok("x86_64"),
        (b"\x7fELF", 1, 183) => Ok("aarch64"),
        _ => Err(BuildError::NoElf { file: file.into() }),
    }
}

/// The target to build for, and whether programs for it are static: the musl one if it is installed.
fn target(wanted: Option<&str>) -> Result<(String, bool), BuildError> {
    let host = rustc(&["-vV"])?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_string();
    let installed = rustc(&["--print", "sysroot"])?;
    let installed = |target: &str| Path::new(installed.trim()).join("lib/rustlib").join(target).join("lib").is_dir();
    let target = match wanted {
        Some(target) if !installed(target) => return Err(BuildError::NoTarget { target: target.into() }),
        Some(target) => target.to_string(),
        None if installed(&musl(&host)) => musl(&host),
        None => host,
    };
    if !target.contains("-linux-") {
        return Err(BuildError::Target { target });
    }
    let is_static = target.contains("musl");
    Ok((target, is_static))
}

fn musl(host: &str) -> String {
    format!("{}-unknown-linux-musl", host.split('-').next().unwrap_or_default())
}

fn rustc(args: &[&str]) -> Result<String, BuildError> {
    let failed = |cause| BuildError::Start { program: "rustc", cause };
    let output = Command::new("rustc").args(args).output().map_err(failed)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Builds the program, and tells where it is.
fn program(folder: &Path, name: &str, target: &str, debug: bool) -> Result<PathBuf, BuildError> {
    let mut command = Command::new("cargo");
    command.args(["build", "--bin", name, "--target", target, "--message-format=json-render-diagnostics"]);
    if !debug {
        command.arg("--release");
    }
    // Where the project lies must not get into the program: the image would differ from machine to machine.
    let mut flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    flags.push_str(&format!(" --remap-path-prefix={}=/{name}", folder.display()));
    if let Some(home) = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
    {
        flags.push_str(&format!(" --remap-path-prefix={}=/cargo", home.display()));
    }
    command.env("RUSTFLAGS", flags.trim());
    let failed = |cause| BuildError::Start { program: "cargo", cause };
    let output = command.current_dir(folder).stderr(Stdio::inherit()).output().map_err(failed)?;
    if !output.status.success() {
        let musl = target.contains("musl");
        let hint = if musl { "; C code for musl needs musl-gcc, in Debian's package musl-tools" } else { "" };
        return Err(BuildError::Cargo { target: target.into(), hint });
    }
    let found = executable(&output.stdout, name);
    found.ok_or_else(|| BuildError::NoProgram { name: name.into() })
}
