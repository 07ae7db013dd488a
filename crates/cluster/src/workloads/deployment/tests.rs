//! Roll-outs in which pods get ready when they like: whatever order, the limits hold and the goal is reached.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetStatus};
use proptest::prelude::*;
use serde_json::json;

use super::limits::{max_surge, max_unavailable};
use super::plan::{Step, plan, wanted};
use super::sets::{Sets, replicas, revision, spec};
use super::status::status;

/// A Deployment and its ReplicaSets, as the API server would have them.
struct World {
    deployment: Deployment,
    sets: Vec<ReplicaSet>,
    made: usize,
}

impl World {
    fn new(replicas: i32, strategy: serde_json::Value) -> Self {
        let deployment = serde_json::from_value(json!({
            "metadata": {"name": "web", "uid": "d", "generation": 1},
            "spec": {
                "replicas": replicas, "strategy": strategy, "revisionHistoryLimit": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
            },
        }));
        Self { deployment: deployment.unwrap(), sets: Vec::new(), made: 0 }
    }

    fn rolling(replicas: i32, surge: serde_json::Value, unavailable: serde_json::Value) -> Self {
        let bounds = json!({"maxSurge": surge, "maxUnavailable": unavailable});
        Self::new(replicas, json!({"type": "RollingUpdate", "rollingUpdate": bounds}))
    }

    fn template(&mut self, version: u32) {
        let metadata = self.deployment.spec.as_mut().unwrap().template.metadata.as_mut().unwrap();
        metadata.annotations = Some([("version".to_string(), version.to_string())].into());
    }

    fn scale(&mut self, replicas: i32) {
        self.deployment.spec.as_mut().unwrap().replicas = Some(replicas);
    }

    fn sets(&self) -> Sets {
        Sets::of(&self.deployment, self.sets.clone())
    }

    fn old_pods(&self) -> bool {
        self.sets().old.iter().any(|set| set.status.as_ref().is_some_and(|status| status.replicas > 0))
    }

    /// One reconcile. Tells whether there was something to do.
    fn step(&mut self) -> bool {
        let steps = plan(&self.deployment, &self.sets(), self.old_pods());
        let worked = !steps.is_empty();
        for step in steps {
            match step {
                Step::Create(mut set) => {
                    self.made += 1;
                    set.metadata.uid = Some(format!("rs-{}", self.made));
                    set.metadata.creation_timestamp =
                        serde_json::from_value(json!(format!("2026-01-01T00:00:{:02}Z", self.made))).unwrap();
                    set.metadata.generation = Some(1);
                    set.status = Some(ReplicaSetStatus { observed_generation: Some(1), ..ReplicaSetStatus::default() });
                    self.sets.push(set);
                }
                Step::Update(set, _) => {
                    let present = self.sets.iter_mut().find(|present| present.metadata.uid == set.metadata.uid);
                    *present.unwrap() = set;
                }
                Step::Delete(set) => {
                    assert_eq!(replicas(&set), 0);
                    self.sets.retain(|present| present.metadata.uid != set.metadata.uid);
                }
            }
        }
        let sets = self.sets();
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        self.deployment.status = Some(status(&self.deployment, &sets, None, now).0);
        worked
    }

    /// One ReplicaSet's pods come, go or get ready, as `luck` has it. Tells whether something was left to happen.
    fn pods(&mut self, luck: usize) -> bool {
        let lagging = |set: &ReplicaSet| {
            let status = set.status.clone().unwrap_or_default();
            status.replicas != replicas(set) || status.available_replicas.unwrap_or_default() != status.replicas
        };
        let lagging: Vec<usize> = (0..self.sets.len()).filter(|at| lagging(&self.sets[*at])).collect();
        if lagging.is_empty() {
            return false;
        }
        let set = &mut self.sets[lagging[luck % lagging.len()]];
        let wanted = replicas(set);
        let status = set.status.as_mut().unwrap();
        let available = status.available_replicas.get_or_insert_default();
        if status.replicas < wanted {
            status.replicas = wanted;
        } else if status.replicas > wanted {
            // Those that are not available go first.
            status.replicas = wanted;
            *available = (*available).min(wanted);
        } else {
            *available += 1;
        }
        status.ready_replicas = status.available_replicas;
        true
    }

    fn available(&self) -> i32 {
        self.sets().available()
    }

    /// Goes on until nothing is left to do.
    fn settle(&mut self, luck: &mut impl Iterator<Item = usize>) {
        for _ in 0..1000 {
            let worked = self.step();
            let moved = self.pods(luck.next().unwrap_or_default());
            if !worked && !moved {
                return;
            }
        }
        panic!("it does not come to rest: {:#?}", self.sets);
    }
}

