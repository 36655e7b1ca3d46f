"""Payments among few accounts, by eight functions at a time."""

import uuid

import handler
from test_handler import SCHEMA

from pytest_dsql.storm.workload import COMMITTED, REFUSED, Meaning, Workload

ACCOUNTS = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"account {number}")) for number in range(10)]
ENVIRONMENTS = 8


class Payments(Workload):
    """Events as the function is invoked with."""

    sums = {"money": ("SELECT sum(balance) FROM accounts", 100 * len(ACCOUNTS))}
    rules = {"below zero": "SELECT id, balance FROM accounts WHERE balance < 0"}
    refusals = {"refused", "busy"}

    def set_up(self, cluster):
        connection = cluster.connect()
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.cursor().executemany("INSERT INTO accounts VALUES (%s, 100)", [(id,) for id in ACCOUNTS])

    def during(self, cluster):
        return cluster.slow(0.01)  # as long as a COMMIT takes in a Region

    def draw(self, chance):
        payer, payee = chance.sample(ACCOUNTS, 2)
        id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        return {"id": id, "payer": payer, "payee": payee, "amount": chance.randint(1, 60)}

    def call(self, client, request):
        return handler.handler(request, None)

    def returned(self, request, answer):
        paid = answer["status"] == "paid"
        return Meaning(COMMITTED) if paid else Meaning(REFUSED, answer["status"])


def test_a_storm_of_payments_loses_nothing(dsql_storm, dsql, monkeypatch):
    for name, value in dsql.environment.items():
        monkeypatch.setenv(name, value)
    # An environment of Lambda has one event at a time: so has each process.
    dsql_storm(Payments(), calls=300, parallel=ENVIRONMENTS, processes=ENVIRONMENTS, seed=7)
