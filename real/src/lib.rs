//! Builds and starts real Kubernetes components.
