"""One process of a storm: it meets the others and makes its share of the calls, with a client in each thread."""

import contextlib
import pickle
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from pytest_dsql.cluster import Cluster
from pytest_dsql.storm.own.load import OwnLoad
from pytest_dsql.storm.record.journal import Journal, worker_name
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.workers.rendezvous import Attendance
from pytest_dsql.storm.workers.tally import Tally
from pytest_dsql.storm.workload import Meaning, Workload

NOT_OPENED = "not_opened"
"""The code of a call that could not be made, for want of a client."""


class KeptClient:
    """One thread's client, opened where there is none."""

    def __init__(self, workload: Workload, cluster: Cluster) -> None:
        self._workload, self._cluster = workload, cluster
        self._stack, self._client, self._is_open = ExitStack(), None, False

    def get(self) -> Any:
        """Return it."""
        if not self._is_open:
            self._client = self._stack.enter_context(self._workload.open(self._cluster))
            self._is_open = True
        return self._client

    def drop(self) -> None:
        """Close it; what it says of that no longer matters."""
        self._is_open = False
        with contextlib.suppress(Exception):
            self._stack.close()


class Share:
    """A process's share of the calls, made from as many threads as it has to have."""

    def __init__(self, workload: Workload, load: OwnLoad, share: int, tally: Tally) -> None:
        self._workload, self._load, self._tally = workload, load, tally
        self._calls = iter(load.share(share))
        self._counting = threading.Lock()

    def make(self, clients: list[KeptClient], journal: Journal, origin: float) -> None:
        """Make all calls; raise what the workload raises where it ought not to."""
        with ThreadPoolExecutor(len(clients), thread_name_prefix="storm-call") as threads:
            parts = [threads.submit(self._part, client, journal, origin) for client in clients]
            for part in as_completed(parts):
                part.result()

    def _part(self, client: KeptClient, journal: Journal, origin: float) -> None:
        """Make calls, whichever comes next, until there are none."""
        for call in self._calls:
            request = self._workload.draw(self._load.chance(call))
            sent = time.monotonic() - origin
            journal.write({"sent": call, "request": request, "at": round(sent, 6)})
            meaning, told = self._ask(client, request)
            at = time.monotonic() - origin
            said = {"outcome": meaning.outcome, "code": meaning.code, "retries": meaning.retries}
            journal.write({"answered": call, "at": round(at, 6), **told, **said})
            with self._counting:
                self._tally.add(meaning.outcome, meaning.retries, (at - sent) * 1000)

    def _ask(self, client: KeptClient, request: Any) -> tuple[Meaning, dict[str, Any]]:
        try:
            opened = client.get()
        except Exception as error:  # noqa: BLE001 - whatever it is, the call was not made
            return Meaning(Outcome.REFUSED, NOT_OPENED), _words(error)
        try:
            answer = self._workload.call(opened, request)
        except Exception as error:  # noqa: BLE001 - what it means, the workload says
            meaning = self._workload.raised(request, error)
            if meaning.outcome is Outcome.UNKNOWN:
                client.drop()
            return meaning, _words(error)
        return self._workload.returned(request, answer), {"answer": answer}


def _words(error: Exception) -> dict[str, str]:
    return {"error": f"{type(error).__name__}: {error}"}


@dataclass(frozen=True, slots=True)
class OwnPart:
    """What a process is told: whom to meet, which share of the load is its own, and what to call where."""

    meet: str
    share: int
    load: OwnLoad
    workload: bytes
    target: str
    environment: Mapping[str, str] = field(repr=False)

    def take_part(self) -> None:
        """Take part in a storm. Raises Interrupted where the conductor cannot go on."""
        workload: Workload = pickle.loads(self.workload)  # noqa: S301 - from the process that has started this one
        cluster, tally = Cluster(self.environment, self.target), Tally()
        clients = [KeptClient(workload, cluster) for _ in range(self.load.threads(self.share))]
        with ExitStack() as leaving:
            leaving.callback(cluster.close)
            for client in clients:  # one after the other: a cluster takes so many sign-ins a second and no more
                leaving.callback(client.drop)
                client.get()
            attendance = leaving.enter_context(Attendance(self.meet, tally.taken))
            told = attendance.arrive("own", self.share, self.load.shares)
            with Journal(attendance.record(told), worker_name(self.share)) as journal:
                Share(workload, self.load, self.share, tally).make(clients, journal, told["origin"])
            attendance.finish()
