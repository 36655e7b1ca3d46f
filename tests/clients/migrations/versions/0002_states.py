"""A column with an index."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("note", sa.Column("state", sa.String(10)))
    op.create_index("ix_note_state", "note", ["state"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_note_state", "note")
    op.drop_column("note", "state")
