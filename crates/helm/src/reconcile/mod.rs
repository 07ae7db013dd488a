//! One custom resource and its release.
//!
//! ```text
//! history (cache, or the server if it differs from what is known) ─→ installed? ─no─→ helm install ─→ status
//!                                                                       │yes
//!        made of the same? ─no─→ helm's dry run ─→ the same manifest? ─no─→ helm upgrade ─→ status
//!                │yes                                   │yes
//!                └──────────────────────────────────────┴─→ drift: each object in the cache ─→ patch ─→ status
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | this one | the steps, and what the status says of them |
//! | `revisions` | what helm has stored |
//! | `correct` | the objects of the release |

mod correct;
mod revisions;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kubewright::discovery::{Discovery, ServedResource};
use kubewright::kube::api::DynamicObject;
use kubewright::prelude::*;
use kubewright::runtime::{Reconciler, finalizer};
use kubewright_operator_sdk::duration;
use kubewright_operator_sdk::gateway::{Gateway, Pass, Token};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::chart::{Chart, Contents};
use crate::marks::{Marks, Owner};
use crate::program::{Call, Helm, Place};
use crate::release::{self, Release, Revision};
use crate::status::{self, DeployedRelease, Status};
use crate::templates;

/// Keeps a custom resource until its release is uninstalled.
const FINALIZER: &str = "helm.sdk.operatorframework.io/uninstall-release";
/// The name that it had before operator-sdk 1.0.
const OLD_FINALIZER: &str = "uninstall-helm-release";

const UPGRADE_FORCE: &str = "helm.sdk.operatorframework.io/upgrade-force";
const ROLLBACK_FORCE: &str = "helm.sdk.operatorframework.io/rollback-force";
const UNINSTALL_WAIT: &str = "helm.sdk.operatorframework.io/uninstall-wait";
const RECONCILE_PERIOD: &str = "helm.sdk.operatorframework.io/reconcile-period";

/// Reconciles the custom resources of one kind.
pub(crate) struct Releases<H> {
    pub(crate) helm: Arc<H>,
    pub(crate) helm_version: String,
    pub(crate) gateway: Gateway,
    pub(crate) discovery: Discovery,
    /// The kind.
    pub(crate) kind: ServedResource,
    pub(crate) chart: Chart,
    pub(crate) overrides: BTreeMap<String, String>,
    pub(crate) dry_run_on_server: bool,
    pub(crate) watch_dependents: bool,
    /// Where custom resources are; none: everywhere.
    pub(crate) namespaces: Vec<String>,
    pub(crate) period: Duration,
    /// Values that win are not told in events.
    pub(crate) secret_overrides: bool,
    pub(crate) known: Mutex<HashMap<ObjectRef, Known>>,
}

/// What is known of a release from the last reconcile.
#[derive(Default, Clone)]
pub(crate) struct Known {
    /// Of the custom resource: another of the same name has another release.
    uid: String,
    history: Vec<Revision>,
    release: Option<Arc<Release>>,
    /// What the release is known to be right for, and when that was looked at.
    checked: Option<(String, Instant)>,
    /// The versions of objects that are right.
    settled: HashMap<String, String>,
}

/// One reconcile.
struct Run<'a, H> {
    releases: &'a Releases<H>,
    ctx: &'a Context,
    object: &'a DynamicObject,
    owner: Owner,
    known: Known,
    status: Status,
}

/// What went wrong, and what to call it in the status.
struct Failed {
    condition: &'static str,
    reason: &'static str,
    message: String,
}

impl<H: Helm> Reconciler for Releases<H> {
    type Object = DynamicObject;

