//! Who we are, for a registry.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{RegistryError, RegistryOptions};

/// What Docker's configuration calls the registry of names that have none.
const DOCKER: &str = "https://index.docker.io/v1/";

/// A name and a password. Neither logs nor errors show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password, or a token in place of it.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Credentials {
    /// The value of a header that proves it.
    pub(super) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.username, self.password)))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
}

/// Credentials as helpers of Docker write them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

/// Who we are: as it was given, else as Docker's configuration has it.
pub(super) fn find(registry: &str, options: &RegistryOptions) -> Result<Option<Credentials>, RegistryError> {
    if let Some(given) = &options.credentials {
        return Ok(Some(given.clone()));
    }
    let Some(file) = options.config.clone().or_else(usual) else { return Ok(None) };
    let failed = |cause: String| RegistryError::Login { what: file.display().to_string(), cause };
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && options.config.is_none() => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    let config: Config = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    let names = names(registry);
    if let Some(helper) = names.iter().find_map(|name| config.cred_helpers.get(name)) {
        return ask(helper, registry);
    }
    let auth = names.iter().find_map(|name| config.auths.get(name));
    match auth {
        Some(auth) if !auth.auth.is_empty() => {
            let decoded = STANDARD.decode(auth.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
            let (username, password) = pair.ok_or_else(|| {
                failed(format!("auths: what is there for {registry} is no name and password in base 64"))
            })?;
            Ok(Some(Credentials { username: username.into(), password: password.trim_end_matches('\0').into() }))
        }
        Some(auth) if !auth.username.is_empty() => {
            Ok(Some(Credentials { username: auth.username.clone(), password: auth.password.clone() }))
        }
        _ => match &config.creds_store {
            Some(helper) => ask(helper, registry),
            None => Ok(None),
        },
    }
}

/// What configurations may call a registry.
fn names(registry: &str) -> Vec<String> {
    let mut names = vec![
        registry.to_string(),
        format!("https://{registry}"),
        format!("https://{registry}/v1/"),
        format!("https://{registry}/v2/"),
    ];
    if registry == "docker.io" {
        names.push(DOCKER.into());
        names.push("index.docker.io".into());
    }
    names
}

fn usual() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")))?;
    Some(Path::new(&folder).join("config.json"))
}

/// Asks a helper of Docker: `docker-credential-<helper> get`.
fn ask(helper: &str, registry: &str) -> Result<Option<Credentials>, RegistryError> {
    let program = format!("docker-credential-{helper}");
    let failed = |cause: String| RegistryError::Login { what: program.clone(), cause };
    let server = if registry == "docker.io" { DOCKER } else { registry };
    let mut command = Command::new(&program);
    let command = command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let fed = child.stdin.take().map(|mut input| input.write_all(server.as_bytes()));
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    let told = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !matches!(fed, Some(Ok(()))) {
        // It says so in these words, on whichever stream.
        let errors = String::from_utf8_lossy(&output.stderr);
        if format!("{told}{errors}").contains("credentials not found") {
            return Ok(None);
        }
        return Err(failed(format!("{} {}", told.trim(), errors.trim()).trim().into()));
    }
    let helped: Helped = serde_json::from_str(&told).map_err(|error| failed(error.to_string()))?;
    Ok(Some(Credentials { username: helped.username, password: helped.secret }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, registry: &str) -> Result<Option<Credentials>, RegistryError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        fs::write(&file, config).unwrap();
        find(registry, &RegistryOptions { config: Some(file), ..RegistryOptions::default() })
    }

    #[test]
    fn credentials_come_out_of_the_configuration_of_docker() {
        let config = r#"{"auths": {
            "example.com": {"auth": "amFuZTpzZWNyZXQ6MQ=="},
            "https://index.docker.io/v1/": {"username": "joe", "password": "p"},
            "empty.example.com": {}
        }}"#;
        let jane = Credentials { username: "jane".into(), password: "secret:1".into() };
        assert_eq!(found(config, "example.com").unwrap(), Some(jane.clone()));
        assert_eq!(found(config, "docker.io").unwrap().unwrap().username, "joe");
        assert_eq!(found(config, "empty.example.com").unwrap(), None);
        assert_eq!(found(config, "other.example.com").unwrap(), None);
        assert_eq!(format!("{jane:?}"), r#"Credentials { username: "jane", .. }"#);
    }

    #[test]
    fn a_configuration_that_can_not_be_used_is_told() {
        let error = found(r#"{"auths": {"example.com": {"auth": "???"}}}"#, "example.com").unwrap_err().to_string();
        assert!(error.contains("config.json: auths: what is there for example.com"), "{error}");
        assert!(found("{", "example.com").is_err());
        let error = found(r#"{"credsStore": "of-nobody"}"#, "example.com").unwrap_err().to_string();
        assert!(error.starts_with("docker-credential-of-nobody: "), "{error}");
    }
}
