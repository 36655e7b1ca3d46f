"""One endpoint URL for all of AWS: Invoke goes to Lambda's environments, everything else to moto, in this process."""

import asyncio
import io
import re
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pytest_dsql.local.aws.door.guard import Guard
from pytest_dsql.local.http import Request, Response, Server

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

Invoke = Callable[[Request], Awaitable[Response]]

THREADS: Final = 8
_INVOKE: Final = re.compile(r"/2015-03-31/functions/[^/]+/invocations")
_HOP_BY_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})


class Front:
    """The listener on 127.0.0.1. Used by one event loop; ``close`` ends it."""

    def __init__(self, invoke: Invoke, guard: Guard) -> None:
        self._invoke, self._guard = invoke, guard
        self._threads = ThreadPoolExecutor(THREADS, "moto")
        self._server = Server(self._answer)
        self._changed = ExitStack()
        self.port = 0
        self._loading: asyncio.Task[None] | None = None

    async def start(self, port: int = 0) -> asyncio.Task[None]:
        """Listen; return what is done when all is loaded that requests need. Raises OSError where the port is taken.

        moto is got ready meanwhile, and what comes for it waits; then what judges templates.
        """
        self.port = await self._server.listen("127.0.0.1", port)
        self._moto = asyncio.get_running_loop().run_in_executor(self._threads, _moto, self._changed)
        self._loading = asyncio.create_task(self._load())
        await self._server.serve()
        return self._loading

    async def _load(self) -> None:
        await asyncio.shield(self._moto)
        await asyncio.get_running_loop().run_in_executor(self._threads, _rules)

    @property
    def url(self) -> str:
        """The endpoint URL."""
        return f"http://127.0.0.1:{self.port}"

    async def close(self) -> None:
        """End every connection."""
        if self._loading:
            self._loading.cancel()
        await self._server.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._changed.close()

    async def _answer(self, request: Request) -> Response:
        if request.method == "POST" and _INVOKE.fullmatch(request.target.partition("?")[0]):
            return self._guard.refuses_invocation(request) or await self._invoke(request)
        moto = await asyncio.shield(self._moto)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answered, moto, request)

    def _answered(self, application: "WSGIApplication", request: Request) -> Response:
        return self._guard.refuses(request) or _answer_of(application, _environ(request))


def _moto(changed: ExitStack) -> "WSGIApplication":
    """Return moto's web application, with the stand-in's stacks in it until ``changed`` is closed."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from pytest_dsql.local.aws import patches

    changed.enter_context(patches.formation())
    application: WSGIApplication = DomainDispatcherApplication(create_backend_app)
    return application


def _rules() -> None:
    from pytest_dsql.local.aws.formation.templates import lint

    lint.rules()


def _answer_of(application: "WSGIApplication", environ: dict[str, Any]) -> Response:
    from werkzeug.test import run_wsgi_app

    chunks, status, headers = run_wsgi_app(application, environ, buffered=True)
    shown = {name: value for name, value in headers if name.lower() not in _HOP_BY_HOP}
    return Response(int(status.split()[0]), b"".join(chunks), shown)


def _environ(request: Request) -> dict[str, Any]:
    """Return the request as WSGI wants it (PEP 3333)."""
    host, _, port = request.headers.get("host", "").partition(":")
    path, _, query = request.target.partition("?")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    return {
        **headers,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": request.target,
        "REQUEST_URI": request.target,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
