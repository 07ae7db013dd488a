-- Balances and what changed them. The same text serves PostgreSQL and SQLite.

CREATE TABLE kubewright_account (
    owner TEXT PRIMARY KEY,
    -- In millionths of the currency, as all amounts here.
    balance BIGINT NOT NULL,
    -- How many entries there are; the newest has this number.
    entries BIGINT NOT NULL
);

CREATE TABLE kubewright_account_entry (
    -- The uid of the AccountTransaction: one that is here has been dealt with.
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL REFERENCES kubewright_account (owner),
    sequence BIGINT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('Recharge', 'Deduct')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    -- Why it was refused; absent if it was applied.
    refused TEXT,
    -- The balance after it, or as it stayed.
    balance BIGINT NOT NULL,
    -- namespace/name of the AccountTransaction.
    reference TEXT NOT NULL,
    description TEXT NOT NULL,
    -- Microseconds since 1970, UTC.
    recorded_at BIGINT NOT NULL,
    UNIQUE (owner, sequence)
);
