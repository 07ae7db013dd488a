//! What is measured of the command line: generators, a new project's first test, and a Helm operator that has nothing to do.
//!
//! - `description`: the kinds, said once and written in Rust, in Go and as definitions.
//! - `tools`: the programs that take part, and how each is built.
//! - `command`: what running a program takes.
//! - `projects`: a project of each side.
//! - `manifests`, `types`, `first_test`, `releases`: what is measured.
//!
//! kubebuilder and operator-sdk themselves do not take part: the Go module proxy does not hand them out. The Go project
//! in `bench/peers/project` is what kubebuilder scaffolds, and its test runs on the real servers of `cargo xtask real`, as
//! kubebuilder's own download of them is not measured either.

mod command;
mod description;
mod first_test;
mod manifests;
mod projects;
mod releases;
mod tools;
mod types;

use std::path::PathBuf;

use clap::Args;

use crate::Error;
use crate::control_plane::DataDir;
use crate::report::{Measure, Report};
use command::Took;
use tools::Tools;

const PARTS: [&str; 4] = ["manifests", "types", "first-test", "releases"];

/// What the measurement of the command line can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these.
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = PARTS, default_values = PARTS)]
    only: Vec<String>,
    /// API types of the project whose manifests are written.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=200))]
    kinds: u16,
    /// Definitions that types are made of.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=200))]
    definitions: u16,
    /// Releases of the Helm operator.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=200))]
    releases: u16,
    /// How many seconds the Helm operator is watched while it has nothing to do.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    idle: u64,
    /// How often each is measured; the median counts. What compiles everything is measured once.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=20))]
    runs: u8,
    /// Leave the peers out; needs no Go but for helm.
    #[arg(long)]
    without_peers: bool,
    /// Leave out the first test with everything still to be compiled, which takes minutes on each side.
    #[arg(long)]
    without_cold: bool,
    /// Measure this kubewright. Default: one that is built for release from this checkout.
    #[arg(long, value_name = "FILE")]
    kubewright: Option<PathBuf>,
    /// Where projects of ours are compiled. Default: a folder of the target directory that is kept for the next time.
    #[arg(long, value_name = "DIR")]
    project_target: Option<PathBuf>,
}

/// What all parts need.
struct Bench<'a> {
    options: &'a Options,
    tools: Tools,
    /// For projects and what is written; it goes at the end.
    scratch: DataDir,
}

pub(crate) async fn measure(options: &Options) -> Result<Report, Error> {
    let wanted = |part: &str| options.only.iter().any(|only| only == part);
    let tools = Tools::build(options, &wanted)?;
    let bench = Bench { options, tools, scratch: DataDir::create()? };
    let mut measures = Vec::new();
    if wanted("types") {
        measures.extend(types::measure(&bench)?);
    }
    if wanted("first-test") {
        measures.extend(first_test::measure(&bench)?);
    }
    if wanted("manifests") {
        measures.extend(manifests::measure(&bench)?);
    }
    if wanted("releases") {
        measures.extend(releases::measure(&bench).await?);
    }
    Ok(Report::new(&bench.tools.versions(), vec!["the peer"], measures))
}

impl Bench<'_> {
    /// The medians of what several runs took. Each is told its number.
    fn median(&self, mut run: impl FnMut(usize) -> Result<Took, Error>) -> Result<Took, Error> {
        let all: Vec<Took> = (0..usize::from(self.options.runs)).map(&mut run).collect::<Result<_, _>>()?;
        Ok(Took::median(&all))
    }

    fn peers(&self) -> bool {
        !self.options.without_peers
    }
}

/// A line of the table.
fn line(name: String, unit: crate::report::Unit, ours: Option<f64>, peer: Option<f64>) -> Measure {
    Measure { name, unit, ours, peers: vec![peer] }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests end at the first surprise")]
mod tests {
    use clap::Parser;
    use kube::config::{KubeConfigOptions, Kubeconfig};
    use kubewright_apiserver::ApiServer;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    /// Little of everything, with the kubewright that was compiled beside this test.
    fn little(more: &[&str]) -> Option<Options> {
        let own = std::env::current_exe().unwrap();
        let target = own.ancestors().nth(2).unwrap();
        let program = target.join("kubewright");
        if !program.is_file() {
            assert!(std::env::var_os("CI").is_none(), "{} is not there", program.display());
            println!("not run: needs cargo build -p kubewright-cli");
            return None;
        }
        let (program, target) = (program.display().to_string(), target.parent().unwrap().display().to_string());
        let line =
            ["toolchain", "--without-peers", "--runs", "1", "--kubewright", &program, "--project-target", &target];
        Some(Line::try_parse_from([&line, more].concat()).unwrap_or_else(|error| panic!("{error}")).options)
    }

    fn real() -> bool {
        let real = std::env::var_os("KUBEWRIGHT_REAL").is_some();
        if !real {
            println!("not run: part of the real tier, cargo xtask real");
        }
        real
    }

    #[tokio::test]
    async fn types_are_measured() {
        let Some(options) = little(&["--only", "types", "--definitions", "3"]) else { return };
        let report = measure(&options).await.unwrap();
        assert!(report.measures[0].name.starts_with("`types` of 3 definitions"), "{report}");
        assert!(report.measures[0].ours.unwrap() > 0.0, "{report}");
    }

    /// Part of the real tier, since it compiles a project.
    #[tokio::test]
    async fn manifests_and_a_first_test_are_measured() {
        let how = ["--only", "manifests,first-test", "--kinds", "2", "--without-cold"];
        let Some(options) = real().then(|| little(&how)).flatten() else { return };
        let report = measure(&options).await.unwrap();
        assert_eq!(report.measures.len(), 5, "{report}");
    }

    /// Part of the real tier, since it needs helm.
    #[tokio::test]
    async fn a_helm_operator_is_measured() {
        let how = ["--only", "releases", "--releases", "2", "--idle", "2"];
        let Some(options) = real().then(|| little(&how)).flatten() else { return };
        let listen = Some(([127, 0, 0, 1], 0).into());
        let how = kubewright_apiserver::Options { listen, ..Default::default() };
        let server = ApiServer::start(how).await.unwrap();
        let text = server.kubeconfig();
        let kubeconfig = Kubeconfig::from_yaml(&text).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let tools = Tools::build(&options, &|part| part == "releases").unwrap();
        let bench = Bench { options: &options, tools, scratch: DataDir::create().unwrap() };
        let measures = releases::on(&bench, &text, config).await.unwrap();
        let writes = measures.iter().find(|measure| measure.name.contains("writes")).unwrap();
        assert_eq!(writes.ours, Some(0.0), "{measures:#?}");
        server.shutdown().await;
    }
}
