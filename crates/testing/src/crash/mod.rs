//! A crash test: an operator is stopped after each single call of a life cycle, started anew, and has to end in the state
//! that it reaches without a crash.
//!
//! | file | what it holds |
//! |---|---|
//! | `fuse` | [`Fuse`]: counts calls, and cuts the operator off at one of them |
//! | `state` | what a run left on the server, comparable with another run's |

mod fuse;
mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams};
use kubewright_runtime::Manager;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

pub use self::fuse::{Cut, Fuse};
use self::state::State;
use crate::env::TestEnv;
use crate::eventually::{eventually, patience};
use crate::operator::Operator;

/// How long a state must not change to count as reached, in the run without a crash.
const STILL: Duration = Duration::from_millis(300);
/// How often the state is looked at: at first, and at most.
const LOOK: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

type Add = dyn Fn(Manager, &Life) -> Manager + Send + Sync;
type Outside = dyn Fn(String) -> BoxFuture<'static, Value> + Send + Sync;
type Normalise = dyn Fn(&mut Value) + Send + Sync;

/// Stops an operator at each call of a life cycle, and compares what comes of it.
///
/// The life cycle is run once to count the writes that the operator makes to the API server, and the calls that it makes to
/// other systems through the [`Fuse`]. Then, for each of them, it is run in a fresh namespace by an operator that is cut off
/// at this call, once [before](Cut::Before) it reaches the server and once [after](Cut::After) it was carried out but
/// before the answer. The operator is dropped where it stands, a fresh one with empty caches goes on, and at each
/// [`mark`](World::mark) the state has to become the one that the first run had there: all objects in the run's namespace
/// and in others whose name contains its name, and objects without a namespace whose name does. Left out are Events and
/// Leases, and what two runs never have in common (uids, versions, times, addresses, generated parts of names).
///
/// ```
/// use std::sync::Arc;
///
/// use k8s_openapi::api::core::v1::{ConfigMap, Secret};
/// use kube::api::{Api, DeleteParams, PostParams};
/// use kubewright_runtime::{Context, Controller, Error, Outcome, Reconciler, Watch};
/// use kubewright_testing::{CrashTest, TestEnv};
/// use serde_json::json;
///
/// /// Gives each labelled ConfigMap a Secret of its name.
/// struct Secrets;
///
/// impl Reconciler for Secrets {
///     type Object = ConfigMap;
///
///     async fn reconcile(&self, map: Arc<ConfigMap>, ctx: &Context) -> Result<Outcome, Error> {
///         let mut secret = Secret::default();
///         secret.metadata.name = map.metadata.name.clone();
///         ctx.own([secret]).await?;
///         Ok(Outcome::Settled)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let env = TestEnv::embedded().await.unwrap();
/// let test = CrashTest::new(&env, |manager, life| {
///     let maps = Watch::all().namespace(life.namespace()).labels("secret=wanted");
///     let secrets = Watch::<Secret>::all().namespace(life.namespace());
///     manager.controller(Controller::new("secrets", maps, Secrets).owns(secrets))
/// });
/// let report = test
///     .run(async |world| {
///         let maps = Api::<ConfigMap>::namespaced(world.client(), world.namespace());
///         let map = json!({"metadata": {"name": "a", "labels": {"secret": "wanted"}}});
///         maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
///         let secrets = Api::<Secret>::namespaced(world.client(), world.namespace());
///         world.eventually("the Secret", async || secrets.get_opt("a").await.unwrap()).await;
///         world.mark("created").await;
///         maps.delete("a", &DeleteParams::default()).await.unwrap();
///         world.mark("deleted").await;
///     })
///     .await;
/// assert_eq!(report.points, 2); // the apply of the Secret: not sent, and not answered
/// # env.stop().await;
/// # }
/// ```
///
/// On a paused clock (`#[tokio::test(start_paused = true)]`) the embedded server makes this quick, as no backoff takes time;
/// that does not go with real connections, whose timeouts would run at once.
pub struct CrashTest<'a> {
    env: &'a TestEnv,
    add: Arc<Add>,
    outside: Option<Box<Outside>>,
    normalise: Option<Box<Normalise>>,
    options: CrashOptions,
}

/// How a crash test is made.
#[derive(Debug, Clone)]
pub struct CrashOptions {
    /// Where, seen from the call, the operator is cut off. Default: both before and after it.
    pub cuts: Vec<Cut>,
    /// Whether the API calls that only read are crash points too, watches included. Default: false.
    pub reads: bool,
    /// How many runs are under way at the same time, each in its namespace. More than one needs an operator that looks at
    /// no other than its own. Default: 1.
    pub concurrency: usize,
}

impl Default for CrashOptions {
    fn default() -> Self {
        Self { cuts: vec![Cut::Before, Cut::After], reads: false, concurrency: 1 }
    }
}

