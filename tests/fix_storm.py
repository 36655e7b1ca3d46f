"""The storm: its options, its conductor in the run's own process, its workers, its report at the end."""

import argparse
import math
import os
import random
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fix_layers import selects
from tests.fix_run import is_worker, tell, told, workers
from tests.fix_stack import stack_of
from tests.fix_target import cloud_of

if TYPE_CHECKING:
    from infra.bank import Bank
    from infra.cloud import Cloud
    from pytest_dsql.storm.run.conductor import Conductor
    from pytest_dsql.storm.transfers.plan import Load
    from pytest_dsql.storm.transfers.scenario import Scenario

CALLS: Final = 10_000
PARALLEL: Final = 1_000
ACCOUNTS: Final = 1_000
USUAL: Final = {"calls": CALLS, "parallel": PARALLEL, "accounts": ACCOUNTS}
MILLION: Final = {"calls": 1_000_000, "parallel": 10_000, "accounts": 1_000_000}
WARM_UP: Final = 64
COMMIT_MS: Final = 15.0
"""With it, about as many transactions overlap on two cores as in the walk-through's run on AWS."""
AROUND_S: Final = 1_200.0
"""What a storm's test takes before the first call and after the last, at most."""
LIVE_LINES_S: Final = 5.0
"""How often a line of progress is printed where there is no terminal to overwrite one."""

_conductor = pytest.StashKey["Conductor"]()
_terminal = pytest.StashKey[int]()
_KEY: Final = "storm-meet"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("storm", "the storm (-m stress)")
    group.addoption(
        "--million", action="store_true", help="chapter 6 in full, its storm alone: a million calls, 10,000 at a time"
    )
    group.addoption("--calls", type=int, help=f"transfers in all, {CALLS:,} unless said otherwise")
    group.addoption("--parallel", type=int, help=f"how many at a time, {PARALLEL:,}")
    group.addoption("--accounts", type=int, help=f"how many accounts, {ACCOUNTS:,}")
    group.addoption("--seed", type=int, help="what transfers are drawn by; the report tells the one that was used")
    group.addoption("--rate", type=float, help="calls per second, each at its own moment (an open loop)")
    group.addoption("--duration", type=float, help="seconds; with --rate, in place of --calls")
    group.addoption(
        "--exactly-once", action="store_true", help="give each call an id, send it again where its outcome is unknown"
    )
    group.addoption("--faults", type=int, default=0, help="how many faults, of all kinds, while calls are made")
    group.addoption(
        "--commit-ms", type=float, default=COMMIT_MS, help=f"how long a COMMIT takes on the stand-in, {COMMIT_MS:g}"
    )
    group.addoption("--warmup", type=int, default=WARM_UP, help=f"calls before the clock starts, {WARM_UP}")
    group.addoption("--max-p99", type=float, metavar="MS", help="fail where the callers' p99 is above")
    group.addoption("--min-rate", type=float, metavar="N", help="fail where fewer calls per second are answered")
    group.addoption("--max-retries", type=int, metavar="N", help="fail where one call needed more")


def pytest_configure(config: pytest.Config) -> None:
    size(config.option)
    # Capturing has not begun: later this descriptor is the only way to a person who watches.
    config.stash[_terminal] = os.dup(1)
    config.add_cleanup(lambda: os.close(config.stash[_terminal]))


def size(options: argparse.Namespace) -> None:
    """Let what the command line does not say be as chapter 4 has it, or chapter 6."""
    for name, usual in (MILLION if options.million else USUAL).items():
        if getattr(options, name) is None:
            setattr(options, name, usual)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Have the storm of chapter 6 made where it is asked for, and no other then."""
    is_storm = collection_path.parent.name == "stress" and collection_path.suffix == ".py"
    return True if is_storm and (collection_path.name == "test_million.py") is not config.option.million else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every worker its share of every storm."""
    if "share" in metafunc.fixturenames:
        limit = pytest.mark.timeout(_limit_s(metafunc.config.option))
        metafunc.parametrize(
            "share",
            [
                pytest.param(share, id=f"share{share}", marks=(limit, pytest.mark.in_turn(f"share{share}")))
                for share in range(workers(metafunc.config))
            ],
        )


