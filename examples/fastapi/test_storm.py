"""Payments among few accounts, twenty at a time."""

import uuid

import bank
from fastapi.testclient import TestClient
from sqlalchemy import orm
from test_bank import MIGRATIONS, command

from pytest_dsql.storm.workload import REFUSED, UNKNOWN, Meaning, Workload

ACCOUNTS = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"account {number}")) for number in range(10)]
NOT_PAID = {409: Meaning(REFUSED, "poor"), 503: Meaning(REFUSED, "busy"), 504: Meaning(UNKNOWN, "no answer")}


class Payments(Workload):
    """What is asked of the application, by its own requests."""

    sums = {"money": ("SELECT sum(balance) FROM accounts", 100 * len(ACCOUNTS))}
    rules = {"below zero": "SELECT id, balance FROM accounts WHERE balance < 0"}
    refusals = {"poor", "busy"}

    def set_up(self, cluster):
        command.upgrade(MIGRATIONS, "head")
        with orm.Session(bank.engine) as session, session.begin():
            session.add_all(bank.Account(id=uuid.UUID(id), balance=100) for id in ACCOUNTS)

    def open(self, cluster):
        return TestClient(bank.app)

    def draw(self, chance):
        payer, payee = chance.sample(ACCOUNTS, 2)
        id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        return {"id": id, "order": {"payer": payer, "payee": payee, "amount": chance.randint(1, 60)}}

    def call(self, client, request):
        return client.put(f"/payments/{request['id']}", json=request["order"]).status_code

    def returned(self, request, answer):
        return NOT_PAID.get(answer) or super().returned(request, answer)


def test_a_storm_of_payments_loses_nothing(dsql_storm):
    dsql_storm(Payments(), calls=300, parallel=20, seed=7)
