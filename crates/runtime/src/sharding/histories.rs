//! Random histories of replicas that elect a leader or share keys: clocks that differ in speed, pauses, lost and late
//! requests and answers, crashes, Leases that somebody deletes or touches. Whatever happens, no key has two owners; and
//! when the trouble ends, each has one.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    time::Duration,
};

use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    coordinator::{Coordinator, Order, Seen},
    view::{Plan, View},
};
use crate::leadership::{
    duty::Standing,
    election::{Action, Claim, Election, Input, Missing, RELEASED, Record, Terms},
};

const GROUP: &str = "group";
const KEYS: u64 = 8;
const SECOND: u64 = 1_000;

fn terms(missing: Missing) -> Terms {
    let seconds = Duration::from_secs;
    Terms { lease: seconds(15), renew: seconds(10), retry: seconds(2), missing }
}

/// A key's hash.
fn hash(key: u64) -> u64 {
    crate::hash::of_key(&key)
}

/// A Lease on the server.
#[derive(Debug, Clone, Default)]
struct Stored {
    uid: u64,
    version: u64,
    holder: String,
    duration: Duration,
    transitions: i32,
    plan: Option<Plan>,
    released: String,
}

impl Stored {
    fn version(&self) -> String {
        format!("{}@{}", self.uid, self.version)
    }

    fn record(&self) -> Record {
        let (version, holder) = (self.version(), self.holder.clone());
        Record { version, holder, duration: self.duration, transitions: self.transitions }
    }
}

#[derive(Debug, Clone)]
enum Request {
    Read,
    List,
    Create(Claim, String),
    Update { version: String, claim: Claim, plan: Option<Plan>, released: String },
    Remove { name: String, version: String },
}

#[derive(Debug, Clone)]
enum Answer {
    Found(Option<Stored>),
    Listed(Vec<Seen>),
    Written(Stored),
    Removed(String),
    Refused,
}

/// The loops of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loop {
    /// Its own Lease.
    Keeper,
    /// The Lease of all.
    Group,
    /// The coordinator's orders.
    Orders,
}

#[derive(Debug)]
enum Event {
    Arrives {
        from: usize,
        of: Loop,
        id: u64,
        name: String,
        holder: String,
        request: Request,
        sent: Duration,
        lost: bool,
    },
    Answered {
        to: usize,
        of: Loop,
        id: u64,
        answer: Answer,
        sent: Duration,
    },
    /// The time for an answer, or for a wait, is over.
    Over {
        to: usize,
        of: Loop,
        id: u64,
        input: Input,
    },
    /// A reconcile ends.
    Ended {
        of: usize,
        key: u64,
        id: u64,
    },
    /// Something happens from outside.
    Fate,
}

/// One loop at work.
struct Line {
    election: Election,
    last: Option<Stored>,
    /// What is waited for.
    awaits: u64,
    name: String,
}

struct Replica {
    /// Its clock: what it showed when the world began, and its speed.
    clock: (f64, f64),
    paused_until: u64,
    crashed: bool,
    keeper: Line,
    group: Line,
    coordinator: Coordinator,
    lives: usize,
    plan: Option<Plan>,
    /// Those keys that are its own by the plan.
    owned: BTreeSet<u64>,
    released: String,
    /// Keys that are worked on right now, and the run of each.
    running: BTreeMap<u64, u64>,
}

struct World {
    now: u64,
    random: StdRng,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    bodies: BTreeMap<u64, Event>,
    ids: u64,
    leases: BTreeMap<String, Stored>,
    versions: u64,
    replicas: Vec<Replica>,
    shards: bool,
    /// Until when things go wrong.
    trouble: u64,
}

