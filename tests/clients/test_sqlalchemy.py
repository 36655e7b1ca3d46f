"""aurora-dsql-sqlalchemy: five tables with fifteen indexes, reflection, the ORM, an upsert and a conflict."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import insert

from tests.fix_clients import Exported

dialect: Any = pytest.importorskip(
    "aurora_dsql_sqlalchemy", reason="aurora-dsql-sqlalchemy is not installed; it comes with --group clients"
)


class Base(orm.DeclarativeBase):
    """A shop."""


def identity() -> orm.Mapped[uuid.UUID]:
    return orm.mapped_column(sa.UUID, primary_key=True, server_default=sa.text("gen_random_uuid()"))


class Customer(Base):
    __tablename__ = "customer"
    __table_args__ = (
        sa.Index("customer_city_name", "city", "name"),
        sa.Index("customer_email", "email", unique=True),
        sa.Index("customer_since", "since"),
    )
    id: orm.Mapped[uuid.UUID] = identity()
    name: orm.Mapped[str] = orm.mapped_column(sa.String(80))
    city: orm.Mapped[str | None]
    email: orm.Mapped[str] = orm.mapped_column(sa.String(120))
    since: orm.Mapped[dt.date] = orm.mapped_column(server_default=sa.func.current_date())
    orders: orm.Relationship[list["Order"]] = orm.relationship(
        back_populates="customer", primaryjoin="Customer.id == foreign(Order.customer_id)"
    )


class Supplier(Base):
    __tablename__ = "supplier"
    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, sa.Identity(always=True, cache=65536), primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(80), index=True)
    country: orm.Mapped[str] = orm.mapped_column(sa.String(2), index=True)
    vat: orm.Mapped[str | None] = orm.mapped_column(sa.String(20), unique=True)
    rating: orm.Mapped[int] = orm.mapped_column(sa.CheckConstraint("rating BETWEEN 0 AND 5"), index=True)


class Article(Base):
    __tablename__ = "article"
    __table_args__ = (sa.Index("article_supplier", "supplier_id", auroradsql_include=["title"]),)
    number: orm.Mapped[str] = orm.mapped_column(sa.String(20), primary_key=True)
    title: orm.Mapped[str] = orm.mapped_column(index=True)
    price: orm.Mapped[float] = orm.mapped_column(sa.Numeric(12, 2), index=True)
    stock: orm.Mapped[int]
    supplier_id: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)


class Order(Base):
    __tablename__ = "order"
    id: orm.Mapped[uuid.UUID] = identity()
    customer_id: orm.Mapped[uuid.UUID] = orm.mapped_column(index=True)
    placed: orm.Mapped[dt.datetime] = orm.mapped_column(server_default=sa.func.now(), index=True)
    status: orm.Mapped[str] = orm.mapped_column(sa.String(10), server_default="new", index=True)
    customer: orm.Mapped[Customer] = orm.relationship(
        back_populates="orders", primaryjoin="Customer.id == foreign(Order.customer_id)"
    )


class Line(Base):
    __tablename__ = "order_line"
    __table_args__ = (sa.Index("line_article_count", "article", "count"),)
    order_id: orm.Mapped[uuid.UUID] = orm.mapped_column(primary_key=True)
    position: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    article: orm.Mapped[str] = orm.mapped_column(sa.String(20), index=True)
    count: orm.Mapped[int] = orm.mapped_column(index=True)


@pytest.fixture(scope="module", params=["psycopg", "psycopg2"])
def engine(exported: Exported, request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """An engine, as the dialect's documentation makes it, and the shop's tables, made and dropped again."""
    engine: sa.Engine = dialect.create_dsql_engine(host=exported.host, user="admin", driver=request.param)
    Base.metadata.create_all(engine)
    exported.wait_for_builds()
    yield engine
    Base.metadata.drop_all(engine)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_every_index_is_made(engine: sa.Engine) -> None:
    expected = {index.name for table in Base.metadata.tables.values() for index in table.indexes}
    assert len(expected) == 15
    inspector = sa.inspect(engine)
    assert expected <= {index["name"] for name in Base.metadata.tables for index in inspector.get_indexes(name)}


def test_tables_are_reflected(engine: sa.Engine) -> None:
    reflected = sa.MetaData()
    reflected.reflect(engine)
    assert set(reflected.tables) == set(Base.metadata.tables)
    for name, table in Base.metadata.tables.items():
        found = reflected.tables[name]
        assert [(c.name, c.nullable) for c in found.columns] == [(c.name, c.nullable) for c in table.columns]
        assert [c.name for c in found.primary_key] == [c.name for c in table.primary_key]
    assert isinstance(reflected.tables["article"].c.price.type, sa.Numeric)


def test_a_session_keeps_objects(engine: sa.Engine) -> None:
    with orm.Session(engine) as session:
        ada = Customer(name="Ada", email=f"{uuid.uuid4()}@example.org", orders=[Order(), Order(status="paid")])
        session.add_all([ada, Supplier(name="Acme", country="CH", rating=3)])
        session.commit()
        key = ada.id
    with orm.Session(engine) as session:
        ada = session.get_one(Customer, key)
        assert sorted(order.status for order in ada.orders) == ["new", "paid"]
        ada.city = "London"
        session.delete(ada.orders[0])
        session.commit()
    with orm.Session(engine) as session:
        count = sa.select(sa.func.count()).select_from(Order).where(Order.customer_id == key)
        assert session.scalar(count) == 1
        assert session.scalars(sa.select(Customer.city).where(Customer.id == key)).all() == ["London"]


def test_an_upsert(engine: sa.Engine) -> None:
    values = {"number": "A1", "title": "Anvil", "price": 10, "stock": 1}
    statement = insert(Article).values(values)
    more = statement.on_conflict_do_update(
        index_elements=["number"], set_={"stock": Article.stock + statement.excluded.stock}
    ).returning(Article.stock)
    stocks = []
    for _ in range(2):
        with engine.begin() as connection:
            stocks.append(connection.execute(more).scalar_one())
    assert stocks == [1, 2]


def test_the_second_of_two_sessions_loses_at_commit(engine: sa.Engine) -> None:
    with orm.Session(engine) as session:
        session.merge(Article(number="B1", title="Bolt", price=1, stock=10))
        session.commit()
    with orm.Session(engine) as one, orm.Session(engine) as other:
        for session in (one, other):
            session.get_one(Article, "B1").stock -= 1
            session.flush()
        one.commit()
        with pytest.raises(sa.exc.DBAPIError, match="OC000"):
            other.commit()
        other.rollback()
        article = other.get_one(Article, "B1")
        article.stock -= 1
        other.commit()
        assert article.stock == 8
