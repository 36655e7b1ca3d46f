"""Functions, procedures and DO: the SQL in their bodies is pointed at the shadow views, as it is outside of them.

A body keeps its lines. What its user wrote stands behind it, coded in a comment, for who asks to see it and for the day
on which a name in it comes to mean another relation.
"""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from pglast.parser import ParseError

from . import facts
from .catalog import Catalog, Routine
from .nodes import constant, option
from .plpgsql import Fragment, Part, fragments
from .refuse_context import Context
from .rewrite import Rewriter, Scope, visit_all
from .source import Edits
from .statement import Kind, RefusedError, Statement
from .substitute import call, fixed_answer, refusing, substitute

MARKER: Final = "-- occ:"
_WRITTEN: Final = re.compile(rf"\n{MARKER}([A-Za-z0-9+/=]+)$")
_SELECT: Final = "SELECT "
DEFAULT_LANGUAGE: Final = {"CreateFunctionStmt": "sql", "DoStmt": "plpgsql"}


def rewrite_function(rewriter: Rewriter, node: Any, context: Context) -> None:
    """CREATE FUNCTION and CREATE PROCEDURE, with a body that is SQL or a string."""
    rewriter.inside = True
    visit_all(rewriter, node.sql_body, Scope())
    # To create a function changes no rows and calls nothing, whatever its body does.
    rewriter.writes = rewriter.calls = False
    rewriter.routines = Routine()
    path = _path(node.options) or context.search_path
    _rewrite_string(rewriter, node, context, option(node.options, "as"), path)


def rewrite_do(rewriter: Rewriter, node: Any, context: Context) -> None:
    """DO: a body that is run at once."""
    rewriter.calls = True
    _rewrite_string(rewriter, node, context, option(node.args, "as"), context.search_path)


def _path(options: Any) -> tuple[str, ...] | None:
    """The search path that a function sets for itself."""
    settings = (item.arg for item in options or () if item.defname == "set")
    return next(
        (tuple(constant(arg) or "" for arg in item.args or ()) for item in settings if item.name == "search_path"), None
    )


def _rewrite_string(rewriter: Rewriter, node: Any, context: Context, item: Any, path: tuple[str, ...]) -> None:
    written = _string(item)
    if written is None:
        return
    name = option(getattr(node, "options", None) or node.args, "language")
    language = name.arg.sval.lower() if name else DEFAULT_LANGUAGE[type(node).__name__]
    body = Body(rewriter.catalog, path)
    text = body.rewritten(written, language)
    if rewriter.calls:
        rewriter.routines = body.says
    if language == "sql" and text == written and body.says == Routine():
        return
    source = context.source
    at = source.index(item.location)
    while source.name(at) not in ("SCONST", "USCONST"):
        at += 1
    marked = text if type(node).__name__ == "DoStmt" else text + _mark(written, language, path)
    rewriter.edits.replace(source.start(at), source.end(at), _dollar_quoted(marked))


def _string(item: Any) -> str | None:
    """The text of AS 'text', of a list of one in CREATE FUNCTION."""
    argument = item.arg if item else None
    if isinstance(argument, tuple):
        argument = argument[0] if len(argument) == 1 else None
    return getattr(argument, "sval", None)


def _mark(written: str, language: str, path: tuple[str, ...]) -> str:
    kept = json.dumps({"body": written, "language": language, "path": path})
    return f"\n{MARKER}{base64.b64encode(kept.encode()).decode()}"


def renewed(source: str, catalog: Catalog) -> tuple[str, Routine]:
    """A kept routine's text as it would be rewritten now, and what it names."""
    found = _WRITTEN.search(source)
    if found is None:
        return source, Routine()
    kept = json.loads(base64.b64decode(found[1]))
    body = Body(catalog, tuple(kept["path"]))
    try:
        text = body.rewritten(kept["body"], kept["language"]) + found[0]
    except RefusedError:
        text = source
    return text, body.says


def answered(text: str, catalog: Catalog, search_path: tuple[str, ...]) -> tuple[str, str | None]:
    """What a body's EXECUTE is to run in place of a text, and the call that tells the rules of it."""
    body = Body(catalog, search_path)
    statements = body.statements(text)
    # What is refused is refused before anyone asks for its columns.
    refusal = statements[0].refusal
    guard = refusing(refusal) if refusal else next(filter(None, map(_guard, statements)), None)
    return "; ".join(map(_dynamic, statements)), guard


def _dynamic(statement: Statement) -> str:
    if statement.refusal:
        return f"SELECT {refusing(statement.refusal)}"
    stands_for = substitute(statement)
    return f"SELECT {stands_for}" if stands_for else fixed_answer(statement) or statement.sql


def _dollar_quoted(text: str) -> str:
    tag = "$pg_occ$"
    while tag in text:
        tag = tag[:-1] + "_$"
    return f"{tag}{text}{tag}"


