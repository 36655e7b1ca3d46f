"""Every order of callables' statements: what passes, what fails and how it is told; in projects as users have them."""

import re
from pathlib import Path

import pytest

from tests.fix_projects import Project

ROOT = Path(__file__).parents[3]
BANK = """
import psycopg

SET_UP = ["CREATE TABLE accounts (id int PRIMARY KEY, balance int)", "INSERT INTO accounts VALUES (1, 50), (2, 50)"]
NEVER_BELOW_ZERO = "SELECT sum(balance) >= 0 FROM accounts"

def retried(transaction, dsql):
    connection = dsql.connect()
    while True:
        try:
            with connection.transaction():
                return transaction(connection)
        except psycopg.errors.SerializationFailure:
            pass

def withdrawal(account, lock=""):
    def transaction(connection):
        balances = connection.execute(f"SELECT balance FROM accounts {lock}").fetchall()
        if sum(balance for balance, in balances) < 80:
            return "refused"
        connection.execute("UPDATE accounts SET balance = balance - 80 WHERE id = %s", (account,))
        return "paid"
    return lambda dsql: retried(transaction, dsql)

def insert(*rows):
    def inserts(dsql):
        connection = dsql.connect()
        for row in rows:
            connection.execute("INSERT INTO accounts VALUES (%s, 1)", (row,))
    return inserts
"""


@pytest.fixture
def run(project: Project) -> Project:
    """Run a test module that has a bank at hand."""
    return lambda source, *arguments, **files: project(source, *arguments, bank=BANK, **files)


def test_two_transfers_are_safe_in_all_orders(run: Project) -> None:
    done = run("""
        from bank import *
        def transfer(payer, payee, amount):
            def transaction(connection):
                balance = dict(connection.execute("SELECT id, balance FROM accounts WHERE id IN (1, 2)").fetchall())
                left, paid = balance[payer] - amount, balance[payee] + amount
                change = "UPDATE accounts SET balance = CASE id WHEN %s THEN %s::int ELSE %s END WHERE id IN (1, 2)"
                connection.execute(change, (payer, left, paid))
                return left
            return lambda dsql: retried(transaction, dsql)
        def test_it(dsql):
            explored = dsql.orders(transfer(1, 2, 10), transfer(2, 1, 5), set_up=SET_UP,
                                   holds="SELECT sum(balance) = 100 FROM accounts")
            assert (len(explored), explored.complete) == (70, True)
    """)
    done.assert_outcomes(passed=1)


def test_the_suites_own_transfer_is_safe_in_all_orders(run: Project) -> None:
    done = run(
        """
        from transfer.request import Transfer
        from transfer.retry import Retry
        from transfer.transaction import make
        from bank import *
        def paying(*transfer):
            def pay(dsql):
                connection = dsql.connect(prepare_threshold=None)
                return Retry().run(lambda: make(connection, Transfer(*transfer)))
            return pay
        def test_it(dsql):
            total = "SELECT sum(balance) = 100 FROM accounts"
            assert len(dsql.orders(paying(1, 2, 10), paying(2, 1, 5), set_up=SET_UP, holds=total)) == 70
        """,
        *("-o", f"pythonpath={ROOT / 'src'}"),
    )
    done.assert_outcomes(passed=1)


def test_a_withdrawal_that_reads_two_accounts_and_writes_one_skews(run: Project) -> None:
    done = run("""
        from bank import *
        def test_it(dsql):
            dsql.orders(withdrawal(1), withdrawal(2), set_up=SET_UP, holds=NEVER_BELOW_ZERO)
    """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "68 of 70 orders fail; the shortest, to be repeated by order='AAABBBBA':",
            "2 | SELECT balance FROM accounts → 50, 50 *",
            "3 | UPDATE accounts SET balance = balance - 80 WHERE id = $1 |",
            "  | [[]1] → UPDATE 1 *",
            "4 | * | BEGIN → BEGIN",
            "8 | COMMIT → COMMIT *",
            "- it does not hold: SELECT sum(balance) >= 0 FROM accounts",
            "- it equals no serial order of those that returned",
            "AAABBBBA: accounts (1, -30), (2, -30), A returned 'paid', B returned 'paid'",
            "A then B: accounts (1, -30), (2, 50), A returned 'paid', B returned 'refused'",
        ]
    )


