"""Snapshot isolation of two tables that keep each other: a unique key, a foreign key, bodies, schema changes.

``p (id, v, u UNIQUE)`` and ``c (id, p REFERENCES p, v)``. A transaction uses rows and unique keys in modes; their
conflicts are those of ``tests.history_model``. A reference is a KEY SHARE of the row that it leads to.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.history_model import Refused, SessionAnswer, overtaken

Row = tuple[int | None, ...]
Rows = dict[int, Row]
Use = tuple[str, int]
"""A row or a unique key: ``("p", id)``, ``("c", id)``, ``("u", value)``."""

KEYS: Final = 4
SESSIONS: Final = 4
START: Final[dict[str, Rows]] = {
    "p": {1: (10, 1), 2: (20, 2), 3: (30, None)},
    "c": {1: (1, 5), 2: (2, 6), 3: (None, 7)},
}
CHANGES: Final = (
    "INSERT INTO p VALUES ({key}, {value}, {other})",
    "UPDATE p SET v = v + {value} WHERE id = {key}",
    "UPDATE p SET u = {other} WHERE id = {key}",
    "UPDATE p SET id = {to} WHERE id = {key}",
    "DELETE FROM p WHERE id = {key}",
    "INSERT INTO c VALUES ({key}, {other}, {value})",
    "UPDATE c SET v = v + {value} WHERE id = {key}",
    "UPDATE c SET p = {other} WHERE id = {key}",
    "DELETE FROM c WHERE id = {key}",
)
READS: Final = (
    "SELECT * FROM p",
    "SELECT * FROM c",
    "SELECT * FROM p WHERE id = {key} FOR KEY SHARE",
    "SELECT * FROM p WHERE id = {key} FOR UPDATE",
)
GRANT: Final = "GRANT SELECT ON p TO PUBLIC"
BODY: Final = "DO $$ BEGIN {}; END $$"


@dataclass(frozen=True)
class Step:
    """One statement of one session: a template and what fills it."""

    session: int
    template: str
    key: int = 0
    value: int = 0
    to: int = 0
    other: int | None = None
    body: bool = False

    @property
    def sql(self) -> str:
        other = "NULL" if self.other is None else self.other
        text = self.template.format(key=self.key, value=self.value, to=self.to, other=other)
        if self.body:
            return BODY.format(text)
        return f"{text} RETURNING *" if self.template in CHANGES else text

    def __str__(self) -> str:
        return f"s{self.session}: {self.sql}"


@dataclass
class Transaction:
    """A snapshot, what it looks like with the transaction's own writes, and how each row and key was used."""

    taken: int
    snapshot: dict[str, Rows]
    rows: dict[str, Rows]
    used: dict[Use, set[str]] = field(default_factory=lambda: defaultdict(set))

    def here(self, use: Use) -> bool:
        """Whether what was used was there, or is: what came and went is nobody's business."""
        return any(use in _uses(rows) for rows in (self.snapshot, self.rows))

    def use(self, table: str, key: int, mode: str) -> None:
        self.used[table, key].add(mode)


@dataclass
class _Session:
    block: bool = False
    failed: bool = False
    open: Transaction | None = None
    outdated: bool = False
    """Whether the catalog has changed since it looked."""
    lost: bool = False
    """Whether the catalog changed under its open transaction."""
    touched: bool = False

    def end(self) -> None:
        self.block = self.failed = self.lost = self.touched = False
        self.open = None


