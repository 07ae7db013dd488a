//! What is wrong with the options of an operator.

/// An option of an operator that can't be used: found when the operator is added to a manager, and not with the first object
/// that it matters to.
///
/// ```
/// use kubewright::OptionsError;
///
/// let right = "use at least 1";
/// let error = OptionsError { operator: "backup", option: "workers", value: "0".into(), right };
/// assert_eq!(error.to_string(), "backup operator: option workers: \"0\" is not valid: use at least 1");
/// ```
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{operator} operator: option {option}: {value:?} is not valid: {right}")]
pub struct OptionsError {
    /// Whose option it is.
    pub operator: &'static str,
    /// Name of the option.
    pub option: &'static str,
    /// What was given.
    pub value: String,
    /// What would be right.
    pub right: &'static str,
}
