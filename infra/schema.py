"""What the database needs beyond the cluster: role, rights, IAM mapping, accounts, receipts, history. Idempotent."""

from typing import Any, Final

import psycopg
from psycopg import sql

from infra.database import APP
from pytest_dsql.retry import retried

ACCOUNTS: Final = 1_000
BALANCE: Final = 100
BATCH: Final = 1_000
"""Rows a transaction; Aurora DSQL takes up to 3,000 (user guide, quotas, 2026-10)."""

_MADE: Final = (
    "INSERT INTO accounts (id, balance) SELECT id, {balance} FROM generate_series({first}, {last}) AS id "
    "ON CONFLICT (id) DO "
)
_KEEP: Final = "NOTHING"
_RESET: Final = "UPDATE SET balance = excluded.balance WHERE accounts.balance IS DISTINCT FROM excluded.balance"
_HISTORY: Final = """CREATE TABLE transactions (
    id UUID DEFAULT gen_random_uuid() PRIMARY KEY, payer_id INT, payee_id INT, amount INT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"""
_INDEXES: Final = {"idx_transactions_payer": "payer_id", "idx_transactions_payee": "payee_id"}
"""By whom the history is asked for; each ends with the time, so that the latest rows come first."""


def set_up(admin: psycopg.Connection[Any], role_arn: str, accounts: int = ACCOUNTS, balance: int = BALANCE) -> None:
    """Let there be the role myapp for the IAM role ``role_arn``, and its accounts with ``balance`` each."""
    create(admin, role_arn)
    reset_accounts(admin, accounts, balance)
    reset_transfers(admin)


def create(admin: psycopg.Connection[Any], role_arn: str) -> None:
    """Let there be the role myapp for the IAM role ``role_arn``, and its tables, with whatever is in them."""
    create_role(admin, APP, role_arn)
    create_accounts(admin, APP)
    create_transfers(admin, APP)


def create_role(admin: psycopg.Connection[Any], role: str, arn: str) -> None:
    """Let there be a database role that the IAM role ``arn`` may sign in as."""
    known = admin.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if known is None:
        _run(admin, sql.SQL("CREATE ROLE {} WITH LOGIN").format(sql.Identifier(role)))
    query = "SELECT FROM sys.iam_pg_role_mappings WHERE pg_role_name = %s AND arn = %s"
    if admin.execute(query, (role, arn)).fetchone() is None:
        _run(admin, sql.SQL("AWS IAM GRANT {} TO {}").format(sql.Identifier(role), sql.Literal(arn)))


def revoke_role(admin: psycopg.Connection[Any], role: str, arn: str) -> None:
    """Let the IAM user or role ``arn`` sign in as ``role`` no more."""
    _run(admin, sql.SQL("AWS IAM REVOKE {} FROM {}").format(sql.Identifier(role), sql.Literal(arn)))


def create_accounts(admin: psycopg.Connection[Any], role: str | None = None) -> None:
    """Let there be the table ``accounts``, and let ``role`` read and write it."""
    _run(admin, sql.SQL("CREATE TABLE IF NOT EXISTS accounts (id INT PRIMARY KEY, balance INT)"))
    if role:
        _run(admin, sql.SQL("GRANT ALL ON public.accounts TO {}").format(sql.Identifier(role)))


def create_transfers(admin: psycopg.Connection[Any], role: str | None = None) -> None:
    """Let there be the table ``transfers``, receipts of transfers with an id; let ``role`` read it and add to it."""
    columns = (
        "id UUID PRIMARY KEY, payer INT NOT NULL, payee INT NOT NULL, amount INT NOT NULL, balance INT NOT NULL, "
        "created_at TIMESTAMPTZ NOT NULL DEFAULT now()"
    )
    _run(admin, sql.SQL("CREATE TABLE IF NOT EXISTS transfers ({})").format(sql.SQL(columns)))
    if role:
        _run(admin, sql.SQL("GRANT SELECT, INSERT ON public.transfers TO {}").format(sql.Identifier(role)))


