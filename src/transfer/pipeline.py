"""Statements that go to the server in one piece, and what it answers to each.

psycopg's own pipeline sends every statement by itself, so that the server can begin with the first. Three short ones
then take five packets in place of one, and wake both ends as often. This is PostgreSQL's pipeline mode all the same,
by psycopg's interface to libpq.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

_FAILED: Final = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED})


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What the server said to one statement; ``failure`` is what went wrong with it, or with one before it."""

    result: PGresult
    failure: psycopg.Error | None

    def check(self) -> None:
        """Raise what went wrong."""
        if self.failure:
            raise self.failure

    def integer(self) -> int | None:
        """Return the one value of the one row, None where there is no row or it is NULL; raise what went wrong."""
        values = self.integers()
        return values[0] if values else None

    def integers(self) -> list[int | None] | None:
        """Return the values of the one row, None where there is no row; raise what went wrong."""
        self.check()
        if not self.result.ntuples:
            return None
        texts = (self.result.get_value(0, column) for column in range(self.result.nfields))
        return [None if text is None else int(text) for text in texts]


class Pipeline:
    """Statements by name, with PostgreSQL's own placeholders ($1).

    Each is prepared on a connection before it first runs there. The connection is one on which psycopg prepares nothing
    (``prepare_threshold=None``): after a ROLLBACK it would have the server forget all prepared statements.
    """

    def __init__(self, **statements: str) -> None:
        self._statements = {name: text.encode() for name, text in statements.items()}
        self._prepared: WeakKeyDictionary[psycopg.Connection, set[str]] = WeakKeyDictionary()

    def run(self, connection: psycopg.Connection, **parameters: Sequence[int | UUID]) -> list[StatementResult]:
        """Run statements by their names, each with its parameters, up to the first that fails.

        Raises psycopg's errors where one cannot be prepared, or where the connection is lost.
        """
        self._prepare(connection, parameters)
        pgconn = connection.pgconn
        pgconn.enter_pipeline_mode()
        for name, values in parameters.items():
            pgconn.send_query_prepared(name.encode(), [str(value).encode() for value in values])
        pgconn.pipeline_sync()
        try:
            results = connection.wait(_exchange(pgconn, len(parameters)))
        except BaseException:
            # What was not read yet would be taken for the answer to the next statement.
            connection.close()
            raise
        pgconn.exit_pipeline_mode()
        failure = next((_error(result) for result in results if result.status in _FAILED), None)
        return [StatementResult(result, failure if result.status in _FAILED else None) for result in results]

    def _prepare(self, connection: psycopg.Connection, names: Iterable[str]) -> None:
        prepared = self._prepared.setdefault(connection, set())
        for name in names:
            if name not in prepared:
                connection.pgconn.send_prepare(name.encode(), self._statements[name])
                _finish(connection)
                prepared.add(name)


def command(connection: psycopg.Connection, text: str) -> str:
    """Run a statement without parameters and rows; return its command tag, raise psycopg's errors."""
    connection.pgconn.send_query(text.encode())
    return (_finish(connection).command_status or b"").decode()


def _finish(connection: psycopg.Connection) -> PGresult:
    """Return the result of what is about to be sent; raise what went wrong."""
    result: PGresult
    [result] = connection.wait(generators.execute(connection.pgconn))
    if result.status in _FAILED:
        raise _error(result)
    return result


def _exchange(pgconn: PGconn, count: int) -> PQGen[list[PGresult]]:
    """Send what is waiting to be sent, and return as many results, and the end of the pipeline unread no more."""
    yield from generators.send(pgconn)
    results = []
    for _ in range(count):
        results += yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)
    return results


def _error(result: PGresult) -> psycopg.Error:
    return errors.error_from_result(result)
