"""Writes docs/fidelity.md, of what is declared elsewhere: facts, gaps, and recorded answers that differ.

python -m tests.fidelity [--write]
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.facts.gaps import GAPS
from pytest_dsql.local.iam import refusals
from tests.known_divergences import KNOWN

PAGE: Final = Path(__file__).parents[1] / "docs" / "fidelity.md"
SOURCES: Final = (facts.__doc__ or "").partition("Sources: ")[2].partition(" Rules look")[0]
HEAD: Final = f"""# Fidelity

What this stand-in answers as a cluster of Aurora DSQL does, and what it does not. `python -m tests.fidelity --write`
makes this page of what the code and the tests declare; a test fails where it is stale.

Sources: {SOURCES.strip()}
"""


def page() -> str:
    """Return the page's text."""
    return "\n".join([HEAD, *_answers(), *_sign_in(), *_not_reproduced(), *_different()])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _text(message: str) -> str:
    """A message with its blanks as dots."""
    return f"`{re.sub(r'{[^}]*}', '…', message)}`"


def _table(*head: str) -> list[str]:
    return [_row(*head), "|---" * len(head) + "|"]


def _facts(topic: ModuleType) -> Iterator[facts.Fact]:
    for value in vars(topic).values():
        found = value.values() if isinstance(value, dict) else (value,)
        yield from (item for item in found if isinstance(item, facts.Fact))


def _answers() -> Iterator[str]:
    yield "## Refusals and errors\n"
    for topic in facts.TOPICS:
        yield f"### {(topic.__doc__ or '').strip('.')}\n"
        yield from _table("SQLSTATE", "message", "since", "source")
        known = sorted({fact for fact in _facts(topic) if fact.source != "own"})
        yield from (_row(fact.sqlstate, _text(fact.message), fact.date, fact.source) for fact in known)
        yield ""
    yield "Functions that are refused by their name:\n"
    yield from (f"- {source}: {', '.join(names.split())}" for source, names in facts.REFUSED_FUNCTIONS.items())
    yield ""


def _sign_in() -> Iterator[str]:
    yield f"### Sign-in\n\n`{refusals.AccessDenied.message}`, with one of these hints (2026-10):\n"
    yield from _table("SQLSTATE", "hint", "source")
    hints = sorted({hint for hint in vars(refusals).values() if isinstance(hint, refusals.Hint)})
    yield from (_row(hint.sqlstate, _text(hint.text), hint.source) for hint in hints)
    yield ""


def _not_reproduced() -> Iterator[str]:
    yield "## Not reproduced\n"
    yield from _table("what", "since", "source")
    yield from (_row(gap.what, gap.date, gap.source) for gap in GAPS)
    own = {fact for topic in facts.TOPICS for fact in _facts(topic) if fact.source == "own"}
    yield from (_row(f"{fact.sqlstate} {_text(fact.message)}", fact.date, fact.source) for fact in sorted(own))
    yield ""


def _different() -> Iterator[str]:
    yield "## Recorded answers that differ\n"
    yield from _table("recorded answer", "why it differs", "since", "source")
    yield from (_row(name, known.reason, known.date, known.source) for name, known in sorted(KNOWN.items()))
    yield ""


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page())
    else:
        print(page(), end="")
