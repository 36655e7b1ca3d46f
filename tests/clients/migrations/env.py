"""Alembic's environment for Aurora DSQL: the dialect brings no implementation for Alembic, PostgreSQL's does."""

import os

import sqlalchemy as sa
from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from aurora_dsql_sqlalchemy import create_dsql_engine


class AuroraDSQLImpl(PostgresqlImpl):
    """PostgreSQL's, for the dialect's name."""

    __dialect__ = "auroradsql"
    transactional_ddl = False


metadata = sa.MetaData()
sa.Table(
    "note",
    metadata,
    sa.Column("id", sa.UUID, primary_key=True, server_default=sa.text("gen_random_uuid()")),
    sa.Column("title", sa.String(80), nullable=False, index=True),
    sa.Column("owner", sa.String(40), nullable=False, index=True),
    sa.Column("written", sa.DateTime(timezone=True), index=True),
    sa.Column("state", sa.String(10), index=True),
    sa.Index("note_owner_title", "owner", "title", unique=True),
)

engine = create_dsql_engine(host=os.environ["CLUSTER_ENDPOINT"], user="admin", driver="psycopg")
try:
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
finally:
    engine.dispose()