    async fn reconcile(&self, object: Arc<DynamicObject>, ctx: &Context) -> Result<Outcome, Error> {
        let key = ObjectRef::new(object.metadata.namespace.as_deref(), &object.name_any());
        let uid = object.uid().unwrap_or_default();
        let known = self.known.lock().get(&key).filter(|known| known.uid == uid).cloned();
        let owner = Owner {
            api_version: self.kind.api_version(),
            kind: self.kind.kind.clone(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            uid: uid.clone(),
        };
        let run = Mutex::new(Some(Run {
            releases: self,
            ctx,
            object: &object,
            owner,
            known: known.unwrap_or_else(|| Known { uid, ..Known::default() }),
            status: Status::of(&object.data["status"]),
        }));
        // One of the two runs.
        let take = || run.lock().take();
        let apply = async || match take() {
            Some(mut run) => {
                let outcome = run.apply().await;
                self.known.lock().insert(key.clone(), run.known);
                outcome
            }
            None => Ok(Outcome::Settled),
        };
        let cleanup = async || match take() {
            Some(mut run) => run.uninstall().await,
            None => Ok(Outcome::Settled),
        };
        let old = object.finalizers().iter().any(|name| name == OLD_FINALIZER);
        finalizer::run(ctx, if old { OLD_FINALIZER } else { FINALIZER }, apply, cleanup).await
    }

    async fn gone(&self, key: &ObjectRef, _: &Context) -> Result<Outcome, Error> {
        self.known.lock().remove(key);
        Ok(Outcome::Settled)
    }
}

impl<H: Helm> Run<'_, H> {
    async fn apply(&mut self) -> Result<Outcome, Error> {
        self.set(status::INITIALIZED, true, "", "");
        let period = match self.period() {
            Ok(period) => period,
            Err(message) => return self.fail(irreconcilable(message), true).await,
        };
        match self.release(period).await {
            Ok(release) => {
                self.status.remove(status::RELEASE_FAILED);
                self.deployed(&release);
                if let Err(failed) = self.correct(&release).await? {
                    return self.fail(failed, false).await;
                }
                self.status.remove(status::IRRECONCILABLE);
                self.ctx.set_status(&self.status).await?;
                Ok(Outcome::Recheck(period))
            }
            Err(failed) => self.fail(failed, false).await,
        }
    }

    /// Brings the release to what it should be.
    async fn release(&mut self, period: Duration) -> Result<Arc<Release>, Failed> {
        let chart = self.releases.chart.contents().map_err(irreconcilable)?;
        self.look(false).await?;
        self.clear().await?;
        let values = self.values()?;
        let inputs = self.inputs(&chart, &values);
        let Some(release) = self.known.release.clone() else {
            return self.install(&chart, &values, &inputs).await;
        };
        if release.chart != chart.name && !self.is_ours() {
            return Err(irreconcilable(format!(
                "there is a release {} of another chart, {}: a release is named as its custom resource; rename this one",
                self.owner.name, release.chart
            )));
        }
        if self.is_made_of(&inputs, &chart, &values, period) {
            return Ok(release);
        }
        let pass = self.admit(chart.name.clone())?;
        let candidate = self.call(&pass, &values, &inputs, async |call| {
            self.releases.helm.candidate(&call, self.releases.dry_run_on_server).await
        });
        let candidate = candidate.await.map_err(irreconcilable)?;
        if candidate == release.manifest {
            self.known.checked = Some((inputs, Instant::now()));
            return Ok(release);
        }
        self.upgrade(&pass, &values, &inputs).await
    }

    async fn install(&mut self, chart: &Contents, values: &Value, inputs: &str) -> Result<Arc<Release>, Failed> {
        self.tell_overrides();
        let pass = self.admit(chart.name.clone())?;
        let installed = self.call(&pass, values, inputs, async |call| self.releases.helm.install(&call).await).await;
        if let Err(error) = installed {
            let mut message = format!("failed to install release: {error}");
            self.look(true).await?;
            if !self.known.history.is_empty()
                && let Err(error) = self.releases.helm.uninstall(&self.place(&pass)).await
            {
                message = format!("{message}; what was installed of it could not be removed: {error}");
            }
            return Err(Failed { condition: status::RELEASE_FAILED, reason: "InstallError", message });
        }
        tracing::info!(release = self.owner.name, namespace = self.owner.namespace, "installed");
        self.made(inputs).await
    }

