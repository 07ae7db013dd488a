//! The result: a table that is Markdown too, or JSON.

use std::fmt;

use serde_json::{Value, json};

/// What a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds; less is better.
    Seconds,
    /// Bytes; less is better.
    Bytes,
    /// Per second; more is better.
    PerSecond,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::PerSecond => "1/s",
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 1.0 => format!("{:.1} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
            Self::Bytes => format!("{:.1} MB", value / 1e6),
            Self::PerSecond => format!("{value:.0}/s"),
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) embedded: Option<f64>,
    pub(crate) real: Option<f64>,
}

impl Measure {
    /// How many times better the embedded server is.
    fn ratio(&self) -> Option<f64> {
        let (embedded, real) = (self.embedded?, self.real?);
        Some(if self.unit == Unit::PerSecond { embedded / real } else { real / embedded })
    }
}

/// All measures and where they were taken.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) measures: Vec<Measure>,
}

impl Report {
    pub(crate) fn json(&self) -> Value {
        let measure = |measure: &Measure| {
            json!({
                "name": measure.name, "unit": measure.unit.name(), "embedded": measure.embedded, "real": measure.real,
                "ratio": measure.ratio(),
            })
        };
        json!({"machine": self.machine, "measures": self.measures.iter().map(measure).collect::<Vec<_>>()})
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |measure: &Measure| {
            let show = |value: Option<f64>| value.map_or("–".to_owned(), |value| measure.unit.show(value));
            let ratio = measure.ratio().map_or("–".to_owned(), |ratio| format!("{ratio:.1}x"));
            [measure.name.to_owned(), show(measure.embedded), show(measure.real), ratio]
        };
        let head = ["", "Kubewright", "kube-apiserver + etcd", "better by"].map(str::to_owned);
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(self.measures.iter().map(cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2), width(3)];
        writeln!(f, "{}\n", self.machine)?;
        for (index, [name, embedded, real, ratio]) in rows.iter().enumerate() {
            let [w0, w1, w2, w3] = widths;
            writeln!(f, "| {name:w0$} | {embedded:>w1$} | {real:>w2$} | {ratio:>w3$} |")?;
            if index == 0 {
                let line = widths.map(|width| "-".repeat(width + 1));
                writeln!(f, "|{}-|{}:|{}:|{}:|", line[0], line[1], line[2], line[3])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_says_how_much_better() {
        let measure = |unit| Measure { name: "m", unit, embedded: Some(10.0), real: Some(40.0) };
        assert_eq!(measure(Unit::Seconds).ratio(), Some(4.0));
        assert_eq!(measure(Unit::PerSecond).ratio(), Some(0.25));
        assert_eq!(Measure { real: None, ..measure(Unit::Bytes) }.ratio(), None);
    }

    #[test]
    fn the_table_lines_up() {
        let measures = vec![Measure { name: "start", unit: Unit::Seconds, embedded: Some(0.0123), real: Some(3.2) }];
        let table = Report { machine: "m".to_owned(), measures }.to_string();
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(lines[2], "| start |    12.3 ms |                3.20 s |    260.2x |");
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{table}");
    }
}
