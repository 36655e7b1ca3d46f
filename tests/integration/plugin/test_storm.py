"""Storms of transactions of a few lines, each run by a pytest of its own, as its users run it."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.fix_projects import Project

WORK = """
import os, pathlib, signal, threading
import psycopg
from pytest_dsql.storm.workload import Workload

class Refused(Exception):
    pass

class Counter(Workload):
    sums = {"counters": ("SELECT count(*) FROM counters", 3)}
    rules = {"below zero": "SELECT id, n FROM counters WHERE n < 0"}
    def set_up(self, cluster):
        connection = cluster.connect()
        connection.execute("CREATE TABLE counters (id int PRIMARY KEY, n int)")
        connection.execute("INSERT INTO counters VALUES (1, 0), (2, 0), (3, 0)")
    def draw(self, chance):
        return {"id": chance.randint(1, 3), "chance": chance.randint(1, 40)}
    def call(self, client, request):
        for retries in range(1000):
            try:
                row = client.execute("UPDATE counters SET n = n + 1 WHERE id = %(id)s RETURNING n", request).fetchone()
                return {"n": row[0], "retries": retries}
            except psycopg.errors.SerializationFailure:
                pass
        raise Refused
    def check(self, history):
        if len({(call.request["id"], call.answer["n"]) for call in history.committed}) < len(history.committed):
            yield "a number was given twice"

class Elsewhere(Counter):
    def call(self, client, request):
        return client.execute("SELECT 1").fetchone()
    def check(self, history):
        return ()

class Cut(Counter):
    def during(self, cluster):
        return cluster.lost_after_commit(3)

class Unmet(Elsewhere):
    def during(self, cluster):
        return cluster.conflicts(table="counters")