class Body:
    """The text of a routine, to be rewritten in a search path; ``says`` is what it is found to say."""

    def __init__(self, catalog: Catalog, search_path: tuple[str, ...]) -> None:
        self._catalog, self._search_path, self.says = catalog, search_path, Routine()

    def rewritten(self, text: str, language: str) -> str:
        """The body as PostgreSQL is to have it, as it is where it has no tokens. Raises RefusedError for SQL."""
        try:
            return self._plpgsql(text) if language == "plpgsql" else self._sql(text)
        except ParseError:
            return text

    def statements(self, text: str) -> list[Statement]:
        """The analysis of SQL in the body."""
        from .analyse import analyse

        statements = analyse(text, self._catalog, self._search_path, inside=True)
        for statement in statements:
            self.says = self.says.and_(Routine(statement.tables, statement.names, statement.may_write))
        return statements

    def _sql(self, text: str) -> str:
        """SQL is judged when it is written."""
        edits = Edits(text)
        for statement in self.statements(text):
            if statement.refusal and statement.kind is not Kind.INVALID:
                raise RefusedError(statement.refusal)
            guard = f"SELECT {told}; " if (told := _guard(statement)) else ""
            if guard or statement.sql != statement.original:
                end = statement.offset + len(statement.original)
                stands_for = substitute(statement)
                edits.replace(statement.offset, end, guard + (f"SELECT {stands_for}" if stands_for else statement.sql))
        return edits.render(0, len(text))

    def _plpgsql(self, text: str) -> str:
        """PL/pgSQL is judged when it runs."""
        edits = Edits(text)
        for fragment in fragments(text):
            for start, end, now in self._fragment(text, fragment):
                if text[start:end] != now:
                    edits.replace(start, end, now)
        return edits.render(0, len(text))

    def _fragment(self, text: str, fragment: Fragment) -> Iterator[tuple[int, int, str]]:
        start, end = fragment.start, fragment.end
        raw = text[start:end]
        match fragment.part:
            case Part.EXPRESSION:
                yield start, end, self._expression(raw)
            case Part.DYNAMIC:
                self.says = self.says._replace(writes=True)
                yield start, end, f"occ.translated((SELECT {self._expression(raw)}))"
            case Part.PERFORM:
                yield from self._query(fragment, " SELECT" + raw[7:], "PERFORM")
            case Part.QUERY:
                yield from self._query(fragment, raw)
            case Part.STATEMENT:
                yield start, end, self._statement(text, fragment)

    def _one(self, text: str) -> Statement | None:
        """The analysis of one statement, None where it is none that PostgreSQL reads."""
        statements = self.statements(text)
        known = len(statements) == 1 and (statements[0].kind is not Kind.INVALID or statements[0].refusal)
        return statements[0] if known else None

    def _expression(self, raw: str) -> str:
        statement = self._one(_SELECT + raw)
        if statement is None:
            return raw
        if statement.refusal:
            return f"(SELECT NULL FROM {refusing(statement.refusal)})"
        return statement.sql.removeprefix(_SELECT)

    def _query(self, fragment: Fragment, raw: str, verb: str = "") -> Iterator[tuple[int, int, str]]:
        statement = self._one(raw)
        if statement is None:
            return
        if statement.refusal:
            yield from self._refused(fragment, refusing(statement.refusal))
            return
        guard = _guard(statement)
        if guard and fragment.statement is not None:
            yield fragment.statement, fragment.statement, _guarded(guard)
        sql = statement.sql
        yield fragment.start, fragment.end, verb + sql.lstrip()[6:] if verb else sql

    def _refused(self, fragment: Fragment, refuses: str) -> Iterator[tuple[int, int, str]]:
        if fragment.statement is None:
            yield fragment.start, fragment.end, f"SELECT NULL FROM {refuses}"
        else:
            yield fragment.statement, fragment.statement, f"PERFORM {refuses}; "

    def _statement(self, text: str, fragment: Fragment) -> str:
        raw, into = text[fragment.start : fragment.end], ""
        if fragment.into:
            start, end = (place - fragment.start for place in fragment.into)
            into = " " + raw[start:end]
            raw = raw[:start] + " " * (end - start) + raw[end:]
        statement = self._one(raw)
        if statement is None:
            return text[fragment.start : fragment.end]
        if statement.refusal:
            return f"PERFORM {refusing(statement.refusal)}"
        stands_for = substitute(statement)
        guard = _guarded(told) if (told := _guard(statement)) else ""
        sql = f"PERFORM {stands_for}" if stands_for else (fixed_answer(statement) or statement.sql.rstrip()) + into
        return guard + sql


def _guard(statement: Statement) -> str | None:
    """The call that tells the rules of a statement in a body, None where they do not care."""
    mixed = facts.DDL_AND_DML.message
    if statement.counts_as_ddl:
        return call("occ.enters_ddl", facts.MULTIPLE_DDL.message, mixed)
    if statement.writes:
        return call("occ.enters_dml", mixed)
    return call("occ.enters_path") if statement.changes_search_path else None


def _guarded(guard: str) -> str:
    """A call that leaves FOUND and ROW_COUNT what they are."""
    return f"IF {guard} THEN END IF; "
