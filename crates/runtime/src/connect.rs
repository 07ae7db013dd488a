//! How a process finds its cluster: a kubeconfig first, then the Pod that it runs in.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

/// Why no cluster was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A kubeconfig is there but can't be used. Nothing else is tried then: it would be another cluster than the one
    /// meant.
    #[error("the kubeconfig {path} can't be used: {source}", path = path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KubeconfigError,
    },
    /// There is neither a kubeconfig nor a Pod around the process.
    #[error(
        "no cluster to connect to: tried {}, and {in_cluster}; set KUBECONFIG to a kubeconfig file, or run in a Pod",
        tried.join(", ")
    )]
    NotFound {
        /// The kubeconfig files that were looked for.
        tried: Vec<String>,
        /// Why the process is not in a Pod.
        in_cluster: String,
    },
    /// The client could not be built, because of certificates for example.
    #[error("the client for {url} can't be built: {source}")]
    Client {
        /// The API server.
        url: String,
        /// What went wrong.
        source: kube::Error,
    },
}

/// A client for a cluster: that of the kubeconfig given; else that of the files which `KUBECONFIG` lists, merged as
/// kubectl does; else, where that is not set, that of `~/.kube/config`; else the one whose Pod this is. `context` is a
/// context of the kubeconfig, by default its current one. It does not talk to the server yet.
pub async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Client, ConfigError> {
    let config = config(kubeconfig, context).await?;
    let url = config.cluster_url.to_string();
    Client::try_from(config).map_err(|source| ConfigError::Client { url, source })
}

/// The configuration that [`connect`] would use.
pub async fn config(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Config, ConfigError> {
    let environment = Environment { kubeconfig: env::var_os("KUBECONFIG").map(PathBuf::from), home: env::home_dir() };
    let (found, tried) = environment.find(kubeconfig);
    let options = KubeConfigOptions { context: context.map(str::to_string), ..KubeConfigOptions::default() };
    let Some(last) = found.last().cloned() else {
        return Config::incluster().map_err(|error| ConfigError::NotFound {
            tried,
            in_cluster: format!("the service account of a Pod ({})", chain(&error)),
        });
    };
    let mut merged = Kubeconfig::default();
    for path in found {
        let next = Kubeconfig::read_from(&path).and_then(|next| merged.merge(next));
        merged = next.map_err(|source| ConfigError::Kubeconfig { path, source })?;
    }
    Config::from_custom_kubeconfig(merged, &options)
        .await
        .map_err(|source| ConfigError::Kubeconfig { path: last, source })
}

/// The error with those of its causes that it does not tell itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let told = cause.to_string();
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        next = cause.source();
    }
    text
}

struct Environment {
    kubeconfig: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Environment {
    /// The files to read, and what was looked for in vain, in words.
    fn find(&self, given: Option<&Path>) -> (Vec<PathBuf>, Vec<String>) {
        if let Some(given) = given {
            return (vec![given.to_path_buf()], Vec::new());
        }
        let listed: Vec<PathBuf> = match &self.kubeconfig {
            Some(list) => env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect(),
            None => Vec::new(),
        };
        let (candidates, origin, mut tried) = if listed.is_empty() {
            let home = self.home.iter().map(|home| home.join(".kube/config")).collect();
            (home, "", vec!["KUBECONFIG (not set)".to_string()])
        } else {
            // The home directory's would be another cluster than the one that was asked for.
            (listed, " from KUBECONFIG", Vec::new())
        };
        let mut found = Vec::new();
        for path in candidates {
            match std::fs::metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    tried.push(format!("{}{origin} (not there)", path.display()));
                }
                // What is there and can't be read is an error that reading reports.
                _ => found.push(path),
            }
        }
        (found, tried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = env::temp_dir().join(format!("kubewright-connect-{}-{name}", std::process::id()));
        std::fs::create_dir_all(path.join(".kube")).unwrap();
        path
    }

    #[test]
    fn the_files_that_kubeconfig_lists_win_over_the_home_directory() {
        let dir = scratch("order");
        let home_file = dir.join(".kube/config");
        std::fs::write(&home_file, "").unwrap();
        let listed = dir.join("listed");
        std::fs::write(&listed, "").unwrap();
        let list = env::join_paths([dir.join("missing"), listed.clone()]).unwrap();
        let both = Environment { kubeconfig: Some(list.into()), home: Some(dir.clone()) };
        assert_eq!(both.find(None).0, [listed]);
        let home = Environment { kubeconfig: None, home: Some(dir.clone()) };
        assert_eq!(home.find(None).0, [home_file]);
        assert_eq!(home.find(Some(Path::new("/given"))).0, [Path::new("/given")]);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_mistyped_kubeconfig_does_not_lead_to_another_cluster() {
        let dir = scratch("mistyped");
        std::fs::write(dir.join(".kube/config"), "").unwrap();
        let environment = Environment { kubeconfig: Some(dir.join("nope")), home: Some(dir.clone()) };
        let (found, tried) = environment.find(None);
        assert!(found.is_empty());
        let error = ConfigError::NotFound { tried, in_cluster: "a Pod (no)".into() }.to_string();
        assert!(error.contains("nope from KUBECONFIG (not there)"), "{error}");
        assert!(error.contains("a Pod (no)"), "{error}");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_cause_is_told_once_whether_or_not_the_error_tells_it_itself() {
        #[derive(Debug, thiserror::Error)]
        enum Failed {
            #[error("no token: {0}")]
            Tells(#[source] io::Error),
            #[error("no token")]
            Keeps(#[source] io::Error),
        }
        let cause = || io::Error::new(io::ErrorKind::NotFound, "no such file");
        assert_eq!(chain(&Failed::Tells(cause())), "no token: no such file");
        assert_eq!(chain(&Failed::Keeps(cause())), "no token: no such file");
        // As kube has it outside of a Pod.
        let told = chain(&kube::config::InClusterError::ReadEnvironmentVariable(env::VarError::NotPresent));
        assert_eq!(told.matches(&env::VarError::NotPresent.to_string()).count(), 1, "{told}");
    }

    #[tokio::test]
    async fn a_broken_kubeconfig_is_an_error_that_names_the_file() {
        let dir = scratch("broken");
        let file = dir.join("config");
        std::fs::write(&file, "clusters: [").unwrap();
        let error = config(Some(&file), None).await.unwrap_err().to_string();
        assert!(error.contains(&*file.to_string_lossy()), "{error}");
        std::fs::remove_dir_all(dir).unwrap();
    }
}
