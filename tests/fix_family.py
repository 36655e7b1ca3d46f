"""Two parents, the second of them the default one, and a child of the first."""

from tests.fix_sessions import Session, Stage

_FAMILY = (
    "CREATE TABLE parents (id int PRIMARY KEY, name text)",
    "INSERT INTO parents VALUES (1, 'p'), (2, 'q')",
    "CREATE TABLE children (id int PRIMARY KEY, parent int DEFAULT 2 REFERENCES parents {how}, note text)",
    "INSERT INTO children (id, parent, note) VALUES (1, 1, 'c')",
)


def family_tables(how: str = "") -> list[str]:
    """Return the statements that make them; ``how`` is put behind REFERENCES."""
    return [text.format(how=how) for text in _FAMILY]


def family(stage: Stage, how: str = "") -> tuple[Session, Session]:
    """Make them, and return two sessions in transactions."""
    return stage.pair(*family_tables(how))
