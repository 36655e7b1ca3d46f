"""The data plane alone, with one cluster and one user who may do everything to it."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from pytest_dsql.link.folder import owned
from pytest_dsql.local.control import Control
from pytest_dsql.local.dataplane import DataPlane
from pytest_dsql.local.iam.principals import Credentials, Principal, PrincipalTable
from pytest_dsql.local.reach import ACCOUNT, control, variables

EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "dsql:*", "Resource": "*"}],
}


@contextlib.asynccontextmanager
async def standing(
    port: int, region: str, data: Path | None, beyond: str | None, *, strict_catalog: bool = False
) -> AsyncIterator[dict[str, str]]:
    """Run a cluster; give the variables that reach it. Raises PostgresUnavailable, OSError."""
    key, secret = "AKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30)
    user = Principal(f"arn:aws:iam::{ACCOUNT}:user/developer", ACCOUNT, (EVERYTHING,))
    principals = PrincipalTable([Credentials(key, secret, user)])
    with owned("dsql-stand-in-") as folder:
        plane = DataPlane(folder, principals, region, ACCOUNT, strict_catalog=strict_catalog)
        async with contextlib.AsyncExitStack() as started:
            plane.start(port, beyond)
            started.push_async_callback(plane.close)
            cluster = await plane.create_cluster(data=data)
            listening = await Control(plane, principals).start(control(folder))
            started.callback(listening.close)
            yield {
                **variables(plane, folder, key, secret),
                "CLUSTER_ENDPOINT": cluster.host,
                "PGHOST": cluster.host,
                "PGDATABASE": "postgres",
                "PGUSER": "admin",
            }
