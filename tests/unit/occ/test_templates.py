"""What is generated for a table is text with blanks: what they may be, and what may fill them."""

import itertools
import re
from collections.abc import Iterator

import psycopg
import pytest

from pytest_dsql.local import occ
from pytest_dsql.local.dialect import facts
from pytest_dsql.local.occ import blanks, generated, words
from pytest_dsql.local.occ.loop import Loop
from pytest_dsql.local.occ.template import GeneratedFunction, Template, UnknownBlank, checked, row
from tests.unit.occ.sessions import OWNER, Engine


def test_an_unknown_blank_is_an_error_at_installation(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated.tables, "templates", lambda: iter([Template("overlay", "CREATE TABLE $overlai ()")]))
    with engine.superuser() as connection, pytest.raises(UnknownBlank, match="overlay: overlai"):
        occ.install(connection)


def test_an_unknown_blank_of_a_head_is_one() -> None:
    with pytest.raises(UnknownBlank, match="act: privat"):
        list(checked([GeneratedFunction("act", "", head="$privat.act()")], {"private"}))


def test_a_blank_is_written_in_small_letters() -> None:
    assert list(checked([Template("hold", "$view.id = $1[1]")], {"view"}))
    for text in ("$View", "a $ b", "$0"):
        with pytest.raises(UnknownBlank, match="hold: a . that begins no blank"):
            checked([Template("hold", text)], {"view"})


def test_no_word_of_python_is_left_in_a_template() -> None:
    assert [template.name for template in occ.templates() if "{" in template.body] == []


def test_an_unknown_word_of_static_sql_is_an_error_at_installation() -> None:
    assert words.spelt("'@DELETED@' @LOCK@") == "'D' 1868784384"
    with pytest.raises(KeyError, match="DELETE"):
        words.spelt("'@DELETE@'")


def test_each_blank_is_used() -> None:
    kept = [row(template) for template in occ.templates()]
    used = {blank for one in kept for blank in (*one["blanks"], *one.get("head_blanks", ()))}
    facts_of_rows = {fact for loop in generated.LOOPS for template in loop.templates for fact in template.when}
    of_rows = {name for loop in generated.LOOPS for name in loop.blanks}
    known = {*blanks.BLANKS, *(loop.name for loop in generated.LOOPS), *of_rows}
    assert used | (facts_of_rows & known) == known


@pytest.mark.parametrize("loop", generated.LOOPS, ids=lambda loop: loop.name)
def test_a_row_hides_no_blank_of_its_table(loop: Loop) -> None:
    assert loop.blanks.keys() & {*blanks.BLANKS, *blanks.FACTS} == set()
    assert loop.name not in blanks.BLANKS


def _applying() -> Iterator[tuple[str, dict[str, bool], int]]:
    """Yield for each name and each choice of its facts how many templates there are."""
    by_name = itertools.groupby(sorted(occ.templates(), key=lambda template: template.name), lambda it: it.name)
    for name, group in by_name:
        templates = list(group)
        keys = sorted({key for template in templates for key in template.when if key not in {"action", "side"}})
        for choice in itertools.product((True, False), repeat=len(keys)):
            of_table = dict(zip(keys, choice, strict=True))
            fitting = [template for template in templates if template.when.items() <= of_table.items()]
            yield name, of_table, len(fitting)


def test_the_facts_tell_one_template_of_a_name() -> None:
    lacking = [(name, of_table) for name, of_table, count in _applying() if count == 0]
    assert [(name, of_table) for name, of_table, count in _applying() if count > 1] == []
    # A table without a key has none to hold; rows have a function where there is a quick way, actions where keys act.
    assert {name for name, _ in lacking} == {"hold", "update_row", "act", "actions"}


def test_what_fills_a_blank_is_not_looked_at_again(engine: Engine) -> None:
    fill = "SELECT occ.filled(%s, %s, %s::jsonb)"
    with engine.superuser() as connection:
        parts = (["a ", " c ", ""], ["view", "own"])
        assert connection.execute(fill, (*parts, '{"view": "$own {own}", "own": "$view"}')).fetchone() == (
            "a $own {own} c $view",
        )
        with pytest.raises(psycopg.errors.RaiseException, match="nothing fills the blank own"):
            connection.execute(fill, (*parts, '{"view": "v"}'))


def test_what_is_generated_is_sound(engine: Engine) -> None:
    """PL/pgSQL's own look at functions is not taken when they are made, since they name what is made later."""
    engine.tables(
        "CREATE TABLE up (id int PRIMARY KEY, b int UNIQUE)",
        "CREATE TABLE t (id int PRIMARY KEY, n int UNIQUE, up int REFERENCES up ON DELETE SET DEFAULT, m text)",
        "CREATE UNIQUE INDEX ON t (lower(m)) WHERE n > 0",
        "CREATE TABLE bag (n int UNIQUE, up int REFERENCES up (b) MATCH FULL ON UPDATE CASCADE)",
        "CREATE TABLE sole (id int PRIMARY KEY)",
    )
    with engine.superuser() as connection:
        connection.execute("SET check_function_bodies = on")
        defined = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace::regnamespace::text ~ '^pg_occ_'"
        for (text,) in connection.execute(defined).fetchall():
            connection.execute(text)


