"""Accounts with money, and conflicts that the server itself raises, as often and where a test says."""

from collections.abc import Iterator

import psycopg
import pytest

DATA_CONFLICT = "change conflicts with another transaction (OC000)"
SCHEMA_CONFLICT = "schema has been updated by another transaction (OC001)"
"""As Aurora DSQL words them: recorded from a cluster in 2026-09, and AWS's documentation of 2026-10."""

SCHEMA = """
CREATE TABLE accounts (id integer PRIMARY KEY, balance integer);
CREATE TABLE transactions (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, payer_id int, payee_id int, amount int,
    created_at timestamp DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE transfers (id uuid PRIMARY KEY, payer integer NOT NULL, payee integer NOT NULL, amount integer NOT NULL,
                        balance integer NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE planned_errors (moment text PRIMARY KEY, times bigint, sqlstate text, message text);
-- A sequence is not rolled back, so it counts the attempts that failed as well.
CREATE SEQUENCE errors_raised MINVALUE 0 START 0;

CREATE FUNCTION raise_planned_error() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE plan planned_errors;
BEGIN
    SELECT * INTO plan FROM planned_errors WHERE moment = TG_ARGV[0];
    IF FOUND AND nextval('errors_raised') < plan.times THEN
        RAISE EXCEPTION '%', plan.message USING ERRCODE = plan.sqlstate;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER at_statement AFTER UPDATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION raise_planned_error('statement');
CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON accounts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION raise_planned_error('commit');

-- Optimistic writers: who comes second loses at once and nobody waits, so two directions cannot deadlock.
CREATE FUNCTION lose_to_another_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(1) THEN
        RAISE EXCEPTION 'change conflicts with another transaction (OC000)' USING ERRCODE = '40001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER one_writer BEFORE UPDATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION lose_to_another_writer();
"""


class Bank:
    """The tables ``accounts`` and ``transactions``, seen and set from outside the function's connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def open(self, balances: dict[int, int | None]) -> None:
        """Let these be all accounts, and no error be planned."""
        self.connection.execute("TRUNCATE accounts, transfers, transactions, planned_errors")
        self.connection.execute("ALTER SEQUENCE errors_raised RESTART")
        with self.connection.cursor() as cursor:
            cursor.executemany("INSERT INTO accounts VALUES (%s, %s)", list(balances.items()))

    def balances(self) -> dict[int, int | None]:
        """Return what is committed."""
        return dict(self.connection.execute("SELECT id, balance FROM accounts ORDER BY id").fetchall())

    def history(self) -> list[tuple[int, int, int]]:
        """Return payer, payee and amount of the transfers that are recorded."""
        return self.connection.execute("SELECT payer_id, payee_id, amount FROM transactions").fetchall()

    def receipts(self) -> list[tuple[int, int, int, int]]:
        """Return payer, payee, amount and balance of what was made with an id."""
        return self.connection.execute("SELECT payer, payee, amount, balance FROM transfers").fetchall()

    def raise_error(self, moment: str, times: int = 1, sqlstate: str = "40001", message: str = DATA_CONFLICT) -> None:
        """Have the server raise an error at the next ``times`` moments: ``statement`` or ``commit`` of a change."""
        self.connection.execute(
            "INSERT INTO planned_errors VALUES (%s, %s, %s, %s)", (moment, times, sqlstate, message)
        )

    @property
    def errors_raised(self) -> int:
        """How many of the planned errors the server has raised."""
        query = "SELECT least(last_value + is_called::int, times) FROM errors_raised, planned_errors"
        row = self.connection.execute(query).fetchone()
        assert row
        return int(row[0])

    def backends(self) -> list[tuple[int, str]]:
        """Process id and state of every other connection to this database."""
        query = """SELECT pid, state FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
        return self.connection.execute(query).fetchall()

    def terminate(self, pid: int) -> None:
        """End a connection from the server's side; returns when it is gone."""
        self.connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


@pytest.fixture(scope="session")
def bank_connection(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
        # A transaction that a test leaves open by mistake fails the next one instead of stopping it.
        connection.execute("SET lock_timeout = '5s'")
        yield connection


@pytest.fixture
def bank(bank_connection: psycopg.Connection) -> Bank:
    """Accounts 1 and 2 with 100 each."""
    bank = Bank(bank_connection)
    bank.open({1: 100, 2: 100})
    return bank