proptest! {
    #[test]
    fn a_rolling_update_keeps_its_limits_and_reaches_its_goal(
        replicas in 0..12_i32,
        surge in 0..4_i32,
        unavailable in 0..4_i32,
        luck in proptest::collection::vec(0..8_usize, 400),
        versions in 1..4_u32,
    ) {
        let mut world = World::rolling(replicas, json!(surge), json!(unavailable));
        let mut luck = luck.into_iter().cycle();
        world.settle(&mut luck);
        let spec = spec(&world.deployment);
        let (most, least) = (replicas + max_surge(&spec), replicas - max_unavailable(&spec));
        for version in 1..=versions {
            world.template(version);
            // The next version may come before the last one is through.
            for _ in 0..luck.next().unwrap() * 10 {
                let available = world.available();
                world.step();
                prop_assert!(world.sets().wanted() <= most.max(replicas), "more pods than allowed");
                let doomed: i32 = world.sets().all().map(|set| {
                    let status = set.status.clone().unwrap_or_default();
                    (status.available_replicas.unwrap_or_default() - super::sets::replicas(set)).max(0)
                }).sum();
                prop_assert!(available - doomed >= least.min(available), "fewer pods than allowed");
                world.pods(luck.next().unwrap());
            }
        }
        world.settle(&mut luck);
        let sets = world.sets();
        prop_assert_eq!(super::sets::replicas(sets.new.as_ref().unwrap()), replicas);
        prop_assert_eq!(sets.active_old().count(), 0);
        prop_assert!(sets.old.len() <= 2, "history is cut");
        let status = world.deployment.status.clone().unwrap();
        prop_assert_eq!(status.available_replicas.unwrap_or_default(), replicas);
    }

    #[test]
    fn scaling_in_the_middle_of_a_roll_out_keeps_the_limits(
        from in 1..12_i32,
        to in 0..20_i32,
        luck in proptest::collection::vec(0..8_usize, 200),
        steps in 0..12_usize,
    ) {
        let mut world = World::rolling(from, json!("25%"), json!("25%"));
        let mut luck = luck.into_iter().cycle();
        world.settle(&mut luck);
        world.template(1);
        for _ in 0..steps {
            world.step();
            world.pods(luck.next().unwrap());
        }
        world.scale(to);
        for _ in 0..5 {
            world.step();
        }
        let most = if to > 0 { to + max_surge(&spec(&world.deployment)) } else { 0 };
        prop_assert!(world.sets().wanted() <= most, "{} of {most}", world.sets().wanted());
        world.settle(&mut luck);
        prop_assert_eq!(super::sets::replicas(world.sets().new.as_ref().unwrap()), to);
        prop_assert_eq!(world.available(), to);
    }
}

#[test]
fn recreate_waits_until_the_old_pods_are_gone() {
    let mut world = World::new(3, json!({"type": "Recreate"}));
    world.settle(&mut std::iter::repeat(0));
    world.template(1);
    assert!(world.step(), "the old ones are scaled down");
    assert!(!world.step(), "and nothing is made while they are there");
    assert_eq!(world.sets.len(), 1);
    world.pods(0);
    world.settle(&mut std::iter::repeat(0));
    assert_eq!(wanted(&world.deployment), replicas(world.sets().new.as_ref().unwrap()));
}

#[test]
fn a_template_that_comes_back_takes_its_replica_set_up_again_with_a_new_revision() {
    let mut world = World::rolling(2, json!(1), json!(0));
    let mut luck = std::iter::repeat(0);
    for version in [1, 2, 1] {
        world.template(version);
        world.settle(&mut luck);
    }
    assert_eq!(world.sets.len(), 2);
    let new = world.sets().new.unwrap();
    assert_eq!(revision(&new), 3);
    let annotations = new.metadata.annotations.unwrap();
    assert_eq!(annotations["deployment.kubernetes.io/revision-history"], "1");
}

#[test]
fn a_paused_deployment_is_scaled_but_not_rolled_out() {
    let mut world = World::rolling(2, json!(1), json!(0));
    let mut luck = std::iter::repeat(0);
    world.settle(&mut luck);
    world.deployment.spec.as_mut().unwrap().paused = Some(true);
    world.template(1);
    world.scale(5);
    world.settle(&mut luck);
    assert_eq!((world.sets.len(), replicas(&world.sets[0])), (1, 5));
    let conditions = world.deployment.status.clone().unwrap().conditions.unwrap();
    let progressing = conditions.iter().find(|condition| condition.type_ == "Progressing");
    assert!(progressing.is_none(), "without a deadline there is no progress to tell");
}
