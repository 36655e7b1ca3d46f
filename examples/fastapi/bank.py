"""Payments between accounts: each is made once for its id, however often it is asked for."""

import os
import random
import time
import uuid

import sqlalchemy as sa
from aurora_dsql_sqlalchemy import create_dsql_engine
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, PositiveInt
from sqlalchemy import orm

ATTEMPTS = 5

app = FastAPI()
engine = create_dsql_engine(host=os.environ["CLUSTER_ENDPOINT"], user="admin", pool_pre_ping=True)


class Base(orm.DeclarativeBase):
    """What migrations make."""


class Account(Base):
    __tablename__ = "accounts"
    id: orm.Mapped[uuid.UUID] = orm.mapped_column(primary_key=True, default=uuid.uuid4)
    balance: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)


class Payment(Base):
    __tablename__ = "payments"
    id: orm.Mapped[uuid.UUID] = orm.mapped_column(primary_key=True)
    payer: orm.Mapped[uuid.UUID] = orm.mapped_column(index=True)
    payee: orm.Mapped[uuid.UUID]
    amount: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)


class Order(BaseModel):
    payer: uuid.UUID
    payee: uuid.UUID
    amount: PositiveInt


@app.put("/payments/{id}", status_code=204)
def pay(id: uuid.UUID, order: Order) -> None:
    """Make a payment whose id its sender chose; asked again, it is not made again."""
    unknown = False
    for attempt in range(ATTEMPTS):
        committing = False
        try:
            with orm.Session(engine) as session, session.begin():
                _pay(session, id, order)
                session.flush()
                committing = True
            return
        except HTTPException:
            if unknown:
                break  # the COMMIT that was not answered may yet be applied
            raise
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated:
                unknown |= committing  # COMMIT was not answered: the payment's row tells the next attempt
            elif error.orig.sqlstate != "40001":  # it lost to another transaction, and nothing was written
                raise
        time.sleep(random.uniform(0, 0.02 * 2**attempt))
    if unknown:
        raise HTTPException(504, "the outcome is unknown: ask again with the same id")
    raise HTTPException(503, "too many conflicts: nothing was paid")


def _pay(session: orm.Session, id: uuid.UUID, order: Order) -> None:
    if session.get(Payment, id):
        return
    payer, payee = session.get(Account, order.payer), session.get(Account, order.payee)
    if not payer or not payee:
        raise HTTPException(404, "there is no such account")
    if payer.balance < order.amount:
        raise HTTPException(409, "the payer does not have that much")
    payer.balance -= order.amount
    payee.balance += order.amount
    session.add(Payment(id=id, **order.model_dump()))
