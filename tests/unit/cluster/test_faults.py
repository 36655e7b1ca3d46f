import pytest

from pytest_dsql.local.cluster.faults import FaultRules

ACCOUNTS = frozenset({"accounts"})


@pytest.fixture
def faults() -> FaultRules:
    return FaultRules()


def applied(faults: FaultRules, role: str = "myapp", session: int = 1, tables: frozenset[str] = ACCOUNTS) -> int:
    return len(faults.take("commit", role, session, tables))


def test_a_fault_applies_as_often_as_it_says(faults: FaultRules) -> None:
    faults.add(faults.read("a", {"action": "fail", "times": 2}))
    assert [applied(faults) for _ in range(4)] == [1, 1, 0, 0]
    assert faults.remove("a") == 2


def test_a_fault_without_a_number_applies_until_it_is_taken_back(faults: FaultRules) -> None:
    faults.add(faults.read("a", {"action": "delay", "times": None, "seconds": 0.1}))
    assert [applied(faults) for _ in range(3)] == [1, 1, 1]
    faults.remove("a")
    assert applied(faults) == 0


@pytest.mark.parametrize(
    ("narrowed", "times"),
    [
        ({"role": "myapp"}, 1),
        ({"role": "admin"}, 0),
        ({"session": 1}, 1),
        ({"session": 2}, 0),
        ({"table": "accounts"}, 1),
        ({"table": "others"}, 0),
        ({"role": "myapp", "table": "others"}, 0),
    ],
)
def test_a_fault_is_narrowed_by_role_session_and_table(
    faults: FaultRules, narrowed: dict[str, object], times: int
) -> None:
    faults.add(faults.read("a", dict(action="fail", **narrowed)))
    assert applied(faults) == times


def test_a_setting_that_there_is_not_is_named(faults: FaultRules) -> None:
    with pytest.raises(TypeError, match="colour"):
        faults.add(faults.read("a", {"action": "fail", "colour": "red"}))


def test_taking_back_what_is_not_there_is_no_error(faults: FaultRules) -> None:
    assert faults.remove("a") == 0
