"""A shop that sells what it has and no more: each sale is made once for its id, which its sender chose."""

import random
import time

import psycopg

ATTEMPTS = 50
SCHEMA = (
    "CREATE TABLE items (id uuid PRIMARY KEY, units int NOT NULL)",
    "CREATE TABLE sales (item uuid, id uuid, PRIMARY KEY (item, id))",
)


class SoldOut(Exception):
    """There is nothing left of it."""


class Busy(Exception):
    """Others were first each time; nothing was sold."""


def sell(connection, sale, item, lock="FOR UPDATE"):
    """Sell one unit of an item; return how often it had to be tried again."""
    for retries in range(ATTEMPTS):
        try:
            with connection.transaction():
                _sell(connection, sale, item, lock)
            return retries
        except psycopg.errors.SerializationFailure:
            time.sleep(random.uniform(0, 0.005 * 2 ** min(retries, 6)))  # it lost to another: nothing was written
    raise Busy(item)


def _sell(connection, sale, item, lock):
    if connection.execute("SELECT 1 FROM sales WHERE item = %s AND id = %s", (item, sale)).fetchone():
        return  # an earlier attempt, whose answer was lost, has made it
    # Two sales write two rows, so neither would lose. Locked, the item that both have read makes one of them lose.
    (units,) = connection.execute(f"SELECT units FROM items WHERE id = %s {lock}", (item,)).fetchone()
    (sold,) = connection.execute("SELECT count(*) FROM sales WHERE item = %s", (item,)).fetchone()
    if sold >= units:
        raise SoldOut(item)
    connection.execute("INSERT INTO sales (item, id) VALUES (%s, %s)", (item, sale))
