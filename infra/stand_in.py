"""The stand-in as a target: start one, or attach to one that runs."""

import contextlib
import functools
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from infra.bundle import Platform
from infra.cloud import Clients, CloudError
from pytest_dsql.link import process
from pytest_dsql.link.keys import SigningKeys
from pytest_dsql.link.process import StandInError
from pytest_dsql.link.state import State

if TYPE_CHECKING:
    import subprocess

    import boto3

    from pytest_dsql.link.handle import Handle

ROOT: Final = Path(__file__).parent.parent
STATE: Final = State(Path(os.environ.get("DSQL_STATE_DIR", ROOT / ".stand-in")) / "state.json")
NOT_RUNNING: Final = "no stand-in is running; start one with: python -m infra up --detach"


class LocalCloud:
    """The stand-in, by the variables that reach it; where it was started here it ends with ``close``."""

    target = "local"
    settle_s = 5.0

    def __init__(self, environment: dict[str, str], started: "subprocess.Popen[str] | None" = None) -> None:
        self.environment, self._process = environment, started
        self.passing = started is not None
        self.region = environment["AWS_REGION"]
        self._keys = SigningKeys(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], None)
        self.invoke_url = environment["AWS_ENDPOINT_URL"]
        self.client = Clients(self._session, self.invoke_url).client

    def _session(self) -> "boto3.Session":
        import boto3

        return boto3.Session(*self._keys, region_name=self.region)

    def credentials(self) -> SigningKeys:
        """Return the keys; they do not expire."""
        return self._keys

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, str]]]:
        """Pickle how it is reached: another process has it, and does not end it."""
        return type(self), (self.environment,)

    @classmethod
    def start(cls, *options: str, stderr: BinaryIO | None = None) -> Self:
        """Start a stand-in that ends with this process, however that ends; raise CloudError.

        What it has to complain of goes to ``stderr``, else to ours.
        """
        try:
            started, environment = process.launch("cloud", *options, stderr=stderr)
        except StandInError as error:
            raise CloudError(str(error)) from None
        return cls(environment, started)

    @classmethod
    def running(cls, state: State = STATE) -> Self:
        """Attach to the one that ``python -m infra up`` started; raise CloudError where there is none."""
        known = state.read()
        if known is None:
            raise CloudError(NOT_RUNNING)
        return cls(known["environment"])

    @functools.cached_property
    def account(self) -> str:
        """The stand-in's one account."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def platform(self) -> Platform:
        """This machine."""
        machine = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
        return Platform(machine=machine, local=True)

    def describe(self) -> str:
        """Return where it listens."""
        return f"stand-in on this machine, {self.environment['AWS_ENDPOINT_URL']}, region {self.region}"

    def handle(self, host: str) -> "Handle":
        """Return the handle of the cluster whose endpoint is ``host``."""
        from pytest_dsql.link.handle import Handle

        return Handle.of(self.environment, host)

    @contextlib.contextmanager
    def paced(self, host: str, commit_s: float) -> Iterator[str]:
        """Delay every COMMIT: PostgreSQL on this machine commits in a fraction of what a Region-wide service takes."""
        with self.handle(host).fault("delay", seconds=commit_s, times=None):
            yield f"delayed by {commit_s * 1000:g} ms, to imitate the service's"

    def conflicts(self, host: str) -> dict[str, int]:
        """Return how often a cluster's clients were told 40001, as seen at the wire."""
        return self.handle(host).conflicts()

    def close(self) -> None:
        """End the stand-in where it was started here."""
        if self._process is not None:
            process.end(self._process)
            self._process = None
