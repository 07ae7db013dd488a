//! What `request` promises, with effects that are counted.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::{
    Api, CustomResource, CustomResourceExt, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use kubewright_patterns::request::{
    Done, Fault, Phase, Recovery, Request, RequestOptions, RequestStatus, controller, sweep,
};
use kubewright_runtime::{
    Context, Handle, Limit, Manager, ManagerOptions, ObjectRef, Watch,
    clock::{Clock, TokioClock},
};
use kubewright_testing::{CrashTest, TestEnv};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[kube(group = "example.com", version = "v1", kind = "Transfer", namespaced, status = "TransferStatus")]
struct TransferSpec {
    to: String,
    #[serde(default)]
    in_order: bool,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
struct TransferStatus {
    #[serde(flatten)]
    request: RequestStatus,
    total: Option<u64>,
}

/// Another system. It does not mind what comes twice, so that tests see it.
#[derive(Default)]
struct Bank {
    /// Who got something, by the time and the name of the request.
    paid: Vec<(Duration, String)>,
    running: usize,
    most_running: usize,
    /// What the next runs end with, after the effect.
    faults: Vec<fn() -> Fault>,
    /// How long a run takes.
    takes: Duration,
}

/// How often requests were asked for their lane.
static LANES_ASKED: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone)]
struct Shared(Arc<Mutex<Bank>>, Instant);

/// `RESUME` tells what happens after a crash.
struct Transfers<const RESUME: bool>(Shared);

impl<const RESUME: bool> Request for Transfers<RESUME> {
    type Object = Transfer;
    const RECOVERY: Recovery = if RESUME { Recovery::Resume } else { Recovery::Fail };
    const COMPLETED: &'static str = "Transferred";

    fn status(transfer: &Transfer) -> Option<&RequestStatus> {
        transfer.status.as_ref().map(|status| &status.request)
    }

    fn lane(transfer: &Transfer) -> Option<String> {
        LANES_ASKED.fetch_add(1, Ordering::Relaxed);
        transfer.spec.in_order.then(|| transfer.spec.to.clone())
    }

    fn requester(&self, _: &Transfer) -> Option<String> {
        Some("jane".into())
    }

    async fn check(&self, transfer: &Transfer, ctx: &Context) -> Result<(), Fault> {
        match &*transfer.spec.to {
            "nobody" => Err(Fault::permanent("spec.to: nobody takes no money")),
            "later" => {
                let account = ObjectRef::new(transfer.namespace().as_deref(), "later");
                match ctx.get::<ConfigMap>(&account)? {
                    Some(_) => Ok(()),
                    None => Err(Fault::waiting("there is no account later")),
                }
            }
            _ => Ok(()),
        }
    }

    async fn run(&self, transfer: &Transfer, _: &Context) -> Result<Done, Fault> {
        let takes = {
            let mut bank = self.0.0.lock();
            bank.running += 1;
            bank.most_running = bank.most_running.max(bank.running);
            bank.paid.push((self.0.1.elapsed(), transfer.name_any()));
            bank.takes
        };
        tokio::time::sleep(takes).await;
        let mut bank = self.0.0.lock();
        bank.running -= 1;
        if !bank.faults.is_empty() {
            return Err(bank.faults.remove(0)());
        }
        let status = [("total".to_string(), json!(bank.paid.len()))].into_iter().collect();
        Ok(Done { status, ..Done::default() })
    }
}

struct World {
    env: TestEnv,
    bank: Shared,
    clock: Arc<TokioClock>,
    options: RequestOptions,
    resume: bool,
    running: Mutex<Option<(JoinHandle<()>, CancellationToken, Handle)>>,
}

impl World {
    async fn new(resume: bool, options: RequestOptions) -> Self {
        let env = TestEnv::embedded().await.unwrap();
        let crds = Api::all(env.client());
        crds.create(&PostParams::default(), &Transfer::crd()).await.unwrap();
        let bank = Shared(Arc::default(), Instant::now());
        let clock = Arc::new(TokioClock::start());
        let world = Self { env, bank, clock, options, resume, running: Mutex::default() };
        world.start();
        world
    }

