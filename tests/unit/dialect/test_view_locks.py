"""FOR UPDATE and FOR KEY SHARE of views: the tables behind them are marked by key, or the clause is refused."""

import re
from dataclasses import replace

import pytest

from pytest_dsql.local.dialect import Column, Refusal, Statement, View, analyse
from pytest_dsql.local.dialect.stored.node_tree import read
from tests.unit.dialect.bank_catalog import CATALOG

ACCOUNTS, NOTES, ARCHIVE, SHOWN, NESTED = 101, 102, 103, 9, 10
INT4_EQUALS, INT4_LESS = 96, 97


def column(item: int, number: int) -> str:
    """A column of an item of FROM."""
    return f"{{VAR :varno {item} :varattno {number} :varlevelsup 0}}"


def relation(oid: int) -> str:
    """A table or view in a range table."""
    return f"{{RANGETBLENTRY :alias <> :rtekind 0 :relid {oid} :relkind v}}"


def item(number: int) -> str:
    """An item of FROM."""
    return f"{{RANGETBLREF :rtindex {number}}}"


def joined(kind: int, condition: str = "<>") -> str:
    """Items 1 and 2, joined."""
    return f"{{JOINEXPR :jointype {kind} :larg {item(1)} :rarg {item(2)} :quals {condition} :rtindex 3}}"


def compared(operator: int, left: str, right: str) -> str:
    """A condition."""
    return f"{{OPEXPR :opno {operator} :args ({left} {right}) :location -1}}"


def rule(shown: list[str], entries: list[str], items: str = item(1), where: str = "<>", **changed: str) -> str:
    """The query of a view, with what locking looks at."""
    lists = ("setOperations", "distinctClause", "groupClause", "groupingSets", "havingQual")
    fields = dict.fromkeys(lists, "<>") | dict.fromkeys(("hasAggs", "hasWindowFuncs", "hasTargetSRFs"), "false")
    fields |= {"jointree": f"{{FROMEXPR :fromlist ({items}) :quals {where}}}", "rtable": f"({' '.join(entries)})"}
    targets = (f"{{TARGETENTRY :expr {value} :resno {number} :resjunk false}}" for number, value in enumerate(shown, 1))
    fields |= {"targetList": f"({' '.join(targets)})"} | changed
    return f"({{QUERY {' '.join(f':{name} {value}' for name, value in fields.items())}}})"


ONE = rule([column(1, 3), column(1, 1)], [relation(ACCOUNTS)])
BOTH = [relation(ACCOUNTS), relation(NOTES)]


def judge(sql: str, text: str = ONE) -> Statement:
    """The verdict, where the view `shown` is that query, and `nested` stands on it."""
    above = rule([column(1, 2)], [relation(SHOWN)])
    columns = tuple(Column(name, "integer") for name in ("a", "B", "n"))
    views = (View("public", "shown", SHOWN, columns[:2], text), View("public", "nested", NESTED, columns[2:], above))
    catalog = replace(CATALOG, views={(view.schema, view.name): view for view in views})
    (statement,) = analyse(sql, catalog, ("public",))
    return statement


def marks(text: str) -> list[str]:
    """The marks of `SELECT 1 FROM shown FOR UPDATE`, where the view is that query."""
    found = judge("SELECT 1 FROM shown FOR UPDATE", text)
    assert found.refusal is None, found.refusal
    listed = re.findall(r"occ\.hold\(.*?\]\)", found.sql)
    assert found.hide_last_columns == len(listed)
    return listed


def hold(table: int, key: str) -> str:
    """The mark of a table by a column of `shown`."""
    return f"occ.hold('X', '{{9,{table}}}', ARRAY[\"shown\".\"{key}\"::text])"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM shown FOR UPDATE",
         "SELECT * , occ.hold('X', '{9,1}', ARRAY[\"shown\".\"B\"::text]) FROM shown"),
        ("SELECT * FROM public.shown s FOR KEY SHARE",
         "SELECT * , occ.hold('S', '{9,1}', ARRAY[\"s\".\"B\"::text]) FROM public.shown s"),
        ("SELECT x FROM shown s(x, y) FOR UPDATE OF s",
         "SELECT x , occ.hold('X', '{9,1}', ARRAY[\"s\".\"y\"::text]) FROM shown s(x, y)"),
        ("SELECT 1 FROM shown FOR UPDATE FOR KEY SHARE",
         "SELECT 1 , occ.hold('X', '{9,1}', ARRAY[\"shown\".\"B\"::text]) FROM shown"),
        ("SELECT 1 FROM nested FOR UPDATE",
         "SELECT 1 , occ.hold('X', '{10,9,1}', ARRAY[\"nested\".\"n\"::text]) FROM nested"),
        ("SELECT 1 FROM (SELECT a FROM shown) s FOR UPDATE",
         "SELECT 1 FROM (SELECT a FROM shown WHERE occ.hold('X', '{9,1}', ARRAY[\"shown\".\"B\"::text]) IS NULL ) s"),
        ("WITH shown AS (SELECT 1) SELECT * FROM shown FOR UPDATE", "WITH shown AS (SELECT 1) SELECT * FROM shown"),
    ],
)  # fmt: skip
def test_a_view_is_marked_by_the_key_it_shows(sql: str, expected: str) -> None:
    found = judge(sql)
    assert (found.refusal, " ".join(found.sql.split())) == (None, expected)