class Model:
    """The tables, the history of commits, and the sessions."""

    def __init__(self, rows: dict[str, Rows]) -> None:
        """All sessions have used both tables, and have heard of every schema change."""
        self.rows = _copy(rows)
        self._commits = 0
        self._last: dict[tuple[Use, str], int] = {}
        self._sessions = [_Session() for _ in range(SESSIONS)]

    def take(self, step: Step) -> SessionAnswer:
        """Return what the session hears."""
        session = self._sessions[step.session]
        if step.template in {"BEGIN", "COMMIT", "ROLLBACK"}:
            return self._control(session, step.template)
        if session.failed:
            return SessionAnswer(sqlstate="25P02")
        if step.template == GRANT:
            return self._grant(session)
        session.open = session.open or self._begun()
        try:
            answer = self._run(session, step)
        except Refused as refused:
            session.failed = session.block
            if not session.block:
                session.end()
            return SessionAnswer(sqlstate=str(refused))
        if not session.block:
            self._commit(session)
        return SessionAnswer("DO") if step.body else answer

    def _begun(self) -> Transaction:
        return Transaction(self._commits, _copy(self.rows), _copy(self.rows))

    def _control(self, session: _Session, verb: str) -> SessionAnswer:
        if verb == "BEGIN":
            if session.failed:
                return SessionAnswer(sqlstate="25P02")
            session.block, session.open = True, session.open or self._begun()
            return SessionAnswer("BEGIN")
        if verb == "ROLLBACK" or session.failed:
            session.end()
            return SessionAnswer("ROLLBACK")
        return SessionAnswer("COMMIT") if self._commit(session) else SessionAnswer(sqlstate="40001")

    def _grant(self, session: _Session) -> SessionAnswer:
        for other in self._sessions:
            if other is not session:
                other.outdated = True
                other.lost = other.lost or other.touched
        session.outdated = False
        return SessionAnswer("GRANT")

    def _run(self, session: _Session, step: Step) -> SessionAnswer:
        news = session.lost or session.outdated
        session.outdated, session.touched = False, True
        if news:
            raise Refused("40001")
        assert session.open
        return _ran(session.open, step)

    def _commit(self, session: _Session) -> bool:
        """Commit; say whether nobody was there first."""
        transaction, lost = session.open, session.lost
        session.end()
        if lost:
            session.outdated = False
        if transaction is None or lost:
            return not lost
        used = {use: modes for use, modes in transaction.used.items() if transaction.here(use)}
        if overtaken(used, self._last, transaction.taken):
            return False
        self._commits += 1
        for use, modes in used.items():
            self._last |= {(use, mode): self._commits for mode in modes}
            if use[0] != "u" and modes != {"S"}:
                self._write(*use, transaction)
        return True

    def _write(self, table: str, key: int, transaction: Transaction) -> None:
        self.rows[table].pop(key, None)
        if key in transaction.rows[table]:
            self.rows[table][key] = transaction.rows[table][key]


def _copy(rows: dict[str, Rows]) -> dict[str, Rows]:
    return {table: dict(each) for table, each in rows.items()}


def _uses(rows: dict[str, Rows]) -> Iterator[Use]:
    yield from ((table, key) for table, each in rows.items() for key in each)
    yield from (("u", unique) for _, unique in rows["p"].values() if unique is not None)


def _ran(now: Transaction, step: Step) -> SessionAnswer:
    verb, table = step.template.split()[0], "c" if " c" in step.template else "p"
    if verb == "SELECT":
        return _read(now, step, table)
    if verb == "INSERT":
        first, second = (step.value, step.other) if table == "p" else (step.other, step.value)
        _added(now, table, step.key, (first, second))
        return SessionAnswer("INSERT 0 1", ((step.key, first, second),))
    row = now.rows[table].get(step.key)
    if row is None:
        return SessionAnswer(f"{verb} 0")
    if verb == "DELETE":
        _taken(now, table, step.key)
        return SessionAnswer("DELETE 1", ((step.key, *row),))
    return SessionAnswer("UPDATE 1", (_updated(now, step, table, row),))


def _read(now: Transaction, step: Step, table: str) -> SessionAnswer:
    found = {key: row for key, row in now.rows[table].items() if "WHERE" not in step.template or key == step.key}
    mode = {"SHARE": "S", "UPDATE": "X"}.get(step.template.split()[-1])
    for key in found if mode else ():
        now.use(table, key, str(mode))
    return SessionAnswer(f"SELECT {len(found)}", tuple(sorted(((key, *row) for key, row in found.items()), key=repr)))