def reset_transfers(admin: psycopg.Connection[Any]) -> None:
    """Let there be no receipts, batch by batch."""
    some = sql.SQL("DELETE FROM transfers WHERE id IN (SELECT id FROM transfers LIMIT {})").format(sql.Literal(BATCH))
    while _run(admin, some).rowcount:
        pass


def reset_accounts(admin: psycopg.Connection[Any], accounts: int = ACCOUNTS, balance: int = BALANCE) -> None:
    """Let there be accounts 1 to ``accounts`` with ``balance`` each, and no others; batch by batch."""
    drop_accounts(admin, accounts)
    for batch in batches(accounts):
        _run(admin, made(batch, balance, reset=True))


def batches(accounts: int) -> list[range]:
    """Return the ids from 1 to ``accounts``, as many at a time as one transaction is given."""
    return [range(first, min(first + BATCH, accounts + 1)) for first in range(1, accounts + 1, BATCH)]


def made(batch: range, balance: int, *, reset: bool) -> sql.Composed:
    """Return the statement that makes accounts; those that are there keep what they have, unless it is ``reset``."""
    return composed(_MADE + (_RESET if reset else _KEEP), balance=balance, first=batch[0], last=batch[-1])


def composed(text: str, **values: int | None) -> sql.Composed:
    """Return a statement with values in it."""
    return sql.SQL(text).format(**{name: sql.Literal(value) for name, value in values.items()})


def drop_accounts(admin: psycopg.Connection[Any], above: int) -> None:
    """Let there be no accounts but 1 to ``above``, batch by batch."""
    _run(admin, sql.SQL("DELETE FROM accounts WHERE id < 1"))
    some = sql.SQL(
        "DELETE FROM accounts WHERE id IN (SELECT id FROM accounts WHERE id > {} ORDER BY id LIMIT {}) RETURNING id"
    )
    last: int | None = above
    while last is not None:
        # From where the last batch has ended: what it deleted is not looked at again.
        deleted = _run(admin, some.format(sql.Literal(last), sql.Literal(BATCH))).fetchall()
        last = max((id_ for (id_,) in deleted), default=None)


def empty_history(admin: psycopg.Connection[Any], role: str) -> None:
    """Let there be the table ``transactions`` with nothing in it: made anew, as a million rows are many batches."""
    _run(admin, sql.SQL("DROP TABLE IF EXISTS transactions"))
    create_history(admin, role)


def create_history(admin: psycopg.Connection[Any], role: str) -> None:
    """Let there be the table ``transactions``, which ``role`` may read and write, and its indexes, ready to be used."""
    if admin.execute("SELECT FROM pg_tables WHERE tablename = 'transactions'").fetchone() is None:
        _run(admin, sql.SQL(_HISTORY))
    granted = "SELECT FROM information_schema.role_table_grants WHERE table_name = 'transactions' AND grantee = %s"
    if admin.execute(granted, (role,)).fetchone() is None:
        _run(admin, sql.SQL("GRANT ALL ON public.transactions TO {}").format(sql.Identifier(role)))
    for name, column in _INDEXES.items():
        _create_index(admin, name, column)


def _create_index(admin: psycopg.Connection[Any], name: str, column: str) -> None:
    """Let there be an index of the history by ``column`` and time; it is built behind the scenes, and waited for."""
    known = "SELECT FROM pg_indexes WHERE schemaname = 'public' AND indexname = %s"
    if admin.execute(known, (name,)).fetchone() is None:
        create = sql.SQL("CREATE INDEX ASYNC {} ON public.transactions ({}, created_at)")
        job = retried(lambda: admin.execute(create.format(*map(sql.Identifier, (name, column)))).fetchone())
        built = retried(lambda: admin.execute("CALL sys.wait_for_job(%s)", job).fetchone())
        if built != (True,):
            raise RuntimeError(f"the index {name} was not built; sys.jobs says why")


def _run(admin: psycopg.Connection[Any], statement: sql.SQL | sql.Composed) -> psycopg.Cursor[Any]:
    return retried(lambda: admin.execute(statement))
