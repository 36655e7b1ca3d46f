"""Refusals inside queries: clauses, functions and casts, node by node."""

from collections.abc import Callable
from typing import Any

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.datatypes import type_name
from pytest_dsql.local.dialect.parse.nodes import constant, strings, walk
from pytest_dsql.local.dialect.parse.parser import ast
from pytest_dsql.local.dialect.parse.text import Source
from pytest_dsql.local.dialect.refuse.settings import absent_setting
from pytest_dsql.local.dialect.statement import Refusal

Rule = Callable[[Any, Source], Refusal | None]


def function_name(node: Any) -> str | None:
    """The name of a call that means a function of PostgreSQL's own."""
    parts = strings(node.funcname)
    return parts[-1] if len(parts) == 1 or parts[0] == "pg_catalog" else None


def _sample(_node: Any, _source: Source) -> Refusal | None:
    return facts.CLAUSE.refusal("TABLESAMPLE")


def _merge(_node: Any, _source: Source) -> Refusal | None:
    return facts.NODE_TEXTS["Merge"].refusal()


def _function(node: Any, source: Source) -> Refusal | None:
    name = function_name(node) or ""
    arguments: tuple[Any, ...] = node.args or ()
    if name in facts.REFUSED_VALUES:
        return facts.DATATYPE.refusal(name)
    if name == "current_setting" and arguments:
        return absent_setting(constant(arguments[0]) or "")
    fewest = facts.TEXT_SEARCH_FUNCTIONS.get(name)
    unknown = _configuration(arguments[0], source, node.location) if fewest and len(arguments) >= fewest else None
    if unknown or name not in facts.REFUSED_NAMES:
        return unknown
    return facts.REFUSED_FUNCTION.refusal(name)


def _operator(node: Any, _source: Source) -> Refusal | None:
    name = strings(node.name)[-1]
    if name not in facts.TEXT_SEARCH_OPERATORS:
        return None
    operands = (operand for operand in (node.lexpr, node.rexpr) if isinstance(operand, ast.TypeCast))
    of_text_search = any(type_name(operand.typeName)[1] in facts.TEXT_SEARCH_TYPES for operand in operands)
    return facts.REFUSED_OPERATOR.refusal(name) if of_text_search else None


def _configuration(node: Any, source: Source, location: int) -> Refusal | None:
    name = constant(node)
    if not isinstance(node, ast.A_Const) or name is None:
        return None
    bare = name.lower().removeprefix("pg_catalog.").strip('"')
    if bare == facts.TEXT_SEARCH_CONFIGURATION:
        return None
    return facts.NO_SUCH_TEXT_SEARCH.refusal(name, position=_constant_position(source, location))


def _constant_position(source: Source, location: int) -> int:
    # Constants carry no position of their own: it is the string next to the call or the cast.
    at = source.index(location)
    if source.name(at) == "TYPECAST":
        return source.start(at - 1)
    while source.name(at) not in ("SCONST", "USCONST", ""):
        at += 1
    return source.start(at)


def _cast(node: Any, source: Source) -> Refusal | None:
    schema, name = type_name(node.typeName)
    if schema not in (None, "pg_catalog"):
        return None
    if name in facts.REFUSED_VALUES:
        return facts.DATATYPE.refusal(name + ("[]" if node.typeName.arrayBounds else ""))
    return _configuration(node.arg, source, node.location) if name == "regconfig" else None


def _current_of(_node: Any, _source: Source) -> Refusal | None:
    return facts.CURRENT_OF.refusal()


def refused_call(node: Any, source: Source) -> Refusal | None:
    """The first refusal among the calls in a definition: a default, a condition, the key of an index."""
    calls = (item for item in walk(node) if isinstance(item, ast.FuncCall))
    return next((refusal for call in calls if (refusal := _function(call, source))), None)


RULES: dict[type[Any], Rule] = {
    ast.RangeTableSample: _sample,
    ast.MergeStmt: _merge,
    ast.A_Expr: _operator,
    ast.CurrentOfExpr: _current_of,
    ast.FuncCall: _function,
    ast.TypeCast: _cast,
}
