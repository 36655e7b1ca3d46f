"""The SQL of a routine's body, part by part, as PostgreSQL is to have it."""

# The text put together here is the user's own statement, for the user's own rights.
# ruff: noqa: S608

from collections.abc import Iterator
from typing import Final

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.catalog import Catalog, Routine
from pytest_dsql.local.dialect.parse.parser import ParseError
from pytest_dsql.local.dialect.parse.plpgsql import Fragment, FragmentKind, fragments
from pytest_dsql.local.dialect.parse.text import Edits
from pytest_dsql.local.dialect.rewrite.substitutes import call, fixed_answer, refusing, substitute
from pytest_dsql.local.dialect.rewrite.walk import Analyse
from pytest_dsql.local.dialect.statement import Kind, RefusedError, Statement

_SELECT: Final = "SELECT "


class Body:
    """The text of a routine, to be rewritten in a search path; ``says`` is what it is found to say."""

    def __init__(self, analyse: Analyse, catalog: Catalog, search_path: tuple[str, ...]) -> None:
        self._analyse, self._catalog, self._search_path, self.says = analyse, catalog, search_path, Routine()

    def rewritten(self, text: str, language: str) -> str:
        """The body as PostgreSQL is to have it, as it is where it has no tokens. Raises RefusedError for SQL."""
        try:
            return self._plpgsql(text) if language == "plpgsql" else self._sql(text)
        except ParseError:
            return text

    def statements(self, text: str) -> list[Statement]:
        """The analysis of SQL in the body."""
        statements = self._analyse(text, self._catalog, self._search_path)
        for statement in statements:
            said = Routine(statement.tables, statement.names, statement.may_write, statement.called)
            self.says = self.says.and_(said)
        return statements

    def _sql(self, text: str) -> str:
        """SQL is judged when it is written."""
        edits = Edits(text)
        for statement in self.statements(text):
            if statement.refusal and statement.kind is not Kind.INVALID:
                raise RefusedError(statement.refusal)
            before = f"SELECT {told}; " if (told := guard(statement)) else ""
            if before or statement.sql != statement.original:
                end = statement.offset + len(statement.original)
                stands_for = substitute(statement)
                edits.replace(statement.offset, end, before + (f"SELECT {stands_for}" if stands_for else statement.sql))
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
            case FragmentKind.EXPRESSION:
                yield start, end, self._expression(raw)
            case FragmentKind.DYNAMIC:
                self.says = self.says._replace(writes=True)
                yield start, end, f"occ.translated((SELECT {self._expression(raw)}))"
            case FragmentKind.PERFORM:
                yield from self._query(fragment, " SELECT" + raw[7:], "PERFORM")
            case FragmentKind.QUERY:
                yield from self._query(fragment, raw)
            case FragmentKind.STATEMENT:
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
        told = guard(statement)
        if told and fragment.statement is not None:
            yield fragment.statement, fragment.statement, _guarded(told)
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
        before = _guarded(told) if (told := guard(statement)) else ""
        sql = f"PERFORM {stands_for}" if stands_for else (fixed_answer(statement) or statement.sql.rstrip()) + into
        return before + sql


def guard(statement: Statement) -> str | None:
    """The call that tells the rules of a statement in a body, None where they do not care."""
    mixed = facts.DDL_AND_DML.message
    if statement.counts_as_ddl:
        return call("occ.enters_ddl", facts.MULTIPLE_DDL.message, mixed)
    if statement.writes:
        return call("occ.enters_dml", mixed)
    return call("occ.enters_path") if statement.changes_search_path else None


def _guarded(call: str) -> str:
    """A call that leaves FOUND and ROW_COUNT what they are."""
    return f"IF {call} THEN END IF; "