def _added(now: Transaction, table: str, key: int, row: Row) -> None:
    if key in now.rows[table]:
        raise Refused("23505")
    now.use(table, key, "X")
    now.rows[table][key] = row
    if table == "p":
        _took_key(now, key, row[1])
    else:
        _referred(now, row[0])


def _taken(now: Transaction, table: str, key: int) -> None:
    row = now.rows[table].pop(key)
    now.use(table, key, "X")
    if table == "p":
        _not_referred(now, key)
        if row[1] is not None:
            now.use("u", row[1], "X")


def _updated(now: Transaction, step: Step, table: str, row: Row) -> tuple[int | None, ...]:
    key, (first, second) = step.key, row
    mode = "U"
    if "SET id" in step.template:
        return _moved(now, step, row)
    if "SET u" in step.template:
        second = step.other
        mode = "X" if step.other != row[1] else "U"
        if row[1] is not None and mode == "X":
            now.use("u", row[1], "X")
    elif "SET p" in step.template:
        first = step.other
    elif table == "p":
        first = (first or 0) + step.value
    else:
        second = (second or 0) + step.value
    now.use(table, key, mode)
    now.rows[table][key] = (first, second)
    if mode == "X":
        _took_key(now, key, second)
    if table == "c" and first != row[0]:
        _referred(now, first)
    return key, first, second


def _moved(now: Transaction, step: Step, row: Row) -> tuple[int | None, ...]:
    if step.to == step.key:
        now.use("p", step.key, "U")
        return step.key, *row
    if step.to in now.rows["p"]:
        raise Refused("23505")
    del now.rows["p"][step.key]
    now.rows["p"][step.to] = row
    now.use("p", step.key, "X")
    now.use("p", step.to, "X")
    _not_referred(now, step.key)
    return step.to, *row


def _took_key(now: Transaction, key: int, unique: int | None) -> None:
    if unique is None:
        return
    if any(other != key and row[1] == unique for other, row in now.rows["p"].items()):
        raise Refused("23505")
    now.use("u", unique, "X")


def _referred(now: Transaction, parent: int | None) -> None:
    if parent is None:
        return
    if parent not in now.rows["p"]:
        raise Refused("23503")
    now.use("p", parent, "S")


def _not_referred(now: Transaction, parent: int) -> None:
    if any(row[0] == parent for row in now.rows["c"].values()):
        raise Refused("23503")


def history(source: random.Random, *, bodies: bool = False, grants: bool = False) -> list[Step]:
    """Return a history: two to four sessions, each with a transaction or two, in a random order of steps."""
    scripts = [
        list(_script(source, number, bodies=bodies, grants=grants)) for number in range(source.randint(2, SESSIONS))
    ]
    steps = []
    while scripts := [script for script in scripts if script]:
        steps.append(source.choice(scripts).pop(0))
    return steps


def _script(source: random.Random, session: int, *, bodies: bool, grants: bool) -> Iterable[Step]:
    for _ in range(source.randint(1, 2)):
        statements = [_statement(source, session, bodies=bodies) for _ in range(source.randint(1, 4))]
        if grants and source.random() < 0.2:
            yield Step(session, GRANT)
        if source.random() < 0.1:
            yield statements[0]
            continue
        yield Step(session, "BEGIN")
        yield from statements
        yield Step(session, "COMMIT" if source.random() < 0.9 else "ROLLBACK")


def _statement(source: random.Random, session: int, *, bodies: bool) -> Step:
    template = source.choice([*CHANGES, *CHANGES, *READS])
    body = bodies and template in CHANGES and source.random() < 0.5
    other = source.choice([None, *range(1, KEYS + 1), *range(1, KEYS + 1)])
    key, to = source.randint(1, KEYS), source.randint(1, KEYS)
    return Step(session, template, key, source.randint(1, 99), to, other, body)
