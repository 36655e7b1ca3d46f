"""The report of a storm for programs: JSON with a versioned schema, and CSV per second.

``report.json``, schema 1. A later schema may add keys without a new number; it gets one when a key goes or changes its
meaning. Latencies are in ms, times in s, rates in calls/s; shares are between 0 and 1; null is "not known".

| key | what it is |
|---|---|
| schema | 1 |
| target | ``local stand-in`` or ``aws``: where all figures were measured |
| passed, findings | the verdict; each finding has ``name`` and ``text`` |
| unknown_outcomes | ``made``, ``not_made``: ids that the balances decide; ``ambiguous``: ids that they do not |
| statistics | ``Statistics``, key by key, with retries_total and retries_max; without its seconds |
| faults | ``kind``, ``begun``, ``ended``, how often it was ``met``, ``trouble`` where it could not be made |
| effects | by the faults' kind, ``Effect``: the calls that were on their way, by outcome, and the longest recovery |
| sent_again | by a call's id, what it was answered before it was sent again: ``again`` (s), ``outcome``, ``code`` |
| configuration | as the conductor gave it: seed, parallel, versions, … |
| run | planned, accounts, opening, closing_total, left_open, workers, lost_workers, readings, … wall_s, cores |
| checks | what was looked at and held, in sentences |
| seconds | the rows of ``seconds.csv`` |
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from pytest_dsql.storm.record.effects import effects
from pytest_dsql.storm.record.model import History
from pytest_dsql.storm.record.statistics import Second, Statistics
from pytest_dsql.storm.record.verdict import Verdict
from pytest_dsql.storm.report import checks

SCHEMA: Final = 1


def as_json(history: History, statistics: Statistics, verdict: Verdict) -> str:
    """Return ``report.json``."""
    return written(report(history, statistics, verdict))


def written(report: Mapping[str, Any]) -> str:
    """Return a report as JSON; what JSON has no kind for is written as text."""
    return json.dumps(report, indent=1, default=str) + "\n"


def report(history: History, statistics: Statistics, verdict: Verdict) -> dict[str, Any]:
    """Return the report of a bank's storm as data, schema 1."""
    return figures(statistics, verdict) | {
        "target": history.facts.target,
        "configuration": dict(history.facts.configuration),
        "checks": checks.held(history, statistics, verdict),
        "run": _run(history),
        "faults": [asdict(fault) for fault in history.faults],
        "effects": {kind: asdict(effect) for kind, (_, effect) in effects(history).items()},
        "sent_again": {call.id: [asdict(each) for each in call.earlier] for call in history.calls if call.earlier},
    }


def figures(statistics: Statistics, verdict: Verdict) -> dict[str, Any]:
    """Return what any storm's report has, as data, schema 1."""
    measured = asdict(statistics)
    seconds = measured.pop("seconds")
    return {
        "schema": SCHEMA,
        "passed": verdict.passed,
        "findings": [asdict(finding) for finding in verdict.findings],
        "unknown_outcomes": {
            "made": [call for call, made in verdict.resolved.items() if made],
            "not_made": [call for call, made in verdict.resolved.items() if not made],
            "ambiguous": list(verdict.ambiguous),
        },
        "statistics": measured | {"retries_total": statistics.retries_total, "retries_max": statistics.retries_max},
        "seconds": list(seconds),
    }


def as_csv(statistics: Statistics) -> str:
    """Return ``seconds.csv``: a row per second, the columns of ``pytest_dsql.storm.record.statistics.Second``."""
    names = [field.name for field in fields(Second)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_rounded(getattr(second, name)) for name in names] for second in statistics.seconds)
    return out.getvalue()


def _rounded(value: float | None) -> float | None:
    return round(value, 3) if isinstance(value, float) else value


def _run(history: History) -> dict[str, Any]:
    facts = history.facts
    return {
        "planned": facts.planned,
        "accounts": facts.accounts,
        "opening": facts.opening,
        "closing_total": sum(facts.closing.values()),
        "workers": list(facts.workers),
        "lost_workers": list(history.lost_workers),
        "left_open": facts.left_open,
        "readings": len(history.readings),
        "started": facts.started,
        "ended": facts.ended,
        "wall_s": facts.wall_s,
        "cores": facts.cores,
    }
