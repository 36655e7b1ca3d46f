"""The report of a storm as text: the verdict first, the walk-through's STATS block, then the rest. 80 columns wide."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_dsql.storm.record.model import History
from pytest_dsql.storm.record.statistics import ErrorKind, Spread, Statistics, share
from pytest_dsql.storm.record.verdict import Finding, Verdict
from pytest_dsql.storm.report import checks, faults

WIDTH: Final = 80
_RULE: Final = "=" * 60
_TIED: Final = "\N{NO-BREAK SPACE}"
_LISTED: Final = 20
"""How many ids of undecided calls are named."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a storm is; rate in calls/s, latencies in ms, remaining in s, None where it cannot be told yet."""

    done: int
    total: int
    rate: float
    committed: int
    refused: int
    unknown: int
    retries: int
    p50_ms: float | None = None
    p99_ms: float | None = None
    remaining_s: float | None = None


def live_line(progress: Progress) -> str:
    """Return one line, at most 100 columns, on how far a storm is."""
    p50, p99 = ("-" if value is None else f"{value:.0f}" for value in (progress.p50_ms, progress.p99_ms))
    parts = (
        f"{_short(progress.done)}/{_short(progress.total)}",
        f"{progress.rate:.0f}/s",
        f"{_short(progress.committed)} ok  {_short(progress.refused)} refused  {_short(progress.unknown)} unknown",
        f"{_short(progress.retries)} retries",
        f"p50/p99 {p50}/{p99} ms",
        *([] if progress.remaining_s is None else [f"{progress.remaining_s:.0f} s left"]),
    )
    return "  ".join(parts)[:100]


def _short(number: int) -> str:
    return f"{number // 1000}k" if number >= 10_000 else str(number)


def text(history: History, statistics: Statistics, verdict: Verdict) -> str:
    """Return the whole report."""
    target = history.facts.target
    lines = [
        *verdict_lines(target, statistics, verdict),
        "",
        *figures(target, statistics),
        *faults.lines(history),
        "",
        f"Checked and held ({target}):",
        *listed(checks.held(history, statistics, verdict)),
        "",
        "How to read it:",
        *listed(checks.legend(history)),
        "",
        *_configuration(history),
    ]
    return "\n".join(lines) + "\n"


def figures(target: str, statistics: Statistics) -> list[str]:
    """Return the figures of any storm."""
    return [*_stats(target, statistics), "", *_more(target, statistics)]


def headline(target: str, statistics: Statistics, verdict: Verdict) -> str:
    """Return the verdict in one line."""
    if verdict.passed:
        return f"PASS  {statistics.calls:,} calls on the {place(target)}, and not a cent lost"
    return failed(target, statistics, verdict)


def failed(target: str, statistics: Statistics, verdict: Verdict) -> str:
    """Return in one line that something was found."""
    number = len(verdict.findings)
    return f"FAIL  {statistics.calls:,} calls on the {place(target)}, {number} finding{'s' * (number > 1)}"


def verdict_lines(target: str, statistics: Statistics, verdict: Verdict) -> list[str]:
    """Return the verdict, its findings, and what became of the unknown outcomes."""
    lines = [headline(target, statistics, verdict)]
    return [*lines, *finding_lines(verdict.findings), *wrapped(unknown_note(verdict))]


def unknown_note(verdict: Verdict) -> str | None:
    """Return what balances or receipts say of the unknown outcomes, None where there were none."""
    if not verdict.resolved and not verdict.ambiguous:
        return None
    made = sum(verdict.resolved.values())
    undecided = len(verdict.ambiguous)
    note = (
        f"{len(verdict.resolved) + undecided:,} unknown outcomes: by the {verdict.resolved_by} {made:,} were made, "
        f"{len(verdict.resolved) - made:,} were not, {undecided:,} cannot be told"
    )
    if verdict.ambiguous:
        more = ", …" if len(verdict.ambiguous) > _LISTED else ""
        note += f" (calls {', '.join(map(str, verdict.ambiguous[:_LISTED]))}{more})"
    return note


def _error_line(kind: ErrorKind) -> str:
    """Return one line on calls that ended alike: the example's text, the code, how many."""
    example = " ".join(kind.example.split()) or kind.outcome.value
    return f"{textwrap.shorten(example, 200)} ({kind.code}):{_TIED}{kind.count:,}"


def place(target: str) -> str:
    """Return where a storm was, in a sentence."""
    return target if target == "local stand-in" else f"target {target}"


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """Return what was found, for people."""
    return [line for finding in findings for line in wrapped(str(finding))]


def listed(texts: Iterable[str]) -> list[str]:
    """Return sentences as a list, in lines that fit."""
    return [
        line
        for each in texts
        for line in textwrap.wrap(each, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)
    ]


def wrapped(note: str | None) -> list[str]:
    """Return a note in lines that fit, none where there is none."""
    indents = "  ", "      "
    return textwrap.wrap(
        note or "", WIDTH, initial_indent=indents[0], subsequent_indent=indents[1], break_on_hyphens=False
    )


def _row(label: str, value: str) -> str:
    return f"{label + ':':<20}{value}"


def _indented(label: str, value: str) -> str:
    return f"  {label + ':':<27} {value}"


def part_of(part: int, whole: int) -> str:
    """Return a number, and what share of the whole it is."""
    return f"{part:,} ({share(part, whole):.2%})"


