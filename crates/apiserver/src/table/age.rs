//! Times and durations as people read them: `42s`, `5m3s`, `3h`, `2d4h`.

use jiff::Timestamp;
use serde_json::Value;

/// How long ago a time was; `<unknown>` when there is none, `<invalid>` when it can't be read.
pub(super) fn since(time: &Value, now: Timestamp) -> String {
    match time.as_str() {
        None | Some("") => "<unknown>".into(),
        Some(text) => match text.parse::<Timestamp>() {
            Ok(time) => between(time, now),
            Err(_) => "<invalid>".into(),
        },
    }
}

/// The time from `from` to `to`, to two or three figures. One second the wrong way round is clock skew, more is
/// `<invalid>`.
pub(super) fn between(from: Timestamp, to: Timestamp) -> String {
    let elapsed = to.duration_since(from);
    human(elapsed.as_secs())
}

/// A number of seconds, to two or three figures.
pub(super) fn human(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let pair = |large: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{small_unit}") }
    };
    match seconds {
        ..-1 => "<invalid>".into(),
        -1 => "0s".into(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => pair(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 24 * 8 => pair(hours / 24, "d", hours % 24, "h"),
        _ if hours < 24 * 365 * 2 => format!("{}d", hours / 24),
        _ if hours < 24 * 365 * 8 => pair(hours / 24 / 365, "y", hours / 24 % 365, "d"),
        _ => format!("{}y", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_have_two_or_three_figures() {
        const H: i64 = 3600;
        for (seconds, text) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (303, "5m3s"),
            (600, "10m"),
            (179 * 60, "179m"),
            (3 * H, "3h"),
            (7 * H + 59 * 60, "7h59m"),
            (8 * H + 59 * 60, "8h"),
            (47 * H, "47h"),
            (48 * H, "2d"),
            (52 * H, "2d4h"),
            (8 * 24 * H, "8d"),
            (700 * 24 * H, "700d"),
            (731 * 24 * H, "2y1d"),
            (9 * 365 * 24 * H, "9y"),
        ] {
            assert_eq!(human(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_so() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(since(&Value::Null, now), "<unknown>");
        assert_eq!(since(&json!("yesterday"), now), "<invalid>");
        assert_eq!(since(&json!("1969-12-31T23:59:00Z"), now), "60s");
        assert_eq!(since(&json!("1969-12-31T23:59:00.500000Z"), now), "59s");
    }
}
