//! Makes an Ingress for every Service that asks for one.