/// One life of the operator, from a start to its crash or its end.
#[derive(Clone)]
pub struct Life {
    namespace: String,
    fuse: Fuse,
}

/// One run of the life cycle, as who drives it sees it.
pub struct World<'a> {
    test: &'a CrashTest<'a>,
    kinds: &'a [ApiResource],
    namespace: String,
    operator: Mutex<Arc<Operator>>,
    marks: Mutex<Vec<(String, State)>>,
    /// The marks of the run without a crash; `None` in that run.
    expected: Option<&'a [(String, State)]>,
}

/// What a crash test has found out, if it has not failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrashReport {
    /// Crash points that were tried.
    pub points: usize,
    /// The calls of the run without a crash, `METHOD path` for those to the API server.
    pub calls: Vec<String>,
    /// Points that were meant to be tried, where the operator got along with fewer calls than in the run without a crash.
    pub not_reached: usize,
}

impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} crash points in {} calls, all with the same end", self.points, self.calls.len())?;
        if self.not_reached > 0 {
            write!(f, "; {} not reached, as the run had fewer calls", self.not_reached)?;
        }
        Ok(())
    }
}

impl<'a> CrashTest<'a> {
    /// A crash test of the operator that `add` puts into a manager. It is called for each life.
    pub fn new(env: &'a TestEnv, add: impl Fn(Manager, &Life) -> Manager + Send + Sync + 'static) -> Self {
        Self { env, add: Arc::new(add), outside: None, normalise: None, options: CrashOptions::default() }
    }

