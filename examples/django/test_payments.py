import uuid

import pytest
from django.core.management import call_command
from django.db import connections
from payments import models

ADA, BOB = uuid.uuid4(), uuid.uuid4()
ORDER = {"payer": str(ADA), "payee": str(BOB), "amount": 30}


@pytest.fixture
def balances(dsql, django_db_blocker):
    """Two accounts of 100 on a migrated cluster, in place of pytest-django's own database; call it for what is in them.

    A test's transactions are committed: where one is rolled back at the end, no COMMIT can fail.
    """
    with django_db_blocker.unblock():
        connections.close_all()
        call_command("migrate", verbosity=0)
        models.Account.objects.bulk_create(models.Account(id=id, balance=100) for id in (ADA, BOB))
        yield lambda: [models.Account.objects.get(id=id).balance for id in (ADA, BOB)]


def put(client, path=None, **changed):
    path = path or f"/payments/{uuid.uuid4()}"
    return client.put(path, {**ORDER, **changed}, content_type="application/json").status_code


def test_a_payment_is_made_once_however_often_it_is_asked_for(balances, client):
    path = f"/payments/{uuid.uuid4()}"
    assert [put(client, path) for _ in range(2)] == [204, 204]
    assert balances() == [70, 130]


def test_what_is_not_there_is_not_paid(balances, client):
    assert put(client, amount=1000) == 409
    assert balances() == [100, 100]


def test_a_commit_that_loses_is_made_again(balances, client, dsql):
    with dsql.conflicts(2, table="payments_payment") as fault:
        assert put(client) == 204
    assert fault.times == 2
    assert balances() == [70, 130]


def test_a_commit_whose_answer_is_lost_pays_once(balances, client, dsql):
    with dsql.lost_after_commit():
        assert put(client) == 204
    assert balances() == [70, 130]


def test_what_cannot_be_known_is_said_to_be_unknown(balances, client, dsql):
    path = f"/payments/{uuid.uuid4()}"
    with dsql.lost_after_commit(models.ATTEMPTS):
        assert put(client, path) == 504
    assert put(client, path) == 204
    assert balances() == [70, 130]