def test_a_column_equal_to_the_key_stands_for_it() -> None:
    condition = compared(INT4_EQUALS, column(2, 2), column(1, 1))
    shown = [column(2, 2), column(2, 1)]
    expected = [hold(1, "a"), hold(2, "B")]
    assert marks(rule(shown, BOTH, joined(0, condition))) == expected
    both = f"{{BOOLEXPR :boolop and :args ({condition} {compared(INT4_LESS, column(1, 1), column(1, 3))})}}"
    assert marks(rule(shown, BOTH, f"{item(1)} {item(2)}", both)) == expected


def test_columns_are_found_through_joins() -> None:
    entry = f"{{RANGETBLENTRY :rtekind 2 :joinaliasvars ({column(1, 1)} {column(2, 1)})}}"
    found = marks(rule([column(3, 2), column(3, 1)], [*BOTH, entry], joined(0)))
    assert found == [hold(1, "B"), hold(2, "a")]


def test_columns_are_found_through_subqueries() -> None:
    entry = f"{{RANGETBLENTRY :rtekind 1 :subquery {ONE[1:-1]}}}"
    assert marks(rule([column(1, 2)], [entry])) == [hold(1, "a")]


@pytest.mark.parametrize(
    "text",
    [
        rule([column(1, 1)], [relation(ACCOUNTS)], setOperations="{SETOPERATIONSTMT :op 1}"),
        rule([column(1, 1)], ["{RANGETBLENTRY :rtekind 6 :ctename c}"]),
        rule([column(1, 1)], [relation(1259)]),
        rule([], [], ""),
    ],
)
def test_what_a_clause_does_not_reach_is_left_alone(text: str) -> None:
    assert marks(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rule([], [relation(ACCOUNTS)], hasAggs="true"), "is not allowed with aggregate functions"),
        (rule([], [relation(ACCOUNTS)], groupClause="({SORTGROUPCLAUSE})"), "is not allowed with GROUP BY clause"),
        (rule([], [relation(ACCOUNTS)], distinctClause="({SORTGROUPCLAUSE})"), "is not allowed with DISTINCT clause"),
        (rule([], BOTH, joined(1)), "cannot be applied to the nullable side of an outer join"),
        (rule([], BOTH, joined(3)), "cannot be applied to the nullable side of an outer join"),
    ],
)
def test_refused_as_by_postgres(text: str, message: str) -> None:
    refusal = judge("SELECT 1 FROM shown FOR UPDATE", text).refusal
    assert refusal == Refusal("0A000", f"FOR UPDATE {message}")


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (rule([column(1, 2)], [relation(ACCOUNTS)]), "accounts"),
        (rule([f"{{FUNCEXPR :args ({column(1, 1)})}}"], [relation(ACCOUNTS)]), "accounts"),
        (rule([column(1, 1)], BOTH, joined(0, compared(INT4_LESS, column(1, 1), column(2, 1)))), "notes"),
        (rule([column(1, 1)], [relation(ARCHIVE)]), "accounts"),
    ],
)
def test_rows_that_cannot_be_told_are_refused(text: str, table: str) -> None:
    refusal = judge("SELECT 1 FROM shown FOR KEY SHARE", text).refusal
    assert refusal == Refusal(
        "0A000",
        f'FOR KEY SHARE of view "shown" is not reproduced by this stand-in: the view does not show the primary key '
        f'of table "{table}"',
    )


def test_reading_a_tree() -> None:
    text = r"({A :name a\ \(b\) :none <> :numbers (i 1 2) :value 4 [ 1 0 0 ] :odd :x :list ({B} {C :d \<>})})"
    assert read(text) == [
        {
            "node": "A",
            "name": r"a\ \(b\)",
            "none": None,
            "numbers": ["i", "1", "2"],
            "value": "4",
            "odd": ":x",
            "list": [{"node": "B"}, {"node": "C", "d": r"\<>"}],
        }
    ]
