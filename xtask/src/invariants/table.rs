//! Each invariant, how it is broken, and the test that has to fail then.

use crate::breakage::Edit;

/// An invariant of the design.
pub(super) struct Invariant {
    pub(super) id: &'static str,
    pub(super) package: &'static str,
    /// A test program, or `lib` for the tests inside.
    pub(super) target: &'static str,
    pub(super) test: &'static str,
    pub(super) edits: &'static [Edit],
}

const fn edit(file: &'static str, from: &'static str, to: &'static str) -> Edit {
    Edit { file, from, to }
}

const fn queue(id: &'static str, test: &'static str, edits: &'static [Edit]) -> Invariant {
    Invariant { id, package: "kubewright-queue", target: "queue", test, edits }
}

const fn cache(id: &'static str, target: &'static str, test: &'static str, edits: &'static [Edit]) -> Invariant {
    Invariant { id, package: "kubewright-cache", target, test, edits }
}

const fn runtime(id: &'static str, target: &'static str, test: &'static str, edits: &'static [Edit]) -> Invariant {
    Invariant { id, package: "kubewright-runtime", target, test, edits }
}

const STATE: &str = "crates/queue/src/state.rs";
const STORE: &str = "crates/cache/src/store.rs";
const MACHINE: &str = "crates/cache/src/reflector/machine.rs";
const REFLECTOR: &str = "crates/cache/src/reflector/mod.rs";
const ENGINE: &str = "crates/runtime/src/engine.rs";

