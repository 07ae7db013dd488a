//! Between the programs and the server: passes bytes on, counts them, and cuts connections when told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Error;

/// For so long nothing may pass for it to be quiet.
const QUIET: Duration = Duration::from_secs(2);

/// The proxy; it ends with the program.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    passed: Arc<AtomicU64>,
    open: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::io("listen for programs"))?;
        let address = listener.local_addr().map_err(Error::io("listen for programs"))?;
        let (open, passed) = (watch::Sender::new(true), Arc::new(AtomicU64::new(0)));
        let proxy = Self { address, passed: passed.clone(), open: open.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut gate = open.subscribe();
                let passed = passed.clone();
                tokio::spawn(async move {
                    if !*gate.borrow() {
                        return;
                    }
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    // Fails only on a socket that is gone.
                    _ = (client.set_nodelay(true), server.set_nodelay(true));
                    tokio::select! {
                        () = pass(client, server, &passed) => {}
                        _ = gate.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Ok(proxy)
    }

    /// Cuts all connections and takes no new ones.
    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.open.send_replace(true);
    }

    /// Waits until more than so many bytes have come from the server and then nothing for a while.
    pub(crate) async fn quiet_after(&self, bytes: u64, longest: Duration) -> bool {
        let from = self.passed.load(Ordering::Relaxed);
        let quiet = async {
            let mut before = from;
            loop {
                tokio::time::sleep(QUIET).await;
                let now = self.passed.load(Ordering::Relaxed);
                if now == before && now > from + bytes {
                    return;
                }
                before = now;
            }
        };
        tokio::time::timeout(longest, quiet).await.is_ok()
    }
}

async fn pass(client: TcpStream, server: TcpStream, passed: &AtomicU64) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = tokio::io::copy(&mut from_client, &mut to_server);
    let down = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read) = from_server.read(&mut buffer).await {
            passed.fetch_add(read as u64, Ordering::Relaxed);
            if read == 0 || to_client.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    // Either side's end is the end.
    tokio::select! {
        _ = up => {}
        () = down => {}
    }
}