def _limit_s(options: argparse.Namespace) -> float:
    """Return how long a storm's test may take."""
    try:
        return AROUND_S + load_of(options).limit_s
    except ValueError:  # the run tells it, if it comes to a storm at all
        return AROUND_S


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with storms, in one order, also where tests are shuffled: in each, every worker waits for all others."""
    storms = sorted((item for item in items if _is_storm(item)), key=_number)
    items[:] = [*storms, *(item for item in items if not _is_storm(item))]


def _is_storm(item: pytest.Item) -> bool:
    return "share" in getattr(item, "fixturenames", ())


def _number(item: pytest.Item) -> tuple[int, ...]:
    """Return what a storm's test has of its parameters: the share, then the scenario."""
    return tuple(item.callspec.indices.values())  # type: ignore[attr-defined]


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    cloud = cloud_of(config)
    if cloud is None or is_worker(config) or not selects(config, "stress"):
        return
    try:
        load = load_of(config.option)
    except ValueError as error:
        raise pytest.UsageError(f"--{error}") from None
    conductor = config.stash[_conductor] = _conduct(config, cloud, load)
    config.add_cleanup(conductor.close)
    tell(config, _KEY, str(conductor.path))


def load_of(options: argparse.Namespace) -> "Load":
    """Read the options; raise ValueError with the name of the one that cannot be."""
    from pytest_dsql.storm.transfers.plan import Load

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
    seed = random.randrange(2**32) if options.seed is None else options.seed
    wanted = {"once": options.exactly_once, "faults": options.faults}
    return Load(calls, options.parallel, options.accounts, seed, options.rate, **wanted)


def _conduct(config: pytest.Config, cloud: "Cloud", load: "Load") -> "Conductor":
    from pytest_dsql.storm.run.conductor import Bounds, Conductor
    from pytest_dsql.storm.transfers import scenario

    bounds = Bounds(config.option.max_p99, config.option.min_rate, config.option.max_retries)
    folder = made(config.option.report) if config.option.report else None
    scenarios = {each.name: bounds.apply(each) for each in (*scenario.ALL, *scenario.CHAPTER_6)}
    screen = Screen(config.stash[_terminal])
    return Conductor(lambda: _stage(config, cloud), scenarios, load, folder, screen, again=again(config, load.seed))


def again(config: pytest.Config, seed: int) -> str:
    """Return the command that makes the same calls as this run."""
    drawn = [] if config.option.seed is not None else [f"--seed={seed}"]
    return shlex.join(["pytest", *config.invocation_params.args, *drawn])


def made(folder: Path) -> Path:
    """Make a folder for reports, where there is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--report: {error}") from None
    return folder


def _stage(config: pytest.Config, cloud: "Cloud") -> "Bank":
    from infra.bank import Bank
    from infra.bundle import build

    return Bank(stack_of(config, cloud), build(cloud.platform), config.option.warmup, config.option.commit_ms / 1000)


class Screen:
    """Shows progress: one line that is overwritten on a terminal, a line now and then elsewhere."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._shown = descriptor, 0.0

    def begin(self, title: str) -> None:
        """Say which storm begins, on a line that stays; pytest's own may not have ended."""
        self._write(f"\nstorm: {title}\n")
        self._shown = 0.0

    def show(self, line: str) -> None:
        """Show how far it is."""
        if os.isatty(self._descriptor):
            self._write(f"\r{line:<100}\r")
        elif time.monotonic() - self._shown >= LIVE_LINES_S:
            self._shown = time.monotonic()
            self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        os.write(self._descriptor, text.encode())


@pytest.fixture
def storm(cloud: "Cloud", pytestconfig: pytest.Config, share: int) -> "Callable[[Scenario], list[str]]":
    """Take part in a storm: make this worker's share of the calls, return what was found wrong with all of them."""
    worker_of = (told(pytestconfig, _KEY), share, workers(pytestconfig))

    def take_part(scenario: "Scenario") -> list[str]:
        from pytest_dsql.storm.run.worker import Worker, take_part

        return take_part(cloud, Worker(*worker_of), scenario, load_of(pytestconfig.option))

    return take_part


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, exitstatus: pytest.ExitCode, config: pytest.Config) -> None:
    conductor = config.stash.get(_conductor, None)
    if conductor is None:
        return
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        conductor.interrupt()
    from pytest_dsql.storm.record.statistics import measure
    from pytest_dsql.storm.report import index, page
    from pytest_dsql.storm.report import text as report

    entries = []
    for result in conductor.results:
        history, statistics = result.history, measure(result.history)
        target, title = history.facts.target, result.scenario.title
        terminalreporter.section(f"storm: {title}")
        terminalreporter.write_line(report.text(history, statistics, result.verdict))
        headline = report.headline(target, statistics, result.verdict)
        entries.append(index.Entry(title, target, headline, result.verdict.passed, statistics, result.folder))
        if config.option.report:
            page.write(result.folder, history, statistics, result.verdict)
            terminalreporter.write_line(f"\nreport: {result.folder / page.PAGE}")
    if config.option.report and entries:
        overview = index.write(config.option.report, entries)
        terminalreporter.write_line(f"\nall storms of this run: {overview}")
