"""Where the integration tests run: on this machine (a stand-in, started for the run) or on AWS."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_dsql.link.folder import private
from tests.fix_layers import selects
from tests.fix_log import stderr_of_the_run
from tests.fix_run import elsewhere, is_worker, tell, told

if TYPE_CHECKING:
    from infra.cloud import Cloud

AWS_TEST_LIMIT_S: Final = 1_800
CONCURRENCY: Final = 1_000
"""Executions at a time that an account has at first (AWS Lambda developer guide, quotas, 2026-10)."""
ROOT: Final = Path(__file__).parent.parent

_cloud = pytest.StashKey["Cloud"]()
_KEY: Final = "target-environment"
_FILES: Final = "files"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("target", "where the integration tests run")
    group.addoption(
        "--target",
        choices=("local", "aws"),
        default=os.environ.get("DSQL_TARGET", "local"),
        help="local: a stand-in on this machine; aws: the account of the environment's credentials "
        "(environment: DSQL_TARGET)",
    )
    group.addoption(
        "--region",
        default=os.environ.get("DSQL_REGION"),
        help="AWS region; on this machine us-east-1 unless said otherwise (environment: DSQL_REGION)",
    )
    group.addoption("--endpoint-url", help="with --target aws: an endpoint to ask in AWS's place, on purpose")
    group.addoption(
        "--stand-in",
        choices=("new", "running"),
        default=os.environ.get("DSQL_STAND_IN", "new"),
        help="new: start one for the run; running: use the one of `python -m infra up` (environment: DSQL_STAND_IN)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep what a shell was told of a running stand-in (`python -m infra env`) from the tests' own servers.

    On AWS, stacks take minutes.
    """
    if config.option.target == "aws" and config.option.timeout is None:
        config.option.timeout = AWS_TEST_LIMIT_S
    if config.option.target == "local":
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    needed = not config.option.collectonly and any(
        selects(config, layer) for layer in ("integration", "clients", "stress")
    )
    if needed and not is_worker(config):
        cloud = config.stash[_cloud] = _reach(config)
        config.add_cleanup(cloud.close)
        tell(config, _KEY, cloud.environment, far=carried(cloud.environment) if elsewhere(config) else None)


def _reach(config: pytest.Config) -> "Cloud":
    """Reach the target once for the run, all workers included; end the run in one line where it cannot be."""
    from infra.cloud import AwsCloud, CloudError
    from infra.stand_in import LocalCloud

    options = config.option
    try:
        if options.target == "aws":
            return AwsCloud(options.region, options.endpoint_url)
        if options.stand_in == "running":
            return LocalCloud.running()
        # As an account's quota is raised on AWS before a storm of so many.
        concurrency = max(CONCURRENCY, options.parallel)
        more = ("--region", options.region or "us-east-1", "--concurrency", str(concurrency))
        with stderr_of_the_run(config) as stderr:
            return LocalCloud.start(*more, stderr=stderr)
    except CloudError as error:
        raise pytest.UsageError(str(error)) from None


def cloud_of(config: pytest.Config) -> "Cloud | None":
    """Return the run's target, None where the run needs none."""
    return config.stash.get(_cloud, None)


def pytest_report_header(config: pytest.Config) -> str | None:
    cloud = cloud_of(config)
    return f"target: {cloud.describe()}" if cloud is not None else None


@pytest.fixture(scope="session")
def cloud(pytestconfig: pytest.Config) -> "Cloud":
    """The target: boto3 clients (``cloud.client("lambda")``) and the variables that reach it."""
    own = cloud_of(pytestconfig)
    if own is None:
        own = pytestconfig.stash[_cloud] = _attached(pytestconfig)
    return own


def _attached(config: pytest.Config) -> "Cloud":
    """Reach the run's target from a worker."""
    from infra.cloud import AwsCloud
    from infra.stand_in import LocalCloud

    environment: dict[str, str] = unpacked(config, told(config, _KEY))
    if config.option.target == "local":
        return LocalCloud(environment)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return AwsCloud(environment["AWS_REGION"], environment.get("AWS_ENDPOINT_URL"))


def carried(environment: dict[str, str]) -> dict[str, Any]:
    """Return variables with what is in the files that they name: certificates, whose folder is this machine's."""
    files = {name: Path(value) for name, value in environment.items() if value.startswith("/")}
    contents = {name: path.read_text() for name, path in files.items() if path.is_file()}
    return {**environment, _FILES: contents}


def unpacked(config: pytest.Config, environment: dict[str, Any]) -> dict[str, str]:
    """Return variables that came with the files that they name, which are put into a folder of this run's."""
    contents = environment.get(_FILES)
    if not contents:
        return environment
    folder = tempfile.TemporaryDirectory(prefix="dsql-files-")
    config.add_cleanup(folder.cleanup)
    named = {name: Path(folder.name) / name for name in contents}
    for name, path in named.items():
        with private(path) as file:
            file.write(contents[name].encode())
    known = {name: value for name, value in environment.items() if name != _FILES}
    return known | {name: str(path) for name, path in named.items()}


@pytest.fixture
def stand_in(cloud: "Cloud") -> "Cloud":
    """The target where it is the stand-in; a test of what it refuses has nothing to do on AWS."""
    if cloud.target != "local":
        pytest.skip("the stand-in's own control plane is on this machine alone")
    return cloud
