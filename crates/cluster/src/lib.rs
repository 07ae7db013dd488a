//! The embedded control plane: the API server and the built-in controllers, which are written on the public runtime.
