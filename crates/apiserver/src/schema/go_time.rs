//! Times as Go reads and writes them: RFC 3339 with the error texts of Go's `time.Parse`.

/// How a time is written on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `metav1.Time`: a fraction is read and dropped.
    Seconds,
    /// `metav1.MicroTime`: exactly six digits of fraction.
    Micros,
}

impl Layout {
    fn text(self) -> &'static str {
        match self {
            Self::Seconds => "2006-01-02T15:04:05Z07:00",
            Self::Micros => "2006-01-02T15:04:05.000000Z07:00",
        }
    }
}

/// Reads `text` and writes it back in UTC. `Ok(None)` is Go's zero time, which is written as null.
///
/// # Errors
/// The text of Go's `ParseError`.
pub(super) fn canonical(text: &str, layout: Layout) -> Result<Option<String>, String> {
    let mut parser = Parser { text, rest: text, layout };
    let year = parser.year()?;
    parser.literal("-")?;
    let month = parser.number("01", true)?;
    if !(1..=12).contains(&month) {
        return Err(parser.out_of_range("month"));
    }
    parser.literal("-")?;
    let day = parser.number("02", true)?;
    parser.literal("T")?;
    let hour = parser.number("15", false)?;
    if hour >= 24 {
        return Err(parser.out_of_range("hour"));
    }
    parser.literal(":")?;
    let minute = parser.number("04", true)?;
    if minute >= 60 {
        return Err(parser.out_of_range("minute"));
    }
    parser.literal(":")?;
    let second = parser.number("05", true)?;
    if second >= 60 {
        return Err(parser.out_of_range("second"));
    }
    let micros = parser.fraction()?;
    let offset = parser.offset()?;
    if !parser.rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {:?}", parser.rest));
    }
    if day < 1 || day > days_in(year, month) {
        return Err(parser.out_of_range("day"));
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    if (year, month, day, of_day, micros) == (1, 1, 1, 0, 0) {
        return Ok(None);
    }
    let fraction = if layout == Layout::Micros { format!(".{micros:06}") } else { String::new() };
    Ok(Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")))
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    layout: Layout,
}

impl Parser<'_> {
    fn cannot(&self, element: &str) -> String {
        format!("parsing time {:?} as {:?}: cannot parse {:?} as {element:?}", self.text, self.layout.text(), self.rest)
    }

    fn out_of_range(&self, what: &str) -> String {
        format!("parsing time {:?}: {what} out of range", self.text)
    }

    fn literal(&mut self, literal: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(literal).ok_or_else(|| self.cannot(literal))?;
        Ok(())
    }

    /// The first `count` bytes as a number, when they are all digits.
    fn digits(&self, count: usize) -> Option<i64> {
        let digits = self.rest.get(..count)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    }

    fn year(&mut self) -> Result<i64, String> {
        let year = self.digits(4).ok_or_else(|| self.cannot("2006"))?;
        self.rest = &self.rest[4..];
        Ok(year)
    }

    /// Two digits, or one where the layout allows it.
    fn number(&mut self, element: &str, two: bool) -> Result<i64, String> {
        let (number, length) = match (self.digits(2), two) {
            (Some(number), _) => (number, 2),
            (None, false) => (self.digits(1).ok_or_else(|| self.cannot(element))?, 1),
            (None, true) => return Err(self.cannot(element)),
        };
        self.rest = &self.rest[length..];
        Ok(number)
    }

    fn fraction(&mut self) -> Result<i64, String> {
        let point = self.rest.starts_with(['.', ',']);
        match self.layout {
            Layout::Seconds => {
                let digits = self.rest.get(1..).map_or(0, |r| r.bytes().take_while(u8::is_ascii_digit).count());
                if point && digits > 0 {
                    self.rest = &self.rest[1 + digits..];
                }
                Ok(0)
            }
            Layout::Micros => {
                let micros = self.rest.get(1..7).filter(|d| point && d.bytes().all(|b| b.is_ascii_digit()));
                let micros = micros.and_then(|d| d.parse().ok()).ok_or_else(|| self.cannot(".000000"))?;
                self.rest = &self.rest[7..];
                Ok(micros)
            }
        }
    }

    /// `Z`, or `+07:00`; in seconds.
    fn offset(&mut self) -> Result<i64, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let error = self.cannot("Z07:00");
        let text = self.rest.get(..6).ok_or_else(|| error.clone())?;
        let number = |range: std::ops::Range<usize>| {
            let digits = text.get(range).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|d| d.parse::<i64>().ok()).ok_or_else(|| error.clone())
        };
        if text.get(3..4) != Some(":") {
            return Err(error);
        }
        let (hours, minutes) = (number(1..3)?, number(4..6)?);
        if hours > 24 {
            return Err(self.out_of_range("time zone offset hour"));
        }
        if minutes > 60 {
            return Err(self.out_of_range("time zone offset minute"));
        }
        let seconds = hours * 3_600 + minutes * 60;
        let signed = match text.as_bytes().first() {
            Some(b'+') => seconds,
            Some(b'-') => -seconds,
            _ => return Err(error),
        };
        self.rest = &self.rest[6..];
        Ok(signed)
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01; years start in March so that the leap day is the last of them.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> String {
        canonical(text, Layout::Seconds).map_or_else(|error| error, Option::unwrap_or_default)
    }

    #[test]
    fn times_come_back_in_utc_and_in_their_resolution() {
        assert_eq!(seconds("2024-01-01T00:00:00.9+02:00"), "2023-12-31T22:00:00Z");
        assert_eq!(seconds("2024-02-29T23:59:59-00:30"), "2024-03-01T00:29:59Z");
        assert_eq!(seconds("0001-01-01T00:00:00Z"), "", "Go's zero time is null");
        let micros = canonical("2024-01-01T00:00:00.123456+01:00", Layout::Micros);
        assert_eq!(micros, Ok(Some("2023-12-31T23:00:00.123456Z".into())));
    }

    #[test]
    fn errors_are_gos() {
        let as_layout = "as \"2006-01-02T15:04:05Z07:00\"";
        assert_eq!(seconds("x"), format!("parsing time \"x\" {as_layout}: cannot parse \"x\" as \"2006\""));
        assert_eq!(seconds("2024-13-01T00:00:00Z"), "parsing time \"2024-13-01T00:00:00Z\": month out of range");
        assert_eq!(seconds("2023-02-29T00:00:00Z"), "parsing time \"2023-02-29T00:00:00Z\": day out of range");
        assert_eq!(
            seconds("2024-01-01 00:00:00Z"),
            format!("parsing time \"2024-01-01 00:00:00Z\" {as_layout}: cannot parse \" 00:00:00Z\" as \"T\"")
        );
        assert_eq!(
            seconds("2024-01-01T00:00:00"),
            format!("parsing time \"2024-01-01T00:00:00\" {as_layout}: cannot parse \"\" as \"Z07:00\"")
        );
        assert_eq!(seconds("2024-01-01T00:00:00Zx"), "parsing time \"2024-01-01T00:00:00Zx\": extra text: \"x\"");
        assert_eq!(
            canonical("2024-01-01T00:00:00Z", Layout::Micros).unwrap_err(),
            "parsing time \"2024-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": \
             cannot parse \"Z\" as \".000000\""
        );
    }

    #[test]
    fn days_and_dates_agree() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert!((1..=days_in(year, month)).contains(&day));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[0-9:TZ.,+é-]{0,40}|20[0-9]{2}-0[1-9]-1[0-9]T1[0-9]:1[0-9]:1[0-9]\\PC{0,9}") {
            let _ = canonical(&text, Layout::Seconds);
            let _ = canonical(&text, Layout::Micros);
        }
    }
}
