//! The private data directory of ansible-runner, one for each custom resource: what a run begins with, and what is left of it.
//!
//! ```text
//! GROUP/VERSION/KIND/NAMESPACE/NAME/
//!   env/extravars  env/envvars  env/settings  env/cmdline
//!   inventory/hosts        localhost, or what ANSIBLE_INVENTORY names
//!   project/               where the playbook runs
//!   kubeconfig             the gateway
//!   tmp/                   what Python keeps for the next run, such as what it knows of the API
//!   artifacts/IDENT/       what ansible-runner writes: stdout, job_events, …
//!   artifacts/latest       the last of them
//! ```

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// The directory of a custom resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    path: PathBuf,
}

/// What a run begins with.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The extra vars.
    pub parameters: &'a Map<String, Value>,
    /// The API server for Ansible.
    pub server: &'a str,
    /// The namespace of the custom resource; empty for none.
    pub namespace: &'a str,
    /// Arguments for Ansible; empty for none.
    pub arguments: &'a str,
    /// What `ANSIBLE_INVENTORY` says: a file or a folder.
    pub inventory: Option<&'a Path>,
    /// What `VIRTUAL_ENV` says.
    pub virtual_env: Option<&'a Path>,
}

/// Makes the folder that the directories are in, for nobody else to read: extra vars can hold secrets.
///
/// # Errors
/// If it can't be made, or is somebody else's.
pub fn prepare(base: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(base)?;
    let own = tempfile::NamedTempFile::new()?.as_file().metadata()?.uid();
    if fs::metadata(base)?.uid() == own {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else"))
}

impl Directory {
    /// That of a custom resource, below the folder of all.
    pub fn of(base: &Path, group: &str, version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        // Names of Kubernetes have no slashes and are not `..`.
        let mut path = base.to_path_buf();
        path.extend([group, version, kind, namespace.unwrap_or_default(), name].iter().filter(|part| !part.is_empty()));
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where Python keeps files.
    pub fn temporary(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// The kubeconfig of the run.
    pub fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    /// Where what Ansible prints is kept while it runs.
    pub fn printed(&self) -> PathBuf {
        self.path.join("stdout")
    }

    /// A name for a run that no other has had: the time, moved on if it is taken.
    pub fn ident(&self, milliseconds: i64) -> String {
        let taken = |ident: &i64| self.path.join("artifacts").join(ident.to_string()).exists();
        let mut ident = milliseconds;
        while taken(&ident) {
            ident += 1;
        }
        ident.to_string()
    }

    /// Writes what a run begins with.
    ///
    /// # Errors
    /// With the file.
    pub fn write(&self, inputs: &Inputs<'_>) -> io::Result<()> {
        for folder in ["env", "project", "inventory", "tmp"] {
            let path = self.path.join(folder);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(at(&path))?;
        }
        let kubeconfig = self.kubeconfig();
        let variables = json!({"K8S_AUTH_KUBECONFIG": kubeconfig, "KUBECONFIG": kubeconfig});
        self.put("env/extravars", &Value::Object(inputs.parameters.clone()).to_string())?;
        self.put("env/envvars", &variables.to_string())?;
        self.put("env/settings", "{}")?;
        // Quotes around all of it are a shell's.
        let arguments = inputs.arguments;
        let bare = arguments.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(arguments);
        match bare {
            "" => remove(&self.path.join("env/cmdline"))?,
            bare => self.put("env/cmdline", bare)?,
        }
        self.put("kubeconfig", &kubeconfig_for(inputs.server, inputs.namespace).to_string())?;
        self.inventory(inputs)
    }

    fn inventory(&self, inputs: &Inputs<'_>) -> io::Result<()> {
        let folder = self.path.join("inventory");
        match inputs.inventory {
            Some(source) if source.is_dir() => copy(source, &folder),
            Some(source) => fs::copy(source, folder.join("hosts")).map(drop).map_err(at(source)),
            None => {
                let python = match inputs.virtual_env {
                    Some(folder) => folder.join("bin/python3").display().to_string(),
                    None => "{{ansible_playbook_python}}".into(),
                };
                self.put(
                    "inventory/hosts",
                    &format!("localhost ansible_connection=local ansible_python_interpreter={python}"),
                )
            }
        }
    }

    /// Keeps what was printed as the artifact that people look for, and has `latest` be this run.
    ///
    /// # Errors
    /// With the file.
    pub fn keep(&self, ident: &str) -> io::Result<()> {
        let artifacts = self.path.join("artifacts");
        let run = artifacts.join(ident);
        if !run.is_dir() {
            return remove(&self.printed());
        }
        let stdout = run.join("stdout");
        fs::rename(self.printed(), &stdout).map_err(at(&stdout))?;
        let latest = artifacts.join("latest");
        remove(&latest)?;
        symlink(&run, &latest).map_err(at(&latest))
    }

    /// Removes it.
    ///
    /// # Errors
    /// With the path.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&self.path)(error)),
            _ => Ok(()),
        }
    }

    fn put(&self, path: &str, text: &str) -> io::Result<()> {
        let path = self.path.join(path);
        fs::write(&path, text).map_err(at(&path))
    }
}

fn kubeconfig_for(server: &str, namespace: &str) -> Value {
    let mut context = json!({"cluster": "operator", "user": "operator"});
    if !namespace.is_empty() {
        context["namespace"] = namespace.into();
    }
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "operator",
        "clusters": [{"name": "operator", "cluster": {"server": server}}],
        "contexts": [{"name": "operator", "context": context}],
        "users": [{"name": "operator", "user": {}}],
    })
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to).map_err(at(to))?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(at(&source))?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// An error that names the file.
fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.display().to_string();
    move |error| io::Error::new(error.kind(), format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::LazyLock;

    use super::*;

    fn read(directory: &Directory, path: &str) -> String {
        fs::read_to_string(directory.path().join(path)).unwrap()
    }

    fn directory(base: &Path) -> Directory {
        prepare(base).unwrap();
        Directory::of(base, "cache.example.com", "v1", "Memcached", Some("shop"), "one")
    }

    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    static INPUTS: LazyLock<Inputs<'_>> = LazyLock::new(|| Inputs {
        parameters: &NONE,
        server: "http://127.0.0.1:1/x",
        namespace: "shop",
        arguments: "",
        inventory: None,
        virtual_env: None,
    });

    #[test]
    fn a_run_finds_what_ansible_runner_wants() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(&dir.path().join("runner"));
        assert!(directory.path().ends_with("cache.example.com/v1/Memcached/shop/one"));
        let parameters = json!({"size": 3});
        let inputs = Inputs { parameters: parameters.as_object().unwrap(), arguments: "'--tags a'", ..*INPUTS };
        directory.write(&inputs).unwrap();
        assert_eq!(read(&directory, "env/extravars"), r#"{"size":3}"#);
        assert_eq!(read(&directory, "env/cmdline"), "--tags a");
        let kubeconfig: Value = serde_saphyr::from_str(&read(&directory, "kubeconfig")).unwrap();
        assert_eq!(kubeconfig["clusters"][0]["cluster"]["server"], "http://127.0.0.1:1/x");
        assert_eq!(kubeconfig["contexts"][0]["context"]["namespace"], "shop");
        let envvars: Value = serde_saphyr::from_str(&read(&directory, "env/envvars")).unwrap();
        assert_eq!(envvars["K8S_AUTH_KUBECONFIG"], directory.kubeconfig().display().to_string());
        let hosts = "localhost ansible_connection=local ansible_python_interpreter={{ansible_playbook_python}}";
        assert_eq!(read(&directory, "inventory/hosts"), hosts);
        let mode = fs::metadata(dir.path().join("runner")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "extra vars are nobody else's");

        directory.write(&Inputs { virtual_env: Some(Path::new("/venv")), ..*INPUTS }).unwrap();
        assert!(!directory.path().join("env/cmdline").exists(), "arguments of before are gone");
        assert!(read(&directory, "inventory/hosts").ends_with("=/venv/bin/python3"));
        directory.remove().unwrap();
        directory.remove().unwrap();
        assert!(!directory.path().exists());
    }

    #[test]
    fn an_inventory_of_the_users_is_taken_whole() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(dir.path());
        let inventory = dir.path().join("mine");
        fs::create_dir_all(inventory.join("group_vars")).unwrap();
        fs::write(inventory.join("hosts"), "localhost\n").unwrap();
        fs::write(inventory.join("group_vars/all.yml"), "a: b\n").unwrap();
        directory.write(&Inputs { inventory: Some(&inventory), ..*INPUTS }).unwrap();
        assert_eq!(read(&directory, "inventory/group_vars/all.yml"), "a: b\n");
        let file = inventory.join("hosts");
        directory.write(&Inputs { inventory: Some(&file), ..*INPUTS }).unwrap();
        assert_eq!(read(&directory, "inventory/hosts"), "localhost\n");
        let error = directory.write(&Inputs { inventory: Some(Path::new("/nowhere")), ..*INPUTS }).unwrap_err();
        assert!(error.to_string().contains("/nowhere"), "{error}");
    }

    #[test]
    fn what_was_printed_is_kept_and_the_last_run_is_the_latest() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(dir.path());
        directory.write(&INPUTS).unwrap();
        for ident in ["5", "6"] {
            assert_eq!(directory.ident(5), ident);
            fs::create_dir_all(directory.path().join("artifacts").join(ident)).unwrap();
            fs::write(directory.printed(), ident).unwrap();
            directory.keep(ident).unwrap();
            assert_eq!(read(&directory, "artifacts/latest/stdout"), ident);
        }
        directory.keep("never ran").unwrap();
        assert_eq!(read(&directory, "artifacts/latest/stdout"), "6");
    }
}
