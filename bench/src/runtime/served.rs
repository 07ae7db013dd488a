//! The embedded server in a process of its own, behind a proxy.

use std::fs;
use std::path::PathBuf;

use crate::Error;
use crate::control_plane::DataDir;
use crate::embedded::Process;
use crate::runtime::proxy::Proxy;

/// A server for the programs.
pub(crate) struct Served {
    pub(crate) process: Process,
    pub(crate) proxy: Proxy,
    dir: DataDir,
}

impl Served {
    pub(crate) async fn start() -> Result<Self, Error> {
        let process = Process::start(None).await?;
        let uri = &process.config.cluster_url;
        let (host, port) = (uri.host().unwrap_or("127.0.0.1"), uri.port_u16().unwrap_or(443));
        let server = tokio::net::lookup_host((host, port)).await.map_err(Error::io("find the server"))?.next();
        let server = server.ok_or_else(|| Error::Host(format!("has no address: {uri}")))?;
        let proxy = Proxy::start(server).await?;
        let dir = DataDir::create()?;
        let text = process.kubeconfig.replace(&format!("{host}:{port}"), &proxy.address.to_string());
        fs::write(dir.0.join("config"), text).map_err(Error::io("write a kubeconfig"))?;
        Ok(Self { process, proxy, dir })
    }

    /// The file that leads programs to the proxy.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.0.join("config")
    }
}
