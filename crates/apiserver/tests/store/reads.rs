//! Ranges: pages, namespaces, filters, older revisions.

use std::sync::Arc;

use kubewright_apiserver::store::{Collection, Compacted, ObjectKey, Range, RangeRequest, Store};

use crate::support::*;

fn names(range: &Range) -> Vec<String> {
    range.items.iter().map(|object| object.key().to_string()).collect()
}

async fn filled(store: &Store) -> Arc<Collection> {
    let maps = store.collection("", "configmaps");
    for (namespace, name) in [("b", "1"), ("a", "2"), ("a-b", "1"), ("a", "1"), ("a", "3")] {
        create(store, &maps, &ObjectKey::new(namespace, name), name).await.unwrap();
    }
    maps
}

#[tokio::test]
async fn ranges_are_in_the_order_of_keys() {
    let store = memory();
    let maps = filled(&store).await;
    let all = maps.range(RangeRequest::default()).unwrap();
    assert_eq!(names(&all), ["a-b/1", "a/1", "a/2", "a/3", "b/1"]);
    assert_eq!((all.more, all.remaining, all.revision), (false, Some(0), 5));
    let one = maps.range(RangeRequest { namespace: Some("a"), ..Default::default() }).unwrap();
    assert_eq!(names(&one), ["a/1", "a/2", "a/3"]);
    assert_eq!((maps.count(None), maps.count(Some("a")), maps.count(Some("x"))), (5, 3, 0));
    let none = maps.range(RangeRequest { namespace: Some("x"), ..Default::default() }).unwrap();
    assert!(none.items.is_empty() && !none.more);
}

#[tokio::test]
async fn pages_continue_at_their_revision_whatever_happens_meanwhile() {
    let store = memory();
    let maps = filled(&store).await;
    let first = maps.range(RangeRequest { limit: 2, ..Default::default() }).unwrap();
    assert_eq!((names(&first), first.more, first.remaining), (vec!["a-b/1".into(), "a/1".into()], true, Some(3)));
    delete(&store, &maps, &ObjectKey::new("a", "1"), 4).await.unwrap();
    delete(&store, &maps, &ObjectKey::new("a", "2"), 2).await.unwrap();
    update(&store, &maps, &ObjectKey::new("a", "3"), 5, "new").await.unwrap();
    create(&store, &maps, &ObjectKey::new("a", "4"), "4").await.unwrap();
    let page = |after: &Range, limit| {
        let (after, revision) = (Some(after.items.last().unwrap().key().clone()), Some(after.revision));
        maps.range(RangeRequest { after, revision, limit, ..Default::default() }).unwrap()
    };
    let second = page(&first, 2);
    assert_eq!((names(&second), second.more, second.remaining), (vec!["a/2".into(), "a/3".into()], true, Some(1)));
    assert_eq!(value(&second.items[1]), "3");
    let third = page(&second, 2);
    assert_eq!((names(&third), third.more, third.remaining, third.revision), (vec!["b/1".into()], false, Some(0), 5));
}

#[tokio::test]
async fn a_page_may_continue_behind_the_namespace() {
    let store = memory();
    let maps = filled(&store).await;
    let request = |after| RangeRequest { namespace: Some("a"), after: Some(after), ..Default::default() };
    assert!(maps.range(request(ObjectKey::new("b", "1"))).unwrap().items.is_empty());
    assert_eq!(maps.range(request(ObjectKey::new("a-b", "1"))).unwrap().items.len(), 3);
}

#[tokio::test]
async fn one_name_is_found_alone_at_any_revision() {
    let store = memory();
    let maps = filled(&store).await;
    let request = |namespace, name| RangeRequest { namespace, name: Some(name), limit: 1, ..Default::default() };
    let one = maps.range(request(Some("a"), "2")).unwrap();
    assert_eq!((names(&one), one.more, one.remaining), (vec!["a/2".into()], false, Some(0)));
    assert!(maps.range(request(Some("a"), "none")).unwrap().items.is_empty());
    assert!(maps.range(request(None, "2")).unwrap().items.is_empty(), "these have namespaces");
    let behind = RangeRequest { after: Some(ObjectKey::new("a", "3")), ..request(Some("a"), "2") };
    assert!(maps.range(behind).unwrap().items.is_empty());
    let before = store.revision();
    delete(&store, &maps, &ObjectKey::new("a", "2"), 2).await.unwrap();
    assert!(maps.range(request(Some("a"), "2")).unwrap().items.is_empty());
    let then = maps.range(RangeRequest { revision: Some(before), ..request(Some("a"), "2") }).unwrap();
    assert_eq!(names(&then), ["a/2"]);
}

#[tokio::test]
async fn a_filter_chooses_before_the_limit_counts() {
    let store = memory();
    let maps = filled(&store).await;
    let range = |limit| {
        maps.range(RangeRequest {
            limit,
            filter: Some(&|object| object.label("value") == Some("1")),
            ..Default::default()
        })
        .unwrap()
    };
    let page = range(2);
    assert_eq!((names(&page), page.more, page.remaining), (vec!["a-b/1".into(), "a/1".into()], true, None));
    let page = range(3);
    assert_eq!((page.items.len(), page.more, page.remaining), (3, false, None));
}

#[tokio::test]
async fn long_ranges_are_complete() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    for n in 0..2500 {
        create(&store, &maps, &key(&format!("{n:05}")), "x").await.unwrap();
    }
    let all = maps.range(RangeRequest::default()).unwrap();
    assert_eq!((all.items.len(), all.more), (2500, false));
    let page = maps.range(RangeRequest { limit: 2048, ..Default::default() }).unwrap();
    assert_eq!((page.items.len(), page.more, page.remaining), (2048, true, Some(452)));
}

#[tokio::test]
async fn what_is_compacted_cannot_be_read() {
    let store = memory();
    let maps = filled(&store).await;
    delete(&store, &maps, &ObjectKey::new("a", "1"), 4).await.unwrap();
    store.compact(5);
    let at = |revision| maps.range(RangeRequest { revision: Some(revision), ..Default::default() });
    assert_eq!(at(4).unwrap_err(), Compacted { oldest: 5 });
    assert_eq!(at(5).unwrap().items.len(), 5);
    assert_eq!(at(6).unwrap().items.len(), 4);
    let later = store.collection("", "secrets");
    assert!(later.range(RangeRequest { revision: Some(4), ..Default::default() }).is_err());
}

#[tokio::test]
async fn the_history_is_bounded_in_number_and_bytes() {
    let store = short_history(3);
    let maps = filled(&store).await;
    let at = |revision| maps.range(RangeRequest { revision: Some(revision), ..Default::default() });
    assert_eq!(at(1).unwrap_err(), Compacted { oldest: 2 });
    assert_eq!(at(2).unwrap().items.len(), 2);

    let options = kubewright_apiserver::store::StoreOptions { history_bytes: 20_000, ..Default::default() };
    let store = Store::open(options).unwrap();
    let maps = store.collection("", "configmaps");
    create(&store, &maps, &key("a"), "").await.unwrap();
    for revision in 1..100 {
        update(&store, &maps, &key("a"), revision, &"x".repeat(1000)).await.unwrap();
    }
    assert!(maps.watch(50).is_err());
    assert!(maps.watch(95).is_ok());
}
