//! Keeps accounts and their transactions in a database.
