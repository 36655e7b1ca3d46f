"""The declared facts: each with a date, said once, and shown on the page that is made of them."""

import re
from importlib.resources import files

import pytest

from pytest_dsql.local import occ
from pytest_dsql.local.dialect import facts
from tests import fidelity
from tests.known_divergences import KNOWN

DECLARED = [
    (f"{topic.__name__.rpartition('.')[2]}.{name}", fact)
    for topic in facts.TOPICS
    for name, value in vars(topic).items()
    for fact in (value.values() if isinstance(value, dict) else (value,))
    if isinstance(fact, facts.Fact)
]
ENGINE = occ.runtime("errors") + occ.runtime("sizes")


@pytest.mark.parametrize(("name", "fact"), DECLARED, ids=[f"{name}-{n}" for n, (name, _) in enumerate(DECLARED)])
def test_a_fact_has_a_code_a_date_and_a_source(name: str, fact: facts.Fact) -> None:
    assert re.fullmatch(r"[0-9A-Z]{5}", fact.sqlstate)
    assert re.fullmatch(r"20\d\d-\d\d", fact.date)
    assert fact.source


@pytest.mark.parametrize("fact", [facts.ROWS, facts.SIZE, facts.DATA_CONFLICT, facts.KEY_SIZE, facts.ROW_SIZE])
def test_the_engine_says_it_in_the_same_words(fact: facts.Fact) -> None:
    assert f"ERRCODE = '{fact.sqlstate}', MESSAGE = '{fact.message}'" in ENGINE


def test_the_engine_names_the_type_of_a_value_that_is_too_large() -> None:
    fact = facts.VALUE_SIZE
    message = f"MESSAGE = format('{fact.message.format('%s')}', types[n])"
    assert f"ERRCODE = '{fact.sqlstate}', {message}" in re.sub(r"\s+", " ", ENGINE)


def test_an_index_too_many_is_refused_in_the_same_words_when_it_is_asked_for() -> None:
    system = files("pytest_dsql.local.cluster").joinpath("system.sql").read_text()
    assert f"occ.refuse('{facts.TABLE_INDEXES.sqlstate}', '{facts.TABLE_INDEXES.message}'" in system


def test_the_page_is_up_to_date() -> None:
    assert fidelity.PAGE.read_text() == fidelity.page(), "run python -m tests.fidelity --write"


def test_the_page_names_each_recorded_answer_that_differs() -> None:
    page = fidelity.PAGE.read_text()
    assert [name for name in KNOWN if f"| {name} |" not in page] == []
