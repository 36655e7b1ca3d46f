"""The way to a stand-in, whole or its data plane alone: the account, and the variables that any client understands."""

from pathlib import Path
from typing import Final

from pytest_dsql.link.version import VERSION, version
from pytest_dsql.local.dataplane import DataPlane
from pytest_dsql.local.network import roots

ACCOUNT: Final = "123456789012"


def control(folder: Path) -> Path:
    """Return where the handle for tests listens."""
    return folder / "control"


def variables(plane: DataPlane, folder: Path, key: str, secret: str) -> dict[str, str]:
    """Return what a client needs whose access key is ``key``; the data plane listens already."""
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": plane.region,
        "AWS_DEFAULT_REGION": plane.region,
        "PGHOSTADDR": plane.address,
        "PGPORT": str(plane.port),
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(plane.authority.path),
        **dict.fromkeys(roots.VARIABLES, str(plane.authority.bundle)),
        "DSQL_CONTROL": str(control(folder)),
        VERSION: version(),
    }
