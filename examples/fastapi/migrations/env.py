"""Alembic's environment: DSQL takes one schema change in a transaction, and the dialect needs PostgreSQL's rules."""

from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from bank import Base, engine


class AuroraDSQLImpl(PostgresqlImpl):
    """PostgreSQL's, by the name of the dialect."""

    __dialect__ = "auroradsql"
    transactional_ddl = False


with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
