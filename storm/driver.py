"""The calls of one worker: real ``lambda.invoke`` by boto3, from as many threads as the worker has calls in flight."""

import functools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from storm import answer
from storm.answer import Answer, Meaning
from storm.plan import Load
from storm.record import Recorder
from transfer.request import Transfer

READ_LIMIT_S: Final = 60
THROTTLE_LIMIT_S: Final = 60.0
"""How long a call that Lambda throttles is offered again; it was not begun, so this cannot make a transfer twice."""
THROTTLE_PAUSE_S: Final = (0.02, 0.5)
KEPT_LATENCIES: Final = 500


@functools.cache
def config(threads: int) -> Config:
    """Return botocore's settings for a storm: nothing is sent twice behind its back, one connection a thread.

    One and the same for a number of threads, as a cloud has a client for each.
    """
    return Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=threads,
        connect_timeout=10,
        read_timeout=READ_LIMIT_S,
        parameter_validation=False,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent="dsql-perspective-storm",
    )


@dataclass
class Tally:
    """How far a worker is; ``taken`` empties the latencies (ms), which are the latest ones."""

    done: int = 0
    retries: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    def add(self, meaning: Meaning, latency_ms: float) -> None:
        """Count an answer."""
        self.done += 1
        self.retries += meaning.retries
        self.outcomes[meaning.outcome] += 1
        if len(self.latencies) < KEPT_LATENCIES:
            self.latencies.append(latency_ms)

    def taken(self) -> dict[str, Any]:
        """Return what there is to tell of it now."""
        latencies, self.latencies = self.latencies, []
        outcomes = {str(outcome): count for outcome, count in self.outcomes.items()}
        return {"done": self.done, "retries": self.retries, "outcomes": outcomes, "latencies": latencies}


@dataclass
class Driver:
    """One worker's share of a storm. ``client`` is boto3's for Lambda; ``origin`` is the storm's start by ``clock``."""

    client: Any
    function: str
    recorder: Recorder
    tally: Tally
    origin: float
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _failure: BaseException | None = field(default=None, init=False)

    def run(self, load: Load, share: int, shares: int) -> None:
        """Make the calls of a share; return when all are answered. Raises what a thread raised.

        Leaving it by an interrupt makes no more calls.
        """
        calls = load.share(share, shares)
        threads = [
            threading.Thread(target=self._work, args=(calls, load), name=f"storm-{number}", daemon=True)
            for number in range(load.threads(share, shares))
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            self._stop.set()
        if self._failure is not None:
            raise self._failure

    def _work(self, calls: Iterator[tuple[int, Transfer]], load: Load) -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    call = next(calls, None)
                if call is None:
                    return
                self._call(*call, load.due(call[0]))
        except BaseException as error:  # noqa: BLE001 - raised again by run
            self._failure = error
            self._stop.set()

    def _call(self, call: int, transfer: Transfer, due: float | None) -> None:
        if due is not None and self._stop.wait(max(0.0, due - self._now())):
            return
        at = self._now()
        due = at if due is None else due
        self.recorder.sent(call, transfer, due=due, at=at)
        answered, throttles = self._invoke(transfer)
        at = self._now()
        self.recorder.answered(call, answered, at=at, throttles=throttles)
        self.tally.add(answer.meaning(answered), (at - due) * 1000)

    def _now(self) -> float:
        return self.clock() - self.origin

    def _invoke(self, transfer: Transfer) -> tuple[Answer, int]:
        """Return the answer, and how often Lambda said 429 before it."""
        payload = f'{{"payer_id": {transfer.payer_id}, "payee_id": {transfer.payee_id}, "amount": {transfer.amount}}}'
        until, pause, throttles = self.clock() + THROTTLE_LIMIT_S, THROTTLE_PAUSE_S[0], 0
        while answer.throttled(answered := self._once(payload)) and self.clock() <= until:
            if self._stop.wait(random.uniform(0, pause)):  # noqa: S311 - a pause
                break
            throttles, pause = throttles + 1, min(2 * pause, THROTTLE_PAUSE_S[1])
        return answered, throttles

    def _once(self, payload: str) -> Answer:
        try:
            response = self.client.invoke(FunctionName=self.function, Payload=payload)
            return answer.of_invocation(response.get("FunctionError"), response["Payload"].read())
        except ClientError as error:
            return answer.of_client_error(str(error.response["Error"].get("Code")), str(error))
        except (BotoCoreError, HTTPClientError) as error:
            return answer.of_client_error(type(error).__name__, str(error))
