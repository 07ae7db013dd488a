//! Gives and takes access to namespaces on request.