    /// Compares the state of a system outside of the cluster as well: `state` tells it for the run of this namespace.
    pub fn outside<F>(mut self, state: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Value> + Send + 'static,
    {
        self.outside = Some(Box::new(move |namespace| state(namespace).boxed()));
        self
    }

    /// Takes from the objects what else may differ between two runs, such as a password that was made up.
    pub fn normalise(mut self, normalise: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.normalise = Some(Box::new(normalise));
        self
    }

    /// How it is made.
    pub fn options(mut self, options: CrashOptions) -> Self {
        self.options = options;
        self
    }

    /// Runs the life cycle without a crash, then with a crash at each point, and prints the report.
    ///
    /// `life_cycle` does what users do, with a client that is never cut, and waits for what they would wait for. It must not
    /// mind that the operator is away for a moment.
    ///
    /// # Panics
    /// If a run does not get to the state of the run without a crash, with the call, the cut and the difference; if the life
    /// cycle panics; if it has no mark; if the server of the environment fails.
    pub async fn run(self, life_cycle: impl AsyncFn(&World<'_>)) -> CrashReport {
        let kinds = match state::kinds(&self.env.client()).await {
            Ok(kinds) => kinds,
            Err(error) => panic!("crash test: the kinds of the server can't be found out: {error}"),
        };
        let expected = self.run_to(None, &kinds, None, &life_cycle).await;
        assert!(!expected.marks.is_empty(), "crash test: the life cycle has no mark, so there is no state to compare");
        let calls = expected.calls;
        let marks = expected.marks;
        let (mut points, mut not_reached) = (0, 0);
        for cut in &self.options.cuts {
            let run = |at: usize| self.run_to(Some((at, *cut)), &kinds, Some(&marks), &life_cycle);
            let mut runs = stream::iter(1..=calls.len()).map(run).buffer_unordered(self.options.concurrency.max(1));
            while let Some(run) = runs.next().await {
                if run.crashed { points += 1 } else { not_reached += 1 }
            }
            // Another order of things can make more calls.
            for at in calls.len() + 1.. {
                if !run(at).await.crashed {
                    break;
                }
                points += 1;
            }
        }
        let report = CrashReport { points, calls, not_reached };
        println!("crash test: {report}");
        report
    }

    async fn run_to(
        &self,
        point: Option<(usize, Cut)>,
        kinds: &[ApiResource],
        expected: Option<&[(String, State)]>,
        life_cycle: &impl AsyncFn(&World<'_>),
    ) -> Run {
        let namespace = match self.env.new_namespace().await {
            Ok(namespace) => namespace,
            Err(error) => panic!("crash test: {error}"),
        };
        let fuse = Fuse::new(point);
        let _told = TellPoint { point, fuse: fuse.clone() };
        let operator = Mutex::new(Arc::new(self.start(&namespace, &fuse)));
        let world = World { test: self, kinds, namespace, operator, marks: Mutex::default(), expected };
        let mut driven = std::pin::pin!(life_cycle(&world));
        let crashed = tokio::select! {
            biased;
            () = fuse.is_cut() => true,
            () = &mut driven => false,
        };
        if crashed {
            world.operator().kill().await;
            let fresh = self.start(&world.namespace, &Fuse::new(None));
            *world.operator.lock() = Arc::new(fresh);
            driven.await;
        }
        if let Err(error) = world.operator().stop().await {
            panic!("crash test: the operator ended with an error: {error}");
        }
        // What stays behind of it is in nobody's way.
        let namespaces = Api::<Namespace>::all(self.env.client());
        _ = namespaces.delete(&world.namespace, &DeleteParams::background()).await;
        let run = &world.namespace;
        let calls = fuse.calls().iter().map(|call| call.replace(run, "RUN")).collect();
        Run { crashed, calls, marks: std::mem::take(&mut *world.marks.lock()) }
    }

    fn start(&self, namespace: &str, fuse: &Fuse) -> Operator {
        let life = Life { namespace: namespace.to_string(), fuse: fuse.clone() };
        let client = fuse::fused(self.env.client(), fuse.clone(), self.options.reads);
        let add = self.add.clone();
        Operator::start(client, Box::new(move |manager| add(manager, &life)))
    }
}

/// What came of a run.
struct Run {
    crashed: bool,
    calls: Vec<String>,
    marks: Vec<(String, State)>,
}

impl Life {
    /// The namespace of the run. All lives of a run have the same.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// For calls to other systems than the API server.
    pub fn fuse(&self) -> &Fuse {
        &self.fuse
    }
}

impl World<'_> {
    /// A client that is never cut.
    pub fn client(&self) -> Client {
        self.test.env.client()
    }

    /// A namespace that only this run uses. Objects elsewhere are compared if this is part of their namespace's name, or, if
    /// they are in none, of their own.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The operator as it runs now.
    pub fn operator(&self) -> Arc<Operator> {
        self.operator.lock().clone()
    }

    /// Waits until `condition` gives a value; panics with `what` after a minute.
    pub async fn eventually<T>(&self, what: &str, condition: impl AsyncFnMut() -> Option<T>) -> T {
        eventually(what, condition).await
    }

    /// A point of the life cycle at which the state has to be the same in all runs. Wait for what tells that the operator is
    /// through before; this waits until nothing moves any more.
    ///
    /// # Panics
    /// If the state does not become that of the run without a crash, with the difference.
    pub async fn mark(&self, name: &str) {
        let state = match self.expected {
            None => self.still().await,
            Some(expected) => self.becomes(name, expected).await,
        };
        self.marks.lock().push((name.to_string(), state));
    }

    /// The state when it has not changed for a while.
    async fn still(&self) -> State {
        if let Some(plane) = self.test.env.control_plane() {
            // Work that never ends does not keep a state from being still.
            _ = tokio::time::timeout(STILL, plane.settled(&[])).await;
        }
        let (mut last, mut since) = (self.state().await, Instant::now());
        loop {
            tokio::time::sleep(LOOK[0]).await;
            let state = self.state().await;
            if state != last {
                (last, since) = (state, Instant::now());
            } else if since.elapsed() >= STILL {
                return last;
            }
        }
    }

    async fn becomes(&self, name: &str, expected: &[(String, State)]) -> State {
        let at = self.marks.lock().len();
        let Some((_, expected)) = expected.get(at).filter(|(expected, _)| expected == name) else {
            panic!("crash test: mark {name:?} is not where it was in the run without a crash");
        };
        let (start, mut look) = (Instant::now(), LOOK[0]);
        loop {
            let state = self.state().await;
            if state == *expected && self.operator().is_quiet() && self.state().await == *expected {
                return state;
            }
            if start.elapsed() >= patience() {
                let differences = state::differences(expected, &state);
                panic!("crash test: at mark {name:?} the state is not that of a run without a crash:\n{differences}");
            }
            tokio::time::sleep(look).await;
            look = (look * 2).min(LOOK[1]);
        }
    }

    async fn state(&self) -> State {
        let (client, run) = (self.client(), &self.namespace);
        let mut objects = match state::objects(&client, self.kinds, run).await {
            Ok(objects) => objects,
            Err(error) => panic!("crash test: the state can't be read: {error}"),
        };
        if let Some(normalise) = &self.test.normalise {
            objects.iter_mut().for_each(normalise);
        }
        let mut state = state::normalised(objects, run);
        if let Some(outside) = &self.test.outside {
            let outside = outside(run.clone()).await;
            let text = outside.to_string().replace(run, "RUN");
            state.insert("outside".into(), serde_json::from_str(&text).unwrap_or(outside));
        }
        state
    }
}

/// Tells at which point a test failed.
struct TellPoint {
    point: Option<(usize, Cut)>,
    fuse: Fuse,
}

impl Drop for TellPoint {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let calls = self.fuse.calls();
        match (self.point, calls.last()) {
            (Some((at, cut)), Some(last)) => {
                let cut = if cut == Cut::Before { "before" } else { "after" };
                eprintln!("crash test: the operator was cut off {cut} call {at}; its last call was {last}");
            }
            (Some(_), None) => eprintln!("crash test: the operator made no call"),
            (None, _) => eprintln!("crash test: in the run without a crash"),
        }
    }
}
