//! What nearly every operator needs: `use kubewright::prelude::*`.

pub use crate::ApplyConfiguration;
pub use kube::{Api, Client, CustomResource, Resource, ResourceExt};
pub use kubewright_runtime::{
    Children, ConfigError, Context, Controller, ControllerOptions, Error, Handle, Manager, ManagerError,
    ManagerOptions, ObjectRef, Outcome, Reconciler, Watch, Wave, connect, predicates, readiness,
};
