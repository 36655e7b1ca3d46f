"""A cluster as a test sees it: the way in, what became of its commits, and what may happen to it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import pytest

from pytest_dsql import sign_in
from pytest_dsql.faults import Fault, meeting
from pytest_dsql.link import names
from pytest_dsql.link.handle import Handle
from pytest_dsql.link.kinds import KINDS
from pytest_dsql.sign_in import ADMIN, DATABASE

if TYPE_CHECKING:
    import psycopg

    from pytest_dsql.orders.check import Explored
    from pytest_dsql.orders.ground import Holds, SetUp

CONFLICTS: Final = {"OC000": "conflict", "OC001": "schema-changed"}
_WAITS_FOR: Final = {"commit": "a COMMIT", "statement": "a statement", "sign_in": "a sign-in"}


@dataclass(frozen=True, slots=True)
class CommitCounts:
    """How many transactions ended by COMMIT, autocommit included, as seen at the wire since the test began.

    ``lost`` is what SQLSTATE 40001 was told, ``failed`` any other error, ``cut`` a connection lost during COMMIT.
    """

    committed: int = 0
    lost: int = 0
    failed: int = 0
    cut: int = 0


@dataclass(eq=False)
class Cluster:
    """A cluster. ``environment`` holds the variables by which any program reaches it: AWS_*, PG*, CLUSTER_ENDPOINT.

    ``target`` is ``local`` for the stand-in, ``aws`` for a real cluster. Every fault is scoped by its ``with`` block,
    acts at the wire, whatever client meets it, and fails the test where nothing has met it.
    """

    environment: Mapping[str, str] = field(repr=False)
    target: str = "local"
    _opened: list["psycopg.Connection[Any]"] = field(default_factory=list, init=False, repr=False)

    # The way in

    @property
    def host(self) -> str:
        """The endpoint, as AWS names it."""
        return self.environment["CLUSTER_ENDPOINT"]

    @property
    def region(self) -> str:
        """The Region that the endpoint names."""
        return self.environment["AWS_REGION"]

    def token(self, user: str = ADMIN) -> str:
        """Sign a token: for 15 minutes it is ``user``'s password."""
        return sign_in.signed(self.boto3("dsql"), self.host, self.region, user)

    @property
    def url(self) -> str:
        """A URL for libpq and what is built upon it, for admin, with a fresh token in it: never log it."""
        settings = sign_in.settings(self.environment, self.host)
        for name in ("host", "user", "dbname"):
            del settings[name]
        port = settings.pop("port", 5432)
        password = quote(self.token(), safe="")
        return f"postgresql://{ADMIN}:{password}@{self.host}:{port}/{DATABASE}?{urlencode(settings)}"

    def settings(self, user: str = ADMIN, **changed: Any) -> dict[str, Any]:
        """Return what libpq needs to connect: a token is signed, unless ``password`` is among what is ``changed``."""
        settings = {**sign_in.settings(self.environment, self.host, user), **changed}
        return settings if "password" in changed else {**settings, "password": self.token(user)}

    def connect(self, user: str = ADMIN, *, autocommit: bool = True, **changed: Any) -> "psycopg.Connection[Any]":
        """Open a connection of psycopg, closed when the test ends; raise psycopg.OperationalError where refused."""
        import psycopg

        connection = psycopg.connect(**self.settings(user, **changed), autocommit=autocommit)
        self._opened.append(connection)
        return connection

    def boto3(self, service: str) -> Any:
        """Return boto3's client of a service, with the cluster's credentials."""
        return sign_in.client(self.environment, service)

    def resolved(self) -> AbstractContextManager[None]:
        """Resolve the cluster's name in this process, for clients that ignore PGHOSTADDR (asyncpg), in a block."""
        return names.resolved(self.environment)

    def close(self) -> None:
        """Close the connections that were opened here."""
        while self._opened:
            self._opened.pop().close()

    # What became of it

    @property
    def handle(self) -> Handle:
        """The handle on the stand-in, for what has no name here; on a real cluster the test is skipped."""
        if self.target != "local":
            pytest.skip("faults, orders, and commits that are counted, can be had on the stand-in alone (--dsql=local)")
        return Handle.of(self.environment, self.host)

    @property
    def commits(self) -> CommitCounts:
        """How many transactions ended by COMMIT, by their outcome."""
        return CommitCounts(**self.handle.commits())

    # What may happen to it

    def conflicts(
        self, next_commits: int = 1, code: str = "OC000", *, table: str | None = None, role: str | None = None
    ) -> AbstractContextManager[Fault]:
        """Have the next COMMITs, autocommit included, lose to another transaction (40001), and then no more.

        ``table`` narrows it to transactions that have written to it, ``role`` to those of a database role. ``code`` is
        OC000 (data) or OC001 (schema).
        """
        if code not in CONFLICTS:
            raise ValueError(f"code: a conflict is {' or '.join(CONFLICTS)}, not {code}")
        return self._fault(CONFLICTS[code], times=next_commits, table=table, role=role)

    def schema_changed(
        self, next_commits: int = 1, *, table: str | None = None, role: str | None = None
    ) -> AbstractContextManager[Fault]:
        """Have the next COMMITs lose to a schema change (40001, OC001)."""
        return self.conflicts(next_commits, "OC001", table=table, role=role)

    def lost_before_commit(self, next_commits: int = 1, *, role: str | None = None) -> AbstractContextManager[Fault]:
        """Have the connection cut when COMMIT is on its way: nothing is committed, and the client cannot know."""
        return self._fault("lost-before-commit", times=next_commits, role=role)

    def lost_after_commit(self, next_commits: int = 1, *, role: str | None = None) -> AbstractContextManager[Fault]:
        """Have the connection cut after COMMIT was applied: all is committed, and the client cannot know."""
        return self._fault("lost-after-commit", times=next_commits, role=role)

    def slow(self, seconds: float, at: str = "commit", *, role: str | None = None) -> AbstractContextManager[Fault]:
        """Have every COMMIT take ``seconds`` longer, or every statement (``at="statement"``) or sign-in."""
        return self._fault("slow", at=at, seconds=seconds, role=role)

    def token_expired(self, next_sign_ins: int = 1, *, role: str | None = None) -> AbstractContextManager[Fault]:
        """Have the next sign-ins refused because their token has expired."""
        return self._fault("token-expired", times=next_sign_ins, role=role)

    def session_expired(self, next_statements: int = 1, *, role: str | None = None) -> AbstractContextManager[Fault]:
        """Have the session closed at its next statement, as the service does after 60 minutes."""
        return self._fault("session-expired", times=next_statements, role=role)

    def unavailable(self, next_statements: int = 1, *, role: str | None = None) -> AbstractContextManager[Fault]:
        """Have the next statements fail with XX000, ``server unavailable``; the connection stays usable."""
        return self._fault("unavailable", times=next_statements, role=role)

    def rate_exceeded(self, next_sign_ins: int = 1, *, role: str | None = None) -> AbstractContextManager[Fault]:
        """Have the next sign-ins refused because there were too many of late (53400)."""
        return self._fault("rate-exceeded", times=next_sign_ins, role=role)

    # Every order

    def orders(  # noqa: PLR0913 - one for each option
        self,
        *callables: Callable[["Cluster"], Any],
        set_up: "SetUp",
        holds: "Holds | None" = None,
        columns: Mapping[str, Sequence[str]] | None = None,
        order: str | None = None,
        most: int = 1_000,
        seed: int = 0,
        statements: int = 200,
        limit_s: float = 10.0,
    ) -> "Explored":
        """Run callables in every order of their statements; fail the test, with a table, where one goes wrong.

        Each callable runs in a thread, may be a coroutine function, and is given this cluster; it may use any client,
        and one statement at a time. A statement is what is held at the wire: one Query, or one Execute, of a pipeline
        each; BEGIN, COMMIT and what a retry sends are statements as well, preparing and signing in are not. Before
        each order the cluster holds what ``set_up`` (statements, or a callable) leaves in an empty one: what was in it
        before is gone. After it ``holds`` is true: a statement's one value, or what a callable returns that is given
        the cluster. And what is in all tables (of those in ``columns`` in these columns alone, an empty list for none)
        and what the callables returned equals a serial order; one that raised an error did not run.

        Above ``most`` orders it is a sample of as many, by ``seed``. ``order`` repeats one, by its name. No order may
        have more than so many ``statements``, and no wait last longer than ``limit_s`` seconds. Returns which orders
        there were. Raises ValueError, which names the option. On a real cluster the test is skipped.
        """
        _ = self.handle
        from pytest_dsql.orders.check import Check, Terms

        terms = Terms(set_up, holds, columns or {}, most, seed, statements, limit_s)
        return Check(self, callables, terms).run(order)

    def _fault(self, kind: str, **narrowed: Any) -> AbstractContextManager[Fault]:
        settings = {**KINDS[kind], **narrowed}
        return meeting(self.handle.fault(**settings), _WAITS_FOR.get(settings["at"], settings["at"]))
