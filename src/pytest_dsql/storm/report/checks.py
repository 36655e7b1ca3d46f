"""What was looked at in a bank's storm and found to be right, each with its figure; and how its figures are to be read.

What a verdict found wrong is left out: that is told with its witnesses, first of all.
"""

from collections.abc import Iterator
from typing import Final

from pytest_dsql.storm.record.model import History
from pytest_dsql.storm.record.statistics import Statistics
from pytest_dsql.storm.record.verdict import Verdict

_LATENCY: Final = (
    "A caller's latency counts from the moment its call was due, so it has all that the call waited for: with many in "
    "flight they queue, for the driver, for Lambda, for an environment. The function's duration is its own, retries "
    "and all, and has none of that."
)
_OUTCOMES: Final = (
    "Refused is a call whose answer says that nothing was moved. Unknown is one whose answer does not say: a time-out, "
    "or a connection that was lost during COMMIT."
)
_CONFLICT: Final = (
    "A call met a conflict where at least one attempt lost to another transaction (40001); it failed for good where no "
    "later attempt was committed. OC000: another transaction changed the same rows first. OC001: the schema changed."
)
_RETRIES: Final = (
    "The first retry is immediate; each later one waits a random time, up to a bound that doubles. What calls with "
    "retries took longer is what losing cost them."
)
_RATES: Final = (
    "Offered is how fast calls were due, achieved how fast they were answered. Cold starts are environments that began "
    "after the warm-up."
)
_DRIVER: Final = (
    "The driver's CPU is what making and recording the calls took; while its busiest worker has room on its core, it "
    "is not what limits the rate."
)
_NOT_AWS: Final = (
    "Driver, functions and database shared the {cores} cores of one machine: how fast they were says nothing of AWS. "
    "That every cent is accounted for does not depend on it."
)


def held(history: History, statistics: Statistics, verdict: Verdict) -> list[str]:
    """Return what was checked and held, in a sentence each."""
    wrong = {finding.name for finding in verdict.findings}
    checks = (*_money(history, verdict), *_calls(history, statistics))
    return [text for name, text in checks if name not in wrong]


def legend(history: History) -> list[str]:
    """Return how the figures are to be read, in a sentence or two each."""
    here = [_NOT_AWS.format(cores=history.facts.cores)] if history.facts.target == "local stand-in" else []
    return [_OUTCOMES, _LATENCY, _CONFLICT, _RETRIES, _RATES, _DRIVER, *here]


def _money(history: History, verdict: Verdict) -> Iterator[tuple[str, str]]:
    facts, answered = history.facts, sum(call.balance is not None for call in history.calls)
    open_ = f", with {len(verdict.ambiguous):,} unknown outcomes left open" if verdict.ambiguous else ""
    yield "conservation", f"{facts.accounts:,} accounts closed with the {facts.total:,} that they opened with"
    yield "reconciliation", f"each of {facts.accounts:,} accounts closed with what it had, plus in, minus out{open_}"
    yield (
        "negative_balance",
        f"none of {len(facts.closing):,} closing and {answered:,} answered balances was below zero",
    )
    yield "serial_order", f"the {answered:,} answered balances can be those of a serial order, account by account"
    if history.readings:
        yield "reader_total", f"{len(history.readings):,} snapshots, while it ran, each had {facts.total:,} in them"
    if facts.history:
        yield "history", f"the {facts.history.rows:,} rows of the history are the transfers that were made, one each"


def _calls(history: History, statistics: Statistics) -> Iterator[tuple[str, str]]:
    facts, answered = history.facts, statistics.calls - statistics.unanswered
    yield "missing_calls", f"all of {facts.planned:,} planned calls were sent"
    yield "duplicate_call", f"none of {statistics.calls:,} calls was sent or answered twice"
    if not statistics.unanswered:
        yield "unanswered", f"all of {answered:,} were answered"
    yield "unclassified", f"all of {answered:,} answers are understood"
    if not facts.trouble:
        yield "lost_worker", f"every worker came to its end ({len(facts.workers):,})"
