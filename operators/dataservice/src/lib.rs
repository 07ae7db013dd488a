//! Runs DataServices: middleware, services and web out of one resource.
