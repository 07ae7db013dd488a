//! Cron schedules and time zones, with the messages of the real server.

/// What is wrong with a schedule.
pub(super) fn check_schedule(text: &str) -> Option<String> {
    let rest = match text.split_once(' ') {
        Some((zone, rest)) if zone.starts_with("TZ=") || zone.starts_with("CRON_TZ=") => rest.trim(),
        _ => text,
    };
    if rest.starts_with('@') {
        return check_descriptor(rest);
    }
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    const MONTHS: &[&str] = &["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let bounds: [(u32, u32, &[&str]); 5] = [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, MONTHS), (0, 6, DAYS)];
    fields.iter().zip(bounds).find_map(|(field, (low, high, names))| {
        // Empty parts of a list are passed over.
        field.split(',').filter(|part| !part.is_empty()).find_map(|part| check_range(part, low, high, names))
    })
}

/// What is wrong with a time zone, one text per fault.
pub(super) fn check_time_zone(zone: &str) -> Vec<String> {
    let fine = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.starts_with('-')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
    };
    let unknown = format!("unknown time zone {zone}");
    if zone.is_empty() {
        return vec!["timeZone must be nil or non-empty string".into()];
    }
    if !zone.split('/').all(fine) {
        return vec![unknown];
    }
    let mut out = Vec::new();
    if zone.eq_ignore_ascii_case("local") {
        out.push("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones".into());
    }
    if zone != "Local" && !include_str!("zones.txt").lines().any(|known| known == zone) {
        out.push(unknown);
    }
    out
}

fn check_descriptor(text: &str) -> Option<String> {
    match text {
        "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly" => None,
        _ => match text.strip_prefix("@every ") {
            Some(duration) => check_duration(duration).map(|why| format!("failed to parse duration {text}: {why}")),
            None => Some(format!("unrecognized descriptor: {text}")),
        },
    }
}

fn check_duration(text: &str) -> Option<String> {
    let invalid = || Some(format!("time: invalid duration {text:?}"));
    let mut rest = text.trim_start_matches(['-', '+']);
    if rest == "0" {
        return None;
    }
    if rest.is_empty() {
        return invalid();
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        if digits == 0 || rest[..digits].bytes().all(|b| b == b'.') {
            return invalid();
        }
        let after = &rest[digits..];
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        match &after[..unit] {
            "" => return Some(format!("time: missing unit in duration {text:?}")),
            "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h" => rest = &after[unit..],
            other => return Some(format!("time: unknown unit {other:?} in duration {text:?}")),
        }
    }
    None
}

fn check_range(text: &str, low: u32, high: u32, names: &[&str]) -> Option<String> {
    let number = |part: &str| -> Result<u32, String> {
        let lower = part.to_lowercase();
        if let Some(at) = names.iter().position(|name| !name.is_empty() && *name == lower) {
            return u32::try_from(at).map_err(|error| error.to_string());
        }
        parse_number(part)
    };
    let steps: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = steps[0].split('-').collect();
    let checked = || -> Result<(), String> {
        let (start, mut end) = if matches!(ends[0], "*" | "?") {
            (low, high)
        } else {
            let start = number(ends[0])?;
            match ends.as_slice() {
                [_] => (start, start),
                [_, end] => (start, number(end)?),
                _ => return Err(format!("too many hyphens: {text}")),
            }
        };
        let step = match steps.as_slice() {
            [_] => 1,
            [_, step] => {
                let step = parse_number(step)?;
                if ends.len() == 1 {
                    end = high;
                }
                step
            }
            _ => return Err(format!("too many slashes: {text}")),
        };
        if start < low {
            return Err(format!("beginning of range ({start}) below minimum ({low}): {text}"));
        }
        if end > high {
            return Err(format!("end of range ({end}) above maximum ({high}): {text}"));
        }
        if start > end {
            return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
        }
        if step == 0 {
            return Err(format!("step of range should be a positive number: {text}"));
        }
        Ok(())
    };
    checked().err()
}

fn parse_number(text: &str) -> Result<u32, String> {
    let plain = !text.is_empty() && text.trim_start_matches(['+']).bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(number) if plain => Ok(number),
        _ => Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_checked_as_the_real_server_does() {
        for (schedule, wrong) in [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("  ", "expected exactly 5 fields, found 0: []"),
            ("@foo", "unrecognized descriptor: @foo"),
            ("@every 1m", ""),
            ("@every x", "failed to parse duration @every x: time: invalid duration \"x\""),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("* * * * 7", "end of range (7) above maximum (6): 7"),
            ("* * * JAN sun", ""),
            ("1,2,, ? * * *", ""),
            ("-1 * * * *", "failed to parse int from : strconv.Atoi: parsing \"\": invalid syntax"),
            ("TZ=UTC * * * * *", ""),
        ] {
            assert_eq!(check_schedule(schedule).unwrap_or_default(), wrong, "{schedule:?}");
        }
    }

    #[test]
    fn time_zones_are_those_of_the_iana_database() {
        for zone in ["Europe/Berlin", "UTC", "EST5EDT", "Etc/GMT+3"] {
            assert_eq!(check_time_zone(zone), [""; 0], "{zone}");
        }
        for zone in ["Foo/Bar", "../x", "europe/berlin", "UTC+1", "", "Local"] {
            assert_eq!(check_time_zone(zone).len(), 1, "{zone:?}");
        }
        assert_eq!(check_time_zone("local").len(), 2);
    }
}
