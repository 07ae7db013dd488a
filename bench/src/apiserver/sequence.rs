//! What is measured, in which order.

use std::time::Duration;

use http::Method;

use super::connection::{APPLY, Call, Connection, JSON, PROTOBUF};
use super::drive::{rate, typical};
use super::objects::{self, LISTED, SCRATCH};
use super::{Figures, Server, watchers};
use crate::Error;
use crate::report::Unit;

/// Clients that work at the same time, each on a connection of its own.
const CLIENTS: usize = 16;
/// Answers of which the median counts, for one client.
const TIMES: u32 = 400;
/// Answers of which the median counts, for large lists.
const LISTS: u32 = 9;
/// Time for what a load leaves behind.
const REST: Duration = Duration::from_secs(3);

/// A server as it starts.
pub(super) async fn empty(
    server: &Server<'_>,
    during: Duration,
    watching: &[usize],
    figures: &mut Figures,
) -> Result<(), Error> {
    let clients = Connection::open_many(server.config, CLIENTS).await?;
    objects::prepare(&clients[0]).await?;
    one_client(&clients[0], 0, during, figures).await?;
    many_clients(server, &clients, 0, during, figures).await?;
    fan_out(server, &clients, 0, watching, during, figures).await
}

/// A server with more and more objects.
pub(super) async fn filled(
    server: &Server<'_>,
    during: Duration,
    watching: &[usize],
    counts: &[usize],
    figures: &mut Figures,
) -> Result<(), Error> {
    let clients = Connection::open_many(server.config, CLIENTS).await?;
    objects::prepare(&clients[0]).await?;
    tokio::time::sleep(REST).await;
    let before = server.resident();
    figures.add("resident memory, no objects", Unit::Bytes, before);
    let mut loaded = 0;
    for &count in counts {
        objects::load(&clients, loaded, count).await?;
        loaded = loaded.max(count);
        tokio::time::sleep(REST).await;
        let resident = server.resident();
        figures.add(format!("resident memory, {count} objects"), Unit::Bytes, resident);
        let each = (resident - before) / count.max(1) as f64;
        figures.add(format!("memory for each of {count} objects"), Unit::SmallBytes, each);
        one_client(&clients[0], count, during, figures).await?;
    }
    lists(server, &clients[0], during, figures).await?;
    many_clients(server, &clients, loaded, during, figures).await?;
    fan_out(server, &clients, loaded, watching, during, figures).await
}

/// How long each verb takes when nobody else asks.
async fn one_client(client: &Connection, count: usize, during: Duration, figures: &mut Figures) -> Result<(), Error> {
    let path = &objects::path(SCRATCH);
    let name = |round: u32| format!("single-{count}-{round}");
    let mut add = |verb: &str, seconds| figures.add(format!("{verb}, p50, {count} objects"), Unit::Seconds, seconds);
    let made = typical(TIMES, during, |round| async move {
        let body = objects::config_map(&name(round), "0");
        client.exchange(Call::write(Method::POST, path, body)).await.map(drop)
    });
    add("create", made.await?);
    let object = &format!("{path}/{}", name(0));
    let read = typical(TIMES, during, |_| async move { client.exchange(Call::get(object)).await.map(drop) });
    add("get", read.await?);
    let updated = typical(TIMES, during, |round| async move {
        let body = objects::config_map(&name(0), &round.to_string());
        client.exchange(Call::write(Method::PUT, object, body)).await.map(drop)
    });
    add("update", updated.await?);
    let page = "/api/v1/configmaps?limit=100";
    let listed = typical(TIMES, during, |_| async move { client.exchange(Call::get(page)).await.map(drop) });
    add("list of the first 100", listed.await?);
    let few = &objects::path(LISTED[0].0);
    let listed = typical(TIMES, during, |_| async move { client.exchange(Call::get(few)).await.map(drop) });
    add("list of a namespace with 10", listed.await?);
    Ok(())
}

