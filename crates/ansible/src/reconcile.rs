//! One custom resource and its runs of Ansible.
//!
//! ```text
//! a reason to run? ── the custom resource changed, the period is over, a failure is due again ──┐
//!     │no                                                                                       │yes
//!     └─ what Ansible made is no longer as Ansible saw it? ─yes─────────────────────────────────┤
//!                 │no                                                                           ↓
//!        wait for the next time ←── status ←── events ←── ansible-runner ←── directory ←── status: running
//! ```

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kubewright::discovery::{Discovery, ServedResource};
use kubewright::kube::Error as KubeError;
use kubewright::kube::api::{DynamicObject, Patch, PatchParams};
use kubewright::prelude::*;
use kubewright::runtime::{Reconciler, finalizer};
use kubewright_operator_sdk::gateway::{Gateway, Token};
use kubewright_operator_sdk::{Owner, duration};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Program;
use crate::dependents::{Dependents, Work, checksum};
use crate::directory::{Directory, Inputs};
use crate::event::{Job, LogEvents, Summary};
use crate::parameters::parameters;
use crate::program::Call;
use crate::status::{AnsibleResult, Conditions};
use crate::watches::Watch;

const RECONCILE_PERIOD: &str = "ansible.sdk.operatorframework.io/reconcile-period";
const VERBOSITY: &str = "ansible.sdk.operatorframework.io/verbosity";
const MAX_ARTIFACTS: &str = "ansible.sdk.operatorframework.io/max-runner-artifacts";

/// How often a status is written anew that somebody else has written meanwhile.
const TRIES: usize = 10;
/// The longest time between two tries.
const LONGEST_RETRY: Duration = Duration::from_secs(1000);

/// Reconciles the custom resources of one kind.
pub(crate) struct Runs {
    pub(crate) program: Program,
    pub(crate) gateway: Gateway,
    pub(crate) discovery: Discovery,
    /// The kind.
    pub(crate) kind: ServedResource,
    pub(crate) watch: Watch,
    pub(crate) period: Duration,
    pub(crate) verbosity: u8,
    pub(crate) arguments: String,
    pub(crate) log: LogEvents,
    pub(crate) print_all: bool,
    pub(crate) inject: bool,
    /// Where custom resources are; none: everywhere.
    pub(crate) namespaces: Vec<String>,
    /// The folder of all directories.
    pub(crate) base: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) retry: Duration,
    pub(crate) known: Mutex<HashMap<ObjectRef, Known>>,
}

/// What is known of a custom resource from the last reconcile.
#[derive(Clone)]
pub(crate) struct Known {
    /// Another of the same name has other runs.
    uid: String,
    token: Token,
    dependents: Arc<Dependents>,
    last: Option<Last>,
    /// The finalizer has done its work.
    finalized: bool,
}

/// The last run.
#[derive(Debug, Clone)]
struct Last {
    state: State,
    at: Instant,
    /// What a task has asked for in place of the period.
    requeue: Option<Duration>,
    /// How many have failed one after the other.
    failures: u32,
}

/// What of a custom resource is a reason to run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    /// The generation, or a checksum where there is none.
    generation: i64,
    annotations: BTreeMap<String, String>,
    finalizing: bool,
}

/// One reconcile.
struct Run<'a> {
    runs: &'a Runs,
    ctx: &'a Context,
    object: &'a DynamicObject,
    known: Known,
}

/// Why to run, or how long to wait.
enum Due {
    Now(String),
    /// A failure is not due again yet.
    Failed(Duration),
    Later(Duration),
}

impl Reconciler for Runs {
    type Object = DynamicObject;

    async fn reconcile(&self, object: Arc<DynamicObject>, ctx: &Context) -> Result<Outcome, Error> {
        let key = ObjectRef::new(object.metadata.namespace.as_deref(), &object.name_any());
        let uid = object.uid().unwrap_or_default();
        let known = self.known.lock().get(&key).filter(|known| known.uid == uid).cloned();
        let known = match known {
            Some(known) => known,
            None => Known::new(uid)?,
        };
        let run = Mutex::new(Some(Run { runs: self, ctx, object: &object, known }));
        // One of the two runs, once.
        let take = || run.lock().take();
        let apply = async || {
            let Some(mut run) = take() else { return Ok(Outcome::Settled) };
            let outcome = run.apply().await;
            self.known.lock().insert(key.clone(), run.known);
            outcome
        };
        let cleanup = async || {
            let Some(mut run) = take() else { return Ok(Outcome::Settled) };
            let outcome = run.finalize().await;
            self.known.lock().insert(key.clone(), run.known);
            outcome
        };
        match &self.watch.finalizer {
            Some(finalizer) => finalizer::run(ctx, &finalizer.name, apply, cleanup).await,
            None if object.metadata.deletion_timestamp.is_some() => Ok(Outcome::Settled),
            None => apply().await,
        }
    }

