//! A project of each side: ours as `kubewright init` makes it, and one in Go as kubebuilder does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kubewright_real::cargo;

use super::Bench;
use super::command::{self, Took};
use super::description::{Kind, VERSION, snake};
use crate::Error;

/// One of ours.
pub(crate) struct Ours<'a> {
    bench: &'a Bench<'a>,
    pub(crate) dir: PathBuf,
    /// Where it is compiled.
    target: PathBuf,
}

impl<'a> Ours<'a> {
    /// A new one with these kinds, of which the first has a controller. Also tells what that took.
    pub(crate) fn new(bench: &'a Bench<'a>, name: &str, target: &Path, kinds: &[Kind]) -> Result<(Self, Took), Error> {
        let dir = bench.scratch.0.join(name);
        fs::create_dir_all(&dir).map_err(Error::io("make a folder for a project"))?;
        // A lock file spares the question to the registry, which is not what is measured.
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for file in ["Cargo.lock", "rust-toolchain.toml"] {
            fs::copy(workspace.join(file), dir.join(file)).map_err(Error::io("copy what a project is built with"))?;
        }
        let project = Self { bench, dir, target: target.to_owned() };
        let mut took = project.kubewright(&["init", "--domain", "example.com", "--project-name", "bench"])?;
        for (number, kind) in kinds.iter().enumerate() {
            let controller = format!("--controller={}", number == 0);
            let of = ["--group", "bench", "--version", VERSION, "--kind", &kind.name, "--plural", &kind.plural];
            took = took.then(project.kubewright(&[&["create", "api"], &of[..], &[&controller]].concat())?);
        }
        Ok((project, took))
    }

    /// Writes the type of a kind as its user would. `note` makes it another one than before.
    pub(crate) fn write(&self, kind: &Kind, note: &str) -> Result<(), Error> {
        let file = self.dir.join(format!("src/api/{VERSION}/{}.rs", snake(&kind.name)));
        fs::write(file, kind.rust(note)).map_err(Error::io("write a type"))
    }

    pub(crate) fn kubewright(&self, arguments: &[&str]) -> Result<Took, Error> {
        self.run(Command::new(&self.bench.tools.kubewright).args(arguments))
    }

    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<Took, Error> {
        self.run(Command::new("cargo").args(arguments))
    }

    fn run(&self, command: &mut Command) -> Result<Took, Error> {
        // What cargo tells this program of its own package is not meant for the project.
        for (name, value) in cargo().get_envs() {
            if value.is_none() {
                command.env_remove(name);
            }
        }
        command.current_dir(&self.dir).env("CARGO_TARGET_DIR", &self.target).env("CARGO_NET_OFFLINE", "true");
        command::run(command, &self.dir.with_extension("log"))
    }
}

/// One in Go.
pub(crate) struct Theirs<'a> {
    bench: &'a Bench<'a>,
    pub(crate) dir: PathBuf,
    /// What Go has compiled. Default: the user's.
    cache: Option<PathBuf>,
}

impl<'a> Theirs<'a> {
    /// A new one with these kinds, of which the first has a controller.
    pub(crate) fn new(bench: &'a Bench<'a>, name: &str, cache: Option<PathBuf>, kinds: &[Kind]) -> Result<Self, Error> {
        let dir = bench.scratch.0.join(name);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/project"), &dir)?;
        let project = Self { bench, dir, cache };
        for kind in kinds {
            project.write(kind, "")?;
        }
        Ok(project)
    }

    pub(crate) fn write(&self, kind: &Kind, note: &str) -> Result<(), Error> {
        let file = self.dir.join(format!("api/{VERSION}/{}_types.go", kind.name.to_lowercase()));
        fs::write(file, kind.go(note)).map_err(Error::io("write a type"))
    }

    /// `make manifests` of kubebuilder's projects.
    pub(crate) fn manifests(&self) -> Result<Took, Error> {
        self.controller_gen(&[
            "rbac:roleName=manager-role",
            "crd",
            "webhook",
            "paths=./...",
            "output:crd:artifacts:config=config/crd/bases",
        ])
    }

    /// `make generate` of kubebuilder's projects.
    pub(crate) fn generate(&self) -> Result<Took, Error> {
        self.controller_gen(&["object", "paths=./..."])
    }

    pub(crate) fn go(&self, arguments: &[&str]) -> Result<Took, Error> {
        self.run(Command::new("go").args(arguments))
    }

    fn controller_gen(&self, arguments: &[&str]) -> Result<Took, Error> {
        let program = self.bench.tools.controller_gen.clone().unwrap_or_else(|| "controller-gen".into());
        self.run(Command::new(program).args(arguments))
    }

    fn run(&self, command: &mut Command) -> Result<Took, Error> {
        command.current_dir(&self.dir).env("GOWORK", "off").env("GOFLAGS", "-mod=readonly").env("CGO_ENABLED", "0");
        if let Some(cache) = &self.cache {
            command.env("GOCACHE", cache);
        }
        if let Some(servers) = &self.bench.tools.servers {
            command.env("KUBEBUILDER_ASSETS", servers.dir());
        }
        command::run(command, &self.dir.with_extension("log"))
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = || Error::io("copy the project in Go");
    fs::create_dir_all(to).map_err(failed())?;
    for entry in fs::read_dir(from).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(failed())?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).map_err(failed())?;
        }
    }
    Ok(())
}