/// Whole lists, as JSON and as protobuf.
async fn lists(server: &Server<'_>, client: &Connection, during: Duration, figures: &mut Figures) -> Result<(), Error> {
    for (namespace, _) in &LISTED[1..] {
        let path = &objects::path(namespace);
        for (accept, form) in [(JSON, "JSON"), (PROTOBUF, "protobuf")] {
            let list = || async move { client.exchange(Call { accept, ..Call::get(path) }).await };
            list().await?;
            let before = server.cpu();
            let times = std::cell::Cell::new(0.0);
            let took = typical(LISTS, during * 2, |_| {
                times.set(times.get() + 1.0);
                async move { list().await.map(drop) }
            });
            let took = took.await?;
            figures.add(format!("{namespace}, {form}"), Unit::Seconds, took);
            let cpu = (server.cpu() - before) / times.get();
            figures.add(format!("{namespace}, {form}: server's processor time"), Unit::Seconds, cpu);
        }
    }
    Ok(())
}

/// How often each verb is done in a second when many ask.
async fn many_clients(
    server: &Server<'_>,
    clients: &[Connection],
    count: usize,
    during: Duration,
    figures: &mut Figures,
) -> Result<(), Error> {
    let mut add = |verb: &str, cpu: f64, (rate, times): (f64, f64)| {
        let name = format!("{verb}, {CLIENTS} clients, {count} objects");
        figures.add(&*name, Unit::PerSecond, rate);
        figures.add(format!("{name}: server's processor time for each"), Unit::Seconds, cpu / times.max(1.0));
    };
    let before = server.cpu();
    let done = rate(clients, during, move |client, worker, round| async move {
        let body = objects::config_map(&format!("many-{worker}-{round}"), "0");
        client.exchange(Call::write(Method::POST, &objects::path(SCRATCH), body)).await.map(drop)
    });
    let done = done.await?;
    add("creates", server.cpu() - before, done);

    let before = server.cpu();
    let done = rate(clients, during, |client, worker, _| async move {
        let path = format!("{}/many-{worker}-0", objects::path(SCRATCH));
        client.exchange(Call::get(&path)).await.map(drop)
    });
    let done = done.await?;
    add("gets", server.cpu() - before, done);

    let before = server.cpu();
    let done = rate(clients, during, |client, worker, round| async move {
        let name = format!("many-{worker}-0");
        let body = objects::config_map(&name, &round.to_string());
        let path = format!("{}/{name}", objects::path(SCRATCH));
        client.exchange(Call::write(Method::PUT, &path, body)).await.map(drop)
    });
    let done = done.await?;
    add("updates", server.cpu() - before, done);

    let before = server.cpu();
    let done = rate(clients, during, |client, worker, round| async move {
        let name = format!("applied-{worker}");
        let path = format!("/apis/apps/v1/namespaces/{SCRATCH}/deployments/{name}?fieldManager=bench&force=true");
        let call = Call::write(Method::PATCH, &path, objects::deployment(&name, round));
        client.exchange(Call { content_type: APPLY, ..call }).await.map(drop)
    });
    let done = done.await?;
    add("server-side applies", server.cpu() - before, done);
    Ok(())
}

/// How events reach many watchers.
async fn fan_out(
    server: &Server<'_>,
    clients: &[Connection],
    count: usize,
    watching: &[usize],
    during: Duration,
    figures: &mut Figures,
) -> Result<(), Error> {
    watchers::prepare(&clients[0]).await?;
    for &number in watching {
        for protobuf in [false, true] {
            let (seen, cpu) =
                watchers::measure(server.config, clients, number, protobuf, during, || server.cpu()).await?;
            let form = if protobuf { "protobuf" } else { "JSON" };
            let name = format!("watch, {form}, {number} watchers, {count} objects");
            if !protobuf {
                figures.add(format!("{name}: p50"), Unit::Seconds, seen.p50);
                figures.add(format!("{name}: p99"), Unit::Seconds, seen.p99);
            }
            figures.add(format!("{name}: events"), Unit::PerSecond, seen.events);
            let each = cpu / seen.count.max(1.0);
            figures.add(format!("{name}: server's processor time for each event"), Unit::Seconds, each);
        }
    }
    Ok(())
}
