//! Runs the operator, or prints what it needs in a cluster.

use kubewright::kube::CustomResourceExt;
use kubewright::prelude::*;
use kubewright::runtime::rights;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("crd") => println!("{}", serde_json::to_string_pretty(&site::Site::crd())?),
        Some("rbac") => {
            let manager = Manager::new(rights::unconnected(), ManagerOptions::default());
            println!("{}", manager.controller(site::controller()).rbac().to_yaml("site"));
        }
        _ => {
            tracing_subscriber::fmt::init();
            let client = connect(None, None).await?;
            Manager::new(client, ManagerOptions::default()).controller(site::controller()).run_until_signal().await?;
        }
    }
    Ok(())
}
