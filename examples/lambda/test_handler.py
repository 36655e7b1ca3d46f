import uuid
from pathlib import Path

import handler
import pytest

SCHEMA = Path(__file__).with_name("schema.sql").read_text()
ADA, BOB = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def balances(dsql, monkeypatch):
    """Two accounts of 100, and the function's environment; call it for what is in them."""
    for name, value in dsql.environment.items():
        monkeypatch.setenv(name, value)
    connection = dsql.connect()
    for statement in SCHEMA.split(";\n"):
        connection.execute(statement)
    connection.execute("INSERT INTO accounts VALUES (%s, 100), (%s, 100)", (ADA, BOB))
    return lambda: dict(connection.execute("SELECT id, balance FROM accounts").fetchall())


def payment(amount=30):
    return {"id": str(uuid.uuid4()), "payer": str(ADA), "payee": str(BOB), "amount": amount}


def test_a_payment_is_made_once_however_often_it_is_asked_for(balances):
    event = payment()
    for _ in range(2):
        assert handler.handler(event, None) == {"status": "paid"}
    assert balances() == {ADA: 70, BOB: 130}


def test_what_is_not_there_is_not_paid(balances):
    assert handler.handler(payment(1000), None) == {"status": "refused"}
    assert balances() == {ADA: 100, BOB: 100}


def test_a_commit_that_loses_is_made_again(balances, dsql):
    with dsql.conflicts(2, table="payments") as fault:
        assert handler.handler(payment(), None) == {"status": "paid"}
    assert fault.times == 2
    assert balances() == {ADA: 70, BOB: 130}


def test_a_commit_whose_answer_is_lost_pays_once(balances, dsql):
    with dsql.lost_after_commit():
        assert handler.handler(payment(), None) == {"status": "paid"}
    assert balances() == {ADA: 70, BOB: 130}


def test_what_cannot_be_known_is_said_to_be_unknown(balances, dsql):
    event = payment()
    with dsql.lost_after_commit(handler.ATTEMPTS), pytest.raises(handler.OutcomeUnknown):
        handler.handler(event, None)
    assert handler.handler(event, None) == {"status": "paid"}
    assert balances() == {ADA: 70, BOB: 130}