    fn start(&self) {
        let options = ManagerOptions { listen: None, clock: self.clock.clone(), ..ManagerOptions::default() };
        let manager = Manager::new(self.env.client(), options);
        let watch = Watch::all().namespace(self.env.namespace());
        let (bank, options) = (self.bank.clone(), self.options.clone());
        let controller = match self.resume {
            true => controller("transfers", watch, Transfers::<true>(bank), options),
            false => controller("transfers", watch, Transfers::<false>(bank), options),
        };
        let manager = manager.controller(controller);
        let (stop, handle) = (CancellationToken::new(), manager.handle());
        let run = manager.run(stop.clone());
        let task = tokio::spawn(async move { run.await.unwrap() });
        *self.running.lock() = Some((task, stop, handle));
    }

    /// Ends the operator where it stands.
    async fn crash(&self) {
        let (task, ..) = self.running.lock().take().unwrap();
        task.abort();
        _ = task.await;
    }

    async fn stop(self) {
        let (task, stop, _) = self.running.lock().take().unwrap();
        stop.cancel();
        task.await.unwrap();
        self.env.stop().await;
    }

    fn api(&self) -> Api<Transfer> {
        Api::namespaced(self.env.client(), self.env.namespace())
    }

    async fn ask(&self, name: &str, to: &str, in_order: bool) {
        let transfer = Transfer::new(name, TransferSpec { to: to.into(), in_order });
        self.api().create(&PostParams::default(), &transfer).await.unwrap();
    }

    async fn get(&self, name: &str) -> RequestStatus {
        self.api().get(name).await.unwrap().status.unwrap_or_default().request
    }

    async fn phase(&self, name: &str, phase: Phase) -> RequestStatus {
        let what = format!("{name} is {phase:?}");
        self.env.eventually(&what, async || Some(self.get(name).await).filter(|status| status.phase == phase)).await
    }

