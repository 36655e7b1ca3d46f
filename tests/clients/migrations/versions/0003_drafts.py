"""Every note has a state. What ``meet`` names happens while the change is open."""

from alembic import context, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Fill the column."""
    op.execute("UPDATE note SET state = 'draft' WHERE state IS NULL")
    context.config.attributes.get("meet", lambda: None)()


def downgrade() -> None:
    """Empty it."""
    op.execute("UPDATE note SET state = NULL")