impl World {
    fn new(seed: u64, shards: bool) -> Self {
        let mut world = Self {
            now: 0,
            random: StdRng::seed_from_u64(seed),
            events: BinaryHeap::new(),
            bodies: BTreeMap::new(),
            ids: 0,
            leases: BTreeMap::new(),
            versions: 0,
            replicas: Vec::new(),
            shards,
            trouble: 120 * SECOND,
        };
        if !shards && world.random.random_range(0..2) == 0 {
            // Who has installed the operator has made it, before there was any replica.
            let released = Stored { uid: 1, version: 1, duration: RELEASED, ..Stored::default() };
            world.leases.insert(GROUP.to_string(), released);
            world.versions = 1;
        }
        for _ in 0..world.random.random_range(2..=4) {
            world.add_replica();
        }
        world.at(SECOND, Event::Fate);
        world
    }

    fn at(&mut self, after: u64, event: Event) {
        self.ids += 1;
        self.events.push(Reverse((self.now + after, self.ids)));
        self.bodies.insert(self.ids, event);
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.now < self.trouble && self.random.random_range(0..100) < percent
    }

    fn add_replica(&mut self) {
        let at = self.replicas.len();
        // One may be a tenth faster than another: half of what the defaults bear.
        let clock = (self.random.random_range(0.0..1e6), self.random.random_range(0.95..1.05));
        let line = |me: String, missing, name: String| Line {
            election: Election::new(me, terms(missing)),
            last: None,
            awaits: 0,
            name,
        };
        let missing = if self.shards { Missing::Take } else { Missing::Wait };
        self.replicas.push(Replica {
            clock,
            paused_until: 0,
            crashed: false,
            keeper: line(format!("r{at}-0"), Missing::Once, format!("member-{at}-0")),
            group: line(format!("r{at}"), missing, GROUP.into()),
            coordinator: Coordinator::new(Duration::from_secs(15)),
            lives: 0,
            plan: None,
            owned: BTreeSet::new(),
            released: String::new(),
            running: BTreeMap::new(),
        });
        self.act(at, Loop::Group, Action::Read);
        if self.shards {
            self.act(at, Loop::Keeper, Action::Read);
        }
    }

    fn clock(&self, at: usize) -> Duration {
        let (start, speed) = self.replicas[at].clock;
        Duration::from_secs_f64(start + self.now as f64 / 1000.0 * speed)
    }

    /// How long something lasts in the world that lasts so long by a replica's clock.
    fn lasts(&self, at: usize, time: Duration) -> u64 {
        (time.as_secs_f64() * 1000.0 / self.replicas[at].clock.1).ceil() as u64
    }

    fn line(&mut self, at: usize, of: Loop) -> &mut Line {
        match of {
            Loop::Keeper => &mut self.replicas[at].keeper,
            Loop::Group | Loop::Orders => &mut self.replicas[at].group,
        }
    }

    fn act(&mut self, at: usize, of: Loop, action: Action) {
        let released = if of == Loop::Keeper { self.replicas[at].released.clone() } else { String::new() };
        let request = match action {
            Action::Wait(time) => {
                if of == Loop::Group && self.shards {
                    return self.send(at, of, Request::List);
                }
                return self.wait(at, of, time);
            }
            Action::Loiter { about, most } => {
                let time = about.mul_f64(self.random.random_range(1.0..2.2)).min(most);
                return self.wait(at, of, time);
            }
            Action::Over => {
                let replica = &mut self.replicas[at];
                replica.lives += 1;
                replica.released = String::new();
                replica.running.clear();
                let (me, name) = (format!("r{at}-{}", replica.lives), format!("member-{at}-{}", replica.lives));
                let election = Election::new(me, terms(Missing::Once));
                replica.keeper = Line { election, last: None, awaits: 0, name };
                self.look(at);
                return self.act(at, of, Action::Read);
            }
            Action::Read => Request::Read,
            Action::Create(claim) => Request::Create(claim, released),
            Action::Update { version, claim } => Request::Update { version, claim, plan: None, released },
        };
        self.send(at, of, request);
    }

    fn wait(&mut self, at: usize, of: Loop, time: Duration) {
        self.ids += 1;
        let (id, lasts) = (self.ids, self.lasts(at, time));
        self.line(at, of).awaits = id;
        self.at(lasts, Event::Over { to: at, of, id, input: Input::Elapsed });
    }