    async fn gone(&self, name: &str) -> Duration {
        let what = format!("{name} is gone");
        let start = Instant::now();
        loop {
            if self.api().get_opt(name).await.unwrap().is_none() {
                return start.elapsed();
            }
            assert!(start.elapsed() < Duration::from_secs(9000), "{what}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn paid(&self) -> Vec<(u64, String)> {
        self.bank.0.lock().paid.iter().map(|(at, name)| (at.as_secs(), name.clone())).collect()
    }

    async fn events(&self) -> Vec<(String, String, String)> {
        let events = Api::<Event>::namespaced(self.env.client(), self.env.namespace());
        let found = events.list(&ListParams::default()).await.unwrap().items;
        let text = |text: Option<String>| text.unwrap_or_default();
        found.into_iter().map(|event| (text(event.type_), text(event.reason), text(event.message))).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_runs_once_and_tells_how_it_went() {
    let world = World::new(true, RequestOptions::default()).await;
    world.ask("rent", "landlord", false).await;
    let status = world.phase("rent", Phase::Completed).await;
    assert_eq!(status.message.as_deref(), Some("Operation completed successfully"));
    assert_eq!(status.requester.as_deref(), Some("jane"));
    assert!(status.start_time.is_some() && status.completion_time.is_some() && status.retry_time.is_none());
    let whole = world.api().get("rent").await.unwrap();
    assert_eq!(whole.status.unwrap().total, Some(1));
    let event = world
        .env
        .eventually("an event", async || {
            world.events().await.into_iter().find(|(_, reason, _)| reason == "Transferred")
        })
        .await;
    assert_eq!((&*event.0, &*event.2), ("Normal", "Operation completed successfully"));

    let version = world.api().get("rent").await.unwrap().resource_version();
    world.crash().await;
    world.start();
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(world.api().get("rent").await.unwrap().resource_version(), version);
    assert_eq!(world.paid().len(), 1);
    world.stop().await;
}

//
#[tokio::test(start_paused = true)]
async fn temporary_errors_are_tried_again_in_30_seconds_whatever_changes_meanwhile() {
    let world = World::new(true, RequestOptions::default()).await;
    world.bank.0.lock().faults = vec![|| Fault::temporary("away"), || Fault::temporary("still away")];
    world.ask("rent", "landlord", false).await;
    let waits = async || Some(world.get("rent").await).filter(|status| status.retry_time.is_some());
    let status = world.env.eventually("it waits", waits).await;
    assert_eq!(status.phase, Phase::Processing);
    assert_eq!(status.message.as_deref(), Some("away; it is tried again"));
    let touch = Patch::Merge(json!({"metadata": {"labels": {"touched": "yes"}}}));
    world.api().patch("rent", &PatchParams::default(), &touch).await.unwrap();
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(world.paid().len(), 1);
    let status = world.phase("rent", Phase::Completed).await;
    assert_eq!(status.retry_time, None);
    let times: Vec<u64> = world.paid().into_iter().map(|(at, _)| at).collect();
    for pair in times.windows(2) {
        assert!((30..=32).contains(&(pair[1] - pair[0])), "{times:?}");
    }
    assert_eq!(times.len(), 3);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn permanent_errors_and_refusals_fail_without_another_try() {
    let world = World::new(true, RequestOptions { ttl: None, ..RequestOptions::default() }).await;
    world.bank.0.lock().faults = vec![|| Fault::permanent("the account is closed")];
    world.ask("rent", "landlord", false).await;
    let status = world.phase("rent", Phase::Failed).await;
    assert_eq!(status.message.as_deref(), Some("the account is closed"));
    assert!(status.completion_time.is_some());
    world.ask("gift", "nobody", false).await;
    let status = world.phase("gift", Phase::Failed).await;
    assert_eq!(status.message.as_deref(), Some("spec.to: nobody takes no money"));
    assert_eq!((status.requester.as_deref(), status.start_time), (Some("jane"), None));
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert_eq!(world.paid().len(), 1);
    let events = world.events().await;
    for message in ["the account is closed", "spec.to: nobody takes no money"] {
        let wanted = ("Warning".into(), "OperationFailed".into(), message.into());
        assert!(events.contains(&wanted), "{events:?}");
    }
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_begins_as_soon_as_what_it_waits_for_is_there() {
    let world =
        World::new(true, RequestOptions { retry: Duration::from_secs(3600), ..RequestOptions::default() }).await;
    world.ask("rent", "later", false).await;
    let told = async || Some(world.get("rent").await).filter(|status| status.message.is_some());
    let status = world.env.eventually("it tells why", told).await;
    assert_eq!((status.phase, status.message.as_deref()), (Phase::Pending, Some("there is no account later")));
    let metadata = ObjectMeta { name: Some("later".into()), ..ObjectMeta::default() };
    let maps = Api::<ConfigMap>::namespaced(world.env.client(), world.env.namespace());
    maps.create(&PostParams::default(), &ConfigMap { metadata, ..ConfigMap::default() }).await.unwrap();
    world.phase("rent", Phase::Completed).await;
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_off_is_run_again_where_its_author_says_so() {
    let world = World::new(true, RequestOptions::default()).await;
    world.bank.0.lock().takes = Duration::from_secs(20);
    world.ask("rent", "landlord", false).await;
    world.phase("rent", Phase::Processing).await;
    world.crash().await;
    world.start();
    world.phase("rent", Phase::Completed).await;
    assert_eq!(world.paid().len(), 2);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_off_fails_where_it_must_not_happen_twice() {
    let world = World::new(false, RequestOptions::default()).await;
    world.bank.0.lock().takes = Duration::from_secs(20);
    world.bank.0.lock().faults = vec![|| Fault::temporary("away")];
    world.ask("rent", "landlord", false).await;
    let waits = async || Some(world.get("rent").await).filter(|status| status.retry_time.is_some());
    world.env.eventually("it waits for another try", waits).await;
    // Between two runs a crash does no harm.
    world.crash().await;
    world.start();
    world.env.eventually("it runs again", async || (world.paid().len() == 2).then_some(())).await;
    world.crash().await;
    world.start();
    let status = world.phase("rent", Phase::Failed).await;
    assert!(status.message.unwrap().contains("whether it took effect is not known"));
    assert_eq!(world.paid().len(), 2);
    world.stop().await;
}

//
#[tokio::test(start_paused = true)]
async fn finished_requests_go_when_their_time_is_over() {
    let world = World::new(true, RequestOptions::default()).await;
    world.ask("rent", "landlord", false).await;
    world.ask("gift", "nobody", false).await;
    world.phase("rent", Phase::Completed).await;
    world.phase("gift", Phase::Failed).await;
    tokio::time::sleep(Duration::from_secs(3500)).await;
    // One that is due later is still due after a restart.
    world.crash().await;
    world.start();
    let (rent, gift) = (world.gone("rent").await, world.gone("gift").await);
    assert!((95..=110).contains(&rent.as_secs()) && gift.as_secs() <= 2, "{rent:?} {gift:?}");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_sweep_removes_what_a_controller_without_a_time_keeps() {
    let world = World::new(true, RequestOptions { ttl: None, ..RequestOptions::default() }).await;
    for name in ["a", "b"] {
        world.ask(name, "landlord", false).await;
        world.phase(name, Phase::Completed).await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    world.bank.0.lock().takes = Duration::from_secs(9_999_999);
    world.ask("c", "landlord", false).await;
    world.phase("c", Phase::Processing).await;
    let (api, hours) = (world.api(), |hours: u64| Duration::from_secs(3600 * hours));
    let swept = sweep::<Transfers<true>>(&api, hours(2), world.clock.now()).await.unwrap();
    assert_eq!(swept.deleted, [ObjectRef::new(Some(world.env.namespace()), "a")]);
    assert_eq!(swept.kept, 2);
    let again = sweep::<Transfers<true>>(&api, hours(2), world.clock.now()).await.unwrap();
    assert_eq!((again.deleted.len(), again.kept), (0, 2));
    world.crash().await;
    world.env.stop().await;
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_lane_run_one_after_another_and_others_beside_them() {
    let world = World::new(true, RequestOptions { concurrency: 3, ..RequestOptions::default() }).await;
    world.bank.0.lock().takes = Duration::from_secs(10);
    // Made in this order, within a second, with names that say otherwise.
    for name in ["c", "b", "a"] {
        world.ask(name, "landlord", true).await;
    }
    world.ask("beside", "baker", true).await;
    for name in ["a", "b", "c", "beside"] {
        world.phase(name, Phase::Completed).await;
    }
    let order: Vec<String> = world.paid().into_iter().map(|(_, name)| name).filter(|name| name != "beside").collect();
    assert_eq!(order, ["c", "b", "a"]);
    assert_eq!(world.bank.0.lock().most_running, 2);
    world.stop().await;
}

/// With `n` of them in a row, what is done for each must not grow with `n`.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_request_moves_the_next_of_its_lane_and_not_all_that_wait() {
    const REQUESTS: usize = 200;
    let world = World::new(true, RequestOptions::default()).await;
    world.bank.0.lock().takes = Duration::from_secs(1);
    for number in 0..REQUESTS {
        world.ask(&format!("r{number}"), "landlord", true).await;
    }
    let before = LANES_ASKED.load(Ordering::Relaxed);
    for number in 0..REQUESTS {
        world.phase(&format!("r{number}"), Phase::Completed).await;
    }
    let asked = LANES_ASKED.load(Ordering::Relaxed) - before;
    assert!(asked < 30 * REQUESTS, "{asked} looks for {REQUESTS} requests");
    let order: Vec<String> = world.paid().into_iter().map(|(_, name)| name).collect();
    assert_eq!(order, (0..REQUESTS).map(|number| format!("r{number}")).collect::<Vec<_>>());
    world.stop().await;
}

/// One that waits gets another version, and so another place, when somebody writes to it.
#[tokio::test(start_paused = true)]
async fn requests_that_are_changed_while_they_wait_do_not_wait_for_each_other() {
    let world = World::new(true, RequestOptions::default()).await;
    world.bank.0.lock().takes = Duration::from_secs(10);
    for name in ["a", "b", "c"] {
        world.ask(name, "landlord", true).await;
    }
    world.phase("a", Phase::Processing).await;
    let touch = Patch::Merge(json!({"metadata": {"labels": {"touched": "yes"}}}));
    world.api().patch("b", &PatchParams::default(), &touch).await.unwrap();
    let start = Instant::now();
    for name in ["a", "b", "c"] {
        world.phase(name, Phase::Completed).await;
    }
    assert!(start.elapsed() < Duration::from_secs(45), "{:?}", start.elapsed());
    world.stop().await;
}

//
#[tokio::test(start_paused = true)]
async fn no_more_requests_run_at_once_or_begin_within_a_time_than_the_options_say() {
    let limit = Some(Limit { every: Duration::from_secs(5), burst: NonZeroU32::new(2).unwrap() });
    let world = World::new(true, RequestOptions { concurrency: 2, limit, ..RequestOptions::default() }).await;
    world.bank.0.lock().takes = Duration::from_secs(1);
    for at in 0..5 {
        world.ask(&format!("r{at}"), "landlord", false).await;
    }
    for at in 0..5 {
        world.phase(&format!("r{at}"), Phase::Completed).await;
    }
    let paid = world.paid();
    let first = paid[0].0;
    let times: Vec<u64> = paid.iter().map(|(at, _)| at - first).collect();
    assert_eq!(times, [0, 0, 5, 10, 15]);
    assert!(world.bank.0.lock().most_running <= 2);
    world.stop().await;
}

//
#[tokio::test(start_paused = true)]
async fn an_end_is_written_down_though_others_change_the_request_meanwhile() {
    let world = World::new(true, RequestOptions::default()).await;
    world.bank.0.lock().takes = Duration::from_secs(10);
    world.ask("rent", "landlord", false).await;
    world.phase("rent", Phase::Processing).await;
    let touch = Patch::Merge(json!({"metadata": {"labels": {"touched": "yes"}}}));
    world.api().patch("rent", &PatchParams::default(), &touch).await.unwrap();
    world.phase("rent", Phase::Completed).await;
    assert_eq!(world.api().get("rent").await.unwrap().labels(), &BTreeMap::from([("touched".into(), "yes".into())]));
    assert_eq!(world.paid().len(), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_deleted_while_it_runs_leaves_nothing_behind() {
    let world = World::new(true, RequestOptions::default()).await;
    world.bank.0.lock().takes = Duration::from_secs(10);
    world.ask("rent", "landlord", false).await;
    world.phase("rent", Phase::Processing).await;
    world.api().delete("rent", &DeleteParams::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.ask("rent", "landlord", false).await;
    world.phase("rent", Phase::Completed).await;
    assert_eq!(world.paid().len(), 2);
    world.stop().await;
}

/// A crash after each call ends as no crash does; the bank is one that knows what it has been asked for.
#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_changes_nothing() {
    let env = TestEnv::embedded().await.unwrap();
    Api::all(env.client()).create(&PostParams::default(), &Transfer::crd()).await.unwrap();
    let bank = Shared(Arc::default(), Instant::now());
    let banks = bank.clone();
    let test = CrashTest::new(&env, move |manager, life| {
        let watch = Watch::all().namespace(life.namespace());
        manager.controller(controller("transfers", watch, Transfers::<true>(banks.clone()), RequestOptions::default()))
    })
    .normalise(|object| drop(object.pointer_mut("/status/total").map(|total| total.take())));
    let report = test
        .run(async |world| {
            let api = Api::<Transfer>::namespaced(world.client(), world.namespace());
            for (name, to) in [("rent", "landlord"), ("gift", "nobody")] {
                let transfer = Transfer::new(name, TransferSpec { to: to.into(), in_order: false });
                api.create(&PostParams::default(), &transfer).await.unwrap();
                let finished =
                    async || api.get(name).await.unwrap().status.filter(|status| status.request.phase.is_finished());
                world.eventually("it is finished", finished).await;
                world.mark(name).await;
            }
        })
        .await;
    assert_eq!(report.points, 6);
    env.stop().await;
}
