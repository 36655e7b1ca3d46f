"""What breaks at a cluster: at the wire, before it, and in the server underneath."""

import contextlib
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra import database, schema
from infra.database import APP
from infra.faults.moment import Moment
from infra.stack import Outputs
from infra.stand_in import LocalCloud
from pytest_dsql.link.handle import ControlError, Handle
from pytest_dsql.link.kinds import KINDS
from pytest_dsql.storm.transfers.faults import FaultKind

if TYPE_CHECKING:
    import psycopg

_AT_THE_WIRE: Final = {
    FaultKind.CUT_BEFORE: KINDS["lost-before-commit"],
    FaultKind.CUT_AFTER: KINDS["lost-after-commit"],
    FaultKind.UNAVAILABLE: KINDS["unavailable"],
    FaultKind.CONFLICTS: KINDS["conflict"],
    FaultKind.SIGN_IN_REFUSED: KINDS["rate-exceeded"],
    FaultKind.TOO_MANY: KINDS["too-many-connections"],
    FaultKind.TOKEN_EXPIRED: KINDS["token-expired"],
}
_SESSIONS_END: Final = {FaultKind.SESSIONS_EXPIRED: Handle.expire, FaultKind.BACKENDS_ENDED: Handle.end_backend}


@dataclass(frozen=True)
class ClusterFaults:
    """What can be done to the cluster of a stack."""

    cloud: LocalCloud
    outputs: Outputs

    def kinds(self) -> dict[FaultKind, Callable[[Moment], int]]:
        """Return what can be done, each by what does it and tells how often it was met."""
        return {
            **{kind: self._at_the_wire(settings) for kind, settings in _AT_THE_WIRE.items()},
            **{kind: self._ended(end) for kind, end in _SESSIONS_END.items()},
            FaultKind.SCHEMA_CHANGE: self._schema_change,
            FaultKind.SERVER_KILLED: self._server_killed,
            FaultKind.ENDPOINT_RESTARTED: self._endpoint_restarted,
            FaultKind.ROLE_WITHDRAWN: self._role_withdrawn,
            FaultKind.DISK_FULL: self._disk_full,
        }

    @property
    def handle(self) -> Handle:
        """The handle on the cluster."""
        return self.cloud.handle(self._host)

    def _at_the_wire(self, settings: dict[str, Any]) -> Callable[[Moment], int]:
        def have(moment: Moment) -> int:
            with self.handle.fault(**settings, role=APP, times=moment.times) as applied:
                if settings["at"] == "sign_in":
                    # Else nobody signs in: which of them are in use, nobody knows.
                    self._end(Handle.expire, self.handle.sessions())
                moment.hold()
            return applied.times

        return have

    def _ended(self, end: Callable[[Handle, int], None]) -> Callable[[Moment], int]:
        return lambda moment: self._end(end, self._some(moment))

    def _some(self, moment: Moment) -> list[int]:
        """Draw as many sessions as the fault is for, or all there are."""
        sessions = self.handle.sessions()
        return moment.chance.sample(sessions, min(moment.times, len(sessions)))

    def _end(self, end: Callable[[Handle, int], None], sessions: Iterable[int]) -> int:
        """End sessions; return how many were still there."""
        handle, ended = self.handle, 0
        for session in sessions:
            with contextlib.suppress(ControlError):  # it has ended by itself
                end(handle, session)
                ended += 1
        return ended

    def _schema_change(self, _moment: Moment) -> int:
        with closing(self._admin()) as admin:
            schema.create_accounts(admin, APP)
        return 1

    def _server_killed(self, _moment: Moment) -> int:
        self.handle.kill_server()
        return 1

    def _endpoint_restarted(self, moment: Moment) -> int:
        return self.handle.restart_endpoint(moment.hold_s)

    def _role_withdrawn(self, moment: Moment) -> int:
        """Take the right to sign in from the function's role, as AWS IAM REVOKE does, and give it back."""
        role = self.outputs.role_arn
        with closing(self._admin()) as admin:
            schema.revoke_role(admin, APP, role)
        try:
            ended = self._end(Handle.expire, self._some(moment))
            moment.hold()
        finally:
            with closing(self._admin()) as admin:
                schema.create_role(admin, APP, role)
        return ended

    def _disk_full(self, moment: Moment) -> int:
        """Let there be no room for what a COMMIT would change; return how many were refused."""
        handle = self.handle
        with handle.limits(storage=0):
            before = handle.commits().get("failed", 0)
            moment.hold()
            return handle.commits().get("failed", 0) - before

    def _admin(self) -> "psycopg.Connection[Any]":
        return database.connect(self.cloud, self._host)

    @property
    def _host(self) -> str:
        return database.endpoint(self.outputs)
