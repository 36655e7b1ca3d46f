import argparse
from pathlib import Path
from typing import Any

import pytest

from infra import __main__ as program
from pytest_dsql.storm.run.options import (
    FIRST_RATE,
    OPTIONS,
    REPORT,
    SEARCH,
    USUAL,
    again,
    folder_of,
    load_of,
    searched,
    size,
)


def options(**given: Any) -> argparse.Namespace:
    """What a command line without ``given`` has, and these."""
    defaults = {option.name.replace("-", "_"): option.default for option in OPTIONS}
    return argparse.Namespace(**{**defaults, **USUAL, "target": "local", **given})


def test_a_load_as_in_the_walk_through() -> None:
    load = load_of(options(seed=7))
    assert (load.calls, load.parallel, load.accounts, load.seed, load.rate) == (10_000, 1_000, 1_000, 7, None)


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({}, (10_000, 1_000, 1_000)),
        ({"million": True}, (1_000_000, 10_000, 1_000_000)),
        ({"million": True, "calls": 20_000}, (20_000, 10_000, 1_000_000)),
    ],
)
def test_a_million_is_the_size_of_what_is_not_said(given: dict[str, Any], sizes: tuple[int, int, int]) -> None:
    said = argparse.Namespace(**{"million": False, "calls": None, "parallel": None, "accounts": None, **given})
    size(said)
    assert (said.calls, said.parallel, said.accounts) == sizes


@pytest.mark.parametrize(("rate", "duration", "calls"), [(100.0, 10.0, 1_000), (0.1, 1.0, 1)])
def test_a_rate_for_a_time_is_so_many_calls(rate: float, duration: float, calls: int) -> None:
    load = load_of(options(rate=rate, duration=duration, calls=3))
    assert (load.calls, load.rate) == (calls, rate)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"calls": 0}, "calls: must be at least 1, not 0"),
        ({"parallel": 0}, "parallel: must be at least 1, not 0"),
        ({"accounts": 1}, "accounts: must be at least 2, not 1"),
        ({"rate": -1.0}, "rate: must be above 0, not -1"),
        ({"rate": -1.0, "duration": 1.0}, "rate: must be above 0, not -1"),
        ({"rate": float("nan"), "duration": 1.0}, "rate: must be above 0, not nan"),
        ({"rate": 5.0, "duration": 0.0}, "duration: must be above 0, not 0"),
        ({"rate": 5.0}, "duration: goes with --rate, and --rate with it"),
        ({"duration": 5.0}, "duration: goes with --rate, and --rate with it"),
        (
            {"faults": 5, "target": "aws"},
            r"faults: nothing can be broken on AWS, they go with the stand-in \(--target local\)",
        ),
        ({"faults": -1}, "faults: must be at least 0, not -1"),
        ({"warmup": -1}, "warmup: must be at least 0, not -1"),
        ({"commit_ms": -1.0}, "commit-ms: must be at least 0, not -1"),
    ],
)
def test_what_cannot_be_names_its_option(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}$"):
        load_of(options(**given))


def test_a_report_wants_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert folder_of(options(report=folder)) == folder
    (folder / "facts.json").touch()
    assert folder_of(options(report=folder)) == folder
    with pytest.raises(ValueError, match="^report: .*File exists"):
        folder_of(options(report=folder / "facts.json"))


@pytest.mark.parametrize(("seed", "command"), [(None, "pytest -k 'a b' --seed=7"), (7, "pytest -k 'a b'")])
def test_a_run_is_repeated_by_its_command_and_its_seed(seed: int | None, command: str) -> None:
    assert again(["pytest", "-k", "a b"], options(seed=seed), 7) == command


def test_pytest_and_the_command_have_the_same_options() -> None:
    flags = {flag for parameter in program.cli.commands["storm"].params for flag in parameter.opts}
    assert flags >= {option.flag for option in (*OPTIONS, *SEARCH, REPORT)}


def test_a_search_begins_with_a_step_that_is_not_judged_by_its_p99() -> None:
    said = options(max_p99=500.0, step=8.0)
    assert searched(said) == 500.0
    assert (said.max_p99, load_of(said).rate, load_of(said).calls) == (None, FIRST_RATE, 8 * FIRST_RATE)


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "find-rate: goes with --max-p99, .*"), ({"max_p99": 500.0, "duration": 3.0}, "duration: --step says .*")],
)
def test_a_search_that_cannot_be_names_its_option(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}$"):
        searched(options(step=8.0, **given))