    fn send(&mut self, at: usize, of: Loop, request: Request) {
        self.ids += 1;
        let (id, sent) = (self.ids, self.clock(at));
        let line = self.line(at, of);
        let (name, holder) = (
            line.name.clone(),
            match of {
                Loop::Keeper => format!("r{at}-{}", self.replicas[at].lives),
                Loop::Group | Loop::Orders => format!("r{at}"),
            },
        );
        if of != Loop::Orders {
            self.line(at, of).awaits = id;
            let lasts = self.lasts(at, Duration::from_secs(5));
            self.at(lasts, Event::Over { to: at, of, id, input: Input::Unanswered });
        }
        let delay =
            if self.chance(10) { self.random.random_range(0..20 * SECOND) } else { self.random.random_range(1..50) };
        if !self.chance(5) {
            let lost = self.chance(5);
            self.at(delay, Event::Arrives { from: at, of, id, name, holder, request, sent, lost });
        }
    }

    fn serve(&mut self, name: &str, holder: &str, request: Request) -> Answer {
        self.versions += 1;
        let version = self.versions;
        let duration = Duration::from_secs(15);
        match request {
            Request::Read => Answer::Found(self.leases.get(name).cloned()),
            Request::List => Answer::Listed(
                self.leases
                    .iter()
                    .filter(|(name, _)| *name != GROUP)
                    .map(|(name, lease)| Seen {
                        name: name.clone(),
                        version: lease.version(),
                        left: lease.holder.is_empty(),
                        duration: lease.duration,
                        released: lease.released.clone(),
                    })
                    .collect(),
            ),
            Request::Create(Claim { transitions, vacant, .. }, released) => {
                if self.leases.contains_key(name) {
                    return Answer::Refused;
                }
                let (holder, plan) = (if vacant { String::new() } else { holder.to_string() }, None);
                let lease = Stored { uid: version, version, holder, duration, transitions, plan, released };
                self.leases.insert(name.to_string(), lease.clone());
                Answer::Written(lease)
            }
            Request::Update { version: expected, claim, plan, released } => {
                let Some(lease) = self.leases.get_mut(name).filter(|lease| lease.version() == expected) else {
                    return Answer::Refused;
                };
                let plan = plan.or_else(|| lease.plan.clone());
                let (uid, holder, transitions) = (lease.uid, holder.to_string(), claim.transitions);
                *lease = Stored { uid, version, holder, duration, transitions, plan, released };
                Answer::Written(lease.clone())
            }
            Request::Remove { name, version } => {
                if self.leases.get(&name).is_none_or(|lease| lease.version() != version) {
                    return Answer::Refused;
                }
                self.leases.remove(&name);
                Answer::Removed(name)
            }
        }
    }

    fn answered(&mut self, at: usize, of: Loop, answer: Answer, sent: Duration) {
        let input = match answer {
            Answer::Found(found) => {
                let record = found.as_ref().map(Stored::record);
                self.line(at, of).last = found;
                Input::Read(record)
            }
            Answer::Written(lease) => {
                let record = lease.record();
                self.line(at, of).last = Some(lease);
                Input::Written { sent, record }
            }
            // The next list tells what has become of an order.
            Answer::Refused if of == Loop::Orders => return,
            Answer::Refused => Input::Refused,
            Answer::Listed(members) => return self.coordinate(at, &members),
            Answer::Removed(name) => return self.replicas[at].coordinator.removed(&name),
        };
        self.step(at, of, input);
    }

    fn coordinate(&mut self, at: usize, members: &[Seen]) {
        let now = self.clock(at);
        let replica = &mut self.replicas[at];
        let Some(last) = replica.group.last.clone() else { return self.step(at, Loop::Group, Input::Unanswered) };
        let lineage = last.uid.to_string();
        let plan = last.plan.clone().filter(|plan| plan.lineage == lineage);
        let orders = replica.coordinator.step(now, &lineage, plan.as_ref(), members);
        let mut publish = None;
        for order in orders {
            match order {
                Order::Publish(plan) => publish = Some(plan),
                Order::Remove { name, version } => self.send(at, Loop::Orders, Request::Remove { name, version }),
            }
        }
        match publish.zip(self.replicas[at].group.election.renewal()) {
            Some((plan, claim)) => {
                let (version, plan) = (last.version(), Some(plan));
                self.send(at, Loop::Group, Request::Update { version, claim, plan, released: String::new() });
            }
            None => self.wait(at, Loop::Group, Duration::from_secs(1)),
        }
    }