AWKWARD = (
    '"$view"', '"$1"', '"{pk}"', '"a, b"', '"full name"', '"%s"', '"%1$s"', '"it\'s"', '"""quoted"""', r'"back\slash"',
    '"$body$"', '"OLD.x"', '"o.x"', '"select"',
)  # fmt: skip


class _Raw:
    """A session of the owner of tables that takes statements as they are; braces are the users' own here."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect(OWNER).conn
        ((self.schema,),) = self("SELECT format('pg_occ_%s', 'public'::regnamespace::oid)")

    def __call__(self, statement: str) -> list[tuple[object, ...]]:
        cursor = self._connection.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def fails(self, statement: str) -> type[psycopg.Error]:
        with pytest.raises(psycopg.Error) as caught:
            self(statement)
        return caught.type


@pytest.mark.parametrize("column", AWKWARD)
def test_names_are_as_users_write_them(engine: Engine, column: str) -> None:
    owner, table = _Raw(engine), f'"t {column[1:]}'
    owner(f"CREATE TABLE {table} ({column} int, other text, PRIMARY KEY ({column}, other), UNIQUE (other, {column}))")
    owner(f"ALTER TABLE {table} ADD twice int GENERATED ALWAYS AS ({column} * 2) STORED, ADD up int, ADD upper text")
    owner(f"ALTER TABLE {table} ADD FOREIGN KEY (up, upper) REFERENCES {table} ON UPDATE CASCADE ON DELETE SET NULL")
    view = f"{owner.schema}.{table}"
    owner(f"INSERT INTO {view} ({column}, other) VALUES (1, 'a'), (2, 'b')")
    owner(f"INSERT INTO {view} ({column}, other, up, upper) VALUES (3, 'c', 1, 'a')")
    assert owner(f"UPDATE {view} SET {column} = 7 WHERE other = 'a' RETURNING twice") == [(14,)]
    assert owner(f"SELECT up FROM {view} WHERE other = 'c'") == [(7,)]
    owner(f"BEGIN; SELECT {owner.schema}.for_update(t) FROM {view} t WHERE other = 'b'")
    owner(f"DELETE FROM {view} WHERE other = 'a'; COMMIT")
    assert owner(f"SELECT {column}, up FROM {table} ORDER BY 1") == [(2, None), (3, None)]
    assert owner.fails(f"INSERT INTO {view} ({column}, other) VALUES (2, 'b')") is psycopg.errors.UniqueViolation


@pytest.mark.parametrize("column", AWKWARD)
def test_names_of_generated_columns_and_of_tables_without_a_key_are_too(engine: Engine, column: str) -> None:
    owner, table = _Raw(engine), f'"t {column[1:]}'
    view = f"{owner.schema}.{table}"
    owner(f"CREATE TABLE {table} (n int, {column} text GENERATED ALWAYS AS (n || '{{own}} $view') STORED)")
    assert owner(f"INSERT INTO {view} (n) VALUES (1) RETURNING {column}") == [("1{own} $view",)]
    assert owner(f"UPDATE {view} SET n = 2 RETURNING {column}") == [("2{own} $view",)]
    assert owner.fails(f"UPDATE {view} SET {column} = 'x'") is psycopg.errors.GeneratedAlways
    owner(f"ALTER TABLE {table} RENAME {column} TO plain; ALTER TABLE {table} RENAME n TO {column}")
    owner(f"BEGIN; UPDATE {view} SET {column} = 3; DELETE FROM {view} WHERE {column} = 3; COMMIT")
    assert owner(f"SELECT count(*) FROM {table}") == [(0,)]


@pytest.mark.parametrize("text", ["{own}", "$overlay", "%s", "''", r"\1", "$$"])
def test_predicates_and_expressions_are_as_users_write_them(engine: Engine, text: str) -> None:
    owner, written = _Raw(engine), text.replace("''", "'")
    view = f"{owner.schema}.notes"
    owner(f"CREATE TABLE notes (id int PRIMARY KEY, note text CHECK (note <> '{text}!') DEFAULT '{text}')")
    owner(f"CREATE UNIQUE INDEX ON notes ((note || '{text}')) WHERE note <> '{text}'")
    owner(f"INSERT INTO {view} (id) VALUES (1), (2); INSERT INTO {view} VALUES (3, 'x')")
    assert owner(f"SELECT note FROM {view} WHERE id < 3") == [(written,), (written,)]
    assert owner.fails(f"INSERT INTO {view} VALUES (4, 'x')") is psycopg.errors.UniqueViolation
    assert owner.fails(f"UPDATE {view} SET note = 'x' WHERE id = 1") is psycopg.errors.UniqueViolation
    assert owner.fails(f"UPDATE {view} SET note = '{text}!' WHERE id = 1") is psycopg.errors.CheckViolation


def test_the_engine_and_the_facts_agree() -> None:
    assert facts.DATA_CONFLICT.message == words.CONFLICT


def test_a_word_stands_for_one_thing() -> None:
    spelt = [value for name, value in vars(words).items() if re.fullmatch(r"[A-Z_]+", name) and isinstance(value, int)]
    assert len(spelt) == len(set(spelt))


@pytest.mark.parametrize("part", occ.RUNTIME)
def test_sql_is_as_wide_as_python(part: str) -> None:
    assert [line for line in occ.runtime(part).splitlines() if len(line) > 120] == []