class Killed(Counter):
    def call(self, client, request):
        if request["chance"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().call(client, request)

class Hung(Counter):
    def call(self, client, request):
        threading.Event().wait()

class Interrupting(Counter):
    def call(self, client, request):
        pathlib.Path(__file__).with_name(f"pid{os.getpid()}").touch()
        if request["chance"] == 1:
            os.kill(os.getppid(), signal.SIGINT)
            threading.Event().wait()
        return super().call(client, request)

class Wrong(Counter):
    sums = {"counters": ("SELECT count(*) FROM counters", 4)}

class Shut(Counter):
    def open(self, cluster):
        return cluster.connect("nobody")

class OnCall(Workload):
    # Of two in a shift one has to stay.
    rules = {"nobody on call": "SELECT shift, count(*) AS off FROM rota WHERE off GROUP BY shift HAVING count(*) > 1"}
    refusals = {"40001", "Refused"}
    reading = "SELECT name FROM rota WHERE shift = %(shift)s AND NOT off"
    def set_up(self, cluster):
        connection = cluster.connect()
        connection.execute("CREATE TABLE rota (shift int, name int, off bool, PRIMARY KEY (shift, name))")
        connection.execute("INSERT INTO rota SELECT s, n, false FROM generate_series(1, 20) s, generate_series(1, 2) n")
    def during(self, cluster):
        return cluster.slow(0.015)
    def draw(self, chance):
        return {"shift": chance.randint(1, 20), "name": chance.randint(1, 2)}
    def call(self, client, request):
        with client.transaction():
            if len(client.execute(self.reading, request).fetchall()) < 2:
                raise Refused
            client.execute("UPDATE rota SET off = true WHERE shift = %(shift)s AND name = %(name)s", request)

class OnCallLocked(OnCall):
    reading = OnCall.reading + " FOR UPDATE"
"""
TEST = """
import work
def test_it(dsql_storm):
    dsql_storm(work.{name}(), calls={calls}, parallel=10, seed=7{more})
"""


@pytest.fixture
def run(project: Project) -> Project:
    """Run a storm of one of the workloads above."""

    def run(name: str, *arguments: str, calls: int = 300, more: str = "") -> pytest.RunResult:
        return project(TEST.format(name=name, calls=calls, more=more), *arguments, work=WORK)

    return run


def asked(folder: Path) -> list[tuple[int, Any]]:
    """Return all requests of a storm, by their calls."""
    lines = [json.loads(line) for path in folder.glob("worker*.jsonl") for line in path.read_text().splitlines()]
    return sorted((line["sent"], line["request"]["shift"]) for line in lines if "sent" in line)


def test_a_storm_in_which_all_holds_passes_and_says_how_to_see_it_again(run: Project) -> None:
    done = run("Counter")
    done.assert_outcomes(passed=1)
    done.stdout.re_match_lines(
        [
            r"PASS  300 calls on the local stand-in; sums and rules that held: 2; transactions that lost .*: \d+",
            r"seed 7, pytest-dsql [\d.]+, again: pytest test_it.py::test_it .*",
        ]
    )


def test_write_skew_is_found_and_its_rows_are_named(run: Project) -> None:
    done = run("OnCall")
    done.assert_outcomes(failed=1)
    done.stdout.re_match_lines(
        [r"FAIL  300 calls on the local stand-in, 1 finding", r"  rule: nobody on call: \d+ rows? at the end: shift .*"]
    )


def test_with_for_update_there_is_no_write_skew(run: Project) -> None:
    run("OnCallLocked").assert_outcomes(passed=1)


def test_a_storm_in_which_nothing_conflicts_is_not_green(run: Project) -> None:
    done = run("Elsewhere", calls=20)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["FAIL  20 calls*, 1 finding", "  no_conflict: no transaction lost to another*"])


def test_unless_its_test_says_so(run: Project) -> None:
    done = run("Elsewhere", calls=20, more=", must_conflict=False")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["PASS  20 calls*; nothing conflicted, as its test allows"])


def test_the_last_line_repeats_a_storm(run: Project, pytester: pytest.Pytester) -> None:
    done = run("OnCall", "--dsql-storm-seed=11", "--dsql-report=reports")
    done.assert_outcomes(failed=1)
    report = (pytester.path / "reports" / "test_it" / "report.txt").read_text()
    assert report in done.stdout.str() + "\n"
    command = shlex.split(report.splitlines()[-1].partition(", again: pytest ")[2])
    assert command[1:] == ["--dsql-storm-seed=11", "--dsql-storm-calls=300", "--dsql-storm-parallel=10"]
    run("OnCall", *command, "--dsql-report=reports", calls=5).assert_outcomes(failed=1)
    assert asked(pytester.path / "reports" / "test_it") == asked(pytester.path / "reports" / "test_it-2")


def test_a_page_is_left_beside_the_record(run: Project, pytester: pytest.Pytester) -> None:
    run("OnCall", "--dsql-report=reports")
    names = {path.name for path in (pytester.path / "reports" / "test_it").iterdir()}
    assert names >= {"report.html", "report.json", "report.txt", "seconds.csv", "worker00.jsonl", "reader.jsonl"}


def test_an_unknown_outcome_is_told_and_its_client_opened_anew(run: Project, pytester: pytest.Pytester) -> None:
    done = run("Cut", "--dsql-report=reports")
    done.assert_outcomes(passed=1)
    assert "\n  3 unknown outcomes: calls " in (pytester.path / "reports" / "test_it" / "report.txt").read_text()


def test_a_killed_worker_leaves_a_report_of_what_there_is(run: Project) -> None:
    done = run("Killed", more=", processes=1")
    done.assert_outcomes(failed=1)
    done.stdout.re_match_lines(
        [r"FAIL  \d+ calls .*", r"  lost_worker: worker00 did not .*: it has said nothing", r"  missing_calls: .*"]
    )


def test_a_call_that_hangs_ends_the_storm_at_its_limit(run: Project) -> None:
    done = run("Hung", more=", limit_s=1")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["  broken_off: it has not ended within 1 s (limit_s)"])


def test_an_interrupt_leaves_a_report_and_nothing_running(run: Project, pytester: pytest.Pytester) -> None:
    done = run("Interrupting")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["FAIL  *", "  broken_off: it was interrupted", "seed 7, *"])
    processes = [int(path.name[3:]) for path in pytester.path.glob("pid*")]
    assert processes
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Wrong", "before the first call sum counters is 3, not 4"),
        ("Shut", "worker0? ended before the first call: *nobody*"),
    ],
)
def test_a_storm_that_cannot_begin_says_why(run: Project, name: str, told: str) -> None:
    done = run(name)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([f"the storm has not begun: {told}"])


def test_a_fault_that_no_call_meets_is_a_finding(run: Project) -> None:
    done = run("Unmet", calls=20, more=", must_conflict=False")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["  broken_off: the fault was never met*"])


def test_workers_of_xdist_tell_of_their_storms_too(run: Project) -> None:
    done = run("Counter", "-n", "2")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["PASS  300 calls*", "seed 7, *"])
