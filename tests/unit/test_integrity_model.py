import pytest

from tests.integrity_model import CHANGES, GRANT, READS, START, Model, Step

ADD, CHANGE, RENAME, MOVE, DROP, ADD_CHILD, CHANGE_CHILD, REFER, DROP_CHILD = CHANGES
PARENTS, CHILDREN, KEY_SHARE, FOR_UPDATE = READS


def play(*steps: Step) -> list[str]:
    """Return what the sessions hear, BEGIN left out."""
    model = Model(START)
    heard = [(step, str(model.take(step))) for step in steps]
    return [said for step, said in heard if step.template != "BEGIN"]


def both(first: Step, second: Step) -> list[str]:
    """Return what two sessions hear that run a statement each and commit, the first one first."""
    begins = [Step(session, "BEGIN") for session in (0, 1)]
    return play(*begins, first, second, Step(0, "COMMIT"), Step(1, "COMMIT"))


def test_a_reference_must_lead_somewhere_and_what_it_leads_to_must_stay() -> None:
    assert play(Step(0, ADD_CHILD, 4, 5, other=4), Step(0, DROP, 1), Step(0, MOVE, 1, to=4)) == ["23503"] * 3
    assert play(Step(0, ADD_CHILD, 4, 5, other=None), Step(0, DROP, 3)) == [
        "INSERT 0 1 (4, None, 5)",
        "DELETE 1 (3, 30, None)",
    ]


def test_a_unique_key_is_taken_once() -> None:
    assert play(Step(0, ADD, 4, 5, other=2), Step(0, RENAME, 1, other=2), Step(0, RENAME, 1, other=1)) == [
        "23505",
        "23505",
        "UPDATE 1 (1, 10, 1)",
    ]


@pytest.mark.parametrize(
    ("first", "second", "second_commits"),
    [
        (Step(0, ADD_CHILD, 4, 5, other=3), Step(1, DROP, 3), False),
        (Step(0, DROP, 3), Step(1, ADD_CHILD, 4, 5, other=3), False),
        (Step(0, ADD_CHILD, 4, 5, other=3), Step(1, CHANGE, 3, 1), True),
        (Step(0, REFER, 3, other=3), Step(1, RENAME, 3, other=4), False),
        (Step(0, ADD_CHILD, 4, 5, other=3), Step(1, KEY_SHARE, 3), True),
        (Step(0, ADD_CHILD, 4, 5, other=3), Step(1, FOR_UPDATE, 3), False),
        (Step(0, ADD, 4, 5, other=3), Step(1, RENAME, 3, other=3), False),
        (Step(0, ADD, 4, 5, other=3), Step(1, RENAME, 3, other=4), True),
    ],
)
def test_conflicts_of_keys_and_references(first: Step, second: Step, second_commits: bool) -> None:
    assert both(first, second)[-2:] == ["COMMIT", "COMMIT" if second_commits else "40001"]


def test_a_body_says_do() -> None:
    assert play(Step(0, CHANGE, 1, 5, body=True), Step(0, PARENTS))[0] == "DO"


def test_a_schema_change_is_news_once() -> None:
    grant, read, begin = Step(1, GRANT), Step(0, PARENTS), Step(0, "BEGIN")
    assert [said[:6] for said in play(grant, read, read)] == ["GRANT", "40001", "SELECT"]
    assert play(begin, read, grant, Step(0, "COMMIT"))[-1] == "40001"
    assert play(begin, grant, Step(0, "COMMIT"))[-1] == "COMMIT"
    assert play(read, Step(0, GRANT), read)[-1].startswith("SELECT")


def test_a_failed_transaction_hears_no_news() -> None:
    failed = (Step(0, "BEGIN"), Step(0, ADD, 1, 5), Step(1, GRANT))
    for end in ("COMMIT", "ROLLBACK"):
        assert play(*failed, Step(0, end), Step(0, PARENTS))[1:] == ["GRANT", "ROLLBACK", "40001"]
