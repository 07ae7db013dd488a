//! One test environment for operators.
