"""Lambda's stand-in for a test: an account in memory, an endpoint on this machine, and boto3 that calls it."""

import asyncio
import base64
import hashlib
import io
import json
import textwrap
import threading
import uuid
import zipfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import boto3
import uvloop
from botocore.config import Config

from pytest_dsql.local.functions.invoke.account import Code, Function, SessionCredentials
from pytest_dsql.local.functions.invoke.errors import FunctionNotFound
from pytest_dsql.local.functions.invoke.service import Lambda
from pytest_dsql.local.http import Server

WAIT_S: Final = 20.0
ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:"
ECHO: Final = "def handler(event, context): return event"


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@dataclass
class Here:
    """An account in memory."""

    region: str = "us-east-1"
    account: str = "123456789012"
    concurrency: int = 1000
    functions: dict[str, Function] = field(default_factory=dict)
    logs: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=dict)
    written: threading.Condition = field(default_factory=threading.Condition)
    credentials_s: float = 3600

    def function(self, reference: str, qualifier: str | None) -> Function:
        name = reference.rpartition(":")[2]
        if name not in self.functions or qualifier not in {None, "$LATEST", "live"}:
            raise FunctionNotFound(f"{ARN}{name}" + (f":{qualifier}" if qualifier else ""))
        return self.functions[name]

    def credentials(self, role: str, session: str) -> SessionCredentials:
        expires = datetime.now(UTC) + timedelta(seconds=self.credentials_s)
        return SessionCredentials("ASIA" + uuid.uuid4().hex[:16].upper(), "secret", f"{role}/{session}", expires)

    def write_logs(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        with self.written:
            self.logs.setdefault((group, stream), []).extend(events)
            self.written.notify_all()

    def variables(self) -> Mapping[str, str]:
        return {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}

    def deploy(self, files: str | Mapping[str, str | bytes] = ECHO, name: str = "it", **configured: Any) -> None:
        """Create or replace a function; a string is ``app.py``."""
        code = zipped({"app.py": textwrap.dedent(files)} if isinstance(files, str) else files)
        values: dict[str, Any] = {"handler": "app.handler", "timeout_s": 10, "variables": {}, "reserved": None}
        self.functions[name] = Function(
            name=name,
            arn=f"{ARN}{name}",
            version="$LATEST",
            runtime="python3.13",
            role="arn:aws:iam::123456789012:role/it",
            memory_mb=128,
            code=coded(code),
            revision=str(uuid.uuid4()),
            log_group=f"/aws/lambda/{name}",
            **values | configured,
        )

    def configure(self, name: str = "it", **changed: Any) -> None:
        """Change a function's configuration."""
        self.functions[name] = replace(self.functions[name], revision=str(uuid.uuid4()), **changed)

    def wait_for_line(self, text: str) -> list[str]:
        """Return all lines, once one of them has ``text`` in it."""
        with self.written:
            assert self.written.wait_for(lambda: any(text in line for line in self.lines()), WAIT_S), self.lines()
            return self.lines()

    def lines(self) -> list[str]:
        return [text for events in self.logs.values() for _, text in events]


def coded(code: bytes) -> Code:
    return Code(code, base64.b64encode(hashlib.sha256(code).digest()).decode())


@dataclass
class InvokeAnswer:
    """What boto3 returned."""

    status: int
    payload: bytes
    error: str | None
    version: str | None
    log: str
    headers: dict[str, str]

    @property
    def value(self) -> Any:
        return json.loads(self.payload)


class Endpoint:
    """Lambda on a loop of its own, in a thread, behind a server of its own."""

    def __init__(self, account: Here, folder: Path, *, new_loop: Callable[[], Any] | None = None) -> None:
        self.account, self.folder = account, folder
        self.failures: list[dict[str, Any]] = []
        self.loop: asyncio.AbstractEventLoop = (new_loop or uvloop.new_event_loop)()
        self.loop.set_exception_handler(lambda _, context: self.failures.append(context))
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_S)

    async def start(self, **options: Any) -> int:
        self.service = Lambda(self.account, self.folder, **options)
        self._server = Server(self.service.invoke)
        port = await self._server.listen("127.0.0.1", 0)
        await self._server.serve()
        return port

    def stop(self) -> None:
        if self._thread.is_alive():
            self.run(self._stop())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(WAIT_S)
            self.loop.close()

    async def _stop(self) -> None:
        await self.service.close()
        await self._server.close()


class Functions:
    """What a test does with functions."""

    def __init__(self, endpoint: Endpoint, port: int) -> None:
        self.endpoint, self.account = endpoint, endpoint.account
        self.deploy, self.configure = self.account.deploy, self.account.configure
        self.client = boto3.client(
            "lambda",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=WAIT_S, max_pool_connections=50),
        )

    def kill(self, name: str, number: int, cause: str = "killed") -> int:
        """Kill so many environments at most; return how many there were."""

        async def kill() -> int:
            return self.endpoint.service.kill(name, number, cause)

        return int(self.endpoint.run(kill()))

    def disturb(self, action: str | None, times: int = 1, seconds: float = 0.0) -> int:
        """Have the next callers disturbed; return how often what was in force was applied."""

        async def disturb() -> int:
            return self.endpoint.service.disturb("it", action, times, seconds)

        return int(self.endpoint.run(disturb()))

    def invoke(self, payload: Any = None, name: str = "it", **options: Any) -> InvokeAnswer:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        answer = self.client.invoke(FunctionName=name, Payload=body, **options)
        with answer["Payload"] as stream:
            content = stream.read()
        return InvokeAnswer(
            status=answer["StatusCode"],
            payload=content,
            error=answer.get("FunctionError"),
            version=answer.get("ExecutedVersion"),
            log=base64.b64decode(answer.get("LogResult", "")).decode(),
            headers=answer["ResponseMetadata"]["HTTPHeaders"],
        )
