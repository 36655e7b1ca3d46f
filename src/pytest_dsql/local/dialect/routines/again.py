"""SQL inside of routines, read again: what EXECUTE is to run, and bodies in which a name has a new meaning."""

import base64
import json
import re
from functools import partial
from typing import Final

from pytest_dsql.local.dialect.analyse import analyse
from pytest_dsql.local.dialect.catalog import Catalog, Routine
from pytest_dsql.local.dialect.rewrite.substitutes import fixed_answer, refusing, substitute
from pytest_dsql.local.dialect.routines.body import Body, guard
from pytest_dsql.local.dialect.routines.definitions import MARKER
from pytest_dsql.local.dialect.statement import RefusedError, Statement

_WRITTEN: Final = re.compile(rf"\n{MARKER}([A-Za-z0-9+/=]+)$")
_ANALYSE: Final = partial(analyse, inside=True)


def answered(text: str, catalog: Catalog, search_path: tuple[str, ...]) -> tuple[str, str | None]:
    """What a body's EXECUTE is to run in place of a text, and the call that tells the rules of it."""
    body = Body(_ANALYSE, catalog, search_path)
    statements = body.statements(text)
    # What is refused is refused before anyone asks for its columns.
    refusal = statements[0].refusal
    told = refusing(refusal) if refusal else next(filter(None, map(guard, statements)), None)
    return "; ".join(map(_dynamic, statements)), told


def _dynamic(statement: Statement) -> str:
    if statement.refusal:
        return f"SELECT {refusing(statement.refusal)}"
    stands_for = substitute(statement)
    return f"SELECT {stands_for}" if stands_for else fixed_answer(statement) or statement.sql


def renewed(source: str, catalog: Catalog) -> tuple[str, Routine]:
    """A kept routine's text as it would be rewritten now, and what it names."""
    found = _WRITTEN.search(source)
    if found is None:
        return source, Routine()
    kept = json.loads(base64.b64decode(found[1]))
    body = Body(_ANALYSE, catalog, tuple(kept["path"]))
    try:
        text = body.rewritten(kept["body"], kept["language"]) + found[0]
    except RefusedError:
        text = source
    return text, body.says
