"""A table with four indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table and its indexes."""
    op.create_table(
        "note",
        sa.Column("id", sa.UUID, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("written", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_note_title", "note", ["title"])
    op.create_index("ix_note_owner", "note", ["owner"])
    op.create_index("ix_note_written", "note", ["written"])
    op.create_index("note_owner_title", "note", ["owner", "title"], unique=True)


def downgrade() -> None:
    """Take them back."""
    for name in ("note_owner_title", "ix_note_written", "ix_note_owner", "ix_note_title"):
        op.drop_index(name, "note")
    op.drop_table("note")
