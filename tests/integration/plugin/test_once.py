"""The suite's own transfer with an id: made once where the answer of COMMIT is lost, and in any order."""

from pathlib import Path

import pytest

from tests.fix_projects import Project

SOURCES = Path(__file__).parents[3] / "src"
PAYING = """
import psycopg
from uuid import UUID
from transfer.connection import WarmConnection
from transfer.request import Transfer
from transfer.retry import Retry
from transfer.transaction import make

ID = UUID("6a0e6e1c-7c66-4d6e-9a0b-0d2f4d1b5c11")
SET_UP = [
    "CREATE TABLE accounts (id int PRIMARY KEY, balance int)",
    "CREATE TABLE transfers (id uuid PRIMARY KEY, payer int, payee int, amount int, balance int,"
    " created_at timestamptz NOT NULL DEFAULT now())",
    "INSERT INTO accounts VALUES (1, 100), (2, 100)",
]

def pay(dsql, transfer_id=ID):
    warm = WarmConnection(lambda: dsql.connect(prepare_threshold=None))
    def once():
        with warm.session() as connection:
            return make(connection, Transfer(1, 2, 10, transfer_id))
    return Retry().run(once, once=transfer_id is not None)
"""


@pytest.fixture
def run(project: Project) -> Project:
    """Run a test module that has the transfer at hand."""
    return lambda source: project(source, "-o", f"pythonpath={SOURCES}", paying=PAYING)


@pytest.mark.parametrize("fault", ["lost_before_commit", "lost_after_commit"])
def test_a_transfer_whose_commit_is_lost_is_made_once(run: Project, fault: str) -> None:
    done = run(f"""
        from paying import *
        def test_it(dsql):
            admin = dsql.connect()
            for statement in SET_UP:
                admin.execute(statement)
            with dsql.{fault}():
                assert pay(dsql) == 90
            assert pay(dsql) == 90
            assert admin.execute("SELECT balance FROM accounts ORDER BY id").fetchall() == [(90,), (110,)]
    """)
    done.assert_outcomes(passed=1)


def test_without_an_id_the_caller_cannot_know(run: Project) -> None:
    done = run("""
        import pytest
        from paying import *
        from transfer.errors import OutcomeUnknown
        def test_it(dsql):
            admin = dsql.connect()
            for statement in SET_UP:
                admin.execute(statement)
            with dsql.lost_after_commit(), pytest.raises(OutcomeUnknown):
                pay(dsql, None)
    """)
    done.assert_outcomes(passed=1)


def test_asked_for_twice_at_once_it_is_made_once_in_any_order(run: Project) -> None:
    done = run("""
        from paying import *
        def test_it(dsql):
            explored = dsql.orders(pay, pay, set_up=SET_UP, most=60, columns={"transfers": ["id", "balance"]},
                                   holds="SELECT balance = 90 FROM accounts WHERE id = 1")
            assert len(explored) > 40
    """)
    done.assert_outcomes(passed=1)
