"""A stage without a cloud: accounts in memory, and an endpoint of Lambda that moves money between them."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from infra.schema import BALANCE
from pytest_dsql.link.keys import SigningKeys
from pytest_dsql.storm.record.model import Reading, Receipt
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.record.verdict import Expectations
from pytest_dsql.storm.run.conductor import FUNCTION_LIMIT_S, Conductor
from pytest_dsql.storm.transfers.faults import FaultKind
from pytest_dsql.storm.transfers.plan import Load
from pytest_dsql.storm.transfers.scenario import Scenario
from tests.unit.storm.lambda_endpoint import KEYS, REGION, Endpoint, Said

LOAD = Load(calls=40, parallel=4, accounts=10, seed=3)
LIMIT_S = 10.0


def scenario(name: str = "quiet") -> Scenario:
    return Scenario(name, f"a {name} storm", Expectations())


@dataclass
class FakeStage:
    """What a conductor asks of a stage, and of what it stands on."""

    broken: Exception | None = None
    balances: dict[int, int] = field(default_factory=dict)
    made: dict[str, Receipt] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    is_set: threading.Event = field(default_factory=threading.Event)
    target: str = "local"
    opening: int = BALANCE
    region: str = REGION
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def describe(self) -> str:
        return "in memory"

    def set_up(self, scenario: Scenario, accounts: int) -> str:
        if self.broken:
            raise self.broken
        self.balances = dict.fromkeys(range(1, accounts + 1), BALANCE)
        self.events.append(f"set up for {scenario.name}")
        self.is_set.set()
        return "transfer"

    @contextmanager
    def paced(self) -> Iterator[str]:
        self.events.append("paced")
        yield "as they come"
        self.events.append("unpaced")

    def read(self, recorder: Recorder, _origin: float, over: threading.Event) -> None:
        recorder.reading(Reading(0.0, 0.1, len(self.balances), BALANCE * len(self.balances)))
        over.wait(LIMIT_S)

    def disturb(self, kind: FaultKind, _chance: random.Random, _over: threading.Event) -> int:
        self.events.append(kind)
        return 1

    def left_open(self) -> int:
        return 0

    def tear_down(self) -> None:
        self.events.append("torn down")

    def closing_balances(self) -> dict[int, int]:
        self.events.append("balances read")
        return dict(self.balances)

    def receipts(self) -> dict[str, Receipt]:
        return dict(self.made)

    def history(self) -> None:
        return None

    def cold_starts(self, _since: float) -> int:
        return 3

    def conflicts(self) -> dict[str, int]:
        return dict(self.lost)

    def settings(self) -> dict[str, str]:
        return {}

    # The cloud's side

    def __post_init__(self) -> None:
        self.endpoint = Endpoint(lambda event, _: self.invoke(event))

    def client(self, service: str, _config: object = None) -> Any:
        """Be the cloud."""
        assert service == "lambda"
        return self.endpoint.client()

    @property
    def invoke_url(self) -> str:
        return self.endpoint.url

    def credentials(self) -> SigningKeys:
        return KEYS

    def close(self) -> None:
        self.endpoint.close()

    def invoke(self, asked: dict[str, int]) -> dict[str, Any] | Said:
        with self._lock:
            self.balances[asked["payer_id"]] -= asked["amount"]
            self.balances[asked["payee_id"]] += asked["amount"]
            return {"balance": self.balances[asked["payer_id"]], "duration": 1.0, "retries": 0}


def conduct(
    stage: FakeStage,
    folder: Path,
    *scenarios: Scenario,
    tell: Callable[[str], object] = lambda _: None,
    function_limit_s: float = FUNCTION_LIMIT_S,
) -> Conductor:
    """Return a conductor who plays on it."""
    known = {each.name: each for each in scenarios or (scenario(),)}
    return Conductor(
        lambda: stage, known, LOAD, folder, SimpleNamespace(begin=tell, show=tell), function_limit_s=function_limit_s
    )
