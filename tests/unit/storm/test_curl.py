"""boto3's requests by libcurl: what boto3 makes of the answer, what it raises, and that nothing is sent twice."""

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
import trustme
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from storm.curl import speed_up

LIMIT_S = 10
OK = b"HTTP/1.1 200 OK\r\nX-Amz-Executed-Version: $LATEST\r\nContent-Length: 15\r\n\r\n" + b'{"balance": 90}'
CONTINUE = b"HTTP/1.1 100 Continue\r\nX-Amz-Executed-Version: 1\r\n\r\n"
FAILED = OK.replace(b"X-Amz-Executed-Version: $LATEST", b"X-Amz-Function-Error: Unhandled")
THROTTLED = (
    b"HTTP/1.1 429 Too Many Requests\r\nx-amzn-ErrorType: TooManyRequestsException\r\nContent-Length: 2\r\n\r\n{}"
)
HANG_UP = b"<hang up>"

Lambda = Callable[..., Any]


class Server:
    """Answers one request after the other with what it is given; ``HANG_UP`` closes the connection."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.requests: list[bytes] = []
        self.connections = 0
        self.hung_up = threading.Event()
        """Set when a connection has ended."""
        self._context = context
        self._connection: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._connection = connection
            with suppress(OSError), closing(connection):
                connection.settimeout(LIMIT_S)
                self._serve(self._context.wrap_socket(connection, server_side=True) if self._context else connection)
            self.hung_up.set()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                head = line
                while (line := stream.readline()) != b"\r\n":
                    head += line
                length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                self.requests.append(head + b"\r\n" + stream.read(length))
                answer, hang_up, _ = self.answers.get(timeout=LIMIT_S).partition(HANG_UP)
                connection.sendall(answer)
                if hang_up:
                    return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._connection:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(LIMIT_S)


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start a server."""
    started: list[Server] = []

    def start(context: ssl.SSLContext | None = None) -> Server:
        started.append(Server(context))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    return start()


@pytest.fixture
def connect() -> Lambda:
    """Make boto3's client for Lambda."""

    def connect(url: str, read_timeout: float = LIMIT_S) -> Any:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout)
        client = boto3.Session("key", "secret", region_name="us-east-1").client(
            "lambda", endpoint_url=url, config=config
        )
        speed_up(client)
        return client

    return connect


@pytest.fixture
def client(server: Server, connect: Lambda) -> Any:
    return connect(f"http://127.0.0.1:{server.port}")


def invoke(client: Any, payload: str = "{}") -> Any:
    return client.invoke(FunctionName="transfer", Payload=payload)


def test_the_answer_is_boto3s(server: Server, client: Any) -> None:
    server.answers.put(OK)
    answer = invoke(client)
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["Payload"].read() == b'{"balance": 90}'


def test_the_request_is_boto3s(server: Server, client: Any) -> None:
    server.answers.put(OK)
    invoke(client, '{"amount": 10}')
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().splitlines()
    assert lines[0] == "POST /2015-03-31/functions/transfer/invocations HTTP/1.1"
    assert body == b'{"amount": 10}'
    names = {line.partition(":")[0] for line in lines[1:]}
    assert {"Authorization", "X-Amz-Date", "Host", "User-Agent"} <= names
    assert not names & {"Accept", "Content-Type", "Expect"}


def test_what_comes_before_the_answer_is_not_the_answer(server: Server, client: Any) -> None:
    server.answers.put(CONTINUE + FAILED)
    answer = invoke(client)
    assert answer["FunctionError"] == "Unhandled"
    assert "ExecutedVersion" not in answer


def test_a_thread_keeps_its_connection(server: Server, client: Any) -> None:
    for _ in range(3):
        server.answers.put(OK)
        invoke(client)
    assert (len(server.requests), server.connections) == (3, 1)


def test_a_threads_connection_ends_with_it(server: Server, client: Any) -> None:
    server.answers.put(OK)
    thread = threading.Thread(target=invoke, args=(client,))
    thread.start()
    thread.join(LIMIT_S)
    assert server.hung_up.wait(LIMIT_S)


def test_an_error_of_the_service_is_boto3s(server: Server, client: Any) -> None:
    server.answers.put(THROTTLED)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        invoke(client)


def test_nothing_is_sent_twice(server: Server, client: Any) -> None:
    """Where the connection ends without an answer, nobody knows whether the transfer was made."""
    server.answers.put(OK)
    invoke(client, '"first"')
    server.answers.put(HANG_UP)
    with pytest.raises(ConnectionClosedError):
        invoke(client, '"second"')
    server.answers.put(OK)
    invoke(client, '"third"')
    assert [request.rpartition(b"\r\n")[2] for request in server.requests] == [b'"first"', b'"second"', b'"third"']


def test_a_first_request_without_an_answer(server: Server, client: Any) -> None:
    server.answers.put(HANG_UP)
    with pytest.raises(ConnectionClosedError):
        invoke(client)


def test_half_an_answer_is_none(server: Server, client: Any) -> None:
    server.answers.put(OK[:-3] + HANG_UP)
    with pytest.raises(ConnectionClosedError):
        invoke(client)


def test_an_answer_that_does_not_come(server: Server, connect: Lambda) -> None:
    with pytest.raises(ReadTimeoutError):
        invoke(connect(f"http://127.0.0.1:{server.port}", read_timeout=0.2))
    server.answers.put(HANG_UP)


def test_nobody_there(connect: Lambda) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(EndpointConnectionError):
        invoke(connect(f"http://127.0.0.1:{port}"))


@pytest.fixture
def secure(start: Callable[..., Server], tmp_path: Path) -> tuple[Server, Path]:
    """A server with a certificate for 127.0.0.1, and the authority that it is from."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return start(context), tmp_path / "ca.pem"


def test_a_stranger_is_not_trusted(secure: tuple[Server, Path], connect: Lambda) -> None:
    server, _ = secure
    with pytest.raises(SSLError):
        invoke(connect(f"https://127.0.0.1:{server.port}"))
    assert server.requests == []


def test_an_authority_may_be_named(
    secure: tuple[Server, Path], connect: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, authority = secure
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority))
    server.answers.put(OK)
    assert invoke(connect(f"https://127.0.0.1:{server.port}"))["StatusCode"] == 200
