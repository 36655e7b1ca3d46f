"""Probes: statements with the answers that a real cluster was recorded to give, one test each.

    pytest -m integration --probes=FILE

The file's form is that of the recordings: ``probes``, each with ``setup``, then ``steps`` on one connection, or
``sessions`` whose steps are taken side by side.
"""

import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg import errors, pq

from pytest_dsql.retry import retried
from tests.known_divergences import KNOWN, Divergence

Step = dict[str, Any]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path.name == "test_probes.py" and not config.option.probes else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "probe" in metafunc.fixturenames:
        files = metafunc.config.option.probes
        probes = [probe for file in files for probe in json.loads(Path(file).read_text())["probes"]]
        metafunc.parametrize("probe", [pytest.param(probe, id=probe["name"]) for probe in probes])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not config.option.probes:
        return
    terminalreporter.section("known divergences")
    for name, known in sorted(KNOWN.items()):
        terminalreporter.write_line(f"{name}: {known.reason} ({known.date}, {known.source})")
    terminalreporter.write_line(f"{len(KNOWN)} known")


@dataclass(frozen=True)
class ProbeAnswer:
    """What a connection answered to one statement, in the form of the recordings."""

    outcome: str
    command_tag: str | None = None
    sqlstate: str | None = None
    message: str | None = None
    columns: list[str] | None = None
    rows: list[list[str | None]] | None = None

    @classmethod
    def of(cls, result: pq.abc.PGresult) -> "ProbeAnswer":
        if result.status in {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.NONFATAL_ERROR}:
            fields = (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY)
            sqlstate, message = ((result.error_field(field) or b"").decode() for field in fields)
            return cls("error", sqlstate=sqlstate, message=message)
        columns = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
        rows = [
            [_text(result.get_value(row, column)) for column in range(len(columns))] for row in range(result.ntuples)
        ]
        return cls("ok", (result.command_status or b"").decode(), columns=columns, rows=rows)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def ask(connection: pq.abc.PGconn, sql: str, *, simple: bool = False) -> list[ProbeAnswer]:
    """Send a statement by the extended protocol, or a message of several by the simple one."""
    if simple:
        connection.send_query(sql.encode())
    else:
        connection.send_query_params(sql.encode(), None)
    answers = []
    while result := connection.get_result():
        answers.append(ProbeAnswer.of(result))
        result.clear()
    # A commit that fails is told after the statement that it belongs to.
    failed = [answer for answer in answers if answer.outcome == "error"]
    return answers if simple or not failed else failed


def set_up(connection: pq.abc.PGconn, statements: list[str]) -> None:
    """Run set-up statements, each again where it lost to another (40001)."""
    for statement in statements:
        retried(partial(_set_up, connection, statement))


def _set_up(connection: pq.abc.PGconn, statement: str) -> None:
    answer = ask(connection, statement)[-1]
    if answer.sqlstate == "40001":
        raise errors.SerializationFailure(f"{statement}: {answer.message}")
    assert answer.outcome == "ok", f"{statement}: {answer.message}"


def differences(step: Step, answers: list[ProbeAnswer], *, ignore_rows: bool = False) -> list[str]:
    """Say how answers differ from the recorded ones: the last of them, and in a batch each."""
    expect, sql = step["expect"], step["sql"]
    found = _differences(sql, expect, answers[-1], ignore_rows=ignore_rows)
    recorded = expect.get("results")
    if recorded is None:
        return found
    if len(answers) != len(recorded):
        found.append(f"{sql}: {len(answers)} answers, recorded were {len(recorded)}")
    for number, (one, answer) in enumerate(zip(recorded, answers, strict=False), start=1):
        found += _differences(f"{sql}, answer {number}", one, answer, ignore_rows=ignore_rows)
    return found


def _differences(sql: str, expect: Step, answer: ProbeAnswer, *, ignore_rows: bool) -> list[str]:
    names = {"outcome", "command_tag", "sqlstate", "message", "columns"} & expect.keys()
    if expect.get("rows") is not None and not ignore_rows:
        names.add("rows")
    found = [
        f"{sql}: {name} is {getattr(answer, name)!r}, recorded was {expect[name]!r}"
        for name in sorted(names)
        if getattr(answer, name) != expect[name]
    ]
    rows = answer.rows or []
    if "row_count" in expect and len(rows) != expect["row_count"]:
        found.append(f"{sql}: {len(rows)} rows, recorded were {expect['row_count']}")
    return found + _volatile(sql, expect.get("rows_match"), rows)


def _volatile(sql: str, patterns: list[str | None] | None, rows: list[list[str | None]]) -> list[str]:
    """Compare the first row with what was recorded of values that differ each time."""
    if not patterns:
        return []
    if not rows:
        return [f"{sql}: no row, recorded was one like {patterns!r}"]
    return [
        f"{sql}: {cell!r} does not match {pattern!r}"
        for pattern, cell in zip(patterns, rows[0], strict=True)
        if pattern is not None and not re.search(pattern, cell or "")
    ]


def judge(name: str, found: list[str]) -> None:
    """Fail for an unknown difference, and for a known one that is no longer there."""
    known: Divergence | None = KNOWN.get(name)
    if found and known:
        pytest.xfail(f"{known.reason} ({known.date}, {known.source})")
    assert not found, "\n".join(found)
    assert not known or known.timing, f"{name} no longer diverges: take it out of tests/known_divergences.py"