    async fn gone(&self, key: &ObjectRef, _: &Context) -> Result<Outcome, Error> {
        self.known.lock().remove(key);
        if let Err(error) = self.directory(key.namespace.as_deref(), &key.name).remove() {
            tracing::warn!(%error, "the directory of a custom resource that is gone can't be removed");
        }
        Ok(Outcome::Settled)
    }
}

impl Runs {
    fn directory(&self, namespace: Option<&str>, name: &str) -> Directory {
        let watch = &self.watch;
        Directory::of(&self.base, &watch.group, &watch.version, &watch.kind, namespace, name)
    }

    /// A variable of the environment of runs.
    fn variable(&self, name: &str) -> Option<OsString> {
        let own = self.environment.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        own.or_else(|| std::env::var_os(name)).filter(|value| !value.is_empty())
    }
}

impl Known {
    fn new(uid: String) -> Result<Self, Error> {
        let token = Token::new().map_err(Error::temporary)?;
        Ok(Self { uid, token, dependents: Arc::default(), last: None, finalized: false })
    }
}

impl Run<'_> {
    async fn apply(&mut self) -> Result<Outcome, Error> {
        let period = match self.period() {
            Ok(period) => period,
            Err(message) => {
                self.fail(&message, None).await?;
                return Err(Error::terminal(message));
            }
        };
        let mut due = self.due(false, period);
        if let Due::Later(_) = due
            && let Some(changed) = self.changed().await?
        {
            due = Due::Now(format!("{changed} has changed"));
        }
        match due {
            Due::Now(why) => {
                self.run(&why, false).await?;
                // What has changed while Ansible ran is looked at once more.
                if self.changed().await?.is_some() {
                    return Ok(Outcome::After(Duration::ZERO));
                }
                let wait = self.known.last.as_ref().and_then(|last| last.requeue).unwrap_or(period);
                Ok(Outcome::Recheck(wait))
            }
            Due::Failed(rest) => Ok(Outcome::After(rest)),
            Due::Later(rest) => Ok(Outcome::Recheck(rest)),
        }
    }

    async fn finalize(&mut self) -> Result<Outcome, Error> {
        if self.known.finalized {
            return Ok(Outcome::Settled);
        }
        match self.due(true, Duration::MAX) {
            Due::Now(why) => {
                self.run(&why, true).await?;
                self.known.finalized = true;
                // The finalizer goes when the cache has seen what was written.
                Ok(Outcome::After(Duration::ZERO))
            }
            Due::Failed(rest) | Due::Later(rest) => Ok(Outcome::After(rest)),
        }
    }

    /// Whether there is a reason to run in the custom resource, or in the time.
    fn due(&self, finalizing: bool, period: Duration) -> Due {
        let state = self.state(finalizing);
        let Some(last) = &self.known.last else { return Due::Now("it is seen for the first time".into()) };
        let annotations = self.runs.watch.watch_annotations_changes && state.annotations != last.state.annotations;
        if state.generation != last.state.generation || state.finalizing != last.state.finalizing || annotations {
            return Due::Now("it has changed".into());
        }
        let since = last.at.elapsed();
        if last.failures > 0 {
            let wait = self.runs.retry.saturating_mul(1 << (last.failures - 1).min(20)).min(LONGEST_RETRY);
            // The queue comes back a little earlier.
            let wait = wait.mul_f64(0.75);
            return if since >= wait { Due::Now("the last run failed".into()) } else { Due::Failed(wait - since) };
        }
        let wait = last.requeue.unwrap_or(period);
        if since >= wait { Due::Now("the period is over".into()) } else { Due::Later(wait - since) }
    }

    fn state(&self, finalizing: bool) -> State {
        let metadata = &self.object.metadata;
        let generation = metadata.generation.unwrap_or_else(|| {
            let tree = serde_json::to_value(self.object).unwrap_or_default();
            i64::from_ne_bytes(checksum(&tree).to_ne_bytes())
        });
        State { generation, annotations: metadata.annotations.clone().unwrap_or_default(), finalizing }
    }

    async fn changed(&self) -> Result<Option<String>, Error> {
        let Runs { discovery, namespaces, .. } = self.runs;
        self.known.dependents.changed(self.ctx, discovery, namespaces).await
    }

    /// Runs Ansible, and tells of it in the status. An error: it has failed, and is to be tried again.
    async fn run(&mut self, why: &str, finalizing: bool) -> Result<(), Error> {
        let runs = self.runs;
        if runs.watch.manage_status {
            let now = self.ctx.now();
            self.write_status(|conditions| conditions.running(now)).await?;
        }
        let (name, namespace) = (self.object.name_any(), self.object.namespace());
        let directory = runs.directory(namespace.as_deref(), &name);
        let ident = directory.ident(self.ctx.now().as_millisecond());
        let job = Job {
            ident,
            kind: runs.watch.kind.clone(),
            namespace: namespace.clone().unwrap_or_default(),
            name: name.clone(),
        };
        tracing::info!(
            kind = job.kind,
            namespace = job.namespace,
            name,
            job = job.ident,
            why,
            finalizing,
            "ansible runs"
        );
        let state = self.state(finalizing);
        let (ended, requeue) = self.play(&directory, &job, finalizing).await;
        if let Err(error) = directory.keep(&job.ident) {
            tracing::warn!(%error, "what Ansible printed can't be kept");
        }
        let failures = self.known.last.as_ref().filter(|last| last.state == state).map_or(0, |last| last.failures);
        let failures = if ended.is_ok() { 0 } else { failures + 1 };
        self.known.last = Some(Last { state, at: Instant::now(), requeue, failures });
        match ended {
            Ok(result) => {
                let AnsibleResult { ok, changed, skipped, .. } = result;
                tracing::info!(
                    kind = job.kind,
                    namespace = job.namespace,
                    name,
                    job = job.ident,
                    ok,
                    changed,
                    skipped,
                    "ansible has run"
                );
                if runs.watch.manage_status {
                    let now = self.ctx.now();
                    self.write_status(|conditions| conditions.succeeded(&result, now)).await?;
                }
                Ok(())
            }
            Err((message, result)) => {
                self.fail(&message, result.as_ref()).await?;
                Err(Error::temporary(message))
            }
        }
    }

    /// What Ansible comes to, and after how long a task wants to be run again.
    async fn play(
        &self,
        directory: &Directory,
        job: &Job,
        finalizing: bool,
    ) -> (Result<AnsibleResult, (String, Option<AnsibleResult>)>, Option<Duration>) {
        let Runs { watch, environment, .. } = self.runs;
        let nothing = |message: String| (Err((message, None)), None);
        let tree = match self.tree() {
            Ok(tree) => tree,
            Err(message) => return nothing(message),
        };
        let pass = self.runs.gateway.admit(&self.known.token, Arc::new(self.work()));
        let (inventory, virtual_env) = (self.runs.variable("ANSIBLE_INVENTORY"), self.runs.variable("VIRTUAL_ENV"));
        let inputs = Inputs {
            parameters: &parameters(watch, &tree, finalizing),
            server: pass.url(),
            namespace: &job.namespace,
            arguments: &self.runs.arguments,
            inventory: inventory.as_deref().map(AsRef::as_ref),
            virtual_env: virtual_env.as_deref().map(AsRef::as_ref),
        };
        if let Err(error) = directory.write(&inputs) {
            return nothing(format!("the files of the run can't be written: {error}"));
        }
        let finalizer = watch.finalizer.as_ref().filter(|_| finalizing);
        let content = finalizer.and_then(|finalizer| finalizer.content.as_ref()).unwrap_or(&watch.content);
        let verbosity = self.number(VERBOSITY);
        let call = Call {
            directory,
            ident: &job.ident,
            content,
            verbosity: verbosity.unwrap_or(self.runs.verbosity),
            max_artifacts: self.number(MAX_ARTIFACTS).unwrap_or(watch.max_runner_artifacts),
            skip_facts: self.runs.variable("ANSIBLE_GATHERING").is_some_and(|gathering| gathering == "explicit"),
            environment,
        };
        let (log, verbose) = (self.runs.log, verbosity.is_some_and(|verbosity| verbosity > 0));
        let mut summary = Summary::default();
        let said = self.runs.program.run(&call, |event| {
            event.log(log, verbose, job);
            summary.add(&event);
        });
        let said = match said.await {
            Ok(said) => said,
            Err(error) => return nothing(error.to_string()),
        };
        if self.runs.print_all
            && let Ok(text) = std::fs::read_to_string(directory.printed())
        {
            tracing::info!(kind = job.kind, namespace = job.namespace, name = job.name, job = job.ident, "\n{text}");
        }
        let requeue = summary.requeue;
        (summary.end(&said), requeue)
    }

    fn work(&self) -> Work {
        let Runs { kind, watch, inject, .. } = self.runs;
        Work {
            owner: Owner {
                api_version: kind.api_version(),
                kind: kind.kind.clone(),
                namespace: self.object.namespace().unwrap_or_default(),
                name: self.object.name_any(),
                uid: self.known.uid.clone(),
            },
            inject: *inject,
            watch: watch.watch_dependent_resources,
            watch_cluster: watch.watch_cluster_scoped_resources,
            blacklist: watch.blacklist.iter().cloned().collect(),
            dependents: self.known.dependents.clone(),
        }
    }

    fn tree(&self) -> Result<Value, String> {
        let mut tree = serde_json::to_value(self.object).map_err(|error| error.to_string())?;
        // A list of the kind does not repeat them for each object.
        tree["apiVersion"] = self.runs.kind.api_version().into();
        tree["kind"] = self.runs.kind.kind.clone().into();
        Ok(tree)
    }

    /// Tells of a failure in the status and by an event.
    async fn fail(&self, message: &str, result: Option<&AnsibleResult>) -> Result<(), Error> {
        self.ctx.warning("AnsibleFailed", message);
        if !self.runs.watch.manage_status {
            return Ok(());
        }
        let now = self.ctx.now();
        self.write_status(|conditions| conditions.failed(message, result, now)).await
    }

    /// Changes the conditions of what the server has now: the role may have written the status too.
    async fn write_status(&self, change: impl Fn(&mut Conditions)) -> Result<(), Error> {
        let (client, resource) = (self.ctx.client().clone(), self.runs.kind.api_resource());
        let api: Api<DynamicObject> = match self.object.namespace() {
            Some(namespace) => Api::namespaced_with(client, &namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let name = self.object.name_any();
        for _ in 0..TRIES {
            let Some(live) = api.get_opt(&name).await? else { return Ok(()) };
            if live.uid().as_ref() != Some(&self.known.uid) {
                return Ok(());
            }
            let before = Conditions::of(&live.data["status"]);
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(());
            }
            let patch = json!({
                "metadata": {"resourceVersion": live.resource_version()}, "status": {"conditions": after.to_value()},
            });
            let params = PatchParams { field_manager: Some(self.ctx.field_manager().into()), ..PatchParams::default() };
            match api.patch_status(&name, &params, &Patch::Merge(&patch)).await {
                Ok(_) => return Ok(()),
                Err(KubeError::Api(answer)) if answer.is_conflict() => {}
                Err(KubeError::Api(answer)) if answer.is_not_found() => {
                    // The server names the object if that is what is missing, and nothing if it is the path.
                    if answer.details.is_some_and(|details| details.name == name) {
                        return Ok(());
                    }
                    let kind = &resource.kind;
                    return Err(Error::terminal(format!(
                        "{kind} has no status subresource: declare it in its CustomResourceDefinition, or set manageStatus: \
                         false in watches.yaml"
                    )));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::temporary(format!("the status of {name} is written by others all the time")))
    }

    fn period(&self) -> Result<Duration, String> {
        match self.object.annotations().get(RECONCILE_PERIOD) {
            None => Ok(self.runs.period),
            Some(text) => duration::parse(text).map_err(|cause| format!("annotation {RECONCILE_PERIOD}: {cause}")),
        }
    }

    /// An annotation that is a number. One that makes no sense is told in the log, and the default holds, as for operator-sdk.
    fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        let text = self.object.annotations().get(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            tracing::warn!(
                annotation = name,
                value = text,
                "it is no number that makes sense here, and is passed over"
            );
        }
        number
    }
}