    fn step(&mut self, at: usize, of: Loop, input: Input) {
        let now = self.clock(at);
        let line = self.line(at, of);
        let led = line.election.leads_until().is_some();
        let (election, action) = line.election.clone().step(now, input);
        line.election = election;
        let leads = line.election.leads_until().is_some();
        if led && !leads {
            self.replicas[at].running.clear();
        }
        if of == Loop::Group {
            if led != leads {
                self.replicas[at].coordinator = Coordinator::new(Duration::from_secs(15));
            }
            let last = self.replicas[at].group.last.clone();
            let plan = last.and_then(|last| last.plan.filter(|plan| plan.lineage == last.uid.to_string()));
            let known = &mut self.replicas[at].plan;
            if let Some(plan) = plan
                && known.as_ref().is_none_or(|known| known.lineage != plan.lineage || known.epoch <= plan.epoch)
            {
                *known = Some(plan);
                self.look(at);
            }
        }
        self.act(at, of, action);
        self.work(at);
    }

    /// Takes up what is ours, and says so when nothing that is not is worked on any more.
    fn work(&mut self, at: usize) {
        if self.replicas[at].crashed || self.now < self.replicas[at].paused_until {
            return;
        }
        for key in 0..KEYS {
            let busy = self.replicas[at].running.contains_key(&key);
            if !busy && self.may_work(at, key) && self.random.random_range(0..4) == 0 {
                self.ids += 1;
                let id = self.ids;
                self.replicas[at].running.insert(key, id);
                let lasts = self.random.random_range(1..8 * SECOND);
                self.at(lasts, Event::Ended { of: at, key, id });
            }
        }
        let Some(plan) = self.replicas[at].plan.clone() else { return };
        let foreign = self.replicas[at].running.keys().any(|key| !self.owns(at, *key));
        let id = plan.id().to_string();
        if !foreign && self.replicas[at].released != id {
            self.replicas[at].released = id;
        }
    }

    /// Looks which keys are a replica's by the plan that it knows.
    fn look(&mut self, at: usize) {
        let replica = &mut self.replicas[at];
        let view = replica.plan.as_ref().and_then(|plan| View::new(plan, &replica.keeper.name));
        replica.owned = match view {
            Some(view) => (0..KEYS).filter(|key| view.standing(hash(*key)) == Standing::Ours).collect(),
            None => BTreeSet::new(),
        };
    }

    fn owns(&self, at: usize, key: u64) -> bool {
        !self.shards || self.replicas[at].owned.contains(&key)
    }

    /// Whether the time of a replica is not over.
    fn alive(&self, at: usize) -> bool {
        let replica = &self.replicas[at];
        let election = if self.shards { &replica.keeper.election } else { &replica.group.election };
        !replica.crashed && election.leads_until().is_some_and(|until| self.clock(at) < until)
    }

    fn may_work(&self, at: usize, key: u64) -> bool {
        self.alive(at) && self.owns(at, key)
    }

