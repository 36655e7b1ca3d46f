CREATE TABLE accounts (id uuid PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));
CREATE TABLE payments (
    id uuid PRIMARY KEY,
    payer uuid NOT NULL,
    payee uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0)
);
