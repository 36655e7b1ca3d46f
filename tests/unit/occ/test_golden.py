"""What the engine generates for seven tables, to the letter: ``--golden=write`` renews the files."""

import re
from pathlib import Path

import psycopg
import pytest

from pytest_dsql.local.occ.words import Op
from tests import engine_page
from tests.unit.occ.sessions import OWNER, Engine

GOLDEN = Path(__file__).parent / "golden"
TABLES = {
    "accounts": "CREATE TABLE accounts (id int PRIMARY KEY, balance int CHECK (balance >= 0))",
    "two_columns": "CREATE TABLE two_columns (a uuid, b text, v numeric(18,6) DEFAULT 0, PRIMARY KEY (a, b))",
    "no_key": "CREATE TABLE no_key (a int, b timestamptz DEFAULT now())",
    "unique_keys": "CREATE TABLE unique_keys (id int PRIMARY KEY, mail text UNIQUE, live boolean NOT NULL, n int)",
    "parent": "CREATE TABLE parent (id int PRIMARY KEY)",
    "child": "CREATE TABLE child (id int PRIMARY KEY, up int REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL)",
    "awkward": 'CREATE TABLE awkward ("by" bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), "a, b" text, "{own}" text,'
    """ "o.x" text GENERATED ALWAYS AS ("a, b" || '$body$') STORED, PRIMARY KEY ("a, b"))""",
}
INDEXES = (
    "CREATE UNIQUE INDEX live_mail ON unique_keys (lower(mail)) WHERE live",
    "CREATE UNIQUE INDEX some_n ON unique_keys (n) NULLS NOT DISTINCT",
)
FUNCTIONS = """
SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname ~ '^pg_occ_' AND p.proname ~ ('_' || %(base)s || '$')
    OR n.nspname ~ '^pg_occ_' AND p.proargtypes[0] = (SELECT reltype FROM pg_class WHERE oid = %(view)s)
   AND p.proname IN ('for_update', 'for_key_share', 'refuse')
 ORDER BY p.proname"""
STATE = "SELECT base, view FROM occ.shadowed WHERE base = %(table)s::regclass"


@pytest.fixture
def generated(engine: Engine) -> dict[str, dict[str, str]]:
    """The generated text by table and object, with names in place of numbers."""
    owner = engine.connect(OWNER).conn
    for statement in (*TABLES.values(), *INDEXES):
        owner.execute(statement)
    with engine.superuser() as connection:
        found = {}
        for table in TABLES:
            base, view = connection.execute(STATE, {"table": table}).fetchone() or (0, 0)
            rows = connection.execute(FUNCTIONS, {"base": str(base), "view": view}).fetchall()
            merged = connection.execute("SELECT pg_get_viewdef(%s::oid, true)", (view,)).fetchone() or ("",)
            texts = {re.sub(r"_\d+$", "", name): text for name, text in rows} | {"view": merged[0] + "\n"}
            found[table] = texts
        numbers = dict(connection.execute("SELECT oid::text, relname FROM pg_class WHERE oid >= 16384").fetchall())
        numbers |= dict(
            connection.execute("SELECT oid::text, conname FROM pg_constraint WHERE oid >= 16384").fetchall()
        )
        numbers |= dict(connection.execute("SELECT oid::text, nspname FROM pg_namespace").fetchall())
    return {table: {name: _named(text, numbers) for name, text in texts.items()} for table, texts in found.items()}


def _named(text: str, numbers: dict[str, str]) -> str:
    """Put names in place of the numbers that PostgreSQL has given to objects, which differ from run to run."""
    return re.sub(
        r"(?<!\d)(?<!ERRCODE = ')\d{4,}(?!\d)",
        lambda found: f"<{numbers[found[0]]}>" if found[0] in numbers else found[0],
        text,
    )


@pytest.mark.parametrize("table", TABLES)
def test_what_is_generated_is_what_is_kept(
    generated: dict[str, dict[str, str]], table: str, pytestconfig: pytest.Config
) -> None:
    folder = GOLDEN / table
    if pytestconfig.option.golden == "write":
        folder.mkdir(exist_ok=True)
        for path in folder.glob("*.sql"):
            path.unlink()
        for name, text in generated[table].items():
            (folder / f"{name}.sql").write_text(text)
    assert generated[table] == {path.stem: path.read_text() for path in sorted(folder.glob("*.sql"))}


STORY = (
    "UPDATE {accounts} SET balance = 90 WHERE id = 1",
    "DELETE FROM {accounts} WHERE id = 1",
)


