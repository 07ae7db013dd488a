//! A MinIO server on a free loopback port, built from its Go module.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cluster::WorkDir;
use crate::error::{Error, tail};
use crate::go;
use crate::process::TETHERED;

/// The version of MinIO that is built.
pub const MINIO_VERSION: &str = "v0.0.0-20260212201848-7aac2a2c5b7c";

const MODULE: &str = "github.com/minio/minio";
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Runs a server on a disk in memory, of the size and at the place that come first.
const ON_DISK: &str = r#"mkdir -p "$1" && mount -t tmpfs -o "size=$0" none "$1" && shift && exec "$@""#;

/// How to start it.
#[derive(Debug, Clone)]
pub struct MinioOptions {
    /// The name of its administrator. Default: `root-of-tests`.
    pub user: String,
    /// Its secret key. Default: `secret-of-root`.
    pub password: String,
    /// Certificate and key in PEM form, to serve HTTPS. Default: none, HTTP.
    pub tls: Option<(String, String)>,
    /// The size of a disk of its own in bytes, which is in memory, goes with the process, and can get full. It takes
    /// `unshare` and the right to make user namespaces. Default: none, a directory.
    pub disk: Option<u64>,
}

impl Default for MinioOptions {
    fn default() -> Self {
        Self { user: "root-of-tests".into(), password: "secret-of-root".into(), tls: None, disk: None }
    }
}

/// A MinIO server with a data directory of its own. Dropping it ends the process and removes the data.
#[derive(Debug)]
pub struct Minio {
    // Before the directory, so that nothing writes to that any more.
    process: Option<Child>,
    program: PathBuf,
    dir: WorkDir,
    address: SocketAddr,
    options: MinioOptions,
}

/// The program, out of the cache or built now; a build tells its progress on stderr and takes some minutes.
///
/// The cache is `$KUBEWRIGHT_CACHE` or else `~/.cache/kubewright`.
pub fn ensure_minio() -> Result<PathBuf, Error> {
    go::installed("MinIO", MODULE, MINIO_VERSION)
}

impl Minio {
    /// Builds the server if need be, starts it with an empty data directory and waits until it is ready. Blocks.
    pub fn start(options: MinioOptions) -> Result<Self, Error> {
        let program = ensure_minio()?;
        let dir = WorkDir::create()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::Port)?;
        let address = listener.local_addr().map_err(Error::Port)?;
        drop(listener);
        let certificates = dir.path.join("certs");
        fs::create_dir(&certificates).map_err(Error::io("create", &certificates))?;
        if let Some((certificate, key)) = &options.tls {
            for (name, text) in [("public.crt", certificate), ("private.key", key)] {
                let path = certificates.join(name);
                fs::write(&path, text).map_err(Error::io("write", &path))?;
            }
        }
        let mut minio = Self { process: None, program, dir, address, options };
        minio.run()?;
        Ok(minio)
    }

    /// `127.0.0.1:PORT`; the same after a restart.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it was started last.
    pub fn options(&self) -> &MinioOptions {
        &self.options
    }

    /// Ends it at once, without a chance to finish anything.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            // It fails only when it has been waited for already.
            let _ = process.wait();
        }
    }

    /// Kills it if it runs, and starts it anew on its data, with other keys for its administrator if there are any.
    pub fn restart(&mut self, keys: Option<(&str, &str)>) -> Result<(), Error> {
        self.kill();
        if let Some((user, password)) = keys {
            (self.options.user, self.options.password) = (user.into(), password.into());
        }
        self.run()
    }

    /// Where it writes what it has to tell.
    pub fn log(&self) -> PathBuf {
        self.dir.path.join("minio.log")
    }

    fn run(&mut self) -> Result<(), Error> {
        let log = self.log();
        let output = File::options().create(true).append(true).open(&log).map_err(Error::io("create", &log))?;
        let errors = output.try_clone().map_err(Error::io("write", &log))?;
        let path = |name: &str| self.dir.path.join(name);
        let mut command = Command::new("sh");
        command.args(["-c", TETHERED]);
        if let Some(size) = self.options.disk {
            command.args(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ON_DISK]);
            command.arg(size.to_string()).arg(path("data"));
        }
        let child = command
            .arg(&self.program)
            .args(["server", "--quiet", "--address", &self.address.to_string(), "--certs-dir"])
            .arg(path("certs"))
            .arg(path("data"))
            .current_dir(&self.dir.path)
            .env("MINIO_ROOT_USER", &self.options.user)
            .env("MINIO_ROOT_PASSWORD", &self.options.password)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off")
            // Sizes within seconds.
            .env("MINIO_SCANNER_SPEED", "fastest")
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Error::io("start", &self.program))?;
        self.process = Some(child);
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready() {
            if Instant::now() > deadline {
                let seconds = READY_WITHIN.as_secs();
                return Err(Error::NotReady { name: "minio", seconds, tail: tail(&log), log });
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        if self.options.tls.is_some() {
            return true;
        }
        let mut answer = String::new();
        // /minio/health/ready is true a moment too early: requests are still answered with 503, ServerNotInitialized. After
        // that one without a signature is forbidden.
        let request = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
        let limit = Some(Duration::from_secs(5));
        stream.set_read_timeout(limit).is_ok()
            && stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.lines().next().is_some_and(|line| line.contains(" 403 "))
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        self.kill();
    }
}
