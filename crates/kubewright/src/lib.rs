//! A toolkit for Kubernetes operators.
