"""The whole stand-in in one process: data plane, control plane, Lambda, and the handle for tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

from infra.local.aws import services
from infra.local.aws.account import MotoAccount
from infra.local.aws.front import Front
from infra.local.aws.principals import IamPrincipals
from infra.local.control import Control
from infra.local.dataplane import DataPlane
from infra.local.folder import owned
from infra.local.functions.service import Lambda
from infra.local.iam.principals import Either, Table

ACCOUNT: Final = "123456789012"
REACH: Final = ("AWS_ENDPOINT_URL", "PGHOSTADDR", "PGPORT", "PGSSLROOTCERT")
"""What a function is told beyond what AWS tells it: the way to the stand-in."""


@contextlib.asynccontextmanager
async def standing(port: int, region: str) -> AsyncIterator[dict[str, str]]:
    """Run the stand-in; give the variables that reach it. Raises OSError where the port is taken."""
    services.extend(region)
    with owned("dsql-stand-in-") as folder:
        extra = Table()
        plane = DataPlane(folder, Either(extra, IamPrincipals(ACCOUNT)), region, ACCOUNT)
        environment: dict[str, str] = {}
        account = MotoAccount(ACCOUNT, region, lambda: _reach(environment))
        functions = Lambda(account, folder)
        services.connect(plane, functions.forget, asyncio.get_running_loop())
        front = Front(functions.invoke)
        plane.start()
        await front.start(port)
        key, secret = services.developer(ACCOUNT, region)
        control = await Control(plane, extra, account).start(folder / "control")
        environment |= {
            "AWS_ENDPOINT_URL": front.url,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "PGHOSTADDR": "127.0.0.1",
            "PGPORT": str(plane.port),
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(plane.authority.path),
            "DSQL_CONTROL": str(folder / "control"),
        }
        try:
            yield environment
        finally:
            control.close()
            await front.close()
            await functions.close()
            await plane.close()


def _reach(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in REACH}
