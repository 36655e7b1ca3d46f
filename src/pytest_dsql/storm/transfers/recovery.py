"""The judgement on a storm's faults: they could be made, and after each it went on; nothing stays open."""

from collections.abc import Iterator

from pytest_dsql.storm.record.effects import recovery_s
from pytest_dsql.storm.record.model import History
from pytest_dsql.storm.record.verdict import Expectations, Finding, found


def findings(history: History, expectations: Expectations) -> Iterator[Finding]:
    """Yield what is wrong with the faults of a storm, and with what they have left."""
    facts, limit_s = history.facts, expectations.recovery_s
    yield from found(
        "missing_faults",
        "{n} faults could not be made",
        [fault for fault in history.faults if fault.trouble],
        lambda fault: f"{fault.kind} at {fault.begun:.3f} s: {fault.trouble}",
    )
    if facts.faults and not history.faults and not facts.trouble:
        yield Finding("missing_faults", f"none of {facts.faults:,} faults came before the last call")
    slow = [
        (fault, seconds) for fault, seconds in recovery_s(history, limit_s) if seconds is not None and seconds > limit_s
    ]
    yield from found(
        "slow_recovery",
        f"{{n}} faults were followed by no commit for more than {limit_s:g} s",
        slow,
        lambda each: f"{each[0].kind} at {each[0].begun:.3f} s, {each[1]:.1f} s",
        lambda each: each[1],
    )
    if facts.left_open:
        yield Finding("left_open", f"{facts.left_open:,} transactions were open after the last answer")
