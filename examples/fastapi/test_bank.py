import uuid
from pathlib import Path

import bank
import pytest
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient
from sqlalchemy import orm

MIGRATIONS = Config(Path(__file__).with_name("alembic.ini"))
ADA, BOB = uuid.uuid4(), uuid.uuid4()
ORDER = {"payer": str(ADA), "payee": str(BOB), "amount": 30}
client = TestClient(bank.app)


@pytest.fixture
def balances(dsql):
    """Two accounts of 100 on a migrated cluster; call it for what is in them."""
    command.upgrade(MIGRATIONS, "head")
    with orm.Session(bank.engine) as session, session.begin():
        session.add_all(bank.Account(id=id, balance=100) for id in (ADA, BOB))

    def balances():
        with orm.Session(bank.engine) as session:
            return [session.get(bank.Account, id).balance for id in (ADA, BOB)]

    return balances


def test_the_models_are_what_the_migrations_make(dsql):
    command.upgrade(MIGRATIONS, "head")
    connection = dsql.connect()
    for (job,) in connection.execute("SELECT job_id FROM sys.jobs").fetchall():
        connection.execute("CALL sys.wait_for_job(%s)", (job,))  # an index is built in the background
    command.check(MIGRATIONS)


def test_a_payment_is_made_once_however_often_it_is_asked_for(balances):
    path = f"/payments/{uuid.uuid4()}"
    for _ in range(2):
        assert client.put(path, json=ORDER).status_code == 204
    assert balances() == [70, 130]


def test_what_is_not_there_is_not_paid(balances):
    assert client.put(f"/payments/{uuid.uuid4()}", json={**ORDER, "amount": 1000}).status_code == 409
    assert balances() == [100, 100]


def test_a_commit_that_loses_is_made_again(balances, dsql):
    with dsql.conflicts(2, table="payments") as fault:
        assert client.put(f"/payments/{uuid.uuid4()}", json=ORDER).status_code == 204
    assert fault.times == 2
    assert balances() == [70, 130]


def test_a_commit_whose_answer_is_lost_pays_once(balances, dsql):
    with dsql.lost_after_commit():
        assert client.put(f"/payments/{uuid.uuid4()}", json=ORDER).status_code == 204
    assert balances() == [70, 130]


def test_what_cannot_be_known_is_said_to_be_unknown(balances, dsql):
    path = f"/payments/{uuid.uuid4()}"
    with dsql.lost_after_commit(bank.ATTEMPTS):
        assert client.put(path, json=ORDER).status_code == 504
    assert client.put(path, json=ORDER).status_code == 204
    assert balances() == [70, 130]
