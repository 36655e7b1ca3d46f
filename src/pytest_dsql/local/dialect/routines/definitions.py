"""Functions, procedures and DO: the SQL in their bodies is pointed at the shadow views, as it is outside of them.

A body keeps its lines. What its user wrote stands behind it, coded in a comment, for who asks to see it and for the day
on which a name in it comes to mean another relation.
"""

import base64
import json
from dataclasses import replace
from typing import Any, Final

from pytest_dsql.local.dialect.catalog import Routine
from pytest_dsql.local.dialect.parse.nodes import constant, option
from pytest_dsql.local.dialect.refuse.context import RuleContext
from pytest_dsql.local.dialect.rewrite.found import Found
from pytest_dsql.local.dialect.rewrite.walk import Rewriter, Scope, visit_all
from pytest_dsql.local.dialect.routines.body import Body

MARKER: Final = "-- occ:"
DEFAULT_LANGUAGE: Final = {"CreateFunctionStmt": "sql", "DoStmt": "plpgsql"}


def rewrite_function(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    """CREATE FUNCTION and CREATE PROCEDURE, with a body that is SQL or a string."""
    with rewriter.apart(_as_defined) as body:
        visit_all(body, node.sql_body, Scope(inside=True))
    path = _path(node.options) or context.search_path
    _rewrite_string(rewriter, node, context, option(node.options, "as"), path)


def _as_defined(found: Found) -> Found:
    """To create a function changes no rows and calls nothing, whatever its body does."""
    return replace(found, writes=False, calls=False, routines=Routine())


def rewrite_do(rewriter: Rewriter, node: Any, context: RuleContext) -> None:
    """DO: a body that is run at once."""
    rewriter.note(Found(calls=True))
    says = _rewrite_string(rewriter, node, context, option(node.args, "as"), context.search_path)
    rewriter.note(Found(routines=says))


def _path(options: Any) -> tuple[str, ...] | None:
    """The search path that a function sets for itself."""
    settings = (item.arg for item in options or () if item.defname == "set")
    return next(
        (tuple(constant(arg) or "" for arg in item.args or ()) for item in settings if item.name == "search_path"), None
    )


def _rewrite_string(rewriter: Rewriter, node: Any, context: RuleContext, item: Any, path: tuple[str, ...]) -> Routine:
    """Rewrite a body that is a string, and return what it says."""
    written = _string(item)
    if written is None:
        return Routine()
    name = option(getattr(node, "options", None) or node.args, "language")
    language = name.arg.sval.lower() if name else DEFAULT_LANGUAGE[type(node).__name__]
    body = Body(rewriter.analyse, rewriter.catalog, path)
    text = body.rewritten(written, language)
    if language == "sql" and text == written and body.says._replace(called=frozenset()) == Routine():
        return body.says
    source = context.source
    at = source.index(item.location)
    while source.name(at) not in ("SCONST", "USCONST"):
        at += 1
    marked = text if type(node).__name__ == "DoStmt" else text + _mark(written, language, path)
    rewriter.edits.replace(source.start(at), source.end(at), _dollar_quoted(marked))
    return body.says


def _string(item: Any) -> str | None:
    """The text of AS 'text', of a list of one in CREATE FUNCTION."""
    argument = item.arg if item else None
    if isinstance(argument, tuple):
        argument = argument[0] if len(argument) == 1 else None
    return getattr(argument, "sval", None)


def _mark(written: str, language: str, path: tuple[str, ...]) -> str:
    kept = json.dumps({"body": written, "language": language, "path": path})
    return f"\n{MARKER}{base64.b64encode(kept.encode()).decode()}"


def _dollar_quoted(text: str) -> str:
    tag = "$pg_occ$"
    while tag in text:
        tag = tag[:-1] + "_$"
    return f"{tag}{text}{tag}"
