//! Requests: objects that ask for something to be done once, and expire.
