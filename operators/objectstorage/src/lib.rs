//! Keeps users and buckets of an object storage.
