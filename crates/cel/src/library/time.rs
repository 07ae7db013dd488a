//! Timestamps and durations.

use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::error::EvaluationError;
use crate::library::Function;
use crate::library::standard::one;
use crate::value::{Result, Value};

const SECOND: i64 = 1_000_000_000;
/// The first second of the year 1 and the first after the year 9999.
const SECONDS: std::ops::Range<i64> = -62_135_596_800..253_402_300_800;

pub(crate) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "timestamp" => to_timestamp,
        "duration" => to_duration,
        "getFullYear" => |args| part(args, |time| i64::from(time.year())),
        "getMonth" => |args| part(args, |time| i64::from(time.month()) - 1),
        "getDayOfYear" => |args| part(args, |time| i64::from(time.day_of_year()) - 1),
        "getDayOfMonth" => |args| part(args, |time| i64::from(time.day()) - 1),
        "getDate" => |args| part(args, |time| i64::from(time.day())),
        "getDayOfWeek" => |args| part(args, |time| i64::from(time.weekday().since(Weekday::Sunday))),
        "getHours" => |args| length(args, 3600 * SECOND, |time| i64::from(time.hour())),
        "getMinutes" => |args| length(args, 60 * SECOND, |time| i64::from(time.minute())),
        "getSeconds" => |args| length(args, SECOND, |time| i64::from(time.second())),
        "getMilliseconds" => |args| length(args, SECOND / 1000, |time| i64::from(time.millisecond())),
        _ => return None,
    })
}

fn part<'a>(args: &[Value<'a>], part: fn(&Zoned) -> i64) -> Result<Value<'a>> {
    let (time, zone) = match args {
        [Value::Timestamp(time)] => (time, TimeZone::UTC),
        [Value::Timestamp(time), Value::String(zone)] => (time, time_zone(zone)?),
        _ => return Err(EvaluationError::no_such_overload()),
    };
    Ok(Value::Int(part(&time.to_zoned(zone))))
}

/// The part of a timestamp, or the length of a duration in units.
fn length<'a>(args: &[Value<'a>], unit: i64, of_time: fn(&Zoned) -> i64) -> Result<Value<'a>> {
    match args {
        [Value::Duration(nanoseconds)] => Ok(Value::Int(nanoseconds / unit)),
        _ => part(args, of_time),
    }
}

/// A name of the time zone database, or an offset: `-08:00`.
fn time_zone(name: &str) -> Result<TimeZone> {
    let unknown = || EvaluationError::new(format!("unknown time zone {name}"));
    if name.is_empty() || name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    if let Some((hours, minutes)) = name.split_once(':') {
        let (hours, minutes): (i32, i32) =
            (hours.parse().map_err(|_| unknown())?, minutes.parse().map_err(|_| unknown())?);
        let seconds = hours * 3600 + if hours < 0 { -minutes } else { minutes } * 60;
        return Offset::from_seconds(seconds).map(TimeZone::fixed).map_err(|_| unknown());
    }
    TimeZone::get(name).map_err(|_| unknown())
}

fn to_timestamp<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match one(args)? {
        value @ Value::Timestamp(_) => Ok(value.clone()),
        Value::Int(seconds) if SECONDS.contains(seconds) => Timestamp::from_second(*seconds)
            .map(Value::Timestamp)
            .map_err(|_| EvaluationError::new("timestamp overflow")),
        Value::Int(_) => Err(EvaluationError::new("timestamp overflow")),
        Value::String(text) => match parse_rfc3339(text) {
            Some(time) => Ok(Value::Timestamp(time)),
            None => Err(EvaluationError::new(
                "type conversion error from 'string' to 'google.protobuf.Timestamp'".to_owned(),
            )),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn to_duration<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match one(args)? {
        value @ Value::Duration(_) => Ok(value.clone()),
        Value::Int(nanoseconds) => Ok(Value::Duration(*nanoseconds)),
        Value::String(text) => match go_duration(text) {
            Some(duration) => Ok(Value::Duration(duration)),
            None => Err(EvaluationError::new("type conversion error from 'string' to 'google.protobuf.Duration'")),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

/// A time some nanoseconds later.
pub(crate) fn shift<'a>(time: Timestamp, nanoseconds: i128) -> Result<Value<'a>> {
    let overflow = || EvaluationError::new("timestamp overflow");
    let shifted = Timestamp::from_nanosecond(time.as_nanosecond() + nanoseconds).map_err(|_| overflow())?;
    if SECONDS.contains(&shifted.as_second()) { Ok(Value::Timestamp(shifted)) } else { Err(overflow()) }
}

/// `2024-01-02T03:04:05.678Z`, and nothing looser.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shape = bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b'T' && bytes[13] == b':';
    let zone = text.ends_with('Z') || bytes.len() >= 6 && b"+-".contains(&bytes[bytes.len() - 6]);
    if !shape || !zone || bytes[16] != b':' {
        return None;
    }
    text.parse().ok().filter(|time: &Timestamp| SECONDS.contains(&time.as_second()))
}

/// A day of a schema, at midnight.
pub(crate) fn date(text: &str) -> Result<Timestamp> {
    parse_rfc3339(&format!("{text}T00:00:00Z"))
        .ok_or_else(|| EvaluationError::new(format!("Invalid date formatted string {text}: not a date")))
}

/// A time of a schema; as OpenAPI formats are read, the zone may be missing.
pub(crate) fn date_time(text: &str) -> Result<Timestamp> {
    let upper = text.to_ascii_uppercase();
    parse_rfc3339(&upper)
        .or_else(|| parse_rfc3339(&format!("{upper}Z")))
        .ok_or_else(|| EvaluationError::new(format!("Invalid date-time formatted string {text}: not a time")))
}

/// A duration of a schema: as Go writes it, or `3 days`.
pub(crate) fn openapi_duration(text: &str) -> Result<i64> {
    go_duration(text)
        .or_else(|| spoken_duration(text))
        .ok_or_else(|| EvaluationError::new(format!("Invalid duration {text}: unable to parse {text} as duration")))
}

fn spoken_duration(text: &str) -> Option<i64> {
    const UNITS: [(&[&str], i64); 8] = [
        (&["ns", "nano"], 1),
        (&["us", "µs", "micro"], 1_000),
        (&["ms", "milli"], 1_000_000),
        (&["s", "sec"], SECOND),
        (&["m", "min"], 60 * SECOND),
        (&["h", "hr", "hour"], 3600 * SECOND),
        (&["d", "day"], 86_400 * SECOND),
        (&["w", "week"], 7 * 86_400 * SECOND),
    ];
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let amount: i64 = text[..end].parse().ok()?;
    let unit = text[end..].trim();
    let unit = unit.strip_suffix('s').filter(|short| short.len() > 1).unwrap_or(unit);
    let (_, length) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
    amount.checked_mul(*length)
}

/// `1h30m`, `-1.5s`, `0`.
pub(crate) fn go_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || whole.len() > 19 {
            return None;
        }
        total += whole.parse::<i128>().unwrap_or(0) * unit;
        let fraction = &fraction[..fraction.len().min(18)];
        if !fraction.is_empty() {
            total += fraction.parse::<i128>().ok()? * unit / 10_i128.pow(fraction.len() as u32);
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// A time as a text, with the digits of its fraction that are not zero.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.to_string()
}

/// A duration as a text: `3600s`, `1.5s`. What a floating point number of seconds can't tell is lost, as on the real server.
pub(crate) fn seconds(nanoseconds: i64) -> String {
    let seconds = (nanoseconds / SECOND) as f64 + (nanoseconds % SECOND) as f64 / SECOND as f64;
    format!("{seconds}s")
}
