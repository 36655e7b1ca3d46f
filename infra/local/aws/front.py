"""One endpoint URL for all of AWS: Invoke goes to Lambda's environments, everything else to moto, in this process."""

import asyncio
import io
import re
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from aiohttp import web

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

Invoke = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

THREADS: Final = 8
_INVOKE: Final = re.compile(r"/2015-03-31/functions/[^/]+/invocations")
_HOP_BY_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})


class Front:
    """The listener on 127.0.0.1. Used by one event loop; ``close`` ends it."""

    def __init__(self, invoke: Invoke) -> None:
        self._invoke = invoke
        self._threads = ThreadPoolExecutor(THREADS, "moto")
        self._server = web.Server(self._answer, access_log=None)
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen; raise OSError where the port is taken. moto is got ready meanwhile, and what comes for it waits."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._server, "127.0.0.1", port, backlog=1024, start_serving=False)
        self._moto = loop.run_in_executor(self._threads, _moto)
        await self._listener.start_serving()
        self.port = self._listener.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The endpoint URL."""
        return f"http://127.0.0.1:{self.port}"

    async def close(self) -> None:
        """End every connection."""
        self._listener.close()
        self._server.pre_shutdown()
        await self._server.shutdown(1.0)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        if request.method == "POST" and _INVOKE.fullmatch(request.rel_url.raw_path):
            return await self._invoke(request)
        environ = _environ(request, await request.content.read())
        moto = await asyncio.shield(self._moto)
        return await asyncio.get_running_loop().run_in_executor(self._threads, _answer_of, moto, environ)


def _moto() -> "WSGIApplication":
    from infra.local.aws.app import application

    return application


def _answer_of(application: "WSGIApplication", environ: dict[str, Any]) -> web.Response:
    from werkzeug.test import run_wsgi_app

    chunks, status, headers = run_wsgi_app(application, environ, buffered=True)
    answer = web.Response(status=int(status.split()[0]), body=b"".join(chunks))
    for name, value in headers:
        if name.lower() not in _HOP_BY_HOP:
            answer.headers[name] = value
    return answer


def _environ(request: web.BaseRequest, body: bytes) -> dict[str, Any]:
    """Return the request as WSGI wants it (PEP 3333)."""
    host, _, port = request.host.partition(":")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    return {
        **headers,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(request.rel_url.raw_path, "latin-1"),
        "QUERY_STRING": request.rel_url.raw_query_string,
        "RAW_URI": request.raw_path,
        "REQUEST_URI": request.raw_path,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
