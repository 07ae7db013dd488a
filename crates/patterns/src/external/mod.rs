//! External resources: one object that stands for a resource of a remote system.
