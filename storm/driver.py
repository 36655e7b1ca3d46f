"""The calls of one worker: real ``lambda.invoke`` by boto3, from as many threads as the worker has calls in flight."""

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


def config(threads: int) -> Config:
    """Return botocore's settings for a storm: nothing is sent twice behind its back, one connection a thread."""
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


class Driver:
    """One worker's share of a storm. ``client`` is boto3's for Lambda; ``origin`` is the storm's start by ``clock``."""

    def __init__(
        self, client: Any, function: str, recorder: Recorder, origin: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._function, self._recorder = client, function, recorder
        self._origin, self._clock = origin, clock
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.tally = Tally()
        self.failure: BaseException | None = None

    def run(self, load: Load, share: int, shares: int) -> None:
        """Make the calls of a share; return when all are answered. Raises what a thread raised."""
        calls = iter(list(load.share(share, shares)))
        threads = [
            threading.Thread(target=self._work, args=(calls, load), name=f"storm-{number}", daemon=True)
            for number in range(load.threads(share, shares))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failure is not None:
            raise self.failure

    def _work(self, calls: Iterator[tuple[int, Transfer]], load: Load) -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    call = next(calls, None)
                if call is None:
                    return
                self._call(*call, load.due(call[0]))
        except BaseException as error:  # noqa: BLE001 - raised again by run
            self.failure = error
            self._stop.set()

    def _call(self, call: int, transfer: Transfer, due: float | None) -> None:
        if due is not None and self._stop.wait(max(0.0, due - self._now())):
            return
        at = self._now()
        due = at if due is None else due
        self._recorder.sent(call, transfer, due=due, at=at)
        answered, throttles = self._invoke(transfer)
        at = self._now()
        self._recorder.answered(call, answered, at=at, throttles=throttles)
        self.tally.add(answer.meaning(answered), (at - due) * 1000)

    def _now(self) -> float:
        return self._clock() - self._origin

    def _invoke(self, transfer: Transfer) -> tuple[Answer, int]:
        """Return the answer, and how often Lambda said 429 before it."""
        payload = f'{{"payer_id": {transfer.payer_id}, "payee_id": {transfer.payee_id}, "amount": {transfer.amount}}}'
        until, pause = self._clock() + THROTTLE_LIMIT_S, THROTTLE_PAUSE_S[0]
        for throttles in range(100_000):
            answered = self._once(payload)
            throttled = answered.body == {"code": answer.THROTTLED, "text": answer.THROTTLED}
            paused = random.uniform(0, pause)  # noqa: S311 - a pause
            if not throttled or self._clock() > until or self._stop.wait(paused):
                return answered, throttles
            pause = min(2 * pause, THROTTLE_PAUSE_S[1])
        raise AssertionError("unreachable")

    def _once(self, payload: str) -> Answer:
        try:
            response = self._client.invoke(FunctionName=self._function, Payload=payload)
            return answer.of_invocation(response.get("FunctionError"), response["Payload"].read())
        except ClientError as error:
            code = str(error.response["Error"].get("Code"))
            return answer.of_client_error(code, code if code == answer.THROTTLED else str(error))
        except (BotoCoreError, HTTPClientError) as error:
            return answer.of_client_error(type(error).__name__, str(error))
