//! `kubewright assets`: what Go's envtest needs, with this binary behind the names of the servers.
//!
//! | module | what it holds |
//! |---|---|
//! | `directory` | the directory with the links |
//! | `apiserver` | what this binary does under the name `kube-apiserver` |
//! | `etcd` | what it does under the name `etcd` |
//! | `defaults` | features and versions of APIs, which can be given but not changed |
//! | `flags` | flags as those servers take them |
//! | `apiserver_flags`, `etcd_flags` | their flags, and what comes of each |

mod apiserver;
mod apiserver_flags;
mod defaults;
mod directory;
mod etcd;
mod etcd_flags;
mod flags;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

pub(crate) use directory::assets;

/// A server that this binary is when it is called by that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    ApiServer,
    Etcd,
}

impl Server {
    /// All of them.
    const ALL: [Self; 2] = [Self::ApiServer, Self::Etcd];

    /// The server whose name the program was called by.
    pub(crate) fn called(program: &str) -> Option<Self> {
        let name = Path::new(program).file_name()?;
        Self::ALL.into_iter().find(|server| name == server.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::Etcd => "etcd",
        }
    }

    /// Runs the server until it is told to stop.
    pub(crate) async fn run(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        tether();
        let arguments = arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned());
        let result = match self {
            Self::ApiServer => apiserver::run(arguments).await.map_err(|error| crate::chain(&error)),
            Self::Etcd => etcd::run(arguments).await.map_err(|error| crate::chain(&error)),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(text) => {
                eprintln!("Error: {text}");
                ExitCode::FAILURE
            }
        }
    }
}

/// With `KUBEWRIGHT_TETHER=stdin`, ends the program when its standard input ends, so that it does not outlive whoever
/// holds the other end, however that ends.
fn tether() {
    if std::env::var_os("KUBEWRIGHT_TETHER").is_some_and(|value| value == "stdin") {
        std::thread::spawn(|| {
            // An error is an end too.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(0);
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

    use std::collections::BTreeSet;
    use std::process::Command;

    use super::*;

    #[test]
    fn the_name_of_the_program_says_which_server_it_is() {
        assert_eq!(Server::called("/some/where/kube-apiserver"), Some(Server::ApiServer));
        assert_eq!(Server::called("etcd"), Some(Server::Etcd));
        assert_eq!(Server::called("/usr/bin/kubewright"), None);
        assert_eq!(Server::called(""), None);
    }

    /// Part of the real tier. A flag of theirs that is unknown here would be refused as a mistake, and one that they do not have
    /// would be taken.
    #[test]
    fn the_flags_are_those_of_the_real_servers() {
        if std::env::var("KUBEWRIGHT_REAL").is_ok_and(|value| value == "1") {
            let programs = kubewright_real::ensure_binaries().expect("the real servers are built");
            for (server, known) in [("kube-apiserver", apiserver_flags::FLAGS), ("etcd", etcd_flags::FLAGS)] {
                let program = programs.kubectl().with_file_name(server);
                let output = Command::new(program).arg("--help").output().expect("the real server shows its flags");
                let text = [output.stdout, output.stderr].concat();
                let text = String::from_utf8(text).expect("its help is text");
                let flag = |line: &str| {
                    let rest = line.trim_start();
                    let rest =
                        rest.split_once(", ").filter(|(short, _)| short.len() == 2).map_or(rest, |(_, long)| long);
                    let name = rest.strip_prefix("--")?.split([' ', '=', '[']).next()?;
                    Some(name.to_owned()).filter(|_| line.starts_with(' '))
                };
                let mut real: BTreeSet<String> = text.lines().filter_map(flag).collect();
                // Known to every program, whether its help says so or not.
                real.extend(["help", "version"].map(str::to_owned));
                let known: BTreeSet<String> = known.iter().map(|flag| flag.name.to_owned()).collect();
                assert_eq!(known, real, "{server}");
            }
        } else {
            println!("not run: part of the real tier, cargo xtask real");
        }
    }
}
