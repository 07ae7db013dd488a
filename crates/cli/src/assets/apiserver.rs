//! What this binary does under the name `kube-apiserver`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use kubewright_apiserver::kinds::allocation::AllocationOptions;
use kubewright_apiserver::{
    AdmissionOptions, ApiServer, AuthorizationMode, Options, ServiceAccountOptions, ServingCertificate, StartError,
};

use super::apiserver_flags::FLAGS;
use super::defaults;
use super::etcd::{self, AskError};
use super::flags::{self, FlagError, Flags};
use crate::signals::Signals;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiServerError {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error("--etcd-servers must be specified")]
    NoEtcd,
    #[error(transparent)]
    Etcd(#[from] AskError),
    #[error("--{flag}: {} can't be read: {cause}", path.display())]
    File { flag: &'static str, path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("signals can't be waited for: {0}")]
    Signals(io::Error),
}

/// Runs the server until it is told to stop.
pub(super) async fn run(arguments: impl Iterator<Item = String>) -> Result<(), ApiServerError> {
    let flags = Flags::parse(FLAGS, arguments)?;
    if flags.switch("help", false)? {
        print!("Usage:\n  kube-apiserver [flags]\n\nFlags:\n\n{}", flags::help(FLAGS));
        return Ok(());
    }
    if flags.get("version").is_some_and(|version| version != "false") {
        println!("Kubernetes v1.36.3 (Kubewright {})", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    defaults::check(&flags)?;
    let mut notices = flags.notices.clone();
    let mut signals = Signals::listen().map_err(ApiServerError::Signals)?;
    let options = tokio::select! {
        options = options(&flags, &mut notices) => options?,
        () = signals.received() => return Ok(()),
    };
    for notice in &notices {
        eprintln!("kube-apiserver: notice: {notice}");
    }
    let server = ApiServer::start(options).await?;
    eprintln!("kube-apiserver: serving at {}", server.url());
    signals.received().await;
    server.shutdown().await;
    Ok(())
}

async fn options(flags: &Flags, notices: &mut Vec<String>) -> Result<Options, ApiServerError> {
    let etcd = *flags.list("etcd-servers").first().ok_or(ApiServerError::NoEtcd)?;
    let storage = etcd::ask(etcd).await?;
    let address: IpAddr =
        flags.read("bind-address", "it must be an IP address")?.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let port: u16 = flags.read("secure-port", "it must be a port, 0 to 65535")?.unwrap_or(6443);
    let client_ca = match flags.get("client-ca-file") {
        None => None,
        Some(path) => Some(file("client-ca-file", path)?),
    };
    Ok(Options {
        listen: Some(SocketAddr::new(address, port)),
        serving: serving(flags)?,
        client_ca,
        data_dir: Some(storage.directory.join("kubewright")),
        unsynced: !storage.sync,
        authorization: authorization(flags, notices)?,
        service_accounts: service_accounts(flags)?,
        allocation: allocation(flags)?,
        admission: admission(flags),
        ..Options::default()
    })
}

fn file(flag: &'static str, path: impl AsRef<Path>) -> Result<String, ApiServerError> {
    let path = path.as_ref();
    std::fs::read_to_string(path).map_err(|cause| ApiServerError::File { flag, path: path.to_owned(), cause })
}

/// The server's certificate: the one that is named, or else the one in the directory, or else none.
fn serving(flags: &Flags) -> Result<Option<ServingCertificate>, ApiServerError> {
    let (certificate, key) = match (flags.get("tls-cert-file"), flags.get("tls-private-key-file")) {
        (Some(certificate), Some(key)) => (file("tls-cert-file", certificate)?, file("tls-private-key-file", key)?),
        (Some(certificate), None) => {
            return Err(Flags::invalid("tls-cert-file", certificate, "--tls-private-key-file is missing").into());
        }
        (None, Some(key)) => {
            return Err(Flags::invalid("tls-private-key-file", key, "--tls-cert-file is missing").into());
        }
        (None, None) => {
            let directory = Path::new(flags.get("cert-dir").unwrap_or("/var/run/kubernetes"));
            let (certificate, key) = (directory.join("apiserver.crt"), directory.join("apiserver.key"));
            (file("cert-dir", certificate)?, file("cert-dir", key)?)
        }
    };
    Ok(Some(ServingCertificate { certificate, key }))
}

fn authorization(flags: &Flags, notices: &mut Vec<String>) -> Result<AuthorizationMode, FlagError> {
    const FLAG: &str = "authorization-mode";
    let modes = flags.list(FLAG);
    for mode in &modes {
        match *mode {
            "RBAC" | "AlwaysAllow" => {}
            "Node" => notices.push("kubelets get what roles give them: the authorization mode Node is missing".into()),
            other => {
                let reason = "this server has the authorization modes RBAC, AlwaysAllow and Node";
                return Err(Flags::invalid(FLAG, other, reason));
            }
        }
    }
    // It is enough when one of them allows a request.
    let everything = modes.is_empty() || modes.contains(&"AlwaysAllow");
    Ok(if everything { AuthorizationMode::AlwaysAllow } else { AuthorizationMode::Rbac })
}

fn service_accounts(flags: &Flags) -> Result<ServiceAccountOptions, ApiServerError> {
    const SIGNING: &str = "service-account-signing-key-file";
    const VERIFYING: &str = "service-account-key-file";
    Ok(ServiceAccountOptions {
        signing_key: flags.get(SIGNING).map(|path| file(SIGNING, path)).transpose()?,
        verification_keys: flags.all(VERIFYING).iter().map(|path| file(VERIFYING, path)).collect::<Result<_, _>>()?,
        issuers: flags.all("service-account-issuer").to_vec(),
        audiences: flags.list("api-audiences").into_iter().map(str::to_owned).collect(),
    })
}

fn allocation(flags: &Flags) -> Result<AllocationOptions, ApiServerError> {
    const RANGE: &str = "service-cluster-ip-range";
    const PORTS: &str = "service-node-port-range";
    let range = flags.get(RANGE).unwrap_or("10.0.0.0/24");
    let parsed = range.split_once('/').and_then(|(network, length)| {
        let (network, length) = (network.parse::<Ipv4Addr>().ok()?, length.parse::<u8>().ok()?);
        (8..=29).contains(&length).then_some((network, length))
    });
    let Some((network, prefix_length)) = parsed else {
        let reason = "it must be one IPv4 range with a prefix of 8 to 29 bits, like 10.0.0.0/24";
        return Err(Flags::invalid(RANGE, range, reason).into());
    };
    let network = Ipv4Addr::from(u32::from(network) & (u32::MAX << (32 - u32::from(prefix_length))));
    let ports = flags.get(PORTS).unwrap_or("30000-32767");
    let parsed = ports.split_once('-').and_then(|(first, last)| {
        let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
        (first > 0 && first <= last).then_some((first, last))
    });
    let node_ports = parsed.ok_or_else(|| Flags::invalid(PORTS, ports, "it must be like 30000-32767"))?;
    Ok(AllocationOptions { network, prefix_length, node_ports })
}

fn admission(flags: &Flags) -> AdmissionOptions {
    let names = |flag: &str| flags.list(flag).into_iter().map(str::to_owned).collect();
    AdmissionOptions { enable: names("enable-admission-plugins"), disable: names("disable-admission-plugins") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Flags {
        Flags::parse(FLAGS, line.split_whitespace().map(str::to_owned)).unwrap()
    }

    #[test]
    fn ranges_are_read_and_wrong_ones_are_named() {
        let read = allocation(&flags("--service-cluster-ip-range=10.0.0.7/24 --service-node-port-range=31000-31010"));
        let read = read.unwrap();
        assert_eq!((read.network, read.prefix_length), (Ipv4Addr::new(10, 0, 0, 0), 24));
        assert_eq!(read.node_ports, (31000, 31010));
        for wrong in ["10.0.0.0", "10.0.0.0/30", "fd00::/108", "10.0.0.0/16,fd00::/108"] {
            let error = allocation(&flags(&format!("--service-cluster-ip-range={wrong}"))).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("like 10.0.0.0/24"), "{error}");
        }
        assert!(allocation(&flags("--service-node-port-range=2-1")).is_err());
    }

    #[test]
    fn modes_that_decide_by_something_else_are_refused() {
        let mode = |line: &str| authorization(&flags(line), &mut Vec::new());
        assert_eq!(mode("--authorization-mode=Node,RBAC"), Ok(AuthorizationMode::Rbac));
        assert_eq!(mode("--authorization-mode=RBAC,AlwaysAllow"), Ok(AuthorizationMode::AlwaysAllow));
        assert_eq!(mode("--v=2"), Ok(AuthorizationMode::AlwaysAllow));
        assert!(mode("--authorization-mode=Webhook").is_err());
    }
}
