import uuid
from collections import Counter

import psycopg
import pytest
import stock

from pytest_dsql.storm.workload import Workload

UNITS = 10
ITEMS = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"item {number}")) for number in range(20)]


class Shop(Workload):
    """Many buyers of few items."""

    sums = {"units in stock": ("SELECT sum(units) FROM items", UNITS * len(ITEMS))}
    rules = {
        "sold twice": "SELECT items.id, units, count(*) AS sold FROM items JOIN sales ON item = items.id "
        "GROUP BY items.id, units HAVING count(*) > units"
    }
    refusals = {"SoldOut"}
    lock = "FOR UPDATE"

    def set_up(self, cluster):
        connection = cluster.connect()
        for statement in stock.SCHEMA:
            connection.execute(statement)
        connection.cursor().executemany("INSERT INTO items VALUES (%s, %s)", [(id, UNITS) for id in ITEMS])

    def during(self, cluster):
        return cluster.slow(0.01)  # as long as a COMMIT takes in a Region

    def draw(self, chance):
        return {"sale": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "item": chance.choice(ITEMS)}

    def call(self, client, request):
        return {"retries": stock.sell(client, **request, lock=self.lock)}

    def check(self, history):
        sold = Counter(call.request["item"] for call in history.committed)
        return [f"{number} of {item} were sold" for item, number in sold.items() if number > UNITS]


class Unlocked(Shop):
    """The same, and the item is read without a lock."""

    lock = ""


class Unanswered(Shop):
    """The answers of three COMMITs are lost: who asked cannot know."""

    def during(self, cluster):
        return cluster.lost_after_commit(3)


def test_what_is_in_stock_is_sold_once(dsql_storm):
    report = dsql_storm(Shop(), calls=500, parallel=20, seed=7)
    assert len(report.history.committed) == UNITS * len(ITEMS)


def test_without_the_lock_it_is_sold_twice(dsql_storm):
    with pytest.raises(pytest.fail.Exception, match="rule: sold twice: "):
        dsql_storm(Unlocked(), calls=500, parallel=20, seed=7)


def test_an_answer_that_is_lost_is_known_to_be_unknown(dsql_storm):
    report = dsql_storm(Unanswered(), calls=500, parallel=20, seed=7)
    assert len(report.verdict.ambiguous) == 3


def test_a_sale_is_made_once_however_often_it_is_asked_for(dsql):
    Shop().set_up(dsql)
    connection, sale = dsql.connect(), uuid.uuid4()
    with dsql.lost_after_commit(), pytest.raises(psycopg.OperationalError):
        stock.sell(connection, sale, ITEMS[0])
    connection = dsql.connect()
    stock.sell(connection, sale, ITEMS[0])
    assert connection.execute("SELECT count(*) FROM sales").fetchone() == (1,)
