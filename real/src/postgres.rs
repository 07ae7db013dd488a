//! A real PostgreSQL on a free loopback port, with a data directory of its own.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cluster::WorkDir;
use crate::error::{Error, tail};

/// Where Debian's packages put the versions.
const VERSIONS: &str = "/usr/lib/postgresql";
/// How long a start may take.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;
/// Runs a server until its own standard input ends, which the system sees to however the parent ends.
const TETHER: &str = r#""$@" & server=$!; cat > /dev/null; kill -QUIT $server; wait $server"#;

/// A PostgreSQL server with one database, for a user who needs no password. It is killed, and its data is removed, when it is
/// dropped.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    dir: WorkDir,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// Makes a database and starts the newest PostgreSQL of the machine on it.
    ///
    /// # Errors
    /// [`Error::PostgresMissing`] where none is installed; else what it printed.
    pub async fn start() -> Result<Self, Error> {
        let programs = programs()?;
        let dir = WorkDir::create()?;
        if is_root() {
            chown(&dir.path, Some(NOBODY), Some(NOBODY)).map_err(Error::io("give away", &dir.path))?;
        }
        let data = dir.path.join("data");
        let log = dir.path.join("initdb.log");
        let output = fs::File::create(&log).map_err(Error::io("create", &log))?;
        let initdb = programs.join("initdb");
        let status = unprivileged(&initdb)
            .args(["--auth=trust", "--username=kubewright", "--encoding=UTF8", "--no-locale", "-D"])
            .arg(&data)
            .current_dir(&dir.path)
            .stdin(Stdio::null())
            .stderr(output.try_clone().map_err(Error::io("write", &log))?)
            .stdout(output)
            .status()
            .map_err(Error::io("start", &initdb))?;
        if !status.success() {
            return Err(Error::Ended { name: "initdb", status, tail: tail(&log), log });
        }
        let mut postgres = Self { programs, dir, port: free_port()?, server: None };
        postgres.resume().await?;
        Ok(postgres)
    }

    /// Where it is.
    pub fn uri(&self) -> String {
        format!("postgres://kubewright@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends the server as `pg_ctl stop -m immediate` does: at once, without tidying up, so that the next start has to recover.
    /// It does nothing if the server does not run.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // The tether ends with its input; both fail only when it has ended already.
            drop(server.stdin.take());
            let _ = server.wait();
        }
    }

    /// Ends the server with SIGKILL, as a crash does, and all that it has started with it.
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&mut self) -> Result<(), Error> {
        let file = self.dir.path.join("data/postmaster.pid");
        let text = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        let pid = text.lines().next().unwrap_or_default();
        let program = Path::new("sh");
        let status = Command::new(program).args(["-c", "kill -KILL \"$0\"", pid]).status();
        status.map_err(Error::io("start", program))?;
        self.stop();
        Ok(())
    }

    /// Starts the server again on the same port and data, and waits until it answers.
    ///
    /// # Errors
    /// If it does not get ready, with the end of its log.
    pub async fn resume(&mut self) -> Result<(), Error> {
        self.stop();
        let log = self.dir.path.join("postgres.log");
        let begun = Instant::now();
        loop {
            let output = fs::File::options().create(true).append(true).open(&log).map_err(Error::io("create", &log))?;
            let shell = Path::new("/bin/sh");
            let server = unprivileged(shell)
                .args(["-c", TETHER, "tether"])
                .arg(self.programs.join("postgres"))
                .args(["-D", "data", "-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
                .args(["-c", "unix_socket_directories="])
                .current_dir(&self.dir.path)
                .stdin(Stdio::piped())
                .stderr(output.try_clone().map_err(Error::io("write", &log))?)
                .stdout(output)
                .spawn()
                .map_err(Error::io("start", shell))?;
            self.server = Some(server);
            if self.answers(begun).await? {
                return Ok(());
            }
            // What a killed server has left may keep the next one from starting for a moment.
            self.stop();
            if begun.elapsed() > READY_WITHIN {
                return Err(Error::NotReady {
                    name: "postgres",
                    seconds: READY_WITHIN.as_secs(),
                    tail: tail(&log),
                    log,
                });
            }
        }
    }

    /// Whether it gets to answer. It does not if it has ended, or if the time is over.
    async fn answers(&self, begun: Instant) -> Result<bool, Error> {
        let ask = self.programs.join("pg_isready");
        let file = self.dir.path.join("data/postmaster.pid");
        let mut seen = false;
        while begun.elapsed() < READY_WITHIN {
            let asked = tokio::process::Command::new(&ask)
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .await
                .map_err(Error::io("start", &ask))?;
            if asked.success() {
                return Ok(true);
            }
            match (seen, file.exists()) {
                (true, false) => return Ok(false),
                (_, exists) => seen = exists,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(false)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The programs of the newest version.
fn programs() -> Result<PathBuf, Error> {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let with_server = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    let number = |bin: &PathBuf| bin.iter().nth_back(1).and_then(|name| name.to_str()?.parse::<u32>().ok());
    with_server.max_by_key(number).ok_or(Error::PostgresMissing { looked_in: VERSIONS })
}

/// A command in the name of somebody who has no rights, as far as we may choose.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    // So that messages are in English, whatever the machine speaks.
    command.env("LC_ALL", "C");
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // The owner of our own process.
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn free_port() -> Result<u16, Error> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(Error::Port)?;
    Ok(listener.local_addr().map_err(Error::Port)?.port())
}
