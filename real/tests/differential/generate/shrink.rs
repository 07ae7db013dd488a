//! Finds the smallest sequence of calls that still shows a difference: leaves out steps, parts of queries and fields of
//! bodies for as long as it stays.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::mutate::pointers;
use crate::case::Step;

/// Attempts after which a sequence is small enough: each asks two servers all of its calls.
const ATTEMPTS: usize = 250;
/// The same for the time that they take: a watch takes a second.
const WITHIN: Duration = Duration::from_secs(10);

/// Makes `steps`, of which the last shows the difference, smaller; `shows` tells whether a sequence still does.
pub(crate) async fn shrink(mut steps: Vec<Step>, mut shows: impl AsyncFnMut(&[Step]) -> bool) -> Vec<Step> {
    let (mut attempts, started) = (0, Instant::now());
    loop {
        let mut smaller = false;
        for candidate in candidates(&steps) {
            attempts += 1;
            if attempts > ATTEMPTS || started.elapsed() > WITHIN {
                return steps;
            }
            if shows(&candidate).await {
                steps = candidate;
                smaller = true;
                break;
            }
        }
        if !smaller {
            return steps;
        }
    }
}

/// Sequences that are a bit smaller, those that lack most first.
fn candidates(steps: &[Step]) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    for index in 0..steps.len().saturating_sub(1) {
        let mut fewer = steps.to_vec();
        fewer.remove(index);
        found.push(fewer);
    }
    for (index, step) in steps.iter().enumerate().rev() {
        let mut with = |step: Step| {
            let mut changed = steps.to_vec();
            changed[index] = step;
            found.push(changed);
        };
        if step.accept.is_some() {
            with(Step { accept: None, ..step.clone() });
        }
        if let Some((path, query)) = step.call.split_once('?') {
            let options: Vec<&str> = query.split('&').collect();
            for left_out in 0..options.len() {
                let mut options = options.clone();
                options.remove(left_out);
                let call = if options.is_empty() { path.to_owned() } else { format!("{path}?{}", options.join("&")) };
                with(Step { call, ..step.clone() });
            }
        }
        if let Some(body) = &step.body {
            let mut places = pointers(body);
            // What holds most first.
            places.sort_by_key(|place| place.matches('/').count());
            for place in places {
                if !["/apiVersion", "/kind", "/metadata", "/metadata/name"].contains(&place.as_str()) {
                    with(Step { body: Some(without(body, &place)), ..step.clone() });
                }
            }
        }
    }
    found
}

fn without(body: &Value, place: &str) -> Value {
    let mut body = body.clone();
    let Some((parent, key)) = place.rsplit_once('/') else { return body };
    match body.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Ok(index) = key.parse::<usize>() {
                items.remove(index);
            }
        }
        _ => {}
    }
    body
}

#[tokio::test]
async fn what_does_not_matter_goes() {
    let step = |call: &str, body: Value| Step { body: Some(body), ..Step::call("PUT", call) };
    let steps = vec![
        step("/a?x=1", serde_json::json!({"a": 1})),
        step("/b?x=1&y=2", serde_json::json!({"a": {"b": 1}, "c": [1, 2]})),
    ];
    let shows = async |steps: &[Step]| {
        let last = steps.last().and_then(|step| step.body.as_ref());
        last.is_some_and(|body| body["c"].as_array().is_some_and(|items| items.contains(&2.into())))
    };
    let small = shrink(steps, shows).await;
    let calls: Vec<&str> = small.iter().map(|step| step.call.as_str()).collect();
    assert_eq!(calls, ["PUT /b"]);
    assert_eq!(small[0].body, Some(serde_json::json!({"c": [2]})));
}
