//! Flags as the Kubernetes servers take them: `--name=value`, `--name value`, and `--name` for switches.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A flag of a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    /// Without the dashes.
    pub(super) name: &'static str,
    /// What kind of value follows; none for a switch, whose value can only be joined by `=`.
    pub(super) value: Option<&'static str>,
    /// What comes of it.
    pub(super) effect: Effect,
    /// For the help: what it does, or why nothing or an error comes of it.
    pub(super) help: &'static str,
}

/// What comes of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It does what it does on the real server.
    Honoured,
    /// It is accepted with a notice: no client can see the difference.
    Ignored,
    /// Accepted with one of these values, which is how this server works anyway; any other is an error.
    Only(&'static [&'static str]),
    /// Clients would see the difference: an error.
    Refused,
}

/// The flags of a command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    values: BTreeMap<&'static str, Vec<String>>,
    /// Flags that nothing comes of, with the reason.
    pub(super) notices: Vec<String>,
}

/// A command line can't be taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FlagError {
    #[error("unknown flag: --{0}")]
    Unknown(String),
    #[error("unknown shorthand flag: {0}")]
    Shorthand(String),
    #[error("unknown command {0:?}")]
    Argument(String),
    #[error("flag needs an argument: --{0}")]
    NoValue(&'static str),
    #[error("invalid argument {value:?} for \"--{name}\" flag: {reason}")]
    Invalid { name: &'static str, value: String, reason: String },
    #[error("--{name}={value} is not supported by this server: {reason}; only {allowed} can be given")]
    OnlyThese { name: &'static str, value: String, allowed: String, reason: &'static str },
    #[error("--{name}={value} is not supported by this server: {reason}; leave it out, or use a real one")]
    NotTheDefault { name: &'static str, value: String, reason: &'static str },
    #[error("--{name} is not supported by this server: {reason}; leave it out, or use a real one")]
    Refused { name: &'static str, reason: &'static str },
}

impl Flags {
    /// Reads the arguments, without the program's name.
    pub(super) fn parse(known: &[Flag], arguments: impl IntoIterator<Item = String>) -> Result<Self, FlagError> {
        let mut flags = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let Some(text) = argument.strip_prefix("--") else {
                match argument.strip_prefix('-') {
                    Some("h") => {
                        flags.add(known, "help", Some("true".into()), &mut arguments)?;
                        continue;
                    }
                    Some(level) if level.starts_with('v') => {
                        let level = level[1..].trim_start_matches('=');
                        let level = (!level.is_empty()).then(|| level.to_owned());
                        flags.add(known, "v", level, &mut arguments)?;
                        continue;
                    }
                    Some(_) => return Err(FlagError::Shorthand(argument)),
                    None => return Err(FlagError::Argument(argument)),
                }
            };
            match text.split_once('=') {
                Some((name, value)) => flags.add(known, name, Some(value.to_owned()), &mut arguments)?,
                None => flags.add(known, text, None, &mut arguments)?,
            }
        }
        Ok(flags)
    }

    fn add(
        &mut self,
        known: &[Flag],
        name: &str,
        joined: Option<String>,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), FlagError> {
        let flag = known.iter().find(|flag| flag.name == name).ok_or_else(|| FlagError::Unknown(name.to_owned()))?;
        let (name, reason) = (flag.name, flag.help);
        let value = match (joined, flag.value) {
            (Some(value), _) => value,
            (None, None) => "true".to_owned(),
            (None, Some(_)) => rest.next().ok_or(FlagError::NoValue(name))?,
        };
        match flag.effect {
            Effect::Honoured => {}
            Effect::Ignored => self.notices.push(format!("--{name} has no effect: {reason}")),
            Effect::Only(values) if values.contains(&value.as_str()) => {}
            Effect::Only(values) => {
                return Err(FlagError::OnlyThese { name, value, allowed: values.join(" or "), reason });
            }
            Effect::Refused => return Err(FlagError::Refused { name, reason }),
        }
        self.values.entry(name).or_default().push(value);
        Ok(())
    }

    /// The value, the last one if the flag is there more than once.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    /// All values, also those that are joined by commas.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let values = self.values.get(name).into_iter().flatten();
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// All values as they are.
    pub(super) fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a switch is on.
    pub(super) fn switch(&self, name: &'static str, default: bool) -> Result<bool, FlagError> {
        match self.get(name) {
            None => Ok(default),
            Some("true" | "t" | "T" | "TRUE" | "True" | "1") => Ok(true),
            Some("false" | "f" | "F" | "FALSE" | "False" | "0") => Ok(false),
            Some(value) => Err(Self::invalid(name, value, "it must be true or false")),
        }
    }

    /// A value read as something else.
    pub(super) fn read<T: std::str::FromStr>(
        &self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>, FlagError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|_| Self::invalid(name, value, expected))
    }

    /// The error for a value that can't be used.
    pub(super) fn invalid(name: &'static str, value: &str, reason: impl Into<String>) -> FlagError {
        FlagError::Invalid { name, value: value.to_owned(), reason: reason.into() }
    }
}

