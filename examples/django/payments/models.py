"""Payments between accounts: each is made once for its id, however often it is asked for."""

import random
import time
import uuid

from django.db import OperationalError, models, transaction

ATTEMPTS = 5


class Refused(Exception):
    """The payer does not have that much."""


class Busy(Exception):
    """Every attempt lost to another transaction: nothing was paid."""


class OutcomeUnknown(Exception):
    """Whether the payment was made is not known: ask again with the same id."""


class Account(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    balance = models.PositiveBigIntegerField()


class Payment(models.Model):
    id = models.UUIDField(primary_key=True, editable=False)
    payer = models.ForeignKey(Account, models.PROTECT, related_name="+")
    payee = models.ForeignKey(Account, models.PROTECT, related_name="+")
    amount = models.PositiveBigIntegerField()


def pay(payment: Payment) -> None:
    """Make a payment; one with this id that was made before is not made again."""
    unknown = False
    for attempt in range(ATTEMPTS):
        committing = False
        try:
            with transaction.atomic():
                _pay(payment)
                committing = True
            return
        except Refused:
            if unknown:
                break  # the COMMIT that was not answered may yet be applied
            raise
        except OperationalError as error:
            sqlstate = error.__cause__.sqlstate
            if sqlstate is None:
                unknown |= committing  # COMMIT was not answered: the payment's row tells the next attempt
            elif sqlstate != "40001":  # it lost to another transaction, and nothing was written
                raise
        time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise OutcomeUnknown(payment.id) if unknown else Busy(payment.id)


def _pay(payment: Payment) -> None:
    if Payment.objects.filter(id=payment.id).exists():
        return
    payer = Account.objects.filter(id=payment.payer_id, balance__gte=payment.amount)
    if not payer.update(balance=models.F("balance") - payment.amount):
        raise Refused
    Account.objects.filter(id=payment.payee_id).update(balance=models.F("balance") + payment.amount)
    payment.save(force_insert=True)
