"""What a report says of a storm's faults: each with its time, and what came of each kind."""

from collections.abc import Iterator

from pytest_dsql.storm.record.effects import Effect, effects
from pytest_dsql.storm.record.model import History


def lines(history: History) -> Iterator[str]:
    """Yield what was broken and what was sent again, 80 columns wide; nothing where nothing was."""
    target = history.facts.target
    if history.faults:
        yield from ("", f"Faults, and the calls that were on their way ({target}):")
        if len(history.faults) < history.facts.faults:
            yield f"  {len(history.faults):,} of {history.facts.faults:,} came before the last call"
        yield f"  {'':<20}{'n':>4}{'met':>6}{'committed':>11}{'refused':>9}{'unknown':>9}{'again':>7}{'recovery':>11}"
        for kind, (faults, effect) in effects(history).items():
            yield f"  {kind:<20}{len(faults):>4}{sum(fault.met for fault in faults):>6}{_came(effect)}"
        yield from ("", f"Faults by their times ({target}):")
    for fault in history.faults:
        told = f"met {fault.met} times" if fault.trouble is None else "could not be made"
        yield f"  at {fault.begun:>8.3f} s for {fault.ended - fault.begun:>6.3f} s  {fault.kind:<20} {told}"
    again = [len(call.earlier) for call in history.calls if call.earlier]
    if again:
        yield from ("", f"Sent again ({target}):", f"  {len(again):,} calls, {sum(again):,} times, one {max(again):,}")


def _came(effect: Effect) -> str:
    recovery = "none" if effect.recovery_s is None else f"{effect.recovery_s:.3f} s"
    return f"{effect.committed:>11,}{effect.refused:>9,}{effect.unknown:>9,}{effect.again:>7,}{recovery:>11}"
