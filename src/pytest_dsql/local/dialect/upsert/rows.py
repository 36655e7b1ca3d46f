"""The rows an upsert proposes, as a SELECT of all columns of its table."""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from dataclasses import dataclass
from typing import Any

from pytest_dsql.local.dialect.catalog import Column, Table
from pytest_dsql.local.dialect.datatypes import cast_type
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.parse.text import quote
from pytest_dsql.local.dialect.rewrite.walk import Rewriter
from pytest_dsql.local.dialect.upsert.layout import Layout


@dataclass(frozen=True, slots=True)
class Proposed:
    """The SELECT, whether it can give one row only, and the columns the INSERT has to leave to the view.

    Where there may be more than one row, they are numbered: `pg_occ_n`.
    """

    sql: str
    single: bool
    left_out: frozenset[str] = frozenset()


def proposed(rewriter: Rewriter, node: Any, table: Table, layout: Layout) -> Proposed | None:
    """Values typed by their columns, defaults for columns without one; None for PostgreSQL to reject."""
    named = [target.name for target in node.cols or ()]
    unknown = any(name not in table.by_name for name in named) or len(set(named)) < len(named)
    if unknown or any(target.indirection for target in node.cols or ()):
        return None
    columns = [table.by_name[name] for name in named] or [item for item in table.columns if not item.generated]
    query = node.selectStmt
    if query is None:
        return Proposed(_select(table, {}, ""), single=True, left_out=_left_out(table, []))
    if _is_plain_values(rewriter, query, layout):
        return _from_values(rewriter, node, table, columns, layout)
    return _from_query(rewriter, node, table, columns, layout)


def _left_out(table: Table, given: list[Column]) -> frozenset[str]:
    """Generated columns always, and identity columns that got no value: their sequence is the view's affair."""
    columns = (item for item in table.columns if item.generated or (item.identity and item not in given))
    return frozenset(item.name for item in columns)


def _is_plain_values(rewriter: Rewriter, query: Any, layout: Layout) -> bool:
    extras = query.sortClause or query.limitCount or query.limitOffset
    return rewriter.source.name(layout.source_tokens[0]) == "VALUES" and not extras


def _from_values(rewriter: Rewriter, node: Any, table: Table, columns: list[Column], layout: Layout) -> Proposed | None:
    rows = node.selectStmt.valuesLists
    width = len(rows[0])
    if any(len(row) != width for row in rows) or not _fits(node, width, columns):
        return None
    used = columns[:width]
    texts = [
        [_item(rewriter, item, column, span) for item, column, span in zip(row, used, spans, strict=True)]
        for row, spans in zip(rows, _spans(rewriter, layout), strict=True)
    ]
    if len(texts) == 1:
        given = {column.name: text for column, text in zip(used, texts[0], strict=True)}
        return Proposed(_select(table, given, ""), single=True, left_out=_left_out(table, used))
    listed = ", ".join(f"({', '.join(row)})" for row in texts)
    return Proposed(_over(table, used, f"VALUES {listed}"), single=False, left_out=_left_out(table, used))


def _fits(node: Any, width: int, columns: list[Column]) -> bool:
    """Fewer values than columns are fine only where no columns are named."""
    return width == len(columns) if node.cols else width <= len(columns)


def _spans(rewriter: Rewriter, layout: Layout) -> list[list[tuple[int, int]]]:
    source, (first, limit) = rewriter.source, layout.source_tokens
    groups = source.split(first + 1, limit)
    spans = []
    for start, end in groups:
        items = source.split(start + 1, end - 1)
        spans.append([(source.start(left), source.end(right - 1)) for left, right in items])
    return spans


def _item(rewriter: Rewriter, node: Any, column: Column, span: tuple[int, int]) -> str:
    if isinstance(node, ast.SetToDefault):
        return _default(column)
    return f"CAST({rewriter.edits.render(*span)} AS {cast_type(column.type)})"


def _default(column: Column) -> str:
    return f"CAST({column.default or 'NULL'} AS {cast_type(column.type)})"


def _from_query(rewriter: Rewriter, node: Any, table: Table, columns: list[Column], layout: Layout) -> Proposed | None:
    query = node.selectStmt
    targets = list(query.targetList or ())
    stars = any(_is_star(target.val) for target in targets) or query.op.name != "SETOP_NONE" or not targets
    width = len(columns) if stars else len(targets)
    if not _fits(node, width, columns):
        return None
    if not stars:
        for target, column in zip(targets, columns, strict=False):
            _type_constant(rewriter, target, column)
    first, limit = layout.source_tokens
    text = rewriter.edits.render(rewriter.source.start(first), rewriter.source.end(limit - 1))
    return Proposed(_over(table, columns[:width], text), single=False, left_out=_left_out(table, columns[:width]))


def _is_star(node: Any) -> bool:
    fields = node.fields if isinstance(node, ast.ColumnRef) else None
    return fields is not None and isinstance(fields[-1], ast.A_Star)


def _type_constant(rewriter: Rewriter, target: Any, column: Column) -> None:
    """An untyped constant or parameter of the list takes the column's type, as in the original."""
    if isinstance(target.val, ast.ParamRef | ast.A_Const):
        at = rewriter.source.index(target.location)
        if rewriter.source.name(at) in ("PARAM", "SCONST", "NULL_P"):
            rewriter.edits.insert(rewriter.source.start(at), "CAST(")
            rewriter.edits.insert(rewriter.source.end(at), f" AS {cast_type(column.type)})")


def _over(table: Table, columns: list[Column], text: str) -> str:
    given = {item.name: f"CAST(pg_occ_s.{quote(item.name)} AS {cast_type(item.type)})" for item in columns}
    names = ", ".join(quote(item.name) for item in columns)
    return _select(table, given, f" FROM ({text}) AS pg_occ_s({names})")


def _select(table: Table, given: dict[str, str], tail: str) -> str:
    own = [item for item in table.columns if not item.generated]
    items = [f"{given.get(item.name) or _default(item)} AS {quote(item.name)}" for item in own]
    number = ["row_number() OVER () AS pg_occ_n"] if tail else []
    row = f"SELECT {', '.join(items + number)}{tail}"
    if len(own) == len(table.columns):
        return row
    # What the server generates it makes of the row as it will be.
    columns = [
        f"{_default(item)} AS {quote(item.name)}" if item.generated else quote(item.name) for item in table.columns
    ]
    return f"SELECT {', '.join(columns)}{', pg_occ_n' if tail else ''} FROM ({row}) AS g"