    async fn upgrade(&mut self, pass: &Pass, values: &Value, inputs: &str) -> Result<Arc<Release>, Failed> {
        self.tell_overrides();
        let before = self.known.history.last().map_or(0, |revision| revision.number);
        let force = self.annotated(UPGRADE_FORCE, false);
        let upgraded = self.call(pass, values, inputs, async |call| self.releases.helm.upgrade(&call, force).await);
        if let Err(error) = upgraded.await {
            let mut message = format!("failed to upgrade release: {error}");
            self.look(true).await?;
            // helm has begun if there is another revision.
            if self.known.history.last().is_some_and(|last| last.number > before && !last.is_deployed()) {
                let force = self.annotated(ROLLBACK_FORCE, true);
                if let Err(error) = self.releases.helm.rollback(&self.place(pass), force).await {
                    message = format!("{message}; the rollback failed too: {error}");
                }
            }
            return Err(Failed { condition: status::RELEASE_FAILED, reason: "UpgradeError", message });
        }
        tracing::info!(release = self.owner.name, namespace = self.owner.namespace, force, "upgraded");
        self.made(inputs).await
    }

    /// helm has made a revision.
    async fn made(&mut self, inputs: &str) -> Result<Arc<Release>, Failed> {
        self.look(true).await?;
        self.clear().await?;
        self.known.checked = Some((inputs.to_string(), Instant::now()));
        self.known.release.clone().ok_or_else(|| {
            irreconcilable(format!("helm has installed release {}, and it is gone already", self.owner.name))
        })
    }

    async fn uninstall(&mut self) -> Result<Outcome, Error> {
        let wait = self.annotated(UNINSTALL_WAIT, false);
        let (client, namespace, name) = (self.ctx.client(), self.owner.namespace.clone(), self.owner.name.clone());
        let history = release::history(client, &namespace, &name).await?;
        self.known.history = history;
        let chart = self.releases.chart.contents();
        let ours = match self.known.history.last() {
            None => false,
            Some(_) if self.is_ours() => true,
            Some(last) => {
                let release = self.load(&last.secret.clone()).await;
                release.is_ok_and(|release| chart.as_ref().is_ok_and(|chart| chart.name == release.chart))
            }
        };
        if ours {
            let label = chart.map(|chart| chart.name.clone()).unwrap_or_default();
            let pass = self.admit(label).map_err(|failed| Error::temporary(failed.message))?;
            if let Err(error) = self.releases.helm.uninstall(&self.place(&pass)).await {
                let message = format!("failed to uninstall release: {error}");
                let failed = Failed { condition: status::RELEASE_FAILED, reason: "UninstallError", message };
                return self.fail(failed, false).await;
            }
            tracing::info!(release = name, namespace, "uninstalled");
        }
        self.status.remove(status::RELEASE_FAILED);
        if self.known.history.is_empty() || ours {
            let message = if wait { "Waiting until all resources are deleted." } else { "" };
            self.set(status::DEPLOYED, false, "UninstallSuccessful", message);
        }
        let manifest = self.status.deployed_release.as_ref().map(|release| release.manifest.clone());
        if !wait {
            self.status.deployed_release = None;
        }
        if self.ctx.set_status(&self.status).await? {
            // The finalizer goes when the cache has seen this.
            return Ok(Outcome::After(Duration::ZERO));
        }
        if wait && let Some(manifest) = manifest {
            return self.removed(&manifest).await;
        }
        Ok(Outcome::Settled)
    }

    /// Whether the release is known to be what these inputs make.
    fn is_made_of(&mut self, inputs: &str, chart: &Contents, values: &Value, period: Duration) -> bool {
        let steady =
            chart.unsteady.is_none() && (!chart.renders_values || templates::unsteady(&values.to_string()).is_none());
        if let Some((checked, at)) = &self.known.checked
            && checked == inputs
        {
            return steady || at.elapsed() < period;
        }
        let labelled = self.known.history.last().and_then(|revision| revision.inputs.as_deref()) == Some(inputs);
        if steady && labelled {
            self.known.checked = Some((inputs.to_string(), Instant::now()));
        }
        steady && labelled
    }