pub(super) const TABLE: &[Invariant] = &[
    queue(
        "queue-once-at-a-time",
        "a_key_is_never_worked_on_twice_at_once",
        &[edit(STATE, "        if slot.working {", "        if false {")],
    ),
    queue(
        "queue-again",
        "a_delay_that_ends_during_work_queues_the_key_afterwards",
        &[edit(STATE, "if slot.place == Place::Again {", "if false {")],
    ),
    queue(
        "queue-collapse",
        "equal_keys_collapse",
        &[edit(
            "crates/queue/src/slots.rs",
            "entry.hash == hash && slots[entry.index as usize].is(&key);",
            "entry.hash == hash && slots[entry.index as usize].is(&key) && false;",
        )],
    ),
    queue(
        "queue-drain",
        "a_drain_hands_out_what_was_queued_and_what_was_added_during_work",
        &[edit(STATE, "self.queued == 0 && self.again == 0", "self.queued == 0")],
    ),
    queue(
        "queue-fifo",
        "equal_priority_is_first_in_first_out",
        &[
            edit("crates/queue/src/level.rs", "unwrap_or(&self.list).first", "unwrap_or(&self.list).last"),
            edit("crates/queue/src/slots.rs", "    last: u32,", "    pub(crate) last: u32,"),
        ],
    ),
    queue(
        "queue-no-starvation",
        "no_priority_starves",
        &[edit(STATE, "waiting.min_by_key(|level| self.slots[level.front()].order)", "waiting.next()")],
    ),
    Invariant {
        id: "queue-fairness",
        package: "kubewright-queue",
        target: "model",
        test: "behaves_like_the_model_over_random_histories",
        edits: &[edit(
            "crates/queue/src/level.rs",
            "self.flows.contains_key(flow)) {\n            self.turns.push_back(flow);",
            "self.flows.contains_key(flow)) {\n            self.turns.push_front(flow);",
        )],
    },
    queue(
        "queue-backoff-grows",
        "backoff_is_per_key_and_resets_on_success",
        &[edit(STATE, "slot.failures = slot.failures.saturating_add(1);", "slot.failures = 1;")],
    ),
    queue(
        "queue-backoff-resets",
        "backoff_is_per_key_and_resets_on_success",
        &[edit(STATE, "self.slots[index].failures = 0;", "")],
    ),
    cache(
        "cache-equals-the-server",
        "histories",
        "with_watch_list_the_cache_always_equals_the_server_at_some_version",
        &[edit(
            "crates/cache/src/informer.rs",
            "for_each(|object| store.stage(object)),",
            "for_each(|object| { store.apply(object.clone()); store.stage(object) }),",
        )],
    ),
    cache(
        "cache-delete-by-relist",
        "faults",
        "a_deletion_that_happened_behind_an_expired_watch_is_found",
        &[edit(STORE, "self.contents.missing(self.pass)", "self.contents.missing(self.pass).into_iter().take(0)")],
    ),
    cache(
        "cache-delete-final-state",
        "informers",
        "a_follower_is_told_the_contents_and_then_each_change",
        &[edit(
            STORE,
            "self.drop_object(last.reference().clone(), Some(last));",
            "self.drop_object(last.reference().clone(), None);",
        )],
    ),
    cache(
        "cache-410",
        "faults",
        "an_expiry_in_the_middle_of_the_watch_lists_again",
        &[edit(MACHINE, "let lost = matches!(failure, Failure::Expired | ", "let lost = matches!(failure, ")],
    ),
    cache(
        "cache-timeout",
        "faults",
        "a_request_that_hangs_is_given_up",
        &[edit(
            REFLECTOR,
            "timeout(self.options.idle, self.client.send(request))",
            "timeout(self.options.idle * 99_999, self.client.send(request))",
        )],
    ),
    cache(
        "cache-half-open",
        "faults",
        "a_connection_that_is_half_open_is_given_up",
        &[edit(
            REFLECTOR,
            "bytes\")), *opened);\n            }\n            match timeout(self.options.idle,",
            "bytes\")), *opened);\n            }\n            match timeout(self.options.idle * 99_999,",
        )],
    ),
    cache(
        "cache-eof",
        "faults",
        "a_watch_that_ends_goes_on_where_it_was",
        &[edit(
            REFLECTOR,
            "Ok(None) => return Input::Ended { lasted: opened.elapsed() },",
            "Ok(None) => std::future::pending::<()>().await,",
        )],
    ),
    cache(
        "cache-garbage",
        "faults",
        "garbage_half_lines_and_unknown_events_are_repaired",
        &[edit(
            MACHINE,
            "Failure::Expired | Failure::Garbage | Failure::Unsupported);",
            "Failure::Expired | Failure::Unsupported);",
        )],
    ),
    cache(
        "cache-own-backoff",
        "informers",
        "each_watch_fails_for_itself",
        &[
            edit(REFLECTOR, "sleep(delay).await;", "{ let _one = ONE.lock().await; sleep(delay).await; }"),
            edit(
                REFLECTOR,
                "            // A long burst of events comes without a wait.\n",
                "            drop(ONE.lock().await);\n",
            ),
            edit(
                REFLECTOR,
                "/// A watch that is open.\n",
                "static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());\n/// A watch that is open.\n",
            ),
        ],
    ),
    cache(
        "cache-backoff-grows",
        "faults",
        "failures_are_tried_again_ever_more_slowly",
        &[edit(MACHINE, "self.failures = self.failures.saturating_add(1);", "")],
    ),
    cache(
        "cache-relist-memory",
        "lib",
        "a_relist_holds_only_what_it_changes",
        &[edit(STORE, "if known && staging.trust {", "if false {")],
    ),
    cache(
        "cache-one-watch",
        "informers",
        "there_is_one_watch_for_all_who_ask_for_the_same",
        &[edit(
            "crates/cache/src/caches.rs",
            "informers.by_watch.get(&watch).and_then(Weak::upgrade) {",
            "informers.by_watch.get(&watch).and_then(Weak::upgrade).filter(|_| false) {",
        )],
    ),
    runtime(
        "runtime-own-writes",
        "owned",
        "a_key_does_not_run_before_the_cache_has_seen_its_own_write",
        &[edit("crates/runtime/src/expectations.rs", "if expected.writes.iter().all(Expectation::met) {", "if true {")],
    ),
    runtime(
        "runtime-panic",
        "manager",
        "a_panic_costs_one_reconcile",
        &[edit(
            ENGINE,
            "AssertUnwindSafe(self.handler.handle(key, context)).catch_unwind();",
            "self.handler.handle(key, context).map(Ok::<_, Box<dyn Any + Send>>);",
        )],
    ),
    runtime(
        "runtime-lost-lease",
        "lib",
        "a_leader_writes_until_its_time_is_over_and_tells_the_server_how_long_that_is",
        &[edit(
            "crates/runtime/src/leadership/duty.rs",
            "(_, Some(until)) if now >= until => Err(NotLeading::Lapsed),",
            "(_, Some(until)) if now >= until => Ok(None),",
        )],
    ),
    runtime(
        "runtime-standby",
        "leadership",
        "a_standbys_writes_are_refused_with_a_reason_and_its_reads_are_not",
        &[edit(
            "crates/runtime/src/leadership/duty.rs",
            "(Held::Nothing, _) => Err(NotLeading::Standby),",
            "(Held::Nothing, _) => Ok(None),",
        )],
    ),
    runtime(
        "runtime-shutdown-deadline",
        "manager",
        "a_stop_ends_at_its_deadline_and_names_what_still_ran",
        &[edit(
            "crates/runtime/src/run.rs",
            "let deadline = Instant::now() + options.shutdown_deadline;",
            "let deadline = Instant::now() + options.shutdown_deadline * 2;",
        )],
    ),
    runtime(
        "runtime-forbidden-watch",
        "manager",
        "workers_start_when_all_caches_are_in_sync_and_readiness_tells_what_is_missing",
        &[edit("crates/runtime/src/health.rs", "Some(error) => Some(error.clone()),", "Some(_) => None,")],
    ),
    runtime(
        "runtime-stuck-watch",
        "watches",
        "a_watch_that_hangs_makes_readiness_fail_by_name_until_it_goes_on",
        &[edit("crates/runtime/src/health.rs", "Some(error) => Some(error.clone()),", "Some(_) => None,")],
    ),
    runtime(
        "runtime-late-watch",
        "watches",
        "a_first_list_that_does_not_come_is_told_by_name",
        &[edit(
            "crates/runtime/src/health.rs",
            "(!watch.synced).then(|| \"not in sync yet\".to_string())",
            "None::<String>",
        )],
    ),
    runtime(
        "runtime-no-write-twice",
        "owned",
        "a_child_is_made_with_a_controller_reference_and_then_left_alone",
        &[edit(
            "crates/runtime/src/owned/apply.rs",
            "if self.controller.memory.settled(",
            "if false && self.controller.memory.settled(",
        )],
    ),
    runtime(
        "runtime-wakes-what-read",
        "relations",
        "an_object_that_was_read_wakes_its_reader_when_it_appears_changes_and_goes",
        &[edit("crates/runtime/src/tracker.rs", "self.engine.relations.add(&self.key, interest);", "drop(interest);")],
    ),
    runtime(
        "runtime-wakes-on-removal",
        "relations",
        "an_object_that_was_read_wakes_its_reader_when_it_appears_changes_and_goes",
        &[edit(
            ENGINE,
            "        for key in self.relations.affected(",
            "        if delta.new.is_none() {\n            return;\n        }\n        for key in self.relations.affected(",
        )],
    ),
];
