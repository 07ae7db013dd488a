//! Each way in which a watch can fail, and that the cache equals the server afterwards.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use kubewright_cache::{CacheOptions, Caches, Informer, Keep, Scope, State};
use serde_json::{Value, json};
use support::{Fault, Server, config_maps, key};
use tokio::time::{Instant, timeout};

/// Waits until the cache is at the server's revision, and checks that it holds the same then.
async fn settled(server: &Server, informer: &Informer) {
    let goal = server.revision();
    let reached = timeout(Duration::from_secs(3600), async {
        _ = informer.revision().wait_for(|seen| *seen == goal).await;
    });
    assert!(reached.await.is_ok(), "the cache did not get to {goal}: {:?}", informer.health());
    let cached: BTreeMap<_, Value> =
        informer.list(None).iter().map(|object| (object.reference().clone(), object.tree())).collect();
    assert_eq!(cached, server.contents());
}

async fn synced(server: &Server) -> Informer {
    let informer = server.informer();
    assert!(informer.wait_synced().await);
    settled(server, &informer).await;
    informer
}

fn watch_lists(server: &Server) -> usize {
    server.requests().iter().filter(|uri| uri.contains("sendInitialEvents")).count()
}

#[tokio::test(start_paused = true)]
async fn one_request_streams_the_contents_and_then_the_changes() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    server.put("a", "2");
    server.put("b", "1");
    settled(&server, &informer).await;
    server.delete("a");
    settled(&server, &informer).await;
    assert_eq!(server.requests().len(), 1);
    assert_eq!(informer.health().state, State::Watching);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_watch_list_is_listed_in_pages() {
    let server = Server::without_watch_list();
    for name in ["a", "b", "c", "d", "e"] {
        server.put(name, "1");
    }
    let caches = Caches::new(server.client(), CacheOptions { page_size: 2, ..CacheOptions::default() });
    let informer = caches.informer(&config_maps(), Scope::default(), Keep::Whole).unwrap();
    informer.wait_synced().await;
    settled(&server, &informer).await;
    let requests = server.requests();
    assert_eq!(
        requests[1..4],
        [
            "/api/v1/configmaps?limit=2",
            "/api/v1/configmaps?limit=2&continue=token5x3",
            "/api/v1/configmaps?limit=2&continue=token5x1"
        ]
    );
    assert!(requests[4].ends_with("resourceVersion=5"), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_watch_list_is_listed_after_a_bookmark_or_in_time() {
    for bookmark in [true, false] {
        let server = Server::ignoring_watch_list();
        server.put("a", "1");
        let informer = server.informer();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!informer.health().synced);
        if bookmark {
            server.bookmark();
        }
        let asked = Instant::now();
        informer.wait_synced().await;
        settled(&server, &informer).await;
        assert!(asked.elapsed() <= Duration::from_secs(if bookmark { 1 } else { 100 }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_goes_on_where_it_was() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    server.end_watches();
    server.put("a", "2");
    server.delete("a");
    server.put("b", "1");
    settled(&server, &informer).await;
    let requests = server.requests();
    assert_eq!(requests[1], "/api/v1/configmaps?limit=1");
    assert!(requests[2].contains("watch=true") && requests[2].ends_with("resourceVersion=1"), "{requests:?}");
    assert_eq!(informer.health().relists, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_goes_on_where_it_was() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    server.break_watches();
    server.put("b", "1");
    settled(&server, &informer).await;
    assert_eq!(informer.health().relists, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_half_open_is_given_up() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    server.silence_watches();
    server.put("b", "1");
    let asked = Instant::now();
    settled(&server, &informer).await;
    assert!(asked.elapsed() < Duration::from_secs(110));
    assert_eq!(informer.health().relists, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_is_given_up() {
    let server = Server::without_watch_list();
    server.put("a", "1");
    server.fault(Fault::Hang);
    server.fault(Fault::Hang);
    let informer = server.informer();
    let asked = Instant::now();
    informer.wait_synced().await;
    settled(&server, &informer).await;
    assert!(asked.elapsed() < Duration::from_secs(220));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_happened_behind_an_expired_watch_is_found() {
    let server = Server::new();
    server.put("a", "1");
    server.put("b", "1");
    let informer = synced(&server).await;
    let mut deltas = informer.subscribe();
    while deltas.try_next().is_some() {}
    server.end_watches();
    server.delete("a");
    server.put("c", "1");
    server.compact();
    settled(&server, &informer).await;
    assert_eq!(informer.health().relists, 1);
    let added = deltas.next().await.unwrap();
    assert_eq!((added.reference, added.old.is_some(), added.initial), (key("c"), false, false));
    let deleted = deltas.next().await.unwrap();
    assert_eq!((deleted.reference, deleted.new.is_some()), (key("a"), false));
    // The final state was not seen; the last that was known stands in for it.
    assert!(deleted.last.is_none());
    assert_eq!(deleted.old.unwrap().tree()["data"]["value"], "1");
    assert!(deltas.try_next().is_none(), "b has not changed");
}

#[tokio::test(start_paused = true)]
async fn an_expiry_in_the_middle_of_the_watch_lists_again() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    server.send_raw(
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}}\n",
    );
    server.delete("a");
    server.compact();
    settled(&server, &informer).await;
    assert_eq!(watch_lists(&server), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_expires_between_pages_is_read_in_one_piece() {
    let server = Server::without_watch_list();
    for name in ["a", "b", "c"] {
        server.put(name, "1");
    }
    let caches =
        Caches::new(server.client(), CacheOptions { page_size: 2, watch_list: false, ..CacheOptions::default() });
    let informer = caches.informer(&config_maps(), Scope::default(), Keep::Whole).unwrap();
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    server.fault(Fault::Status(410, "Expired"));
    informer.wait_synced().await;
    settled(&server, &informer).await;
    assert_eq!(
        server.requests()[..3],
        ["/api/v1/configmaps?limit=2", "/api/v1/configmaps?limit=2&continue=token3x1", "/api/v1/configmaps"]
    );
}

#[tokio::test(start_paused = true)]
async fn garbage_half_lines_and_unknown_events_are_repaired() {
    let garbage = [
        "\u{0}\u{1}garbage\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n",
        "{\"type\":\"SURPRISE\",\"object\":{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"9\"}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"9\"}}} trailing\n",
        "[]\n",
        "null\n",
        "{\"type\":\"ERROR\",\"object\":null}\n",
    ];
    for line in garbage {
        let server = Server::new();
        server.put("a", "1");
        let informer = synced(&server).await;
        server.send_raw(line);
        server.put("b", "1");
        settled(&server, &informer).await;
        assert_eq!(informer.health().relists, 1, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_line_at_the_end_of_a_connection_is_no_event() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    server.send_raw("{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\",");
    server.end_watches();
    server.put("b", "1");
    settled(&server, &informer).await;
    assert_eq!(informer.health().relists, 0);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_none_is_asked_for_again() {
    for body in ["", "null", "{}", "<html>", "{\"metadata\":{\"resourceVersion\":\"1\"}}"] {
        let server = Server::without_watch_list();
        server.put("a", "1");
        server.fault(Fault::Status(400, "BadRequest"));
        server.fault(Fault::Body(body));
        let informer = server.informer();
        informer.wait_synced().await;
        settled(&server, &informer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_come_twice_change_nothing() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    let mut deltas = informer.subscribe();
    server.put("a", "2");
    server.repeat_last(1);
    server.put("b", "1");
    settled(&server, &informer).await;
    let seen: Vec<String> = std::iter::from_fn(|| deltas.try_next()).map(|delta| delta.reference.to_string()).collect();
    assert_eq!(seen, ["default/a", "default/b"]);
    assert_eq!(informer.health().relists, 0);
}

#[tokio::test(start_paused = true)]
async fn events_that_go_back_list_again() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    server.put("a", "2");
    server.put("b", "1");
    server.repeat_last(2);
    settled(&server, &informer).await;
    server.bookmark();
    server.put("b", "2");
    settled(&server, &informer).await;
    assert_eq!(informer.health().relists, 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_restored_from_a_backup_is_followed_back() {
    for how in ["breaks", "ends", "silent", "bookmark"] {
        let server = Server::new();
        server.put("kept", "1");
        let backup = server.backup();
        server.put("lost", "1");
        server.put("kept", "2");
        let informer = synced(&server).await;
        let mut deltas = informer.subscribe();
        while deltas.try_next().is_some() {}
        server.restore(backup);
        match how {
            "breaks" => server.break_watches(),
            "ends" => server.end_watches(),
            "silent" => server.silence_watches(),
            _ => server.bookmark(),
        }
        settled(&server, &informer).await;
        assert_eq!(informer.health().revision, 1);
        let mut changed: Vec<String> =
            std::iter::from_fn(|| deltas.try_next()).map(|delta| delta.reference.to_string()).collect();
        changed.sort();
        assert_eq!(changed, ["default/kept", "default/lost"], "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restored_server_with_equal_versions_is_not_trusted() {
    let server = Server::new();
    server.put("a", "1");
    let backup = server.backup();
    server.put("a", "old history");
    server.put("b", "1");
    let informer = synced(&server).await;
    server.restore(backup);
    // The same object at the same version as before, with other contents.
    server.silence_watches();
    server.put("a", "new history");
    settled(&server, &informer).await;
    assert_eq!(informer.get(&key("a")).unwrap().tree()["data"]["value"], json!("new history"));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_refuses_is_told_and_tried_again() {
    let server = Server::new();
    server.put("a", "1");
    for _ in 0..3 {
        server.fault(Fault::Status(403, "Forbidden"));
    }
    let informer = server.informer();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let health = informer.health();
    assert!(health.forbidden && !health.synced, "{health:?}");
    assert_eq!(health.error.as_deref(), Some("the server answered 403: the test wants Forbidden"));
    assert_eq!(health.state, State::Waiting);
    informer.wait_synced().await;
    let health = informer.health();
    assert!(!health.forbidden && health.error.is_none() && health.last_contact.is_some(), "{health:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_ever_more_slowly() {
    let server = Server::new();
    server.put("a", "1");
    for _ in 0..20 {
        server.fault(Fault::Refuse);
    }
    let informer = server.informer();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let after_ten_seconds = server.requests().len();
    assert!((5..12).contains(&after_ten_seconds), "{after_ten_seconds}");
    let asked = Instant::now();
    informer.wait_synced().await;
    assert!(asked.elapsed() <= Duration::from_secs(30 * 15), "{:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_at_once_do_not_spin() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        server.end_watches();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(server.requests().len() < 30, "{}", server.requests().len());
    settled(&server, &informer).await;
}

#[tokio::test(start_paused = true)]
async fn keeps_away_for_as_long_as_the_server_asks() {
    let server = Server::new();
    server.put("a", "1");
    server.fault(Fault::RetryAfter(429, 45));
    let start = Instant::now();
    server.informer().wait_synced().await;
    assert!(start.elapsed() >= Duration::from_secs(45) && start.elapsed() < Duration::from_secs(46));
}
