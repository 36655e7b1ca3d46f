"""Accounts and payments."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    """Make the tables, and the index beside them (CREATE INDEX ASYNC)."""
    op.create_table(
        "accounts", sa.Column("id", sa.UUID, primary_key=True), sa.Column("balance", sa.BigInteger, nullable=False)
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.UUID, primary_key=True),
        sa.Column("payer", sa.UUID, nullable=False),
        sa.Column("payee", sa.UUID, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_payments_payer", "payments", ["payer"])


def downgrade():
    """Take them back."""
    op.drop_table("payments")
    op.drop_table("accounts")