def test_the_story_of_one_row_is_what_is_kept(engine: Engine, pytestconfig: pytest.Config) -> None:
    session = engine.connect(OWNER)
    session(TABLES["accounts"])
    session("INSERT INTO {accounts} VALUES (1, 100)")
    lines = []
    with engine.superuser() as connection:
        (table,) = connection.execute("SELECT 'accounts'::regclass::oid::text").fetchone() or ("",)
        (own,) = connection.execute("SELECT own::regclass::text FROM occ.shadowed").fetchone() or ("",)
        connection.execute(f"GRANT SELECT ON {own} TO {OWNER}; GRANT USAGE ON SCHEMA {own.split('.')[0]} TO {OWNER}")
    session("BEGIN")
    for statement in STORY:
        session(statement)
        (row,) = session(f"SELECT o::text FROM {own} o WHERE occ_xid = pg_current_xact_id_if_assigned()")
        (state,) = session("SELECT current_setting('occ.state')")
        lines += [
            statement.replace("{accounts}", "accounts"),
            f"    overlay  {re.sub(r'^[(][0-9]+', '(<my xid>', row)}",
            f"    state    {state.replace(table, '<accounts>')}",
            f"    I see    {session('SELECT * FROM {accounts}') or 'nothing'}",
        ]
    session("COMMIT")
    assert session("SELECT * FROM accounts") == []
    text = "\n".join(["-- occ_xid, occ_op, occ_head, occ_ref, id, balance", *lines, ""])
    if pytestconfig.option.golden == "write":
        (GOLDEN / "story.txt").write_text(text)
    assert text == (GOLDEN / "story.txt").read_text()


REACHED = {
    "-": (),
    "I": ("INSERT INTO {letters} VALUES (2, 0, 0, 0)",),
    "U": ("UPDATE {letters} SET v = 1 WHERE id = 1",),
    "K": ("UPDATE {letters} SET part = 1 WHERE id = 1",),
    "R": ("UPDATE {letters} SET key = 1 WHERE id = 1",),
    "D": ("DELETE FROM {letters} WHERE id = 1",),
    "X": ("for_update",),
    "S": ("for_key_share",),
    "N": ("INSERT INTO {letters} VALUES (2, 0, 0, 0)", "DELETE FROM {letters} WHERE id = 2"),
}
THEN = {
    "INSERT": "INSERT INTO {letters} VALUES (%s, 9, 9, 9)",
    "UPDATE": "UPDATE {letters} SET v = 2 WHERE id = %s",
    "of a partial key": "UPDATE {letters} SET part = 2 WHERE id = %s",
    "of a key": "UPDATE {letters} SET key = 2 WHERE id = %s",
    "DELETE": "DELETE FROM {letters} WHERE id = %s",
    "FOR UPDATE": "for_update",
    "FOR KEY SHARE": "for_key_share",
}


def test_what_a_letter_becomes_is_what_is_kept(engine: Engine, pytestconfig: pytest.Config) -> None:
    session = engine.connect(OWNER)
    session("CREATE TABLE letters (id int PRIMARY KEY, v int, part int, key int UNIQUE)")
    session("CREATE UNIQUE INDEX ON letters (part) WHERE part > 0")
    session("INSERT INTO {letters} VALUES (1, 5, 5, 5)")
    with engine.superuser() as connection:
        (own,) = connection.execute("SELECT own::regclass::text FROM occ.shadowed").fetchone() or ("",)
        connection.execute(f"GRANT SELECT ON {own} TO {OWNER}; GRANT USAGE ON SCHEMA {own.split('.')[0]} TO {OWNER}")

    def run(statement: str, row: int) -> None:
        if statement.startswith("for"):
            session.mark(statement, "letters", f"id = {row}")
        else:
            session(statement.replace("%s", str(row)))

    def after(before: tuple[str, ...], statement: str, row: int) -> str:
        session("BEGIN")
        try:
            for one in before:
                run(one, row)
            run(statement, row)
            return str(
                (session(f"SELECT occ_op FROM {own} WHERE occ_xid = pg_current_xact_id_if_assigned()") or "-")[0]
            )
        except psycopg.errors.UniqueViolation:
            return "23505"
        finally:
            session("ROLLBACK")

    lines = [f"{'':4}{''.join(f'{verb:18}' for verb in THEN)}"]
    for letter, before in REACHED.items():
        row = 2 if letter in "IN" else 1
        lines.append(f"{letter:4}{''.join(f'{after(before, statement, row):18}' for statement in THEN.values())}")
    text = "".join(f"{line.rstrip()}\n" for line in lines)
    if pytestconfig.option.golden == "write":
        (GOLDEN / "letters.txt").write_text(text)
    assert text == (GOLDEN / "letters.txt").read_text()


def test_the_page_says_what_each_letter_means() -> None:
    page = engine_page.PAGE.read_text()
    assert re.findall(r"^\| `([A-Z])` \| ", page, re.MULTILINE) == [str(op) for op in Op]


def test_the_page_shows_what_is_generated() -> None:
    assert engine_page.page() == engine_page.PAGE.read_text(), "run python -m tests.engine_page --write"
