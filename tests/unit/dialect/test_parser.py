"""What the dialect needs of the parser, whichever library it is in."""

import json

import pytest

from pytest_dsql.local.dialect import Kind, analyse
from pytest_dsql.local.dialect.parse.nested import loads
from pytest_dsql.local.dialect.parse.parser import ParseError, ast, parse_sql, scan
from tests.unit.dialect.bank_catalog import CATALOG, sent

DEEP = 3_000


def test_a_statement_knows_where_it_stands_in_characters() -> None:
    first, second = parse_sql("SELECT 'é' AS é ;  SELECT 2")
    assert (first.stmt_location, first.stmt_len, second.stmt_location) == (0, 16, 19)
    assert second.stmt.targetList[0].location == 26


def test_what_is_null_in_c_is_none_and_what_is_written_is_as_it_is_written() -> None:
    (statement,) = parse_sql("SELECT '', 0, t.x FROM t")
    empty, zero, column = (target.val for target in statement.stmt.targetList)
    assert (empty.val.sval, zero.val.ival, [part.sval for part in column.fields]) == ("", 0, ["t", "x"])
    (relation,) = statement.stmt.fromClause
    assert (relation.schemaname, relation.alias, relation.relname) == (None, None, "t")
    assert statement.stmt.whereClause is statement.stmt.groupClause is None


def test_a_list_of_lists_is_a_tuple_of_tuples() -> None:
    (statement,) = parse_sql("VALUES (1, 2), (3, 4)")
    assert [[value.val.ival for value in row] for row in statement.stmt.valuesLists] == [[1, 2], [3, 4]]


def test_a_place_that_is_not_in_the_text_is_none() -> None:
    (statement,) = parse_sql("TABLE t")
    assert statement.stmt.targetList[0].location is None


def test_a_choice_has_its_name_in_c() -> None:
    (statement,) = parse_sql("DROP TABLE t CASCADE")
    assert (statement.stmt.removeType.name, statement.stmt.behavior.name) == ("OBJECT_TABLE", "DROP_CASCADE")


def test_nodes_are_of_their_types() -> None:
    (statement,) = parse_sql("INSERT INTO t SELECT 1 WHERE true")
    assert isinstance(statement.stmt, ast.InsertStmt)
    assert isinstance(statement.stmt.selectStmt, ast.SelectStmt)
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = ast.Nonsense


def test_tokens_stand_in_characters_with_postgresqls_names() -> None:
    tokens = scan("SELECT 'é', $1 /* é */ FROM t(1)")
    assert [(token.name, token.start, token.end) for token in tokens[:4]] == [
        ("SELECT", 0, 5),
        ("SCONST", 7, 9),
        ("ASCII_44", 10, 10),
        ("PARAM", 12, 13),
    ]
    assert [token.name for token in tokens[4:]] == ["C_COMMENT", "FROM", "IDENT", "ASCII_40", "ICONST", "ASCII_41"]


@pytest.mark.parametrize(
    ("text", "place"), [("SELEC 1", 0), ("SELECT 'é' FRM t x", 15), ("SELECT 1 FROM", None), ("SELECT 'x", 7)]
)
def test_what_cannot_be_read_is_said_with_its_place(text: str, place: int | None) -> None:
    with pytest.raises(ParseError) as caught:
        parse_sql(text)
    assert caught.value.args[1] == place


def test_an_expression_may_be_deep() -> None:
    text = " + ".join(["id"] * DEEP)
    assert sent(f"SELECT {text} FROM accounts") == f"SELECT {text} FROM pg_occ_2200.accounts"
    (statement,) = analyse("SELECT " + "(" * DEEP + "1" + ")" * DEEP, CATALOG, ("public",))
    assert statement.kind is Kind.QUERY


@pytest.mark.parametrize("clause", ["NOT ", "- ", "1 + CASE WHEN true THEN 2 ELSE 3 END + "])
def test_what_is_deep_is_read_whatever_the_depth_that_python_bears(clause: str) -> None:
    (statement,) = analyse("SELECT " + clause * DEEP + "id FROM accounts", CATALOG, ("public",))
    assert (statement.kind, statement.tables) == (Kind.QUERY, frozenset({"accounts"}))


@pytest.mark.parametrize(
    "written",
    [
        '{"a": {"b": []}, "c": [{}, {"d": -1.5e3}], "e": null, "f": [true, false]}',
        r'{"a{": "]\"}", "\"": "\\", "ü": "\u00e9\n, : {["}',
        "[[], [[]], [{}]]",
        '"x"',
    ],
)
def test_nested_json_is_what_the_standard_library_reads(written: str) -> None:
    assert loads(written) == json.loads(written)
