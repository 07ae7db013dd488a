//! The result: a table that is Markdown too, or JSON.

use std::fmt;

use serde_json::{Map, Value, json};

/// What a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds; less is better.
    Seconds,
    /// Bytes; less is better.
    Bytes,
    /// Few bytes; less is better.
    SmallBytes,
    /// Per second; more is better.
    PerSecond,
    /// A number; less is better.
    Count,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Bytes | Self::SmallBytes => "bytes",
            Self::PerSecond => "1/s",
            Self::Count => "count",
        }
    }

    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 1e-3 => format!("{:.1} µs", value * 1e6),
            Self::Seconds if value < 1.0 => format!("{:.1} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
            Self::Bytes => format!("{:.1} MB", value / 1e6),
            Self::SmallBytes => format!("{value:.0} B"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Count => format!("{value:.2}").trim_end_matches(".00").to_owned(),
        }
    }

    /// The better of two.
    fn better(self, one: f64, other: f64) -> f64 {
        if self == Self::PerSecond { one.max(other) } else { one.min(other) }
    }
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) ours: Option<f64>,
    /// In the order of [`Report::peers`].
    pub(crate) peers: Vec<Option<f64>>,
}

impl Measure {
    /// How many times better we are than the best peer.
    fn ratio(&self) -> Option<f64> {
        let ours = self.ours?;
        let best = self.peers.iter().flatten().copied().reduce(|one, other| self.unit.better(one, other))?;
        let ratio = if self.unit == Unit::PerSecond { ours / best } else { best / ours };
        // What takes nothing at all is not so many times better.
        Some(ratio).filter(|ratio| ratio.is_finite())
    }
}

/// All measures and where they were taken.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) peers: Vec<&'static str>,
    pub(crate) measures: Vec<Measure>,
}

impl Report {
    /// `versions`: what was measured.
    pub(crate) fn new(versions: &str, peers: Vec<&'static str>, measures: Vec<Measure>) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let date = jiff::Timestamp::now().strftime("%F");
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let own = env!("CARGO_PKG_VERSION");
        Self { machine: format!("kubewright {own}{versions}; {os} {arch}, {cpus} CPUs, {date}"), peers, measures }
    }

    pub(crate) fn json(&self) -> Value {
        let measure = |measure: &Measure| {
            let peers: Map<String, Value> =
                self.peers.iter().zip(&measure.peers).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({
                "name": measure.name, "unit": measure.unit.name(), "kubewright": measure.ours, "peers": peers,
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
            let mut cells = vec![measure.name.clone(), show(measure.ours)];
            cells.extend(measure.peers.iter().map(|value| show(*value)));
            cells.push(measure.ratio().map_or("–".to_owned(), |ratio| format!("{ratio:.1}x")));
            cells
        };
        let mut head = vec![String::new(), "Kubewright".to_owned()];
        head.extend(self.peers.iter().map(|name| (*name).to_owned()));
        head.push("better by".to_owned());
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(self.measures.iter().map(cells)).collect();
        let columns = rows[0].len();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        writeln!(f, "{}\n", self.machine)?;
        for (index, row) in rows.iter().enumerate() {
            write!(f, "| {:width$} |", row[0], width = widths[0])?;
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(f, " {cell:>width$} |")?;
            }
            writeln!(f)?;
            if index == 0 {
                write!(f, "|{}-|", "-".repeat(widths[0] + 1))?;
                for width in widths.iter().skip(1) {
                    write!(f, "{}:|", "-".repeat(width + 1))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_says_how_much_better_than_the_best() {
        let measure =
            |unit| Measure { name: "m".to_owned(), unit, ours: Some(10.0), peers: vec![Some(40.0), None, Some(80.0)] };
        assert_eq!(measure(Unit::Seconds).ratio(), Some(4.0));
        assert_eq!(measure(Unit::PerSecond).ratio(), Some(0.125));
        assert_eq!(Measure { peers: vec![None], ..measure(Unit::Bytes) }.ratio(), None);
        assert_eq!(Measure { ours: Some(0.0), ..measure(Unit::Seconds) }.ratio(), None);
    }

    #[test]
    fn the_table_lines_up() {
        let measures =
            vec![Measure { name: "start".to_owned(), unit: Unit::Seconds, ours: Some(0.0123), peers: vec![Some(3.2)] }];
        let table = Report { machine: "m".to_owned(), peers: vec!["kube-apiserver + etcd"], measures }.to_string();
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(lines[2], "| start |    12.3 ms |                3.20 s |    260.2x |");
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{table}");
    }
}
