"""A connection that has nothing to do but to end when its server does."""

from pytest_dsql.local.cluster.connections import Connection


class Lifeline:
    """Holds on to a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def held(self) -> None:
        """Wait for ever; raise OperationalError when the server is gone."""
        async for _ in self._connection.notifies():
            pass
