"""What expressions of users can do: they are computed in the name of the engine's role."""

import re

import psycopg
import pytest

from pytest_dsql.local import occ
from pytest_dsql.local.occ import generated
from tests.unit.occ.sessions import OWNER, Engine

_DEFINED = re.compile(r"CREATE OR REPLACE FUNCTION occ\.(\w+)\((.*?)AS \$(\w*)\$(.*?)\$\3\$", re.DOTALL)


def _called(sql: str) -> set[str]:
    return set(re.findall(r"occ\.(\w+)\(", sql))


def test_the_role_may_call_what_is_called_in_its_name(engine: Engine) -> None:
    calls: dict[str, set[str]] = {}
    defined = [found for part in occ.RUNTIME for found in _DEFINED.findall(occ.runtime(part))]
    for name, _, _, body in defined:
        calls[name] = _called(body)
    with engine.superuser() as connection:
        engine_s = "SELECT proname FROM pg_proc WHERE pronamespace = 'occ'::regnamespace AND proname !~ ' '"
        owned = f"{engine_s} AND proowner = 'pg_occ_engine'::regrole"
        due = {name for (name,) in connection.execute(owned).fetchall()}
        may = f"{engine_s} AND has_function_privilege('pg_occ_engine', oid, 'EXECUTE')"
        allowed = {name for (name,) in connection.execute(may).fetchall()}
    for template in (*generated.templates(), *(one for loop in generated.LOOPS for one in loop.templates)):
        due |= _called(template.body)
    while more := {called for name in due for called in calls[name]} - due:
        due |= more
    assert due == allowed - {"is_own", "set_constraints"}


@pytest.mark.parametrize("table", ["shadowed", "template"])
def test_what_the_engine_keeps_is_out_of_reach_of_a_check(engine: Engine, table: str) -> None:
    owner = engine.connect(OWNER)
    body = f"DELETE FROM occ.{table}; SELECT count(*) FROM occ.{table}"
    owner(f"CREATE FUNCTION rows() RETURNS bigint LANGUAGE sql AS '{body}'")
    owner("CREATE TABLE t (id int PRIMARY KEY, n bigint CHECK (rows() = n))")
    owner("INSERT INTO {t} VALUES (1, 0)")
    with engine.superuser() as connection:
        assert connection.execute(f"SELECT count(*) > 0 FROM occ.{table}").fetchone() == (True,)


def test_so_is_what_the_stand_in_keeps_beside_it(engine: Engine) -> None:
    owner = engine.connect(OWNER)
    with engine.superuser() as connection:
        connection.execute("CREATE TABLE occ.kept (n int)")
        owner(
            "CREATE FUNCTION kept() RETURNS bigint LANGUAGE sql AS 'INSERT INTO occ.kept VALUES (1); SELECT 1::bigint'"
        )
        owner("CREATE TABLE t (id bigint PRIMARY KEY CHECK (kept() = id))")
        assert isinstance(owner.fails("INSERT INTO {t} VALUES (1)"), psycopg.errors.InsufficientPrivilege)
        assert connection.execute("SELECT count(*) FROM occ.kept").fetchone() == (0,)


@pytest.mark.parametrize("call", ["occ.follow('{}', true)", "pg_read_file('PG_VERSION')", "occ.purge()"])
def test_what_is_not_the_users_is_refused_to_a_check(engine: Engine, call: str) -> None:
    owner = engine.connect(OWNER)
    body = f"BEGIN PERFORM {call}; RETURN true; END"
    owner.conn.execute(f"CREATE FUNCTION fine() RETURNS boolean LANGUAGE plpgsql AS $${body}$$")
    owner("CREATE TABLE t (id int PRIMARY KEY CHECK (fine()))")
    assert isinstance(owner.fails("INSERT INTO {t} VALUES (1)"), psycopg.errors.InsufficientPrivilege)
