//! A registry of images on a free loopback port, built from its Go module.

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

/// The version of the CNCF's distribution that is built.
pub const REGISTRY_VERSION: &str = "v3.1.2";

const PACKAGE: &str = "github.com/distribution/distribution/v3/cmd/registry";
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct ImageRegistryOptions {
    /// An entry of an htpasswd file, in bcrypt: a login is wanted. Default: none, anybody may push.
    pub htpasswd: Option<String>,
    /// Certificate and key in PEM form, to serve HTTPS. Default: none, HTTP.
    pub tls: Option<(String, String)>,
}

/// A registry with a data directory of its own. Dropping it ends the process and removes the data.
#[derive(Debug)]
pub struct ImageRegistry {
    // Before the directory, so that nothing writes to that any more.
    process: Child,
    dir: WorkDir,
    address: SocketAddr,
    tls: bool,
}

/// The program, out of the cache or built now; a build tells its progress on stderr and takes some minutes.
///
/// The cache is `$KUBEWRIGHT_CACHE` or else `~/.cache/kubewright`.
pub fn ensure_registry() -> Result<PathBuf, Error> {
    go::installed("registry", PACKAGE, REGISTRY_VERSION)
}

impl ImageRegistry {
    /// Builds the registry if need be, starts an empty one and waits until it answers. Blocks.
    pub fn start(options: ImageRegistryOptions) -> Result<Self, Error> {
        let program = ensure_registry()?;
        let dir = WorkDir::create()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::Port)?;
        let address = listener.local_addr().map_err(Error::Port)?;
        drop(listener);
        let path = |name: &str| dir.path.join(name);
        let write = |name: &str, text: &str| {
            let file = path(name);
            fs::write(&file, text).map_err(Error::io("write", &file)).map(|()| file)
        };
        let mut config = format!(
            "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp:\n  addr: '{address}'\n",
            path("data").display()
        );
        if let Some((certificate, key)) = &options.tls {
            let (certificate, key) = (write("tls.crt", certificate)?, write("tls.key", key)?);
            config.push_str(&format!("  tls: {{certificate: {}, key: {}}}\n", certificate.display(), key.display()));
        }
        if let Some(entry) = &options.htpasswd {
            let file = write("htpasswd", &format!("{entry}\n"))?;
            config.push_str(&format!("auth: {{htpasswd: {{realm: tests, path: {}}}}}\n", file.display()));
        }
        let file = write("config.yml", &config)?;
        let log = path("registry.log");
        let output = File::create(&log).map_err(Error::io("create", &log))?;
        let errors = output.try_clone().map_err(Error::io("write", &log))?;
        let process = Command::new("sh")
            .args(["-c", TETHERED])
            .arg(&program)
            .arg("serve")
            .arg(&file)
            .current_dir(&dir.path)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Error::io("start", &program))?;
        let registry = Self { process, dir, address, tls: options.tls.is_some() };
        let deadline = Instant::now() + READY_WITHIN;
        while !registry.answers() {
            if Instant::now() > deadline {
                let seconds = READY_WITHIN.as_secs();
                return Err(Error::NotReady { name: "registry", seconds, tail: tail(&log), log });
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(registry)
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it writes what it has to tell.
    pub fn log(&self) -> PathBuf {
        self.dir.path.join("registry.log")
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        if self.tls {
            return true;
        }
        let mut answer = String::new();
        let request = "GET /v2/ HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
            && stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.lines().next().is_some_and(|line| line.contains(" 200 ") || line.contains(" 401 "))
    }
}

impl Drop for ImageRegistry {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It fails only when it has been waited for already.
        let _ = self.process.wait();
    }
}
