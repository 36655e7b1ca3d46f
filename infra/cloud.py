"""The seam between the two targets: AWS, and the stand-in on this machine. All that differs is behind it."""

import functools
import os
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from infra.bundle import Platform
from pytest_dsql.link.keys import SigningKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from botocore.config import Config

ELSEWHERE: Final = frozenset({"AWS_ENDPOINT_URL", "DSQL_CONTROL"})
POINTS_ELSEWHERE: Final = (
    "this shell points at a stand-in or at another endpoint than AWS's: unset AWS_ENDPOINT_URL and DSQL_CONTROL, leave "
    "--target aws out, or name the endpoint on purpose with --endpoint-url"
)


class CloudError(Exception):
    """The target cannot be reached; the text says what to do next."""


class Cloud(Protocol):
    """Where a stack lives. ``environment`` holds the standard variables by which any program reaches it."""

    target: str
    region: str
    environment: dict[str, str]
    settle_s: float
    """How long a change of IAM may take to be felt everywhere."""
    passing: bool
    """Whether it was made by this process, and goes with it and all that is in it."""

    def client(self, service: str, config: "Config | None" = None) -> Any:
        """Return a boto3 client: one and the same for a service and a config, for any thread."""
        ...

    def credentials(self) -> SigningKeys:
        """Return keys that are fresh enough to sign with."""
        ...

    @property
    def invoke_url(self) -> str:
        """Where Lambda is asked to invoke a function, without the path."""
        ...

    @property
    def account(self) -> str:
        """The account's number."""
        ...

    @property
    def platform(self) -> Platform:
        """What the function's code must be built for."""
        ...

    def describe(self) -> str:
        """Return in one line what this is: for headers, without a secret."""
        ...

    def paced(self, host: str, commit_s: float) -> AbstractContextManager[str]:
        """Have COMMITs on a cluster take about ``commit_s`` for as long as the block lasts; give it in words."""
        ...

    def conflicts(self, host: str) -> dict[str, int] | None:
        """Return how often a cluster's clients were told 40001, by OC000 and OC001; None where nobody counts."""
        ...

    def close(self) -> None:
        """Give back what was taken to reach it."""
        ...


class Clients:
    """The boto3 clients of a session, each made once: making one takes long, and is not safe from several threads.

    boto3 is imported with the first: a worker of a storm may need none.
    """

    def __init__(self, session: "Callable[[], boto3.Session]", endpoint_url: str | None = None) -> None:
        self._session, self._endpoint_url = functools.cache(session), endpoint_url
        self._lock = threading.Lock()
        self._made: dict[tuple[str, Config | None], Any] = {}

    def client(self, service: str, config: "Config | None" = None) -> Any:
        """Return the client of a service with this very ``config``; equal ones are told apart."""
        with self._lock:
            if (service, config) not in self._made:
                made = self._session().client(service, endpoint_url=self._endpoint_url, config=config or _config())
                self._made[service, config] = made
            return self._made[service, config]


@functools.cache
def _config() -> "Config":
    from botocore.config import Config

    return Config(
        connect_timeout=10,
        read_timeout=120,
        retries={"mode": "standard", "max_attempts": 3},
        max_pool_connections=64,
    )


class AwsCloud:
    """An AWS account, by the credentials of the environment."""

    target = "aws"
    settle_s = 90.0
    passing = False

    def __init__(self, region: str | None = None, endpoint: str | None = None) -> None:
        """Find the credentials, once; raise CloudError where there are none or AWS does not accept them.

        ``endpoint`` is asked in AWS's place, where somebody has named it on purpose: a shell that points elsewhere is
        refused, for what runs there would be taken for a run on AWS.
        """
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        if endpoint is None and not ELSEWHERE.isdisjoint(os.environ):
            raise CloudError(POINTS_ELSEWHERE)
        self._session = session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
        if session.region_name is None:
            raise CloudError("no AWS region: set AWS_REGION or pass --region")
        self.region: str = session.region_name
        self.client = Clients(lambda: session, endpoint).client
        self.environment = _carried() | {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if endpoint is not None:
            self.environment["AWS_ENDPOINT_URL"] = endpoint
        try:
            self.account: str = self.client("sts").get_caller_identity()["Account"]
        except NoCredentialsError:
            raise CloudError("no AWS credentials: sign in (aws configure, aws sso login) or set AWS_PROFILE") from None
        except (BotoCoreError, ClientError) as error:
            raise CloudError(f"AWS does not answer: {error}") from None

    @property
    def invoke_url(self) -> str:
        """The Region's endpoint, or what was named in its place."""
        return str(self.client("lambda").meta.endpoint_url)

    def credentials(self) -> SigningKeys:
        """Return the session's; those that expire are renewed in time."""
        return SigningKeys(*self._session.get_credentials().get_frozen_credentials()[:3])

    def __reduce__(self) -> tuple[type[Self], tuple[str, str | None]]:
        """Pickle how it is reached; credentials are those of the environment there."""
        return type(self), (self.region, self.environment.get("AWS_ENDPOINT_URL"))

    @property
    def platform(self) -> Platform:
        """Amazon Linux on x86_64, with the Python that runs here."""
        return Platform()

    def describe(self) -> str:
        """Return account and region, and the endpoint where it is not AWS's own."""
        url = self.environment.get("AWS_ENDPOINT_URL")
        where = f"not AWS but {url}" if url else "AWS"
        return f"{where}, account {self.account}, region {self.region}"

    def paced(self, host: str, commit_s: float) -> AbstractContextManager[str]:  # noqa: ARG002
        """Do nothing: COMMITs take what they take."""
        return nullcontext("the service's own")

    def conflicts(self, host: str) -> None:
        """Return None: the service counts for nobody."""

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def _carried() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "PG"))}
