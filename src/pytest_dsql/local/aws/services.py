"""What moto's services stand on, and who may use them. Process-wide, as moto's own state is."""

import asyncio
import json
from collections.abc import Callable
from typing import Final

from moto.iam.models import iam_backends

from pytest_dsql.local.aws.dsql.backend import Clusters
from pytest_dsql.local.aws.functions import Functions
from pytest_dsql.local.aws.names import PARTITION
from pytest_dsql.local.dataplane import DataPlane

DEVELOPER: Final = "developer"
_EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def connect(plane: DataPlane, forget: Callable[[str], None], loop: asyncio.AbstractEventLoop, settle_s: float) -> None:
    """Let clusters be made in ``plane`` and ``forget`` be told of deleted functions (ARNs), both in ``loop``.

    They are on their way for ``settle_s`` at the least, as on AWS they are for longer.
    """
    Clusters.plane, Clusters.loop, Functions.loop = plane, loop, loop
    Clusters.settle_s = Functions.settle_s = settle_s
    Functions.deleted = [lambda arn: loop.call_soon_threadsafe(forget, arn)]


def developer(account: str, region: str) -> tuple[str, str]:
    """Let there be an IAM user who may do everything; return an access key and its secret."""
    iam = iam_backends[account][PARTITION]
    iam.create_user(region, DEVELOPER)
    iam.put_user_policy(DEVELOPER, "Everything", json.dumps(_EVERYTHING))
    key = iam.create_access_key(DEVELOPER)
    return key.access_key_id, key.secret_access_key
