"""The syntax only DSQL has, taken out before PostgreSQL's parser sees the text.

`ASYNC` is blanked by spaces of its own length and `AWS IAM ...` statements wholly, so that every position in
what remains is a position in the message.
"""

from dataclasses import dataclass, field

from pytest_dsql.local.dialect import facts
from pytest_dsql.local.dialect.parse.parser import ParseError
from pytest_dsql.local.dialect.parse.text import DOT, SEMICOLON, Source
from pytest_dsql.local.dialect.statement import IamMapping, Refusal

NAMES = frozenset({"IDENT", "UIDENT"})


@dataclass(frozen=True, slots=True)
class IamStatement:
    """An `AWS IAM` statement and where it stands."""

    start: int
    end: int
    grants: bool
    outcome: IamMapping | Refusal


@dataclass
class PreparedText:
    """Text for PostgreSQL's parser, and what was taken out of it."""

    text: str
    asynchronous: list[int] = field(default_factory=list)
    iam: list[IamStatement] = field(default_factory=list)

    def blank(self, start: int, end: int) -> None:
        """Overwrite a range by spaces."""
        self.text = self.text[:start] + " " * (end - start) + self.text[end:]


def prepare(text: str) -> PreparedText:
    """Take DSQL's own syntax out of a message."""
    prepared = PreparedText(text)
    lowered = text.lower()
    if "async" not in lowered and "aws" not in lowered:
        return prepared
    source = Source(text)
    try:
        count = len(source.tokens)
    except ParseError:
        return prepared
    at = 0
    while at < count:
        if _word(source, at) == "aws" and _word(source, at + 1) == "iam":
            _take_iam(source, at, prepared)
        else:
            _take_async(source, at, prepared)
        at = source.find(at, count, SEMICOLON) + 1
    return prepared


def _word(source: Source, index: int) -> str:
    """An unquoted word in lower case, empty for anything else."""
    raw = source.raw(index)
    return raw.lower() if raw[:1].isalpha() else ""


def _take_async(source: Source, at: int, prepared: PreparedText) -> None:
    words = [_word(source, at + i) for i in range(4)]
    if words[:2] == ["alter", "table"] and words[2] == "async":
        behind = at + 4
        while source.name(behind) == DOT:
            behind += 2
        place = at + 2 if _word(source, behind) == "validate" else None
    else:
        unique = words[1] == "unique"
        index_at = at + 1 + unique
        is_index = words[0] == "create" and _word(source, index_at) == "index"
        place = index_at + 1 if is_index and _word(source, index_at + 1) == "async" else None
    if place is not None:
        prepared.asynchronous.append(source.start(place))
        prepared.blank(source.start(place), source.end(place))


def _take_iam(source: Source, at: int, prepared: PreparedText) -> None:
    limit = source.find(at, len(source.tokens), SEMICOLON)
    start, end = source.start(at), source.end(limit - 1)
    outcome = _mapping(source, at + 2, limit)
    prepared.iam.append(IamStatement(start, end, _word(source, at + 2) == "grant", outcome))
    prepared.blank(start, end)


def _mapping(source: Source, at: int, limit: int) -> IamMapping | Refusal:
    verb = _word(source, at)
    preposition = {"grant": "to", "revoke": "from"}.get(verb, "")
    role_like = source.name(at + 1) in NAMES or bool(_word(source, at + 1))
    checks = (bool(preposition), role_like, _word(source, at + 2) == preposition, source.name(at + 3) == "SCONST")
    for offset, passed in enumerate(checks):
        if not passed or at + offset >= limit:
            return _syntax_error(source, at + offset, limit)
    if at + 4 < limit:
        return _syntax_error(source, at + 4, limit)
    return IamMapping(_identifier(source.raw(at + 1)), source.raw(at + 3)[1:-1].replace("''", "'"))


def _identifier(raw: str) -> str:
    return raw[1:-1].replace('""', '"') if raw.startswith('"') else raw.lower()


def _syntax_error(source: Source, at: int, limit: int) -> Refusal:
    if at >= limit >= len(source.tokens):
        return facts.SYNTAX_AT_END.refusal(position=len(source.text))
    return facts.SYNTAX.refusal(source.raw(at), position=source.start(at))