    /// The values of the release.
    fn values(&self) -> Result<Value, Failed> {
        match &self.object.data["spec"] {
            Value::Null => Ok(Value::Object(Map::new())),
            spec @ Value::Object(_) => Ok(spec.clone()),
            _ => Err(irreconcilable("spec: it is no map; it holds values of the chart")),
        }
    }

    /// A checksum of all that decides what a steady chart renders. A label's value has 63 characters.
    fn inputs(&self, chart: &Contents, values: &Value) -> String {
        let mut checksum = Sha256::new();
        let overrides = serde_json::to_string(&self.releases.overrides).unwrap_or_default();
        let text = values.to_string();
        for part in [&self.releases.helm_version, &chart.checksum, &overrides, &text] {
            checksum.update((part.len() as u64).to_le_bytes());
            checksum.update(part);
        }
        checksum.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }

    fn admit(&self, chart: String) -> Result<Pass, Failed> {
        let token = Token::new().map_err(irreconcilable)?;
        let marks = Marks { owner: self.owner.clone(), chart };
        Ok(self.releases.gateway.admit(&token, Arc::new(marks)))
    }

    fn place<'a>(&'a self, pass: &'a Pass) -> Place<'a> {
        Place { server: pass.url(), namespace: &self.owner.namespace, name: &self.owner.name }
    }

    async fn call<T>(&self, pass: &Pass, values: &Value, inputs: &str, run: impl AsyncFnOnce(Call<'_>) -> T) -> T {
        let (chart, overrides) = (self.releases.chart.dir(), &self.releases.overrides);
        run(Call { at: self.place(pass), chart, values, overrides, inputs }).await
    }

    fn deployed(&mut self, release: &Release) {
        let reason = if release.number == 1 { "InstallSuccessful" } else { "UpgradeSuccessful" };
        self.set(status::DEPLOYED, true, reason, &release.notes);
        self.status.deployed_release =
            Some(DeployedRelease { name: self.owner.name.clone(), manifest: release.manifest.clone() });
    }

    fn set(&mut self, kind: &str, truth: bool, reason: &str, message: &str) {
        self.status.set(kind, truth, reason, message, self.ctx.now());
    }

    /// Tells of a failure in the status and by an event. `terminal`: only a change of the custom resource helps.
    async fn fail(&mut self, failed: Failed, terminal: bool) -> Result<Outcome, Error> {
        if failed.condition == status::RELEASE_FAILED {
            self.status.remove(status::IRRECONCILABLE);
        }
        self.set(failed.condition, true, failed.reason, &failed.message);
        self.ctx.warning(failed.reason, &failed.message);
        self.ctx.set_status(&self.status).await?;
        Err(if terminal { Error::terminal(failed.message) } else { Error::temporary(failed.message) })
    }

    fn tell_overrides(&self) {
        for (path, value) in &self.releases.overrides {
            let value = if self.releases.secret_overrides { "****" } else { value };
            let message = format!("Chart value {path:?} overridden to {value:?} by operator's watches.yaml");
            self.ctx.warning("OverrideValuesInUse", message);
        }
    }

    fn period(&self) -> Result<Duration, String> {
        match self.object.annotations().get(RECONCILE_PERIOD) {
            None => Ok(self.releases.period),
            Some(text) => duration::parse(text).map_err(|cause| format!("annotation {RECONCILE_PERIOD}: {cause}")),
        }
    }

    /// An annotation that is true or false, in the words that Go takes.
    fn annotated(&self, name: &str, default: bool) -> bool {
        match self.object.annotations().get(name).map(String::as_str) {
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
            None | Some("") => default,
            Some(other) => {
                tracing::warn!(annotation = name, value = other, "neither true nor false");
                default
            }
        }
    }
}

fn irreconcilable(message: impl ToString) -> Failed {
    Failed { condition: status::IRRECONCILABLE, reason: "ReconcileError", message: message.to_string() }
}
