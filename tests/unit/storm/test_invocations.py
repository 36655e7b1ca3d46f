"""Invoke requests by libcurl: what is sent and signed, what comes back, and that nothing is sent twice."""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import trustme
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials as FrozenCredentials

from pytest_dsql.link.keys import SigningKeys
from pytest_dsql.storm.run.driver import by_boto3, config
from pytest_dsql.storm.run.invocations import HttpReply, Invocations, Way
from pytest_dsql.storm.transfers.answer import AnswerKind, meaning, of_reply

LIMIT_S = 10
OK = b"HTTP/1.1 200 OK\r\nX-Amz-Executed-Version: $LATEST\r\nContent-Length: 15\r\n\r\n" + b'{"balance": 90}'
CONTINUE = b"HTTP/1.1 100 Continue\r\nX-Amz-Executed-Version: 1\r\n\r\n"
FAILED = OK.replace(b"X-Amz-Executed-Version: $LATEST", b"X-Amz-Function-Error: Unhandled")
THROTTLED = (
    b"HTTP/1.1 429 Too Many Requests\r\nx-amzn-ErrorType: TooManyRequestsException\r\nContent-Length: 2\r\n\r\n{}"
)
HANG_UP = b"<hang up>"

Connect = Callable[..., "Asked"]


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


@dataclass
class Asked:
    """One request at a time, and its answer."""

    line: Invocations

    def __call__(self, content: bytes = b"{}") -> HttpReply:
        self.line.send("token", content)
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            for token, reply in self.line.wait(LIMIT_S):
                assert token == "token"
                return reply
        raise TimeoutError


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open a line to a URL."""
    with ExitStack() as opened:

        def connect(url: str, read_limit_s: float = LIMIT_S, token: str | None = None) -> Asked:
            keys = SigningKeys("AKIDEXAMPLE", "secret", token)
            way = Way(url, "transfer", "us-east-1", lambda: keys, read_limit_s=read_limit_s)
            return Asked(opened.enter_context(Invocations(way, 4)))

        yield connect


@pytest.fixture
def ask(server: Server, connect: Connect) -> Asked:
    return connect(f"http://127.0.0.1:{server.port}")


def test_the_answer_comes_with_its_token(server: Server, ask: Asked) -> None:
    server.answers.put(OK)
    reply = ask()
    assert (reply.status, reply.header("x-amz-executed-version"), reply.body) == (200, "$LATEST", b'{"balance": 90}')


def test_the_request_is_one_of_aws(server: Server, connect: Connect) -> None:
    server.answers.put(OK)
    connect(f"http://127.0.0.1:{server.port}", token="session")(b'{"amount": 10}')
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().splitlines()
    assert lines[0] == "POST /2015-03-31/functions/transfer/invocations HTTP/1.1"
    assert body == b'{"amount": 10}'
    names = {line.partition(":")[0] for line in lines[1:]}
    assert {"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Host", "User-Agent"} <= names
    assert not names & {"Accept", "Content-Type", "Expect"}


def test_the_signature_is_botocores(server: Server, connect: Connect) -> None:
    server.answers.put(OK)
    connect(f"http://127.0.0.1:{server.port}", token="session")(b'{"amount": 10}')
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
    signed = headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} <= set(signed)
    request = AWSRequest(
        "POST",
        f"http://127.0.0.1:{server.port}/2015-03-31/functions/transfer/invocations",
        data=body,
        headers={name: value for name, value in headers.items() if name.lower() in signed and name != "Host"},
    )
    request.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(FrozenCredentials("AKIDEXAMPLE", "secret", "session"), "lambda", "us-east-1")
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert headers["Authorization"].endswith(f"Signature={signature}")


def test_what_comes_before_the_answer_is_not_the_answer(server: Server, ask: Asked) -> None:
    server.answers.put(CONTINUE + FAILED)
    reply = ask()
    assert reply.header("X-Amz-Function-Error") == "Unhandled"
    assert reply.header("X-Amz-Executed-Version") is None


def test_a_connection_is_kept(server: Server, ask: Asked) -> None:
    for _ in range(3):
        server.answers.put(OK)
        ask()
    assert (len(server.requests), server.connections) == (3, 1)


def test_connections_end_with_the_line(server: Server, ask: Asked) -> None:
    server.answers.put(OK)
    ask()
    ask.line.close()
    assert server.hung_up.wait(LIMIT_S)


def test_nothing_is_sent_twice(server: Server, ask: Asked) -> None:
    """Where the connection ends without an answer, nobody knows whether the transfer was made."""
    server.answers.put(OK)
    ask(b'"first"')
    server.answers.put(HANG_UP)
    assert ask(b'"second"').error == "ConnectionClosedError"
    server.answers.put(OK)
    ask(b'"third"')
    assert [request.rpartition(b"\r\n")[2] for request in server.requests] == [b'"first"', b'"second"', b'"third"']


@pytest.mark.parametrize("said", [HANG_UP, OK[:-3] + HANG_UP], ids=["nothing", "a half"])
def test_an_answer_that_breaks_off(server: Server, ask: Asked, said: bytes) -> None:
    server.answers.put(said)
    assert ask().error == "ConnectionClosedError"


def test_an_answer_that_does_not_come(server: Server, connect: Connect) -> None:
    assert connect(f"http://127.0.0.1:{server.port}", read_limit_s=0.2)().error == "ReadTimeoutError"
    server.answers.put(HANG_UP)


def test_nobody_there(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert connect(f"http://127.0.0.1:{port}")().error == "EndpointConnectionError"


def test_a_wait_ends_when_somebody_says_so(ask: Asked) -> None:
    threading.Timer(0.05, ask.line.wake).start()
    began = time.monotonic()
    assert ask.line.wait(LIMIT_S) == []
    assert time.monotonic() - began < LIMIT_S / 2


SAME = {
    "success": OK,
    "function error": FAILED,
    "throttled": THROTTLED,
    "service error": THROTTLED.replace(b"429 Too Many Requests", b"500 Oops").replace(b"TooManyRequests", b"Service"),
    "not json": OK.replace(b'{"balance": 90}', b"not json at all"),
    "nothing": HANG_UP,
}


@pytest.mark.parametrize("what", SAME)
def test_an_answer_is_what_boto3_makes_of_it(server: Server, ask: Asked, what: str) -> None:
    server.answers.put(SAME[what])
    said = of_reply(ask(b"{}"))
    server.answers.put(SAME[what])
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")
    client = session.client("lambda", endpoint_url=f"http://127.0.0.1:{server.port}", config=config())
    theirs = by_boto3(client, "transfer", b"{}")
    assert (said.kind, meaning(said).outcome, meaning(said).code) == (
        theirs.kind,
        meaning(theirs).outcome,
        meaning(theirs).code,
    )
    # The words of an error of the client are of no consequence.
    assert said.kind is AnswerKind.CLIENT_ERROR or said == theirs


@pytest.fixture
def secure(start: Callable[..., Server], tmp_path: Path) -> tuple[Server, Path]:
    """A server with a certificate for 127.0.0.1, and the authority that it is from."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return start(context), tmp_path / "ca.pem"


def test_a_stranger_is_not_trusted(secure: tuple[Server, Path], connect: Connect) -> None:
    server, _ = secure
    assert connect(f"https://127.0.0.1:{server.port}")().error == "SSLError"
    assert server.requests == []


def test_an_authority_may_be_named(
    secure: tuple[Server, Path], connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, authority = secure
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority))
    server.answers.put(OK)
    assert connect(f"https://127.0.0.1:{server.port}")().status == 200
