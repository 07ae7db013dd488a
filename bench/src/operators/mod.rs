//! What is measured of the operators: many objects, from the first write of their users until all of them are settled.
//!
//! - `part`: what an operator is given to do.
//! - `dataservice`, `access`, `objectstorage`, `account`: the parts.
//! - `calls`: counts what an operator asks of the API server.
//! - `life`: in a process of its own, an embedded control plane with the operator, and what it took.

mod access;
mod account;
mod calls;
mod dataservice;
mod life;
mod objectstorage;
mod part;

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use clap::Args;
use kubewright_real::{Minio, MinioOptions, Postgres};
use serde_json::Value;

use crate::Error;
use crate::report::{Measure, Report, Unit};

/// What the measurement of the operators can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these.
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = part::NAMES, default_values = part::NAMES)]
    only: Vec<String>,
    /// How many objects there are of each, in percent of what is usual (1,000 DataServices, 5,000 access requests,
    /// 2,000 buckets, 10,000 account transactions).
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    percent: u64,
}

/// What the process for a part is told.
#[derive(Args)]
pub(crate) struct LifeOptions {
    /// Which part.
    pub(crate) part: String,
    /// How many objects, in percent.
    pub(crate) percent: u64,
    /// A database, for what needs one.
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// A MinIO, for what needs one.
    #[arg(long)]
    pub(crate) minio: Option<SocketAddr>,
}

pub(crate) async fn measure(options: &Options) -> Result<Report, Error> {
    let mut measures = Vec::new();
    for name in &options.only {
        eprintln!("measuring {name} …");
        // Its data goes when this is dropped.
        let postgres = if name == part::POSTGRES { Some(Postgres::start().await?) } else { None };
        let minio = if name == part::MINIO { Some(Minio::start(MinioOptions::default())?) } else { None };
        let servers =
            part::Servers { database: postgres.as_ref().map(Postgres::uri), minio: minio.as_ref().map(Minio::address) };
        let told = in_process_of_its_own(name, options.percent, &servers)?;
        let count = told["count"].as_u64().unwrap_or_default();
        let objects = told["objects"].as_str().unwrap_or_default().to_owned();
        let mut line = |what: &str, unit, key: &str| {
            let name = format!("{count} {objects}: {what}");
            measures.push(Measure { name, unit, ours: told[key].as_f64(), peers: Vec::new() });
        };
        line("until all are settled", Unit::Seconds, "seconds");
        line("throughput", Unit::PerSecond, "perSecond");
        line("API calls of the operator for each", Unit::Count, "calls");
        line("writes among them", Unit::Count, "writes");
        line("API calls in 5 s when settled", Unit::Count, "settledCalls");
        line("writes when applied again unchanged", Unit::Count, "againWrites");
        line("memory with the control plane, settled", Unit::Bytes, "resident");
        line("memory with the control plane, peak", Unit::Bytes, "peak");
    }
    Ok(Report::new("", Vec::new(), measures))
}

/// In the new process: measures a part and prints what it found as JSON.
pub(crate) async fn live(options: &LifeOptions) -> Result<(), Error> {
    let servers = part::Servers { database: options.database.clone(), minio: options.minio };
    let part = part::named(&options.part, options.percent, &servers).await?;
    println!("{}", life::live(part).await?);
    Ok(())
}

/// Memory is that of a process, so each part has one.
fn in_process_of_its_own(part: &str, percent: u64, servers: &part::Servers) -> Result<Value, Error> {
    let program = std::env::current_exe().map_err(Error::io("find this program"))?;
    let mut command = Command::new(program);
    command.args(["operator-life", part, &percent.to_string()]).stderr(Stdio::inherit());
    if let Some(database) = &servers.database {
        command.args(["--database", database]);
    }
    if let Some(minio) = servers.minio {
        command.args(["--minio", &minio.to_string()]);
    }
    let output = command.output().map_err(Error::io("start this program again"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).map_err(|_| Error::Host(format!("for {part} ended ({}): {text}", output.status)))
}
