"""Payments among few accounts, twenty at a time."""

import contextlib
import uuid

import django
from django.core.management import call_command
from django.db import connections
from django.test import Client

from pytest_dsql.storm.workload import REFUSED, UNKNOWN, Meaning, Workload

ACCOUNTS = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"account {number}")) for number in range(10)]
NOT_PAID = {409: Meaning(REFUSED, "poor"), 503: Meaning(REFUSED, "busy"), 504: Meaning(UNKNOWN, "no answer")}


class Payments(Workload):
    """What is asked of the project, by its own requests."""

    sums = {"money": ("SELECT sum(balance) FROM payments_account", 100 * len(ACCOUNTS))}
    rules = {"below zero": "SELECT id, balance FROM payments_account WHERE balance < 0"}
    refusals = {"poor", "busy"}

    def set_up(self, cluster):
        from payments import models

        connections.close_all()
        call_command("migrate", verbosity=0)
        models.Account.objects.bulk_create(models.Account(id=id, balance=100) for id in ACCOUNTS)

    def open(self, cluster):
        django.setup()  # a process of the storm is one of the project's
        return contextlib.nullcontext(Client())

    def during(self, cluster):
        return cluster.slow(0.01)  # as long as a COMMIT takes in a Region

    def draw(self, chance):
        payer, payee = chance.sample(ACCOUNTS, 2)
        id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        return {"id": id, "order": {"payer": payer, "payee": payee, "amount": chance.randint(1, 60)}}

    def call(self, client, request):
        return client.put(f"/payments/{request['id']}", request["order"], content_type="application/json").status_code

    def returned(self, request, answer):
        return NOT_PAID.get(answer) or super().returned(request, answer)


def test_a_storm_of_payments_loses_nothing(dsql_storm, django_db_blocker):
    with django_db_blocker.unblock():
        dsql_storm(Payments(), calls=300, parallel=20, seed=7)
