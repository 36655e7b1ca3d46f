"""A small Lambda on this machine: each Invoke is answered by a function of the test's."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

from pytest_dsql.link.keys import SigningKeys
from pytest_dsql.storm.run.driver import config
from pytest_dsql.storm.run.invocations import Way

KEYS = SigningKeys("key", "secret", None)
REGION = "us-east-1"
PATH = "/2015-03-31/functions/transfer/invocations"


@dataclass
class Said:
    """A response that is no plain success."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    hang_up: bool = False


def failed(function_error: dict[str, Any]) -> Said:
    return Said(body=json.dumps(function_error).encode(), headers=(("X-Amz-Function-Error", "Unhandled"),))


def refused(code: str, status: int = 429) -> Said:
    return Said(status, b'{"message": "no"}', (("x-amzn-ErrorType", f"{code}:http://internal"),))


class Endpoint(ThreadingHTTPServer):
    """The server; ``answer`` is given an event and its number and returns a payload, or what was Said."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[dict[str, Any], int], dict[str, Any] | Said]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._answer = answer
        self._lock = threading.Lock()
        self.payloads: list[dict[str, Any]] = []
        self.all_left = threading.Event()
        self._connections = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def client(self) -> Any:
        """boto3's client of it."""
        return boto3.Session(*KEYS[:2], region_name=REGION).client("lambda", endpoint_url=self.url, config=config())

    def way(self) -> Way:
        return Way(self.url, "transfer", REGION, lambda: KEYS, read_limit_s=10.0)

    def answered(self, event: dict[str, Any]) -> Said:
        with self._lock:
            self.payloads.append(event)
            number = len(self.payloads) - 1
        said = self._answer(event, number)
        return said if isinstance(said, Said) else Said(body=json.dumps(said).encode())

    def count(self, change: int) -> None:
        with self._lock:
            self._connections += change
            if self._connections:
                self.all_left.clear()
            else:
                self.all_left.set()

    def handle_error(self, *_: object) -> None:
        """Nobody is to hear of clients that hang up."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Endpoint

    def setup(self) -> None:
        super().setup()
        self.server.count(1)

    def finish(self) -> None:
        super().finish()
        self.server.count(-1)

    def do_POST(self) -> None:
        assert self.path == PATH
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = self.server.answered(event)
        if said.hang_up:
            self.close_connection = True
            return
        self.send_response(said.status)
        for name, value in (*said.headers, ("Content-Length", str(len(said.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, *_: object) -> None:
        pass
