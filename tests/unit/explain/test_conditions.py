"""What storage evaluates of a condition, and what it does not."""

import pytest

from pytest_dsql.local.explain.conditions import Split, conjuncts, split
from pytest_dsql.local.explain.names import quoted, references, unqualified

TYPES = {"a": "integer", "b": "text", "n": "numeric(18,6)", "ok": "boolean", '"Odd"': "integer"}


@pytest.mark.parametrize(
    "condition",
    ["(a = 1)", "(a < '-1'::integer)", "(b = 'x AND y'::text)", "((b)::text <> 'it''s'::text)", "(a IS NOT NULL)",
     "ok", "(NOT ok)", '("Odd" >= 3)', "((a = 1) AND (b = 'x'::text))"],
)  # fmt: skip
def test_storage_evaluates(condition: str) -> None:
    assert split(condition, TYPES) == Split(condition, None)


@pytest.mark.parametrize(
    "condition",
    ["(b ~~ '%x%'::text)", "(n > '5'::numeric)", "(n > 5)", "(ROW(a, b) > ROW(1, 'x'::text))", "(a = other.a)",
     "((a = 1) OR (a = 2))", "(f(a) = 1)", "(NOT (SubPlan 1))", "((a + 1) > 2)"],
)  # fmt: skip
def test_the_query_processor_evaluates(condition: str) -> None:
    assert split(condition, TYPES) == Split(None, condition)


def test_a_condition_is_split() -> None:
    assert split("((a = 1) AND (b ~~ 'x'::text) AND ok)", TYPES) == Split("((a = 1) AND ok)", "(b ~~ 'x'::text)")


def test_brackets_that_are_no_pair_are_kept() -> None:
    assert conjuncts("((a = 1) OR (b = 'x'))") == ["((a = 1) OR (b = 'x'))"]


def test_a_text_keeps_what_looks_like_a_column() -> None:
    assert unqualified("((t.a = 1) AND (t.b = 't.a'::text) AND (u.t = t.c))", "t") == (
        "((a = 1) AND (b = 't.a'::text) AND (u.t = c))"
    )


def test_references_are_columns_of_the_relation() -> None:
    texts = ["t.b", "(lower(t.a) || u.c)", "'t.c'::text", "date(d)", "(t.e)::date"]
    assert references(texts, "t", ["a", "b", "c", "date", "d", "e"]) == ["b", "a", "d", "e"]
    assert references(["t.*"], "t", ["a", "Odd"]) == ["a", '"Odd"']


@pytest.mark.parametrize(("name", "written"), [("t", "t"), ("user", '"user"'), ("Mixed", '"Mixed"'), ("1", '"1"')])
def test_a_name_is_quoted_where_it_has_to_be(name: str, written: str) -> None:
    assert quoted(name) == written
