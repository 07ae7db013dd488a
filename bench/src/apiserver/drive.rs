//! Clients that do one thing after the other, as fast as they are answered.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::connection::Connection;
use crate::Error;

/// Has each connection's client do its part at the same time. The client learns its number.
pub(crate) async fn together<F, Work, T>(connections: &[Connection], work: F) -> Result<Vec<T>, Error>
where
    F: Fn(Connection, usize) -> Work,
    Work: Future<Output = Result<T, Error>> + Send + 'static,
    T: Send + 'static,
{
    let mut clients = JoinSet::new();
    for (number, connection) in connections.iter().enumerate() {
        clients.spawn(work(connection.clone(), number));
    }
    let mut results = Vec::with_capacity(connections.len());
    while let Some(result) = clients.join_next().await {
        results.push(result??);
    }
    Ok(results)
}

/// How often a second all clients together did something, and how often in all. What they do learns the client's number
/// and how often it was done by that client.
pub(crate) async fn rate<F, Work>(connections: &[Connection], during: Duration, work: F) -> Result<(f64, f64), Error>
where
    F: Fn(Connection, usize, u32) -> Work + Clone + Send + 'static,
    Work: Future<Output = Result<(), Error>> + Send,
{
    let started = Instant::now();
    let done = together(connections, |connection, client| {
        let work = work.clone();
        async move {
            let mut round = 0;
            while started.elapsed() < during {
                work(connection.clone(), client, round).await?;
                round += 1;
            }
            Ok(round)
        }
    })
    .await?;
    let done: f64 = done.into_iter().map(f64::from).sum();
    Ok((done / started.elapsed().as_secs_f64(), done))
}

/// How long something takes when nobody else asks: the median, in seconds. What is done learns how often it was.
pub(crate) async fn typical<F, Work>(times: u32, during: Duration, work: F) -> Result<f64, Error>
where
    F: Fn(u32) -> Work,
    Work: Future<Output = Result<(), Error>>,
{
    let started = Instant::now();
    let mut took = Vec::new();
    for round in 0..times {
        let begun = Instant::now();
        work(round).await?;
        took.push(begun.elapsed().as_secs_f64());
        if started.elapsed() > during {
            break;
        }
    }
    Ok(quantile(&mut took, 0.5))
}

/// The value below which a share of all lies; 0 of none.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_values() {
        let mut values: Vec<f64> = (0..100).rev().map(f64::from).collect();
        assert_eq!((quantile(&mut values, 0.5), quantile(&mut values, 0.99)), (50.0, 99.0));
        assert_eq!((quantile(&mut [7.0], 0.99), quantile(&mut [], 0.5)), (7.0, 0.0));
    }
}
