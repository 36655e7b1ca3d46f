"""The calls of one worker, as many in flight as it has to have, from one thread; one in a thousand by boto3."""

import functools
import heapq
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.record import Recorder
from pytest_dsql.storm.run.invocations import AGENT, CONNECT_LIMIT_S, READ_LIMIT_S, HttpReply
from pytest_dsql.storm.transfers import answer
from pytest_dsql.storm.transfers.answer import Answer, AnswerMeaning
from pytest_dsql.storm.transfers.plan import Load, PlannedTransfer
from pytest_dsql.storm.workers.tally import Tally

if TYPE_CHECKING:
    from botocore.config import Config

THROTTLE_LIMIT_S: Final = 60.0
"""How long a call that Lambda throttles is offered again; it was not begun, so this cannot make a transfer twice."""
THROTTLE_PAUSE_S: Final = (0.02, 0.5)
SENDINGS: Final = 20
"""How often a call with an id is sent at most: that many pauses outlast a database that has to start again."""
WAIT_S: Final = 1.0
"""How long is waited at once for an answer: an interrupt is not seen in the midst of a wait."""
OPENING: Final = 1_024
"""How many calls go out at first, over all workers; each answer lets two follow until as many are in flight as may be.

A system lets some thousand connections wait to be accepted; beyond that it drops them, or resets them later.
"""
BY_BOTO3: Final = 997
"""Of so many calls one goes by boto3, whose answers the others must have; a prime, so that all workers have some."""
ROOM_OF_BOTO3: Final = 250
"""For so many calls in flight there is a thread more for those by boto3, so that none waits for another."""


@functools.cache
def config(read_limit_s: float = READ_LIMIT_S) -> "Config":
    """Return botocore's settings for a storm, one and the same: nothing is sent twice behind its back."""
    from botocore.config import Config

    return Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_LIMIT_S,
        read_timeout=read_limit_s,
        parameter_validation=False,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent=AGENT,
    )


class Line(Protocol):
    """Where requests go out, many at a time, and answers come in."""

    def send(self, token: Any, content: bytes) -> None:
        """Send a request."""

    def wait(self, limit_s: float) -> list[tuple[Any, HttpReply]]:
        """Return what was answered, nothing when the limit (s) is over or somebody calls ``wake``."""
        ...

    def wake(self) -> None:
        """End a wait, from another thread."""


@dataclass(eq=False)
class Pending:
    """A call on its way: when it was due and sent, and how it goes on where Lambda throttles it.

    One that may be sent ``once`` more, having an id, goes on after an answer of unknown outcome, too.
    """

    call: int
    content: bytes
    due: float
    until: float
    pause: float = THROTTLE_PAUSE_S[0]
    throttles: int = 0
    once: bool = False
    sendings: int = 1
    told: AnswerMeaning | None = None
    """What it was answered, while it waits to be sent again."""
    uncertain: bool = False
    """Whether a sending before was answered with an unknown outcome."""


