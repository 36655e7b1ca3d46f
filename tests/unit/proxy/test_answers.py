import struct

import pytest

from pytest_dsql.local.proxy import wire
from pytest_dsql.local.proxy.answers import Answers
from pytest_dsql.local.proxy.plan import Plan
from pytest_dsql.local.proxy.units import Unit

ROW = wire.message(b"D", struct.pack("!hi", 1, 1) + b"x")
DESCRIPTION = wire.message(b"T", struct.pack("!h", 1) + b"a\0" + b"\0" * 18)
FAILURE = wire.error({"S": "ERROR", "C": "40001", "M": "change conflicts with another transaction (OC000)"})
READY = wire.ready(b"I")


@pytest.fixture
def answers() -> Answers:
    return Answers(lambda _, status: wire.ready(status), lambda described: described, lambda _: False, lambda *_: [])


def simple(*plans: Plan) -> Unit:
    unit = Unit(simple=True)
    for plan in plans:
        unit.expect(plan, hidden=plan.hidden)
    return unit


def test_an_answer_is_relayed_as_it_comes(answers: Answers) -> None:
    stream = DESCRIPTION + ROW + wire.complete("SELECT 1") + READY
    assert answers.read(stream, simple(Plan("SELECT 1"))) == stream


def test_an_answer_in_pieces_is_the_same(answers: Answers) -> None:
    stream, unit = DESCRIPTION + ROW + wire.complete("SELECT 1") + READY, simple(Plan("SELECT 1"))
    assert b"".join(answers.read(bytes([byte]), unit) for byte in stream) == stream


def test_a_statement_of_the_proxys_own_is_not_heard_of(answers: Answers) -> None:
    stream = DESCRIPTION + ROW + wire.complete("SELECT 1") + wire.complete("COMMIT") + READY
    unit = simple(Plan("SELECT occ.fail_at_commit()", hidden=True), Plan("COMMIT"))
    assert answers.read(stream, unit) == wire.complete("COMMIT") + READY
    assert unit.committed


def test_hidden_rows_leave_a_tag(answers: Answers) -> None:
    stream = DESCRIPTION + ROW + wire.complete("SELECT 1") + READY
    assert answers.read(stream, simple(Plan("…", hide_rows=True, tag="AWS IAM GRANT"))) == (
        wire.complete("AWS IAM GRANT") + READY
    )


def test_a_rewritten_upsert_reports_an_insert(answers: Answers) -> None:
    stream = DESCRIPTION + ROW + ROW + wire.complete("SELECT 2") + READY
    shown = answers.read(stream, simple(Plan("WITH …", insert_tag=True)))
    assert shown.endswith(wire.complete("INSERT 0 2") + READY)


def test_a_commit_that_fails_takes_the_report_before_it_back(answers: Answers) -> None:
    unit = Unit(simple=False, implicit=True)
    unit.expect(Plan("UPDATE t SET a = 1"))
    assert answers.read(wire.complete("UPDATE 1"), unit) == b""
    shown = answers.read(FAILURE + READY, unit)
    assert b"UPDATE 1" not in shown
    assert b"(OC000)" in shown
    assert unit.failed


def test_a_commit_that_succeeds_lets_the_report_through(answers: Answers) -> None:
    unit = Unit(simple=False, implicit=True)
    unit.expect(Plan("UPDATE t SET a = 1"))
    stream = wire.complete("UPDATE 1") + READY
    assert answers.read(stream, unit) == stream


def test_what_is_run_behind_a_command_keeps_its_report_back(answers: Answers) -> None:
    unit = simple(Plan("EXPLAIN"), Plan("DISCARD PLANS", hidden=True))
    unit.implicit = True
    assert answers.read(wire.complete("EXPLAIN") + wire.complete("DISCARD PLANS"), unit) == b""
    assert answers.read(FAILURE + READY, unit) == FAILURE + READY


def test_an_internal_question_is_answered_to_its_asker_alone(answers: Answers) -> None:
    unit = Unit(simple=True, internal=lambda _rows: None)
    assert answers.read(DESCRIPTION + ROW + wire.complete("SELECT 1"), unit) == b""
    assert unit.rows == [["x"]]


def test_a_notice_for_the_proxy_is_kept_from_the_client() -> None:
    reader = Answers(
        lambda _, status: wire.ready(status),
        lambda described: described,
        lambda fields: fields["C"] == "OCC00",
        lambda *_: [],
    )
    mine, theirs = (wire.message(b"N", wire.error({"C": code})[5:]) for code in ("OCC00", "01000"))
    unit = Unit(simple=False, implicit=True)
    unit.expect(Plan("CALL p()"))
    assert reader.read(theirs + mine + wire.complete("CALL"), unit) == theirs
    assert reader.read(READY, unit) == wire.complete("CALL") + READY
