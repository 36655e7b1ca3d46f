"""The variables of an execution environment: Lambda's, the function's, and the way to the stand-in; nothing of ours.

Lambda's are those of its developer guide ("Defined runtime environment variables", 2026-11) without X-Ray's. HOME is
not among them: it is there so that no library finds the developer's own ``~/.aws`` or ``~/.pgpass``.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pytest_dsql.local.functions.invoke.account import Function, FunctionAccount, SessionCredentials

HOME: Final = "/home/sbx_user1051"
EXECUTION_ENV: Final = f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that runs: the runtime client changes its ways by it."""


def of_function(
    account: FunctionAccount, function: Function, task_root: Path, runtime: Path, layers: Sequence[Path] = ()
) -> dict[str, str]:
    """Return what is the same in every environment of a function; of its layers the last one comes first."""
    programs, libraries = ([str(layer / name) for layer in layers] for name in ("bin", "lib"))
    return {
        **account.variables(),
        **function.variables,
        "AWS_EXECUTION_ENV": EXECUTION_ENV,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_REGION": account.region,
        "AWS_DEFAULT_REGION": account.region,
        "HOME": HOME,
        "LAMBDA_TASK_ROOT": str(task_root),
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": ":".join([str(task_root), f"{task_root}/lib", *libraries]),
        "PATH": ":".join(["/usr/local/bin", "/usr/bin", "/bin", *programs]),
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }


def of_environment(credentials: SessionCredentials, stream: str, runtime_api: str) -> dict[str, str]:
    """Return what differs from environment to environment."""
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
    }
