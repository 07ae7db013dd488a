//! The directory that `kubewright assets` makes: links under the names that envtest looks for.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Server;
use crate::args::AssetsArgs;

/// Why there is no directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssetsError {
    #[error("this program's own file can't be found: {0}; call it by its full path")]
    Program(io::Error),
    #[error("neither KUBEWRIGHT_CACHE, XDG_CACHE_HOME nor HOME is set; name a directory with --dir")]
    NoCache,
    #[error(
        "{} can't be made: {cause}; name a directory that can be written to with --dir or in KUBEWRIGHT_CACHE",
        path.display()
    )]
    Directory { path: PathBuf, cause: io::Error },
    #[error(
        "the link {} can't be made: {cause}; name a directory that can be written to with --dir or in KUBEWRIGHT_CACHE",
        path.display()
    )]
    Link { path: PathBuf, cause: io::Error },
}

const KUBECTL: &str = "kubectl";

/// Runs the command.
pub(crate) fn assets(args: &AssetsArgs) -> Result<(), AssetsError> {
    let program = env::current_exe().and_then(fs::canonicalize).map_err(AssetsError::Program)?;
    let directory = match &args.dir {
        Some(directory) => directory.clone(),
        None => cache(|name| env::var_os(name).filter(|value| !value.is_empty()))
            .ok_or(AssetsError::NoCache)?
            .join("assets")
            .join(version(&program)),
    };
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    fs::create_dir_all(&directory).map_err(|cause| AssetsError::Directory { path: directory.clone(), cause })?;
    for server in Server::ALL {
        link(&directory.join(server.name()), Some(&program))?;
    }
    let kubectl = find(KUBECTL, env::var_os("PATH").as_deref(), &directory);
    link(&directory.join(KUBECTL), kubectl.as_deref())?;
    if kubectl.is_none() {
        eprintln!(
            "notice: there is no kubectl on PATH, so tests that run kubectl will not find it; install it and call this again"
        );
    }
    println!("{}", directory.display());
    Ok(())
}

/// The user's cache for this program.
fn cache(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let own = variable("KUBEWRIGHT_CACHE").map(PathBuf::from);
    own.or_else(|| Some(PathBuf::from(variable("XDG_CACHE_HOME")?).join("kubewright")))
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache/kubewright")))
}

/// A name for the directory: that of this version, installed where it is, so that two builds do not get in each other's
/// way.
fn version(program: &Path) -> String {
    // FNV-1a: the same for the same path, always.
    let hash = program
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{}-{hash:016x}", env!("CARGO_PKG_VERSION"))
}

/// Makes a link, or removes it without a target. One that is right is left alone: a test may be starting it now.
fn link(path: &Path, target: Option<&Path>) -> Result<(), AssetsError> {
    let failed = |cause| AssetsError::Link { path: path.to_owned(), cause };
    let there = fs::read_link(path).ok();
    match target {
        Some(target) if there.as_deref() == Some(target) => Ok(()),
        Some(target) => {
            let mut draft = path.as_os_str().to_owned();
            draft.push(format!(".{}", std::process::id()));
            symlink(target, &draft).map_err(failed)?;
            fs::rename(&draft, path).map_err(|cause| {
                // Nothing to lose: it is a link that nobody knows.
                let _ = fs::remove_file(&draft);
                failed(cause)
            })
        }
        None if there.is_some() => fs::remove_file(path).map_err(failed),
        None => Ok(()),
    }
}

/// The first program of this name on the path that is not in `except`, which may be on the path too.
fn find(name: &str, path: Option<&OsStr>, except: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let executable = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    let same = |directory: &Path| fs::canonicalize(directory).ok() == fs::canonicalize(except).ok();
    env::split_paths(path?)
        .filter(|directory| directory.is_absolute() && !same(directory))
        .map(|directory| directory.join(name))
        .find(executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_the_one_that_is_named_or_else_the_users() {
        let of = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> = set.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
            cache(move |name| set.iter().find(|(n, _)| n == name).map(|(_, value)| value.into()))
        };
        let all = [("KUBEWRIGHT_CACHE", "/k"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(of(&all), Some("/k".into()));
        assert_eq!(of(&all[1..]), Some("/x/kubewright".into()));
        assert_eq!(of(&all[2..]), Some("/h/.cache/kubewright".into()));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn builds_at_different_places_have_different_directories() {
        assert_eq!(version(Path::new("/a")), version(Path::new("/a")));
        assert_ne!(version(Path::new("/a")), version(Path::new("/b")));
    }
}