def test_an_order_is_repeated_by_its_name(run: Project) -> None:
    done = run("""
        from bank import *
        def test_it(dsql):
            dsql.orders(withdrawal(1), withdrawal(2), set_up=SET_UP, holds=NEVER_BELOW_ZERO, order="ABBBBAAA")
    """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["1 of 1 orders fail; the shortest, to be repeated by order='ABBBBAAA':"])


def test_with_for_update_nothing_skews_and_retries_are_ordered_too(run: Project) -> None:
    done = run("""
        import time
        from bank import *
        def test_it(dsql):
            locking = [withdrawal(1, "FOR UPDATE"), withdrawal(2, "FOR UPDATE")]
            begun = time.process_time()
            explored = dsql.orders(*locking, set_up=SET_UP, holds=NEVER_BELOW_ZERO)
            assert time.process_time() - begun < 5  # a third of it all, however busy the machine is
            assert (len(explored), explored.complete) == (70, True)
            assert max(map(len, explored.names)) > 8
    """)
    done.assert_outcomes(passed=1)


def test_of_many_orders_a_sample_of_the_seeds_is_played(run: Project) -> None:
    done = run("""
        from bank import *
        def test_it(dsql):
            both = insert(3, 4, 5), insert(6, 7, 8)
            explored = [dsql.orders(*both, set_up=SET_UP, most=5, seed=seed) for seed in (1, 1, 2)]
            assert explored[0] == explored[1] != explored[2]
            assert not explored[0].complete
    """)
    done.assert_outcomes(passed=1)


CLIENTS = {
    "asyncpg": """
        async def withdraw(dsql):
            tls = ssl.create_default_context(cafile=dsql.environment["PGSSLROOTCERT"])
            where = {"host": dsql.host, "port": dsql.environment["PGPORT"], "database": "postgres", "ssl": tls}
            connection = await asyncpg.connect(**where, user="admin", password=dsql.token())
            async with connection.transaction():
                await connection.execute(CHANGE + "$1", 1)
            await connection.close()
        """,
    "sqlalchemy": """
        def withdraw(dsql):
            how = {"creator": lambda: psycopg.connect(dsql.url), "poolclass": sqlalchemy.NullPool}
            engine = sqlalchemy.create_engine("postgresql+psycopg://", use_native_hstore=False, **how)
            with engine.begin() as connection:
                connection.execute(sqlalchemy.text(CHANGE + ":id"), {"id": 1})
        """,
    "psycopg2": """
        def withdraw(dsql):
            with contextlib.closing(psycopg2.connect(dsql.url)) as connection, connection:
                connection.cursor().execute(CHANGE + "%s", (1,))
        """,
}


@pytest.mark.parametrize("client", CLIENTS)
def test_any_client_is_held(run: Project, client: str) -> None:
    done = run(f"""
        import asyncpg, contextlib, os, psycopg, psycopg2, sqlalchemy, ssl
        from bank import *
        CHANGE = "UPDATE accounts SET balance = balance - 10 WHERE id = "
        {CLIENTS[client]}
        def test_it(dsql):
            with dsql.resolved():
                explored = dsql.orders(withdraw, withdraw, set_up=SET_UP, most=20,
                                       holds="SELECT sum(balance) IN (80, 90) FROM accounts")
            assert len(explored) > 10
    """)
    done.assert_outcomes(passed=1)