/// A line for each flag, in the form in which tools look for flags in the servers' help: at the start of a line.
pub(super) fn help(known: &[Flag]) -> String {
    let mut text = String::new();
    for flag in known {
        let left = format!("--{} {}", flag.name, flag.value.unwrap_or_default());
        let effect = match flag.effect {
            Effect::Honoured => String::new(),
            Effect::Ignored => "No effect: ".to_owned(),
            Effect::Only(values) => format!("Only {}: ", values.join(" or ")),
            // A tool that looks for it shall not find it.
            Effect::Refused => continue,
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "      {left:52} {effect}{}", flag.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Flag; 6] = [
        Flag { name: "port", value: Some("int"), effect: Effect::Honoured, help: "Where." },
        Flag { name: "fast", value: None, effect: Effect::Honoured, help: "Faster." },
        Flag { name: "tune", value: Some("int"), effect: Effect::Ignored, help: "nothing is tuned" },
        Flag { name: "gate", value: Some("string"), effect: Effect::Refused, help: "there are no gates" },
        Flag { name: "kind", value: Some("string"), effect: Effect::Only(&["a", "b"]), help: "c is missing" },
        Flag { name: "v", value: Some("Level"), effect: Effect::Honoured, help: "Log level." },
    ];

    fn parse(line: &str) -> Result<Flags, FlagError> {
        Flags::parse(&KNOWN, line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn values_are_joined_or_follow_and_the_last_one_counts() {
        let flags = parse("--port 1 --fast --port=2 --kind=a -v=4").unwrap();
        assert_eq!(flags.get("port"), Some("2"));
        assert_eq!(flags.list("port"), ["1", "2"]);
        assert_eq!(flags.switch("fast", false), Ok(true));
        assert_eq!(parse("--fast=false").unwrap().switch("fast", true), Ok(false));
        assert_eq!(flags.get("v"), Some("4"));
        assert_eq!(flags.notices, [""; 0]);
    }

    #[test]
    fn what_nobody_can_see_is_noted_and_the_rest_is_refused_with_the_reason() {
        assert_eq!(parse("--tune=3").unwrap().notices, ["--tune has no effect: nothing is tuned"]);
        assert!(parse("--gate=x").unwrap_err().to_string().contains("there are no gates"));
        assert!(parse("--kind=c").unwrap_err().to_string().contains("only a or b can be given"));
        assert_eq!(parse("--nope=1").unwrap_err().to_string(), "unknown flag: --nope");
        assert_eq!(parse("--port").unwrap_err().to_string(), "flag needs an argument: --port");
        assert_eq!(parse("word").unwrap_err().to_string(), "unknown command \"word\"");
    }

    #[test]
    fn the_help_has_every_flag_that_can_be_given_at_the_start_of_a_line() {
        let text = help(&KNOWN);
        let shown: Vec<&str> = text.lines().filter_map(|line| line.trim_start().split(' ').next()).collect();
        assert_eq!(shown, ["--port", "--fast", "--tune", "--kind", "--v"]);
    }
}
