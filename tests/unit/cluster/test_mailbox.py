"""Answers to a routine in the middle of its statement: one file a session, whole or not at all."""

import json
from pathlib import Path

from pytest_dsql.local.cluster.mailbox import FOLDER, Mailbox, Question


def test_an_answer_bears_the_number_of_its_question(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    for number in ("a", "b"):
        mailbox.answer(7, Question(number, "TABLE t", ("public",)), "TABLE pg_occ_1.t", None)
    letter = json.loads((tmp_path / FOLDER / "7").read_text())
    assert letter == {"n": "b", "sql": "TABLE pg_occ_1.t", "guard": None}
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["7"]


def test_the_server_may_read_it(tmp_path: Path) -> None:
    Mailbox(tmp_path).answer(7, Question("a", "SELECT 1", ()), "SELECT 1", None)
    assert (tmp_path / FOLDER / "7").stat().st_mode & 0o777 == 0o644


def test_a_session_that_ended_leaves_nothing(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.answer(7, Question("a", "SELECT 1", ()), "SELECT 1", None)
    mailbox.close(7)
    mailbox.close(8)
    assert list((tmp_path / FOLDER).iterdir()) == []
