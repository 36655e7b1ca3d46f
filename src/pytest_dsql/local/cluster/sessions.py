"""What a cluster asks of the sessions it has."""

from typing import Protocol

from pytest_dsql.local.dialect import Catalog


class OpenSession(Protocol):
    """One client's session, wherever it comes from."""

    pid: int

    @property
    def in_flight(self) -> object | None:
        """What PostgreSQL is working on for it, None where nothing."""

    @property
    def in_transaction(self) -> bool:
        """Whether its client has a transaction open."""

    @property
    def changes_schema(self) -> bool:
        """Whether its transaction has run a schema change, or does."""

    def catalog_changed(self, before: Catalog) -> None:
        """Learn that another session has changed the catalog, which was ``before``."""

    def doom(self) -> None:
        """Roll back what is open, so that a schema change can pass; the client learns of it as OC001."""

    def close(self) -> None:
        """End the session."""
