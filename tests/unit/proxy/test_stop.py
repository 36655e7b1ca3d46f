"""What is held of what clients send: a Query or an Execute, with what leads to it, and nothing else."""

import struct

import pytest

from pytest_dsql.local.cluster.hold import Hold
from pytest_dsql.local.proxy import wire
from pytest_dsql.local.proxy.plan import Plan
from pytest_dsql.local.proxy.stop import Stop
from pytest_dsql.local.proxy.units import Unit

INT2 = struct.pack("!hi", 1, 21)
PARSE = wire.parse(b"", "SELECT $1", INT2)
BIND = wire.message(b"B", b"\0\0" + struct.pack("!hhhih", 1, 1, 1, 2, 7) + b"\0\0")
EXECUTE = wire.message(b"E", b"\0\0\0\0\0")
ROW = wire.message(b"T", struct.pack("!h", 1) + b"id\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0))


class Client:
    """A client's messages at a stop, taken up to where they are held."""

    def __init__(self) -> None:
        self.hold = Hold()
        self.stop = Stop(self.hold, lambda name: (f"prepared {name.decode()}", INT2), self.advance)
        self.pending, self.taken = b"", ""
        self.unit: Unit | None = None

    def send(self, *messages: bytes) -> "Client":
        self.pending += b"".join(messages)
        self.advance()
        return self

    def advance(self) -> None:
        while self.pending and self.stop.passes(self.pending[0], self.pending, 0, self.unit, 1):
            self.taken += chr(self.pending[0])
            self.pending = self.pending[wire.end_of_message(self.pending, 0) :]

    def let_through(self) -> None:
        [(number, held)] = self.hold._held.items()
        self.hold.leave(number)
        held.pass_on()

    @property
    def held(self) -> list[tuple[str, list[str | None]]]:
        return [(held.text, held.parameters) for held in self.hold._held.values()]


@pytest.fixture
def client() -> Client:
    return Client()


def test_a_query_is_a_statement(client: Client) -> None:
    assert client.send(wire.query("BEGIN; SELECT 1")).held == [("BEGIN; SELECT 1", [])]
    client.let_through()
    assert (client.taken, client.held) == ("Q", [])


def test_what_leads_to_an_execute_is_held_with_it(client: Client) -> None:
    assert client.send(PARSE, BIND, EXECUTE, wire.SYNC).held == [("SELECT $1", ["7"])]
    assert client.taken == ""
    client.let_through()
    assert client.taken == "PBES"


def test_preparing_alone_is_no_statement(client: Client) -> None:
    assert client.send(PARSE, wire.SYNC).held == []
    assert client.taken == "PS"


def test_a_prepared_statement_is_told_by_its_text(client: Client) -> None:
    assert client.send(BIND, EXECUTE, wire.SYNC).held == [("prepared ", ["7"])]


def test_who_prepares_and_runs_in_two_steps_is_held_once(client: Client) -> None:
    """As asyncpg does, which asks for a flush between the two."""
    client.send(PARSE, wire.FLUSH).let_through()
    client.send(BIND, EXECUTE, wire.SYNC)
    assert (client.taken, client.held) == ("PHBES", [])


def test_who_only_prepared_is_held_when_the_next_order_begins(client: Client) -> None:
    client.send(PARSE, wire.FLUSH).let_through()
    client.hold.turn(on=True)
    assert len(client.send(wire.query("SELECT 1")).held) == 1


def test_half_a_run_is_not_told_yet(client: Client) -> None:
    assert client.send(PARSE, BIND).held == []
    assert len(client.send(EXECUTE, wire.SYNC).held) == 1


def test_each_execute_of_a_pipeline_is_a_statement(client: Client) -> None:
    client.unit = Unit(simple=False)
    client.send(BIND, EXECUTE, BIND, EXECUTE, wire.SYNC).let_through()
    assert (client.taken, len(client.held)) == ("BE", 1)
    client.let_through()
    assert client.taken == "BEBES"


def test_a_pipelines_next_statement_waits_for_the_answers_to_the_one_before(client: Client) -> None:
    client.unit = Unit(simple=False)
    client.send(BIND, EXECUTE, BIND, EXECUTE, wire.SYNC)
    client.unit.expect(Plan("SELECT 1"))
    client.let_through()
    assert (client.stop.waits, client.held) == (True, [])
    client.unit.replies.clear()
    client.advance()
    assert (client.stop.waits, len(client.held)) == (False, 1)


def test_what_a_failed_pipeline_has_left_is_not_held(client: Client) -> None:
    client.unit = Unit(simple=False, error="22012")
    assert client.send(BIND, EXECUTE, wire.SYNC).held == []
    assert client.taken == "BES"


def test_the_answer_is_heard(client: Client) -> None:
    client.send(wire.query("SELECT 1")).let_through()
    held = client.stop._held
    client.stop.hear(
        ROW + wire.message(b"D", struct.pack("!hi", 1, 4) + struct.pack("!i", 300)) + wire.complete("SELECT 1")
    )
    client.stop.hear(wire.error({"C": "40001", "M": "lost"}))
    assert held
    assert (held.rows, held.tag, held.error) == ([["300"]], "SELECT 1", {"code": "40001", "message": "lost"})


def test_of_many_rows_a_few_are_kept(client: Client) -> None:
    client.send(wire.query("SELECT 1")).let_through()
    client.stop.hear(wire.message(b"D", struct.pack("!hi", 1, 1) + b"1") * 9)
    held = client.stop._held
    assert held
    assert (len(held.rows), held.more) == (5, True)
