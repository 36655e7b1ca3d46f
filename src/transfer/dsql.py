"""What this code relies on of Amazon Aurora DSQL, as dated data.

State of knowledge: 2026-10. Sources: the Aurora DSQL user guide (quotas, authentication, concurrency control) and
answers recorded from a real cluster between 2026-09-15 and 2026-09-18.
"""

from typing import Final

DATABASE: Final = "postgres"
ADMIN: Final = "admin"
"""The bootstrap user: it signs in with the action DbConnectAdmin, every other user with DbConnect."""

SESSION_LIMIT_S: Final = 3600.0
"""The service closes a session after 60 minutes, whatever it is doing."""

CONFLICT_SQLSTATE: Final = "40001"
"""The only SQLSTATE of a lost optimistic transaction; the marker below stands in the message text alone."""

DATA_CONFLICT: Final = "OC000"
"""Another transaction committed a change to a row that this one changed or locked."""

SCHEMA_CONFLICT: Final = "OC001"
"""The catalog changed since this session last looked, anywhere in the cluster."""
