"""The storm: its options, its conductor in the run's own process, its workers, its report at the end."""

import os
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_dsql.storm.run.options import OPTIONS, again, folder_of, load_of, size
from pytest_dsql.storm.run.screen import Screen
from pytest_dsql.storm.workers.door import HERE, Door
from tests.fix_layers import selects
from tests.fix_run import elsewhere, is_worker, tell, told, workers
from tests.fix_stack import stack_of
from tests.fix_target import cloud_of

if TYPE_CHECKING:
    from infra.bank import Bank
    from infra.cloud import Cloud
    from pytest_dsql.storm.run.conductor import Conductor
    from pytest_dsql.storm.transfers.plan import Load
    from pytest_dsql.storm.transfers.scenario import Scenario

AROUND_S: Final = 1_200.0
"""What a storm's test takes before the first call and after the last, at most."""

_conductor = pytest.StashKey["Conductor"]()
_terminal = pytest.StashKey[int]()
_KEY: Final = "storm-meet"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("storm", "the storm (-m stress)")
    for option in OPTIONS:
        group.addoption(option.flag, **option.for_argparse())
    group.addoption(
        "--meet",
        default=HERE,
        metavar="HOST[:PORT]",
        help=f"this machine's address, as workers on other machines reach it, {HERE} and a free port",
    )


def pytest_configure(config: pytest.Config) -> None:
    size(config.option)
    # Capturing has not begun: later this descriptor is the only way to a person who watches.
    config.stash[_terminal] = os.dup(1)
    config.add_cleanup(lambda: os.close(config.stash[_terminal]))


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


def _limit_s(options: Namespace) -> float:
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
        conductor = config.stash[_conductor] = _conduct(config, cloud, load_of(config.option))
    except ValueError as error:
        raise pytest.UsageError(f"--{error}") from None
    config.add_cleanup(conductor.close)
    tell(config, _KEY, conductor.where, far=_door(config, conductor) if elsewhere(config) else None)


def _door(config: pytest.Config, conductor: "Conductor") -> dict[str, Any]:
    """Open a door for workers on other machines; return how they find it."""
    host, _, port = config.option.meet.partition(":")
    try:
        return asdict(conductor.open_door(host, int(port or 0)))
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--meet {config.option.meet}: {error}") from None


def _conduct(config: pytest.Config, cloud: "Cloud", load: "Load") -> "Conductor":
    from pytest_dsql.storm.run.conductor import Bounds, Conductor
    from pytest_dsql.storm.transfers import scenario

    scenarios = Bounds.of(config.option).named((*scenario.ALL, *scenario.CHAPTER_6))
    command = again(["pytest", *config.invocation_params.args], config.option, load.seed)
    screen = Screen(config.stash[_terminal])
    return Conductor(lambda: _stage(config, cloud), scenarios, load, folder_of(config.option), screen, again=command)


def _stage(config: pytest.Config, cloud: "Cloud") -> "Bank":
    from infra.bank import Bank
    from infra.bundle import build

    return Bank(stack_of(config, cloud), build(cloud.platform), config.option.warmup, config.option.commit_ms / 1000)


def _where(config: pytest.Config) -> "str | Door":
    """Return where this worker meets the conductor; a door does not show its secret."""
    where = told(config, _KEY)
    return Door(**where) if isinstance(where, dict) else str(where)


@pytest.fixture
def storm(cloud: "Cloud", pytestconfig: pytest.Config, share: int) -> "Callable[[Scenario], list[str]]":
    """Take part in a storm: make this worker's share of the calls, return what was found wrong with all of them."""
    worker_of = (_where(pytestconfig), share, workers(pytestconfig))

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
    from pytest_dsql.storm.run import summary

    for title, text in summary.sections(conductor.results):
        terminalreporter.section(f"storm: {title}")
        terminalreporter.write_line(text)
    if config.option.report:
        for line in summary.pages(conductor.results, config.option.report):
            terminalreporter.write_line(line)