@dataclass
class Driver:
    """One worker's share of a storm; ``origin`` is its start by ``clock``.

    ``client`` is boto3's for Lambda, None where ``asks_boto3`` says that no call goes by it.
    """

    line: Line
    client: Any
    function: str
    recorder: Recorder
    tally: Tally
    origin: float
    clock: Callable[[], float] = time.monotonic
    _waiting: list[tuple[float, int, Pending]] = field(default_factory=list, init=False)
    _by_boto3: list[tuple[Pending, Answer | BaseException]] = field(default_factory=list, init=False)
    _out: int = field(default=0, init=False)
    _room: int = field(default=0, init=False)
    """How many calls may be in flight by now."""

    def run(self, load: Load, share: int, shares: int) -> None:
        """Make the calls of a share; return when all are answered. Leaving it by an interrupt makes no more calls."""
        room = load.threads(share, shares)
        self._room = min(room, 1 + OPENING // shares)
        calls = load.share(share, shares)
        # Nobody waits for its threads where the storm is broken off.
        checker = ThreadPoolExecutor(2 + room // ROOM_OF_BOTO3, thread_name_prefix="storm-boto3")
        try:
            self._make(calls, load, room, checker)
        finally:
            checker.shutdown(wait=False, cancel_futures=True)

    def _make(
        self, calls: Iterator[tuple[int, PlannedTransfer]], load: Load, room: int, checker: ThreadPoolExecutor
    ) -> None:
        following = next(calls, None)
        while following or self._out:
            at, due, batch = self._now(), None, list[tuple[int, PlannedTransfer, float]]()
            while following and self._out < min(room, self._room):
                due = load.due(following[0])
                if due is not None and due > at:
                    break
                batch.append((*following, at if due is None else due))
                self._out += 1
                following, due = next(calls, None), None
            self._begin(batch, at, checker)
            self._offer_again()
            self._take(self.line.wait(self._patience(due)))

    def _begin(self, batch: list[tuple[int, PlannedTransfer, float]], at: float, checker: ThreadPoolExecutor) -> None:
        """Record calls, each with the time when it was due, then send them."""
        self.recorder.sent(batch, at=at)
        for call, transfer, due in batch:
            once = transfer.transfer_id is not None
            pending = Pending(call, content(transfer), due, self.clock() + THROTTLE_LIMIT_S, once=once)
            if call % BY_BOTO3:
                self.line.send(pending, pending.content)
            else:
                checker.submit(self._ask_boto3, pending)

    def _ask_boto3(self, pending: Pending) -> None:
        told: Answer | BaseException
        try:
            told = by_boto3(self.client, self.function, pending.content)
        except BaseException as error:  # noqa: BLE001 - raised again where the calls are made
            told = error
        self._by_boto3.append((pending, told))
        self.line.wake()

    def _offer_again(self) -> None:
        """Send again what Lambda throttled or nobody knows of, when its pause is over."""
        while self._waiting and self._waiting[0][0] <= self.clock():
            _, _, pending = heapq.heappop(self._waiting)
            if pending.told:
                self.recorder.again(pending.call, pending.told, at=self._now())
                pending.told = None
            self.line.send(pending, pending.content)

    def _patience(self, due: float | None) -> float:
        """Return how long nothing is to be sent, in s."""
        pauses = [self._waiting[0][0] - self.clock()] if self._waiting else []
        calls = [due - self._now()] if due is not None else []
        return max(0.0, min([WAIT_S, *pauses, *calls]))

    def _take(self, answered: list[tuple[Pending, HttpReply]]) -> None:
        at = self._now()
        known: list[tuple[int, bytes, float]] = []
        for pending, reply in answered:
            said = answer.quick(reply)
            if said is not None and not pending.throttles:
                known.append((pending.call, reply.body, at))
                self._count(said, pending, at)
            else:
                self._close(pending, answer.of_reply(reply), at)
        self.recorder.committed(known)
        while self._by_boto3:
            pending, told = self._by_boto3.pop()
            if isinstance(told, BaseException):
                raise told
            self._close(pending, told, at)

    def _close(self, pending: Pending, answered: Answer, at: float) -> None:
        """Record an answer, unless the call is offered again."""
        if answer.throttled(answered) and self.clock() <= pending.until:
            pending.throttles += 1
            self._postpone(pending)
            return
        said = answer.meaning(answered)
        if pending.once and answer.passing(said) and pending.sendings < SENDINGS:
            pending.sendings += 1
            pending.told, pending.uncertain = said, pending.uncertain or said.outcome is Outcome.UNKNOWN
            self._postpone(pending)
            return
        self.recorder.answered(pending.call, answered, at=at, throttles=pending.throttles)
        self._count(answer.last_of(said, uncertain=pending.uncertain), pending, at)

    def _postpone(self, pending: Pending) -> None:
        """Have a call wait for a random pause, longer from time to time."""
        pause, pending.pause = pending.pause, min(2 * pending.pause, THROTTLE_PAUSE_S[1])
        when = self.clock() + random.uniform(0, pause)  # noqa: S311 - a pause
        heapq.heappush(self._waiting, (when, pending.call, pending))

    def _count(self, meaning: AnswerMeaning, pending: Pending, at: float) -> None:
        self._out -= 1
        self._room += 1
        self.tally.add(meaning.outcome, meaning.retries, (at - pending.due) * 1000)

    def _now(self) -> float:
        return self.clock() - self.origin


def asks_boto3(load: Load, share: int, shares: int) -> bool:
    """Whether any of a worker's calls goes by boto3."""
    return any(call % BY_BOTO3 == 0 for call in load.numbers(share, shares))


def content(transfer: PlannedTransfer) -> bytes:
    """Return the payload that asks for a transfer."""
    payer, payee, amount, id_ = transfer
    known = b', "transfer_id": "%b"' % str(id_).encode() if id_ else b""
    return b'{"payer_id": %d, "payee_id": %d, "amount": %d%b}' % (payer, payee, amount, known)


def by_boto3(client: Any, function: str, content: bytes) -> Answer:
    """Make a call by boto3; ``client`` has to be set up to send it once."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        response = client.invoke(FunctionName=function, Payload=content)
        return answer.of_invocation(response.get("FunctionError"), response["Payload"].read())
    except ClientError as error:
        return answer.of_client_error(str(error.response["Error"].get("Code")), str(error))
    except (BotoCoreError, HTTPClientError) as error:
        return answer.of_client_error(type(error).__name__, str(error))
