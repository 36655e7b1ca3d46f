import random

import pytest

from tests.history_model import START, Model, SessionAnswer, Step, Where, compact, history

ONE = Where(key=1)


def play(*lines: str, rows: dict[int, int] = START) -> list[str]:
    """Take steps written as ``<session> <verb> [key [value]]`` and return what the sessions hear."""
    model, heard = Model(rows), []
    for line in lines:
        session, verb, *numbers = line.split()
        key, value = (*map(int, numbers), 0, 0)[:2]
        where = Where(key=key) if key else Where()
        heard.append(str(model.take(Step(int(session), verb, where, key, value))))
    return heard


def test_second_committer_of_one_row_loses() -> None:
    steps = ("0 begin", "1 begin", "0 update 1 5", "1 update 1 7", "1 select 1", "0 commit", "1 commit", "1 select 1")
    assert play(*steps)[2:] == [
        "UPDATE 1 (1, 15)",
        "UPDATE 1 (1, 17)",
        "SELECT 1 (1, 17)",
        "COMMIT",
        "40001",
        "SELECT 1 (1, 15)",
    ]


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("update 1 5", "update 2 5", True),
        ("update 1 5", "select 1", True),
        ("update 1 5", "delete 1", False),
        ("update 1 5", "for_update 1", False),
        ("for_update 1", "for_update 1", False),
        ("for_update 1", "update 1 5", False),
        ("key_share 1", "update 1 5", True),
        ("key_share 1", "key_share 1", True),
        ("key_share 1", "delete 1", False),
        ("key_share 1", "for_update 1", False),
        ("insert 4 1", "insert 4 2", False),
        ("insert 4 1", "upsert 4 2", False),
        ("insert 4 1", "insert 5 2", True),
        ("delete 1", "delete 1", False),
        ("for_update 9", "insert 9 1", True),
    ],
)
def test_conflicts_in_both_orders(first: str, second: str, both: bool) -> None:
    for one, other in ((first, second), (second, first)):
        heard = play("0 begin", "1 begin", f"0 {one}", f"1 {other}", "0 commit", "1 commit")
        assert heard[-2:] == ["COMMIT", "COMMIT" if both else "40001"]


def test_snapshot_is_taken_by_begin() -> None:
    heard = play("0 begin", "2 update 1 5", "1 begin", "0 select 1", "1 select 1")
    assert heard[-2:] == ["SELECT 1 (1, 10)", "SELECT 1 (1, 15)"]


def test_write_skew_passes() -> None:
    steps = ("0 begin", "1 begin", "0 select", "1 select", "0 update 1 5", "1 update 2 5", "0 commit", "1 commit")
    assert play(*steps)[-2:] == ["COMMIT", "COMMIT"]


def test_visible_duplicate_fails_the_transaction() -> None:
    heard = play("0 begin", "0 insert 1 5", "0 select 1", "0 commit", "0 select 1")
    assert heard == ["BEGIN", "23505", "25P02", "ROLLBACK", "SELECT 1 (1, 10)"]


def test_duplicates_that_are_handled() -> None:
    assert play("0 ignore 1 5", "0 upsert 1 6", "0 ignore 4 7") == [
        "INSERT 0 0",
        "INSERT 0 1 (1, 6)",
        "INSERT 0 1 (4, 7)",
    ]


def test_rollback_and_a_lost_commit_leave_nothing() -> None:
    lost = ("0 begin", "0 delete", "1 update 1 5", "0 commit", "0 begin", "0 delete", "0 rollback", "0 select")
    assert play(*lost)[-1] == "SELECT 3 (1, 15) (2, 20) (3, 30)"


def test_insert_and_delete_of_one_new_key_is_nothing() -> None:
    heard = play("0 begin", "0 insert 4 1", "0 delete 4", "1 insert 4 2", "0 commit")
    assert heard[-1] == "COMMIT"


def test_moved_key() -> None:
    model = Model(START)
    assert model.take(Step(0, "move", ONE, key=2)).sqlstate == "23505"
    assert model.take(Step(0, "move", ONE, key=5)) == SessionAnswer("UPDATE 1", ((5, 10),))
    assert sorted(model.rows) == [2, 3, 5]


def test_histories_are_repeatable_and_written_compactly() -> None:
    one, same = (history(random.Random(7)) for _ in range(2))
    assert one == same
    assert len({step.session for step in one}) >= 2
    assert compact([Step(1, "update", ONE, value=5)], [SessionAnswer("UPDATE 1", ((1, 15),))]) == (
        "s1: UPDATE h SET v = v + 5 WHERE id = 1 RETURNING id, v -> UPDATE 1 (1, 15)"
    )
