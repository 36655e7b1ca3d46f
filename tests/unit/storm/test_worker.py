from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_dsql.storm.run.conductor import Conductor
from pytest_dsql.storm.run.worker import Worker, take_part
from pytest_dsql.storm.workers import tally
from tests.unit.storm.fake_stage import LIMIT_S, LOAD, FakeStage, conduct, scenario


def take(stage: Any, conducted: Conductor, shares: int) -> list[list[str]]:
    """Have as many workers take part; give what each was told."""
    with ThreadPoolExecutor(shares) as threads:
        workers = (Worker(conducted.where, share, shares) for share in range(shares))
        parts = [threads.submit(take_part, stage, each, scenario(), LOAD) for each in workers]
        return [part.result(LIMIT_S) for part in parts]


@pytest.mark.parametrize("shares", [1, 3])
def test_workers_make_the_plan_together(stage: FakeStage, conducted: Conductor, shares: int) -> None:
    assert take(stage, conducted, shares) == [[]] * shares
    (result,) = conducted.results
    planned = [LOAD.transfer(call) for call in range(LOAD.calls)]
    made = [(call.id, call.payer, call.payee, call.amount) for call in result.history.calls]
    assert made == [(at, each.payer_id, each.payee_id, each.amount) for at, each in enumerate(planned)]
    assert {call.worker for call in result.history.calls} == {f"worker{share:02}" for share in range(shares)}
    assert sum(stage.balances.values()) == 1_000


def test_a_worker_without_a_call_hears_the_verdict_too(conducted: Conductor, stage: FakeStage) -> None:
    shares = LOAD.parallel + 1
    assert take(stage, conducted, shares) == [[]] * shares
    (result,) = conducted.results
    assert {call.worker for call in result.history.calls} == {f"worker{share:02}" for share in range(LOAD.parallel)}


def test_only_who_has_a_call_for_boto3_makes_its_client(
    stage: FakeStage, conducted: Conductor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, client = list[str](), stage.client

    def counted(service: str, config: object) -> Any:
        made.append(service)
        return client(service, config)

    monkeypatch.setattr(stage, "client", counted)
    take(stage, conducted, 3)
    assert made == ["lambda"]


def test_a_worker_leaves_no_connection(conducted: Conductor, stage: FakeStage) -> None:
    take(stage, conducted, 1)
    assert stage.endpoint.all_left.wait(LIMIT_S)


def test_all_hear_of_money_that_is_gone(
    stage: FakeStage, conducted: Conductor, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = stage.closing_balances
    monkeypatch.setattr(stage, "closing_balances", lambda: {**honest(), 1: honest()[1] - 1})
    for findings in take(stage, conducted, 2):
        assert [finding.partition(":")[0] for finding in findings] == ["conservation", "reconciliation"]


def test_a_storm_is_held_to_the_conflicts_of_the_one_before(
    stage: FakeStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = stage.invoke

    def losing(asked: dict[str, int]) -> dict[str, Any]:
        said = honest(asked)
        assert isinstance(said, dict)
        return {**said, "retries": 1}

    storms = scenario(), replace(scenario("rare"), rarer_than="quiet")
    with closing(conduct(stage, tmp_path, *storms)) as conducted:
        assert take_part(stage, Worker(conducted.where, 0, 1), storms[0], LOAD) == []
        monkeypatch.setattr(stage, "invoke", losing)
        (finding,) = take_part(stage, Worker(conducted.where, 0, 1), storms[1], LOAD)
    assert finding.startswith("max_conflicts: 40 of 40 calls met a conflict (100.00%), more than 0.00%")


def test_a_worker_that_fails_leaves_an_open_record(
    stage: FakeStage, conducted: Conductor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(tally.Tally, "add", broken)
    with pytest.raises(KeyError, match="no such thing"):
        take(stage, conducted, 1)
    lines = (tmp_path / "quiet" / "worker00.jsonl").read_text().splitlines()
    assert not any("ended" in line for line in lines)
