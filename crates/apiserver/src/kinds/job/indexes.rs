//! Lists of a Job's indexes, such as `1,3-5,7`.

/// How many numbers a list of indexes stands for.
pub(super) fn count(indexes: &str, completions: i64) -> Result<i64, String> {
    Ok(intervals(indexes, completions)?.into_iter().map(|(first, last)| last - first + 1).sum())
}

/// The first index that stands in both lists.
pub(super) fn overlap(completed: &str, failed: &str, completions: i64) -> Option<i64> {
    let (completed, failed) = (intervals(completed, completions).ok()?, intervals(failed, completions).ok()?);
    let mut both =
        completed.iter().flat_map(|one| failed.iter().map(move |other| (one.0.max(other.0), one.1.min(other.1))));
    both.find(|(first, last)| first <= last).map(|(first, _)| first)
}

/// The numbers and ranges of a list: the first and the last number of each.
fn intervals(indexes: &str, completions: i64) -> Result<Vec<(i64, i64)>, String> {
    let read = |limit: &str| {
        let number: i64 =
            limit.parse().map_err(|_| format!("cannot convert string to integer for index: {limit:?}"))?;
        if number >= completions { Err(format!("too large index: {limit:?}")) } else { Ok(number) }
    };
    let decreasing = |before: i64, number: i64| format!("non-increasing order, previous: {before}, current: {number}");
    let mut all: Vec<(i64, i64)> = Vec::new();
    for interval in indexes.split(',').filter(|_| !indexes.is_empty()) {
        let limits: Vec<&str> = interval.split('-').collect();
        if limits.len() > 2 {
            return Err(format!(
                "the fragment {interval:?} violates the requirement that an index interval can have at most two parts \
                 separated by '-'"
            ));
        }
        let first = read(limits[0])?;
        let last = limits.get(1).map_or(Ok(first), |limit| read(limit))?;
        if limits.len() > 1 && first >= last {
            return Err(decreasing(first, last));
        }
        if let Some((_, before)) = all.last().filter(|(_, before)| *before >= first) {
            return Err(decreasing(*before, first));
        }
        all.push((first, last));
    }
    Ok(all)
}
