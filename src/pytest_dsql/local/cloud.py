"""The whole stand-in in one process: data plane, control plane, Lambda, and the handle for tests."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Mapping
from typing import Final

from pytest_dsql.link.folder import owned
from pytest_dsql.local.aws import patches, services
from pytest_dsql.local.aws.account import MotoAccount
from pytest_dsql.local.aws.door.guard import Guard
from pytest_dsql.local.aws.front import Front
from pytest_dsql.local.aws.principals import IamPrincipals
from pytest_dsql.local.control import Control
from pytest_dsql.local.dataplane import DataPlane
from pytest_dsql.local.functions.invoke.facts import CONCURRENCY
from pytest_dsql.local.functions.invoke.service import Lambda
from pytest_dsql.local.iam.principals import Either, PrincipalTable
from pytest_dsql.local.network import roots
from pytest_dsql.local.reach import ACCOUNT, control, variables

REACH: Final = ("AWS_ENDPOINT_URL", "PGHOSTADDR", "PGPORT", "PGSSLROOTCERT", *roots.VARIABLES)
"""What a function is told beyond what AWS tells it: the way to the stand-in."""


@contextlib.asynccontextmanager
async def standing(  # noqa: PLR0913 - one for each option
    port: int,
    region: str,
    cluster_port: int,
    settle_s: float,
    *,
    strict_catalog: bool = False,
    concurrency: int = CONCURRENCY,
) -> AsyncIterator[dict[str, str]]:
    """Run the stand-in; give the variables that reach it. Raises OSError where a port is taken."""
    with patches.services(region), owned("dsql-stand-in-") as folder:
        extra, environment = PrincipalTable(), dict[str, str]()
        principals = Either(extra, IamPrincipals(ACCOUNT))
        plane = DataPlane(folder, principals, region, ACCOUNT, strict_catalog=strict_catalog)
        account = MotoAccount(ACCOUNT, region, lambda: _reach(environment), concurrency)
        functions = Lambda(account, folder)
        services.connect(plane, functions.forget, asyncio.get_running_loop(), settle_s)
        front = Front(functions.invoke, Guard(principals, region, ACCOUNT))
        async with contextlib.AsyncExitStack() as started:
            plane.start(cluster_port)
            started.push_async_callback(plane.close)
            started.push_async_callback(functions.close)
            loading = await front.start(port)
            started.push_async_callback(front.close)
            # The collector need not look again and again at what stays.
            loading.add_done_callback(lambda _: gc.freeze())
            listening = await Control(plane, extra, account, functions).start(control(folder))
            started.callback(listening.close)
            key, secret = services.developer(ACCOUNT, region)
            environment |= {"AWS_ENDPOINT_URL": front.url, **variables(plane, folder, key, secret)}
            yield environment


def _reach(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in REACH}
