"""A Lambda function that pays: once for each payment's id, however often it is asked and whatever COMMIT becomes of."""

import os
import random
import time

import aurora_dsql_psycopg as dsql
import psycopg

ATTEMPTS = 5
_warm = None


class Refused(Exception):
    """The payer does not have that much."""


class OutcomeUnknown(Exception):
    """Whether the payment was made is not known. Ask again with the same id: it is never made twice."""


def handler(event, _context):
    """Pay ``amount`` from ``payer`` to ``payee``, where a payment with this id has not been made yet."""
    unknown = False
    for attempt in range(ATTEMPTS):
        connection, committing = _connected(), False
        try:
            with connection.transaction():
                _pay(connection, **event)
                committing = True
            return {"status": "paid"}
        except Refused:
            if unknown:
                break  # the COMMIT that was not answered may yet be applied
            return {"status": "refused"}
        except psycopg.errors.SerializationFailure:
            pass  # it lost to another transaction (OC000, OC001): nothing was written
        except psycopg.OperationalError:
            unknown |= committing  # no answer: the payment's row tells the next attempt
        time.sleep(random.uniform(0, 0.02 * 2**attempt))
    if unknown:
        raise OutcomeUnknown(event["id"])
    return {"status": "busy"}


def _pay(connection, id, payer, payee, amount):
    made = connection.execute(
        "INSERT INTO payments (id, payer, payee, amount) VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
        (id, payer, payee, amount),
    )
    if not made.rowcount:
        return  # an earlier attempt, or an earlier invocation, has made it
    debited = connection.execute(
        "UPDATE accounts SET balance = balance - %s WHERE id = %s AND balance >= %s", (amount, payer, amount)
    )
    if not debited.rowcount:
        raise Refused
    connection.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s", (amount, payee))


def _connected():
    """Return the connection that earlier invocations left warm, or a new one with a fresh token."""
    global _warm
    if _warm is None or _warm.closed:
        _warm = dsql.connect(host=os.environ["CLUSTER_ENDPOINT"], user="admin", autocommit=True)
    return _warm
