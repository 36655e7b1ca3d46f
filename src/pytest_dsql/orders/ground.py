"""The cluster that orders are played in: as its set-up leaves it, and so again before each order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_dsql.orders import contents
from pytest_dsql.orders.contents import Connection, Contents
from pytest_dsql.orders.turns import Order
from pytest_dsql.retry import retried

if TYPE_CHECKING:
    from pytest_dsql.cluster import Cluster

SetUp = Callable[["Cluster"], Any] | Sequence[str]
Holds = Callable[["Cluster"], Any] | str

_OF_ROWS: Final = frozenset(
    {"", "BEGIN", "COMMIT", "DELETE", "INSERT", "ROLLBACK", "SELECT", "SET", "SHOW", "START", "UPDATE"}
)
"""Command tags' first words of what changes rows at most; after any other statement the cluster is made anew."""


class Ground:
    """A cluster with ``set_up`` in it: statements, or a callable that is given the cluster.

    Rows are put back, which is quick and ends no session; where more has changed, the cluster is emptied and set up.
    """

    def __init__(self, cluster: "Cluster", set_up: SetUp) -> None:
        self._given, self._set_up = cluster, set_up
        self._cluster = replace(cluster)
        self._reader: Connection | None = None
        self._at_first = Contents({}, [])

    def prepare(self) -> Contents:
        """Empty the cluster, set it up, and return what is in it."""
        self.close()
        self._given.handle.empty()
        if callable(self._set_up):
            self._set_up(self._cluster)
        else:
            for statement in self._set_up:
                self._run(statement)
        self._at_first = self.read()
        return self._at_first

    def read(self) -> Contents:
        """Return what is in the cluster."""
        return contents.read(self._connection())

    def put_back(self, now: Contents, order: Order) -> None:
        """Let it be as it was at first, after an order that has left it as it is ``now``."""
        tags = {str(sent.answer["tag"]).partition(" ")[0] for sent in order.sent}
        if not (tags <= _OF_ROWS and contents.put_back(self._connection(), now, self._at_first)):
            self.prepare()

    def holds(self, holds: Holds) -> bool:
        """Return whether a statement's one value is true, or a callable neither returns False nor fails to assert."""
        if isinstance(holds, str):
            row = self._run(holds).fetchone()
            return bool(row and row[0])
        cluster = replace(self._given)
        try:
            return holds(cluster) in {None, True}
        except AssertionError:
            return False
        finally:
            cluster.close()

    def close(self) -> None:
        """Close the connections that were opened here."""
        self._cluster.close()
        self._reader = None

    def _connection(self) -> Connection:
        self._reader = self._reader or self._cluster.connect()
        return self._reader

    def _run(self, statement: str) -> Any:
        return retried(lambda: self._connection().execute(statement))


Columns = Mapping[str, Sequence[str]]
