//! What an operator's administrator may set.

use kubewright::OptionsError;
use std::time::Duration;

/// How the operator works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The image of MySQL where a DataService names none. Default: `mysql:8.4`.
    pub mysql_image: String,
    /// How often what third parties run is probed while it answers. Default: 30 s.
    pub probe_interval: Duration,
    /// How often it is while it does not. Default: 5 s.
    pub probe_retry: Duration,
    /// How long an answer may take. Default: 5 s.
    pub probe_timeout: Duration,
    /// How many DataServices are worked on at once. Default: 4.
    pub workers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mysql_image: "mysql:8.4".into(),
            probe_interval: Duration::from_secs(30),
            probe_retry: Duration::from_secs(5),
            probe_timeout: Duration::from_secs(5),
            workers: 4,
        }
    }
}

impl Options {
    /// Checks the options.
    ///
    /// # Errors
    /// For the first that can't be used.
    pub fn check(&self) -> Result<(), OptionsError> {
        let wrong = |option, value: String, right| Err(OptionsError { operator: "dataservice", option, value, right });
        let image = &self.mysql_image;
        if image.is_empty() || image.contains(char::is_whitespace) {
            return wrong("mysql-image", image.clone(), "use the reference of an image");
        }
        let times = [
            ("probe-interval", self.probe_interval),
            ("probe-retry", self.probe_retry),
            ("probe-timeout", self.probe_timeout),
        ];
        if let Some((option, time)) = times.into_iter().find(|(_, time)| *time < Duration::from_millis(100)) {
            return wrong(option, format!("{} s", time.as_secs_f64()), "use at least 0.1 s");
        }
        if self.workers == 0 {
            return wrong("workers", "0".into(), "use at least 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_wrong_option_is_named() {
        assert_eq!(Options::default().check(), Ok(()));
        let error = Options { mysql_image: "a b".into(), ..Options::default() }.check().unwrap_err().to_string();
        assert!(error.contains("mysql-image") && error.contains("a b"), "{error}");
        assert!(Options { workers: 0, ..Options::default() }.check().is_err());
        assert!(Options { probe_retry: Duration::ZERO, ..Options::default() }.check().is_err());
    }
}
