//! List and watch into a compact store: shared informers.