def _stats(target: str, figures: Statistics) -> Iterator[str]:
    """The walk-through's block, heading by heading; the target stands in its title and in every section's."""
    yield from (_RULE, f"STATS ({target})", _RULE)
    yield _row("Total calls", f"{figures.calls:,}")
    yield _row("Successful", part_of(figures.committed, figures.calls))
    yield _row("Errors", part_of(figures.failed, figures.calls))
    yield _row("  Refused", part_of(figures.refused, figures.calls))
    yield _row("  Unknown", part_of(figures.unknown, figures.calls))
    yield ""
    yield _row("Total time", f"{figures.total_s:.2f}s")
    yield _row("Throughput", f"{figures.achieved_rate:,.0f} calls/second")
    if figures.function_ms:
        yield from ("", f"Lambda Execution Times ({target}):")
        for label, value in _extremes(figures.function_ms):
            yield f"  {label + ':':<18}{value:,.2f}ms"
    if figures.errors:
        yield from ("", f"Error Breakdown ({target}):")
        for kind in figures.errors:
            lines = textwrap.wrap(_error_line(kind), WIDTH, initial_indent="  ", subsequent_indent="    ")
            yield from (line.replace(_TIED, " ") for line in lines)
    yield from ("", f"OCC Retry Statistics ({target}):")
    yield from _retries(figures)


def _extremes(spread: Spread) -> Iterable[tuple[str, float]]:
    return ("Min", spread.min), ("Max", spread.max), ("Avg", spread.avg)


def _retries(figures: Statistics) -> Iterator[str]:
    yield _indented("Total retries", f"{figures.retries_total:,}")
    yield _indented("Max retries", f"{figures.retries_max:,}")
    yield _indented("Avg retries/call", f"{share(figures.retries_total, figures.calls):.2f}")
    yield _indented("Transactions with retries", part_of(figures.retried, figures.calls))


def _more(target: str, figures: Statistics) -> Iterator[str]:
    yield f"Latency in ms ({target}):"
    yield f"  {'':<29}{'p50':>9} {'p90':>9} {'p95':>9} {'p99':>9} {'max':>9}"
    if figures.cold_starts is not None or figures.function_ms:
        yield _latency("the function's duration", figures.function_ms)
    if figures.retried_ms:
        yield _latency("the same, with retries", figures.retried_ms)
    yield _latency("the caller's, since due", figures.caller_ms)
    yield from ("", f"Load ({target}):")
    yield _indented(
        "Offered", "all at once" if figures.offered_rate is None else f"{figures.offered_rate:,.1f} calls/s"
    )
    yield _indented("Achieved", f"{figures.achieved_rate:,.1f} calls/s")
    if figures.cold_starts is not None:
        yield _indented("Cold starts", f"{figures.cold_starts:,}")
        yield _indented("Throttled (429)", f"{figures.throttles:,} times")
    yield from _driver(figures)
    yield from ("", f"Conflicts ({target}):")
    yield _indented("Calls that met a conflict", part_of(figures.conflicts, figures.calls))
    if figures.told_conflicts is not None:
        yield _indented("Told 40001", _told(figures.told_conflicts))
    yield _indented("Calls that failed for good", part_of(figures.failed, figures.calls))
    yield from textwrap.wrap(
        _indented("Calls by retries", ", ".join(f"{n}: {calls:,}" for n, calls in figures.retries.items())),
        WIDTH,
        subsequent_indent=" " * 30,
    )
    if figures.hottest:
        yield from ("", f"Hottest accounts ({target}):")
    for heat in figures.hottest:
        yield f"  account {heat.account:<8} {heat.calls:>9,} calls {heat.conflicts:>9,} with a conflict"


def _told(conflicts: Mapping[str, int]) -> str:
    """Return how often transactions lost, by the service's name for it."""
    named = ", ".join(f"{name} {count:,} times" for name, count in sorted(conflicts.items()))
    return f"{named}, as seen at the wire" if named else "never, as seen at the wire"


def _latency(label: str, spread: Spread | None) -> str:
    if spread is None:
        return f"  {label:<29}{'not told':>9}"
    values = (spread.p50, spread.p90, spread.p95, spread.p99, spread.max)
    return f"  {label:<29}" + " ".join(f"{value:>9,.1f}" for value in values)


def _driver(figures: Statistics) -> Iterator[str]:
    driver = figures.driver
    yield _indented("Driver's CPU", f"{driver.cpu_s:.1f} s, {driver.share:.1%} of this machine")
    if driver.busiest:
        yield _indented("Busiest worker", f"{driver.busiest}, {driver.busiest_share:.1%} of one core")


def _configuration(history: History) -> Iterator[str]:
    facts = history.facts
    yield "Configuration:"
    rows = {
        **facts.configuration,
        "calls": f"{facts.planned:,}",
        "accounts": f"{facts.accounts:,} of {facts.opening:,} each",
        "workers": len(facts.workers) or len(history.cpu_s),
        "readers": f"{len(history.readings):,} snapshots",
        "started": facts.started,
        "ended": facts.ended,
        "whole run": f"{facts.wall_s:.1f} s, start-up included",
    }
    yield from settings(rows)


def settings(rows: Mapping[str, object]) -> Iterator[str]:
    """Yield a storm's settings, a line or more for each."""
    for label, value in rows.items():
        text = f"{label + ':':<12} {_plain(value)}"
        yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent=" " * 15)


def _plain(value: object) -> str:
    """Write a setting in one line; tables (versions) as name and value."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return str(value)