def test_a_pool_lends_what_was_connected_before(run: Project) -> None:
    done = run("""
        import psycopg, sqlalchemy
        from bank import *
        def test_it(dsql):
            how = {"creator": lambda: psycopg.connect(dsql.url), "use_native_hstore": False}
            engine = sqlalchemy.create_engine("postgresql+psycopg://", **how)
            def set_up(cluster):
                for statement in SET_UP:
                    cluster.connect().execute(statement)
                with engine.connect(), engine.connect():
                    pass
            def withdraw(_):
                with engine.begin() as connection:
                    connection.execute(sqlalchemy.text("UPDATE accounts SET balance = balance - 10 WHERE id = 1"))
            assert len(dsql.orders(withdraw, withdraw, set_up=set_up)) == 20
            engine.dispose()
    """)
    done.assert_outcomes(passed=1)


def test_each_statement_of_a_pipeline_is_ordered(run: Project) -> None:
    done = run("""
        from bank import *
        def pipelined(dsql):
            connection = dsql.connect()
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute("SELECT 1")
                connection.execute("COMMIT")
        def test_it(dsql):
            assert len(dsql.orders(pipelined, insert(3), set_up=SET_UP)) == 4
    """)
    done.assert_outcomes(passed=1)


def test_a_schema_change_is_undone_before_the_next_order(run: Project) -> None:
    done = run("""
        from bank import *
        def creates(dsql):
            dsql.connect().execute("CREATE TABLE t (id int)")
        def test_it(dsql):
            assert len(dsql.orders(creates, insert(3), set_up=SET_UP)) == 2
    """)
    done.assert_outcomes(passed=1)


def test_three_are_compared_with_all_their_serial_orders(run: Project) -> None:
    done = run("""
        from bank import *
        def appends(letter):
            def transaction(connection):
                (told,) = connection.execute("SELECT string_agg(said, '' ORDER BY id) FROM log").fetchone()
                connection.execute("INSERT INTO log VALUES (%s, %s)", (len(told), letter))
                return told
            return lambda dsql: retried(transaction, dsql)
        def test_it(dsql):
            log = ["CREATE TABLE log (id int PRIMARY KEY, said text)", "INSERT INTO log VALUES (0, '-')"]
            explored = dsql.orders(*map(appends, "xyz"), set_up=log, most=30)
            assert (len(explored), explored.complete) == (30, False)
    """)
    done.assert_outcomes(passed=1)


def test_set_up_and_invariant_may_be_callables(run: Project) -> None:
    done = run("""
        from bank import *
        def creates(dsql):
            for statement in SET_UP:
                dsql.connect().execute(statement)
        def has_four(dsql):
            assert len(dsql.connect().execute("SELECT * FROM accounts").fetchall()) == 4
        def test_it(dsql):
            assert len(dsql.orders(insert(3), insert(4), set_up=creates, holds=has_four)) == 2
    """)
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("callables", "options", "told"),
    [
        ("insert(3), insert(1)", "", "B, inserts, gives up in every serial order: UniqueViolation"),
        ("insert(3), lambda dsql: None", "", "sends no statement to this cluster"),
        ("insert(3), lambda dsql: time.sleep(1)", "limit_s=0.1", "has neither sent a statement nor ended within 0.1 s"),
        ("insert(3), endless", "statements=20", "an order has 20 statements and no end: does a retry end?"),
        ("insert(3), insert(4)", "order='AA'", "statement 2 was to be A's, which has no more"),
        ("insert(3), insert(4)", "order='AC'", "order: a letter is one of AB, not C"),
        ("insert(3), insert(4)", "columns={'t': []}", "columns: there is no table t; there are accounts"),
        ("insert(3), insert(4)", "most=0", "most: must be at least 1, not 0"),
        ("insert(3),", "", "orders: are those of 2 to 6 callables, not of 1"),
    ],
)
def test_what_cannot_be_ordered_is_told_in_a_sentence(run: Project, callables: str, options: str, told: str) -> None:
    done = run(f"""
        import time
        from bank import *
        def endless(dsql):
            connection = dsql.connect()
            while True:
                connection.execute("SELECT 1")
        def test_it(dsql):
            dsql.orders({callables.rstrip(",")}, set_up=SET_UP, {options})
    """)
    done.assert_outcomes(failed=1)
    assert re.search(re.escape(told), done.stdout.str())
