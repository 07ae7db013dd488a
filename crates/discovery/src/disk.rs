//! kubectl's cache directory: `servergroups.json`, and for each version `<group>/<version>/serverresources.json`. What
//! kubectl has written is read, and kubectl reads what is written here.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::server::Served;

const GROUPS: &str = "servergroups.json";
const RESOURCES: &str = "serverresources.json";

/// Where kubectl keeps what it knows of a server: `cache` is `~/.kube/cache` unless `KUBECACHEDIR` names another,
/// `server` is its URL.
///
/// ```
/// let dir = kubewright_discovery::kubectl_cache_dir("/home/me/.kube/cache".as_ref(), "https://10.0.0.1:6443/");
/// assert_eq!(dir, std::path::Path::new("/home/me/.kube/cache/discovery/10.0.0.1_6443"));
/// ```
pub fn kubectl_cache_dir(cache: &Path, server: &str) -> PathBuf {
    let host = server.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '/' | '.' | '(' | ')');
    let host: String = host.chars().map(|letter| if safe(letter) { letter } else { '_' }).collect();
    // A URL may have a path, but nothing leads out of the directory.
    let host: PathBuf = host.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    cache.join("discovery").join(host)
}

/// What is in the directory, if all of it is there, whole and not older than this.
pub(crate) fn read(dir: &Path, ttl: Duration) -> Option<Served> {
    let groups: APIGroupList = read_file(&dir.join(GROUPS), ttl)?;
    let mut versions = Vec::new();
    for version in groups.groups.iter().flat_map(|group| &group.versions) {
        versions.push(read_file(&version_dir(dir, &version.group_version)?.join(RESOURCES), ttl)?);
    }
    Some(Served { groups: groups.groups, versions })
}

/// Writes the directory, the groups last: whoever finds them finds the rest.
pub(crate) fn write(dir: &Path, served: &Served) -> io::Result<()> {
    for list in &served.versions {
        if let Some(dir) = version_dir(dir, &list.group_version) {
            write_file(&dir, RESOURCES, "APIResourceList", list)?;
        }
    }
    write_file(dir, GROUPS, "APIGroupList", &APIGroupList { groups: served.groups.clone() })
}

/// Lets nobody believe what is in the directory.
pub(crate) fn forget(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(GROUPS)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// None for a name that a server should not have, and that could lead elsewhere.
fn version_dir(dir: &Path, group_version: &str) -> Option<PathBuf> {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':']);
    let parts: Vec<&str> = group_version.split('/').collect();
    (parts.len() <= 2 && parts.iter().all(|part| plain(part))).then(|| dir.join(parts.iter().collect::<PathBuf>()))
}

fn read_file<T: DeserializeOwned>(path: &Path, ttl: Duration) -> Option<T> {
    let file = fs::File::open(path).ok()?;
    // A file from the future is as good as new.
    let age = file.metadata().ok()?.modified().ok()?.elapsed().unwrap_or_default();
    if age > ttl {
        return None;
    }
    serde_json::from_reader(io::BufReader::new(file)).ok()
}

fn write_file<T: Serialize>(dir: &Path, name: &str, kind: &str, content: &T) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut tree = serde_json::to_value(content)?;
    if let Some(object) = tree.as_object_mut() {
        object.insert("kind".to_owned(), kind.into());
        object.insert("apiVersion".to_owned(), "v1".into());
    }
    // Renamed at the end, so that nobody reads half of it.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&serde_json::to_vec(&tree)?)?;
    file.persist(dir.join(name))?;
    Ok(())
}
