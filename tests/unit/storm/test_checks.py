"""What was looked at and held is told with its figure; what did not hold is told as a finding alone."""

from dataclasses import replace

from pytest_dsql.storm.record.model import Ledger
from pytest_dsql.storm.record.statistics import measure
from pytest_dsql.storm.record.verdict import Finding, Verdict
from pytest_dsql.storm.report import checks
from tests.unit.storm.bank import busy


def test_each_check_has_its_figure() -> None:
    history = busy().history()
    assert checks.held(history, measure(history), Verdict()) == [
        "10 accounts closed with the 1,000 that they opened with",
        "each of 10 accounts closed with what it had, plus in, minus out",
        "none of 10 closing and 200 answered balances was below zero",
        "the 200 answered balances can be those of a serial order, account by account",
        "4 snapshots, while it ran, each had 1,000 in them",
        "all of 200 planned calls were sent",
        "none of 200 calls was sent or answered twice",
        "all of 200 were answered",
        "all of 200 answers are understood",
        "every worker came to its end (1)",
    ]


def test_the_history_is_told_of_where_there_is_one() -> None:
    history = busy().history()
    history = replace(history, facts=replace(history.facts, history=Ledger(rows=200)))
    held = checks.held(history, measure(history), Verdict())
    assert "the 200 rows of the history are the transfers that were made, one each" in held


def test_an_outcome_that_is_left_open_is_told_beside_the_accounts() -> None:
    history = busy().history()
    held = checks.held(history, measure(history), Verdict(ambiguous=(7,)))
    assert "each of 10 accounts closed with what it had, plus in, minus out, with 1 unknown outcomes left open" in held


def test_what_did_not_hold_is_not_said_to_have_held() -> None:
    history = busy().history()
    held = checks.held(history, measure(history), Verdict((Finding("conservation", "1 lost"),)))
    assert not any("that they opened with" in text for text in held)


def test_a_stand_ins_figures_say_nothing_of_aws() -> None:
    history = busy().history()
    assert "says nothing of AWS" in checks.legend(history)[-1]
    aws = replace(history, facts=replace(history.facts, configuration={"target": "aws"}))
    assert not any("AWS" in text for text in checks.legend(aws))
