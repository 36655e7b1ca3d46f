"""What a run can say of its storms, in one table: pytest's command line and ``python -m infra storm`` both have it."""

import math
import random
import shlex
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_dsql.storm.transfers.plan import Load

USUAL: Final = {"calls": 10_000, "parallel": 1_000, "accounts": 1_000}
MILLION: Final = {"calls": 1_000_000, "parallel": 10_000, "accounts": 1_000_000}
WARM_UP: Final = 64
COMMIT_MS: Final = 15.0
"""With it, about as many transactions overlap on two cores as in the walk-through's run on AWS."""
FIRST_RATE: Final = 50.0
"""Calls a second at which a search begins."""
STEP_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Option:
    """One option; a ``kind`` of bool is a flag."""

    name: str
    kind: type
    help: str
    default: Any = None
    metavar: str | None = None

    @property
    def flag(self) -> str:
        """How it is written on a command line."""
        return f"--{self.name}"

    def for_argparse(self) -> dict[str, Any]:
        """Return what argparse and pytest take besides the name."""
        if self.kind is bool:
            return {"action": "store_true", "help": self.help}
        return {"type": self.kind, "default": self.default, "metavar": self.metavar, "help": self.help}

    def for_click(self) -> dict[str, Any]:
        """Return what click takes besides the name."""
        if self.kind is bool:
            return {"is_flag": True, "help": self.help}
        return {"type": self.kind, "default": self.default, "metavar": self.metavar, "help": self.help}


REPORT: Final = Option(
    "report", Path, "write each storm's report.html, report.json, seconds.csv and record there", metavar="DIR"
)
OPTIONS: Final = (
    Option("million", bool, "chapter 6 in full, its storms alone: a million calls, 10,000 at a time"),
    Option("calls", int, f"transfers in all, {USUAL['calls']:,} unless said otherwise"),
    Option("parallel", int, f"how many at a time, {USUAL['parallel']:,}"),
    Option("accounts", int, f"how many accounts, {USUAL['accounts']:,}"),
    Option("seed", int, "what transfers are drawn by; the report tells the one that was used"),
    Option("rate", float, "calls per second, each at its own moment (an open loop)"),
    Option("duration", float, "seconds; with --rate, in place of --calls"),
    Option("exactly-once", bool, "give each call an id, send it again where its outcome is unknown"),
    Option("faults", int, "how many faults, of all kinds, while calls are made", default=0),
    Option("commit-ms", float, f"how long a COMMIT takes on the stand-in, {COMMIT_MS:g}", default=COMMIT_MS),
    Option("warmup", int, f"calls before the clock starts, {WARM_UP}", default=WARM_UP),
    Option("max-p99", float, "fail where the callers' p99 is above", metavar="MS"),
    Option("min-rate", float, "fail where fewer calls per second are answered", metavar="N"),
    Option("max-retries", int, "fail where one call needed more", metavar="N"),
)
SEARCH: Final = (
    Option("find-rate", bool, "find the highest rate that holds --max-p99, in 12 steps at most, the first at --rate"),
    Option("step", float, f"seconds of each step, {STEP_S:g}", default=STEP_S),
)
"""What the command has besides."""


def size(options: Namespace) -> None:
    """Let what the command line does not say be as chapter 4 has it, or chapter 6."""
    for name, usual in (MILLION if options.million else USUAL).items():
        if getattr(options, name) is None:
            setattr(options, name, usual)


def load_of(options: Namespace) -> Load:
    """Read the options, sized and with a target; raise ValueError with the name of the one that cannot be."""
    for name in ("rate", "duration"):
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name}: must be above 0, not {value:g}")
    for name in ("warmup", "commit_ms"):
        value = getattr(options, name)
        if not 0 <= value < math.inf:
            raise ValueError(f"{name.replace('_', '-')}: must be at least 0, not {value:g}")
    if (options.duration is None) is not (options.rate is None):
        raise ValueError("duration: goes with --rate, and --rate with it")
    if options.faults and options.target != "local":
        raise ValueError("faults: nothing can be broken on AWS, they go with the stand-in (--target local)")
    calls = options.calls if options.duration is None else max(1, round(options.duration * options.rate))
    seed = random.randrange(2**32) if options.seed is None else options.seed  # noqa: S311 - to be repeated, not secret
    wanted = {"once": options.exactly_once, "faults": options.faults}
    return Load(calls, options.parallel, options.accounts, seed, options.rate, **wanted)


def searched(options: Namespace) -> float:
    """Let options be those of a search's first step; return the p99 (ms) to be held, which no step is judged by.

    Raises ValueError.
    """
    if options.max_p99 is None:
        raise ValueError("find-rate: goes with --max-p99, which says what is to be held")
    if options.duration is not None:
        raise ValueError("duration: --step says how long a step of --find-rate is")
    limit_ms, options.max_p99 = float(options.max_p99), None
    options.rate, options.duration = options.rate or FIRST_RATE, options.step
    return limit_ms


def again(words: Sequence[str], options: Namespace, seed: int) -> str:
    """Return the command that makes the same calls as the one of these words."""
    return shlex.join([*words, *([] if options.seed is not None else [f"--seed={seed}"])])


def folder_of(options: Namespace) -> Path | None:
    """Return the folder for reports, made where there is none; None where none is wanted. Raises ValueError."""
    if options.report is None:
        return None
    folder = Path(options.report)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"report: {error}") from None
    return folder
