"""The data plane alone, with one cluster and one user who may do everything to it."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from infra.local.control import Control
from infra.local.dataplane import DataPlane
from infra.local.folder import owned
from infra.local.iam.principals import Credentials, Principal, Table

ACCOUNT: Final = "123456789012"
EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "dsql:*", "Resource": "*"}],
}


@contextlib.asynccontextmanager
async def standing(port: int, region: str, data: Path | None) -> AsyncIterator[dict[str, str]]:
    """Run a cluster; give the variables that reach it. Raises PostgresUnavailable, OSError."""
    key, secret = "AKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30)
    user = Principal(f"arn:aws:iam::{ACCOUNT}:user/developer", ACCOUNT, (EVERYTHING,))
    principals = Table([Credentials(key, secret, user)])
    with owned("dsql-stand-in-") as folder:
        plane = DataPlane(folder, principals, region, ACCOUNT)
        plane.start(port)
        try:
            cluster = await plane.create_cluster(data=data)
            control = await Control(plane, principals).start(folder / "control")
            yield {
                "CLUSTER_ENDPOINT": cluster.host,
                "DSQL_CONTROL": str(folder / "control"),
                "AWS_ACCESS_KEY_ID": key,
                "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                "PGHOST": cluster.host,
                "PGHOSTADDR": "127.0.0.1",
                "PGPORT": str(plane.port),
                "PGDATABASE": "postgres",
                "PGUSER": "admin",
                "PGSSLMODE": "verify-full",
                "PGSSLROOTCERT": str(plane.authority.path),
            }
            control.close()
        finally:
            await plane.close()
