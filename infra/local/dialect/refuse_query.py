"""Refusals inside queries: clauses, functions and casts, node by node."""

from collections.abc import Callable
from typing import Any

from pglast import ast

from . import facts
from .datatypes import type_name
from .nodes import constant, strings
from .refuse_setting import settable
from .source import Source
from .statement import Refusal

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
    name = function_name(node)
    arguments: tuple[Any, ...] = node.args or ()
    if name in facts.REFUSED_VALUES:
        return facts.DATATYPE.refusal(name)
    if name == "set_config" and arguments:
        setting = constant(arguments[0])
        return None if setting is None or settable(setting) else facts.SETTING.refusal(setting)
    fewest = facts.TEXT_SEARCH_FUNCTIONS.get(name or "")
    if fewest and len(arguments) >= fewest:
        return _configuration(arguments[0], source, node.location)
    return None


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


RULES: dict[type[Any], Rule] = {
    ast.RangeTableSample: _sample,
    ast.MergeStmt: _merge,
    ast.FuncCall: _function,
    ast.TypeCast: _cast,
}
