from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from pytest_dsql.storm.transfers.plan import HOT_ACCOUNTS, HOT_SHARE, LARGEST, PAIRS, PATIENCE_S, Load, Shape

LOAD = Load(calls=2_000, parallel=100, accounts=1_000, seed=7)
SHARES = (1, 2, 3, 4, 32)


def drawn(shape: Shape, **changes: Any) -> list[tuple[int, int, int]]:
    """Payer, payee and amount of every call."""
    load = replace(LOAD, shape=shape, **changes)
    return [(each.payer_id, each.payee_id, each.amount) for each in map(load.transfer, range(load.calls))]


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize("parallel", [1, 3, 100])
def test_any_number_of_workers_makes_the_same_calls_once(shares: int, parallel: int) -> None:
    load = replace(LOAD, parallel=parallel)
    alone = list(load.share(0, 1))
    together = [call for share in range(shares) for call in load.share(share, shares)]
    assert [number for number, _ in alone] == list(range(LOAD.calls))
    assert sorted(together, key=lambda call: call[0]) == alone


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize("parallel", [1, 3, 100])
def test_threads_add_up(shares: int, parallel: int) -> None:
    load = replace(LOAD, parallel=parallel)
    threads = [load.threads(share, shares) for share in range(shares)]
    assert sum(threads) == parallel
    assert max(threads) - min(threads) <= 1


def test_workers_beyond_the_parallel_calls_make_none() -> None:
    few = replace(LOAD, parallel=2, calls=5)
    assert [few.threads(share, 4) for share in range(4)] == [1, 1, 0, 0]
    assert [[call for call, _ in few.share(share, 4)] for share in range(4)] == [[0, 2, 4], [1, 3], [], []]


def test_a_seed_decides_the_transfers() -> None:
    assert drawn(Shape.UNIFORM) == drawn(Shape.UNIFORM)
    assert drawn(Shape.UNIFORM) != drawn(Shape.UNIFORM, seed=8)


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("accounts", [2, 3, 1_000])
def test_two_accounts_that_are_there(shape: Shape, accounts: int) -> None:
    for payer, payee, amount in drawn(shape, accounts=accounts, calls=300):
        assert payer != payee
        assert 1 <= min(payer, payee) <= max(payer, payee) <= accounts
        assert 1 <= amount <= LARGEST


def test_uniform_calls_move_one_at_a_time_between_all_accounts() -> None:
    calls = drawn(Shape.UNIFORM)
    assert {amount for *_, amount in calls} == {1}
    assert len({party for *parties, _ in calls for party in parties}) > 900


def test_hot_calls_go_to_few_accounts() -> None:
    last = LOAD.accounts // HOT_ACCOUNTS
    hot = sum(max(payer, payee) <= last for payer, payee, _ in drawn(Shape.HOT))
    assert hot / LOAD.calls == pytest.approx(HOT_SHARE, abs=0.04)


def test_pairs_pay_in_both_directions() -> None:
    ways = Counter((payer, payee) for payer, payee, _ in drawn(Shape.PAIRS))
    assert len(ways) == 2 * PAIRS
    assert {(payee, payer) for payer, payee in ways} == ways.keys()


def test_some_poor_payers_cannot_pay() -> None:
    amounts = [amount for *_, amount in drawn(Shape.POOR)]
    assert (min(amounts), max(amounts)) == (1, LARGEST)


def test_a_rate_gives_each_call_its_moment() -> None:
    assert [replace(LOAD, rate=4.0).due(call) for call in range(3)] == [0.0, 0.25, 0.5]
    assert LOAD.due(1) is None


@pytest.mark.parametrize(
    ("name", "value"), [("calls", 0), ("parallel", 0), ("accounts", 1), ("rate", 0.0), ("rate", -1.0)]
)
def test_a_value_that_cannot_be_names_its_field(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: must be .*not {value}$"):
        replace(LOAD, **{name: value})


@pytest.mark.parametrize(
    ("calls", "rate", "limit_s"),
    [(10_000, None, PATIENCE_S), (1_000_000, None, 20_000), (720_000, 100.0, 21_600), (60, 1.0, PATIENCE_S)],
    ids=["a small one", "many calls", "two hours", "a minute"],
)
def test_a_long_storm_may_take_long(calls: int, rate: float | None, limit_s: float) -> None:
    assert Load(calls, parallel=1, accounts=2, seed=0, rate=rate).limit_s == limit_s


def test_ids_are_a_seeds_own_and_change_nothing_else() -> None:
    plain = Load(calls=50, parallel=1, accounts=10, seed=1)
    once = [replace(plain, once=True).transfer(call) for call in range(50)]
    assert once == [replace(plain, once=True).transfer(call) for call in range(50)]
    assert [each._replace(transfer_id=None) for each in once] == [plain.transfer(call) for call in range(50)]
    assert len({each.transfer_id for each in once}) == 50
