"""AWS's control plane in this process: moto as the stand-in has it, without clusters behind it."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from infra.stand_in import LocalCloud

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
LIMIT_S: Final = 20
SETTLE_S: Final = 0.1


class Plane:
    """Clusters by name alone."""

    region = REGION

    def __init__(self) -> None:
        self.clusters: set[str] = set()

    async def create_cluster(self, identifier: str) -> Any:
        self.clusters.add(identifier)
        arn = f"arn:aws:dsql:{REGION}:{ACCOUNT}:cluster/{identifier}"
        return SimpleNamespace(host=f"{identifier}.dsql.{REGION}.on.aws", arn=arn)

    def describe(self, identifier: str, *_: object) -> None:
        assert identifier in self.clusters

    async def delete_cluster(self, identifier: str) -> None:
        self.clusters.remove(identifier)


@pytest.fixture(scope="session")
def aws() -> "Iterator[LocalCloud]":
    """A cloud whose control plane works; functions cannot be invoked, clusters cannot be connected to."""
    from infra.stand_in import LocalCloud
    from pytest_dsql.local.aws import patches, services
    from pytest_dsql.local.aws.door.guard import Guard
    from pytest_dsql.local.aws.front import Front
    from pytest_dsql.local.aws.principals import IamPrincipals

    async def no_lambda(_: object) -> Any:
        raise NotImplementedError

    async def serve(ready: Callable[[str], None]) -> None:
        services.connect(Plane(), lambda _: None, asyncio.get_running_loop(), SETTLE_S)  # type: ignore[arg-type]
        front = Front(no_lambda, Guard(IamPrincipals(ACCOUNT), REGION, ACCOUNT))
        await front.start()
        ready(front.url)
        await over.wait()
        await front.close()

    changed = patches.services(REGION)
    key, secret = services.developer(ACCOUNT, REGION)
    loop, over, started = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    url: list[str] = []

    def ready(where: str) -> None:
        url.append(where)
        started.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(ready),), daemon=True)
    thread.start()
    assert started.wait(LIMIT_S)
    yield LocalCloud(
        {
            "AWS_ENDPOINT_URL": url[0],
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
        }
    )
    loop.call_soon_threadsafe(over.set)
    thread.join(LIMIT_S)
    loop.close()
    changed.close()


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    """A zip to deploy; its name is new each time, as new code's is."""
    import zipfile

    path = tmp_path / f"code-{uuid.uuid4().hex}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("transfer/greeting.py", "")
    return path
