"""Faults of a storm, as they are made on the stand-in: at the wire, under the proxy, before the function."""

import contextlib
import random
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from infra import database, schema
from infra.database import APP
from infra.stack import Stack
from infra.stand_in import LocalCloud
from pytest_dsql.link.handle import ControlError, Handle
from pytest_dsql.link.kinds import KINDS
from pytest_dsql.link.messages import KillEnvironments
from pytest_dsql.storm.transfers.faults import Kind

HOLD_S: Final = (0.02, 0.2)
"""How long what is in force stays so."""
TIMES: Final = (1, 8)
"""How many COMMITs, sign-ins, sessions, functions a fault is for."""
_AT_THE_WIRE: Final = {
    Kind.CUT_BEFORE: KINDS["lost-before-commit"],
    Kind.CUT_AFTER: KINDS["lost-after-commit"],
    Kind.UNAVAILABLE: KINDS["unavailable"],
    Kind.CONFLICTS: KINDS["conflict"],
    Kind.SIGN_IN_REFUSED: KINDS["rate-exceeded"],
    Kind.TOKEN_EXPIRED: KINDS["token-expired"],
}
_SESSIONS_END: Final = {Kind.SESSIONS_EXPIRED: Handle.expire, Kind.BACKENDS_ENDED: Handle.end_backend}
_AT_SIGN_IN: Final = {Kind.SIGN_IN_REFUSED, Kind.TOKEN_EXPIRED}


@dataclass(frozen=True)
class Faults:
    """What can be done to a stack on the stand-in, whose function has ``reserved`` concurrency, as ``reserve`` sets."""

    cloud: LocalCloud
    stack: Stack
    reserve: Callable[[int | None], None]
    reserved: int | None

    def have(self, kind: Kind, chance: random.Random, over: threading.Event) -> int:
        """Have something break; return how often it was met. Raises ControlError, and what boto3 and psycopg raise."""
        times, hold_s = chance.randint(*TIMES), chance.uniform(*HOLD_S)
        if kind in _SESSIONS_END:
            return self._end(_SESSIONS_END[kind], times, chance)
        if kind is Kind.FUNCTIONS_KILLED:
            return int(self._handle.ask(KillEnvironments(function=self.stack.function, number=times)))
        if kind in _AT_THE_WIRE:
            with self._handle.fault(role=APP, times=times, **_AT_THE_WIRE[kind]) as applied:
                if kind in _AT_SIGN_IN:
                    self._end(Handle.expire, times, chance)
                over.wait(hold_s)
            return applied.times
        self._have_once(kind, hold_s, over)
        return 1

    def _have_once(self, kind: Kind, hold_s: float, over: threading.Event) -> None:
        """Have something break that is felt by all."""
        if kind is Kind.SERVER_KILLED:
            self._handle.kill_server()
        elif kind is Kind.SCHEMA_CHANGE:
            with closing(database.connect(self.cloud, self._host)) as admin:
                schema.create_accounts(admin, APP)
        elif kind is Kind.THROTTLED:
            self.reserve(1)
            over.wait(hold_s)
            self.reserve(self.reserved)

    def left_open(self) -> int:
        """Return how many transactions are open."""
        return len(self._handle.in_transaction())

    @property
    def _host(self) -> str:
        return database.endpoint(self.stack.outputs())

    @property
    def _handle(self) -> Handle:
        return self.cloud.handle(self._host)

    def _end(self, end: Callable[[Handle, int], None], times: int, chance: random.Random) -> int:
        """End so many sessions; return how many there were."""
        handle, ended = self._handle, 0
        sessions = handle.sessions()
        for session in chance.sample(sessions, min(times, len(sessions))):
            with contextlib.suppress(ControlError):  # it has ended by itself
                end(handle, session)
                ended += 1
        return ended