    fn fate(&mut self) {
        if self.now < self.trouble {
            let at = self.random.random_range(0..self.replicas.len());
            match self.random.random_range(0..12) {
                0..=2 => {
                    let pause = self.random.random_range(0..40 * SECOND);
                    self.replicas[at].paused_until = self.now + pause;
                }
                3 => self.replicas[at].crashed = true,
                4 if self.replicas.len() < 9 => self.add_replica(),
                5 => {
                    let names: Vec<String> = self.leases.keys().cloned().collect();
                    if !names.is_empty() {
                        let name = &names[self.random.random_range(0..names.len())];
                        self.leases.remove(name);
                    }
                }
                6 if self.random.random_range(0..4) == 0 => self.leases.clear(),
                7 => {
                    // Somebody labels a Lease.
                    self.versions += 1;
                    let version = self.versions;
                    if let Some(lease) = self.leases.values_mut().next() {
                        lease.version = version;
                    }
                }
                8 if !self.shards => {
                    // Somebody empties the holder.
                    self.versions += 1;
                    let version = self.versions;
                    if let Some(lease) = self.leases.get_mut(GROUP) {
                        (lease.version, lease.holder) = (version, String::new());
                    }
                }
                _ => {}
            }
        }
        let after = self.random.random_range(SECOND / 2..5 * SECOND);
        self.at(after, Event::Fate);
        for at in 0..self.replicas.len() {
            self.work(at);
        }
    }

    /// Runs the history. When the trouble is over a replica comes that nothing happens to, so that there is one in the end.
    fn run(mut self) -> Result<(), TestCaseError> {
        let end = self.trouble + 120 * SECOND;
        let mut peace = false;
        while let Some(Reverse((time, id))) = self.events.pop() {
            self.now = time;
            if time > end {
                break;
            }
            if time > self.trouble && !peace {
                peace = true;
                self.add_replica();
            }
            let Some(event) = self.bodies.remove(&id) else { continue };
            self.happen(event);
            self.check()?;
        }
        for key in 0..KEYS {
            let owners: Vec<usize> = (0..self.replicas.len()).filter(|at| self.may_work(*at, key)).collect();
            prop_assert_eq!(owners.len(), 1, "key {} in the end: {:?}", key, owners);
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        let paused = match &event {
            Event::Answered { to: at, .. } | Event::Over { to: at, .. } | Event::Ended { of: at, .. } => {
                if self.replicas[*at].crashed {
                    return;
                }
                self.replicas[*at].paused_until
            }
            Event::Arrives { .. } | Event::Fate => 0,
        };
        if self.now < paused {
            // It happens when the process goes on, in the same order.
            return self.at(paused - self.now, event);
        }
        match event {
            Event::Arrives { from, of, id, name, holder, request, sent, lost } => {
                let answer = self.serve(&name, &holder, request);
                if !lost {
                    let delay = self.random.random_range(1..50);
                    self.at(delay, Event::Answered { to: from, of, id, answer, sent });
                }
            }
            Event::Answered { to, of, id, answer, sent } => {
                if of == Loop::Orders || self.line(to, of).awaits == id {
                    self.answered(to, of, answer, sent);
                }
            }
            Event::Over { to, of, id, input } => {
                if self.line(to, of).awaits == id {
                    self.step(to, of, input);
                }
            }
            Event::Ended { of, key, id } => {
                if self.replicas[of].running.get(&key) == Some(&id) {
                    self.replicas[of].running.remove(&key);
                }
                self.work(of);
            }
            Event::Fate => self.fate(),
        }
    }

    /// No key is one's to begin with, or worked on in time, while it is another's.
    fn check(&self) -> Result<(), TestCaseError> {
        let alive: Vec<usize> = (0..self.replicas.len()).filter(|at| self.alive(*at)).collect();
        for key in 0..if self.shards { KEYS } else { 1 } {
            let has = |at: &usize| self.owns(*at, key) || self.replicas[*at].running.contains_key(&key);
            let owners: Vec<usize> = alive.iter().copied().filter(has).collect();
            prop_assert!(owners.len() <= 1, "at {} ms key {key} has the owners {owners:?}", self.now);
        }
        Ok(())
    }
}

/// PROPTEST_CASES asks for more than the few that each run of the tests can afford.
fn histories() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { 25 };
    ProptestConfig { cases, failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(histories())]

    #[test]
    fn there_are_never_two_leaders_and_one_in_the_end(seed: u64) {
        World::new(seed, false).run()?;
    }

    #[test]
    fn no_key_has_ever_two_owners_and_each_has_one_in_the_end(seed: u64) {
        World::new(seed, true).run()?;
    }
}
