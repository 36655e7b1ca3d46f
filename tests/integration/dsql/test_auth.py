"""Who comes in: the token, the action for the user, the policies, the mapping of roles; and what a role may do."""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from tests.fix_cluster import Cluster, change
from tests.fix_principals import ACCOUNT, DENIED, Caller, earlier, mapped, policy
from tests.fix_sessions import Session, Stage

ALLOWED = policy("dsql:*")
Make = Callable[..., Caller]


# The token


def test_admin_comes_in_with_a_token_of_its_action(caller: Caller) -> None:
    assert Session(caller.connect("admin"))("SELECT current_user") == ["admin"]


@pytest.mark.parametrize(("user", "action"), [("admin", "DbConnect"), ("somebody", "DbConnectAdmin")])
def test_the_action_must_be_that_of_the_user(caller: Caller, user: str, action: str) -> None:
    hint = caller.refused(user, caller.token(user, action=action))
    assert hint == f"Wrong user to action mapping. user: {user}, action: {action}"


def test_a_token_expires(caller: Caller) -> None:
    with earlier(timedelta(hours=1)):
        token = caller.token("admin")
    assert caller.refused("admin", token).startswith("Signature expired: ")


def test_a_token_serves_until_it_expires_and_a_session_outlives_it(caller: Caller) -> None:
    with earlier(timedelta(minutes=14)):
        token = caller.token("admin")
    for _ in range(2):
        assert Session(caller.connect("admin", password=token))("SELECT 1") == [1]


def test_a_token_names_its_cluster(caller: Caller) -> None:
    other = f"{'a' * 26}.dsql.{caller.cluster.region}.on.aws"
    assert caller.refused("admin", caller.token("admin", host=other))


def test_a_token_names_its_region(caller: Caller) -> None:
    assert caller.refused("admin", caller.token("admin", region="ap-northeast-3"))


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("X-Amz-Expires=900", "X-Amz-Expires=9000"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Bx"),
        ("%2Fdsql%2F", "%2Frds%2F"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
    ],
)
def test_a_token_cannot_be_changed(caller: Caller, part: str, other: str) -> None:
    token = caller.token("admin")
    assert part in token
    assert caller.refused("admin", token.replace(part, other))


@pytest.mark.parametrize("password", ["", "secret", "postgres://", "?Action=DbConnectAdmin"])
def test_a_password_is_no_token(caller: Caller, password: str) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        caller.connect("admin", password=password or " ")
    assert DENIED in str(caught.value)


def test_an_unknown_key_is_refused(cluster: Cluster) -> None:
    stranger = Caller(cluster, "", "AKIAIOSFODNN7EXAMPLE", "wrong")
    assert stranger.refused("admin")


def test_the_secret_is_checked(principal: Make) -> None:
    right = principal(ALLOWED)
    wrong = Caller(right.cluster, right.arn, right.key, right.secret + "x")
    right.connect("admin")
    assert wrong.refused("admin")


def test_a_session_token_belongs_to_its_credentials(principal: Make) -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/one"
    right = principal(ALLOWED, arn=arn, token="a session token/+=")
    right.connect("admin")
    for token in (None, "another"):
        assert Caller(right.cluster, arn, right.key, right.secret, token).refused("admin")


def test_there_is_one_database(caller: Caller) -> None:
    with pytest.raises(psycopg.OperationalError):
        caller.connect("admin", dbname="other")


# Policies


def not_authorized(who: Caller, arn: str) -> str:
    return (
        f"User: {who.arn} is not authorized to perform: dsql:DbConnectAdmin on resource: {arn} "
        "because no identity-based policy allows the dsql:DbConnectAdmin action"
    )


@pytest.fixture
def cluster_arn(cluster: Cluster) -> str:
    return f"arn:aws:dsql:{cluster.region}:{ACCOUNT}:cluster/{cluster.identifier}"


@pytest.mark.parametrize(
    "policies",
    [(), (policy("dsql:DbConnect"),), (policy("s3:*"),), (policy("dsql:*", "arn:aws:dsql:*:*:cluster/other"),)],
    ids=["none", "other-action", "other-service", "other-cluster"],
)
def test_a_policy_must_allow_the_action_on_this_cluster(
    principal: Make, cluster_arn: str, policies: tuple[dict[str, object], ...]
) -> None:
    who = principal(*policies)
    assert who.refused("admin") == not_authorized(who, cluster_arn)


@pytest.mark.parametrize("resource", ["*", "{arn}", "arn:aws:dsql:*:*:cluster/*"])
def test_a_policy_names_the_cluster(principal: Make, cluster_arn: str, resource: str) -> None:
    principal(policy("dsql:DbConnectAdmin", resource.format(arn=cluster_arn))).connect("admin")


def test_an_explicit_deny_wins(principal: Make) -> None:
    who = principal(ALLOWED, policy("dsql:DbConnectAdmin", effect="Deny"))
    assert "with an explicit deny" in who.refused("admin")


def test_another_account_has_nothing_to_do_here(principal: Make) -> None:
    who = principal(ALLOWED, account="999999999999")
    assert who.refused("admin") == f"User: {who.arn} is not authorized to access this resource"


# Roles and their mapping


def test_an_unknown_role_is_refused(caller: Caller) -> None:
    assert not caller.refused("nobody_of_this_name").startswith("Wrong user")


def test_a_role_needs_a_mapping(caller: Caller, role: str) -> None:
    assert not caller.refused(role).startswith("Wrong user")


def test_a_mapped_role_comes_in_until_it_is_revoked(principal: Make, cluster: Cluster, role: str) -> None:
    admin, who = cluster.connect(), principal(policy())
    with mapped(admin, role, who.arn):
        session = Session(who.connect(role))
        assert session("SELECT current_user, session_user") == [(role, role)]
        (mapping,) = Session(admin)(f"SELECT arn FROM sys.iam_pg_role_mappings WHERE pg_role_name = '{role}'")
        assert mapping == who.arn
    assert who.refused(role)
    assert session.retried("SELECT 1") == [1], "who is in stays in"


def test_a_mapping_is_for_one_arn(principal: Make, cluster: Cluster, role: str) -> None:
    one, other = principal(policy()), principal(policy())
    with mapped(cluster.connect(), role, one.arn):
        one.connect(role)
        assert other.refused(role)


def test_a_session_of_a_role_comes_in_by_the_mapping_of_its_role(principal: Make, cluster: Cluster, role: str) -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session"
    who = principal(policy(), arn=arn, token="t")
    with mapped(cluster.connect(), role, f"arn:aws:iam::{ACCOUNT}:role/app"):
        who.connect(role)


def test_a_mapped_role_still_needs_the_policy(principal: Make, cluster: Cluster, role: str) -> None:
    who = principal(policy("dsql:DbConnectAdmin"))
    with mapped(cluster.connect(), role, who.arn):
        assert "is not authorized to perform: dsql:DbConnect on resource" in who.refused(role)


def test_a_role_with_a_mapping_cannot_be_dropped(cluster: Cluster, role: str) -> None:
    admin = Session(cluster.connect())
    with mapped(admin.connection, role, f"arn:aws:iam::{ACCOUNT}:role/app"):
        error = admin.fails(f"DROP ROLE {role}")
    assert error.sqlstate == "2BP01"
    assert error.diag.message_primary == f'role "{role}" cannot be dropped because some objects depend on it'


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("AWS IAM GRANT {role} TO 'nonsense'", "IAM role must look like an IAM ARN"),
        ("AWS IAM GRANT missing_role TO '{arn}'", "Role missing_role does not exist"),
        ("AWS IAM REVOKE {role} FROM '{arn}'", "IAM role {arn} does not exist"),
    ],
)
def test_mappings_that_cannot_be(cluster: Cluster, role: str, statement: str, message: str) -> None:
    names = {"role": role, "arn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}
    error = Session(cluster.connect()).fails(statement.format(**names))
    assert error.diag.message_primary == message.format(**names)


# What a role may do


@pytest.fixture
def somebody(principal: Make, cluster: Cluster, role: str, stage: Stage) -> Session:
    """A session of a role that owns nothing; admin has a table in the schema."""
    who, admin = principal(policy()), stage.set_up("CREATE TABLE t (id int PRIMARY KEY, v int)")
    with mapped(admin.connection, role, who.arn):
        path = admin("SHOW search_path")[0]
        change(admin.connection, f"GRANT USAGE ON SCHEMA {path} TO {role}")
        admin.retried("INSERT INTO t VALUES (1, 1)")
        return Session(who.connect(role, options=f"-c search_path={path}"))


def test_a_routine_has_the_rights_of_who_calls_it_or_of_its_owner(somebody: Session, role: str, stage: Stage) -> None:
    body = "BEGIN EXECUTE 'INSERT INTO t VALUES (2, 2) ON CONFLICT DO NOTHING'; UPDATE t SET v = v + 1; END"
    admin = stage.open()
    for name, rights in (("mine", "INVOKER"), ("theirs", "DEFINER")):
        change(admin.connection, f"CREATE PROCEDURE {name}() LANGUAGE plpgsql SECURITY {rights} AS $${body}$$")
    error = _refusal(somebody, "CALL mine()")
    assert (error.sqlstate, error.diag.message_primary) == ("42501", "permission denied for table t")
    somebody.retried("CALL theirs()")
    assert admin("SELECT v FROM t ORDER BY id") == [2, 3]
    change(admin.connection, f"GRANT SELECT, INSERT, UPDATE ON t TO {role}")
    somebody.retried("CALL mine()")
    assert admin.retried("SELECT v FROM t ORDER BY id") == [3, 4]


def test_without_a_grant_nothing_is_permitted(somebody: Session) -> None:
    for statement in ("SELECT * FROM t", "UPDATE t SET v = 2", "DELETE FROM t", "INSERT INTO t VALUES (2)"):
        error = _refusal(somebody, statement)
        assert (error.sqlstate, error.diag.message_primary) == ("42501", "permission denied for table t")


def _refusal(session: Session, statement: str) -> psycopg.Error:
    """Return why the statement is refused, once the session knows of the latest schema change."""
    session.catch_up()
    return session.fails(statement)


def test_a_grant_is_what_it_says(somebody: Session, role: str, stage: Stage) -> None:
    admin = stage.open()
    change(admin.connection, f"GRANT SELECT, UPDATE ON t TO {role}")
    assert somebody.retried("SELECT v FROM t") == [1]
    assert somebody("UPDATE t SET v = 2 RETURNING v") == [2]
    assert somebody("SELECT v FROM t FOR UPDATE") == [2]
    assert somebody.refused("DELETE FROM t") == "42501"
    change(admin.connection, f"REVOKE ALL ON t FROM {role}")
    assert _refusal(somebody, "SELECT * FROM t").sqlstate == "42501"


def test_conflicts_cross_roles(somebody: Session, role: str, stage: Stage) -> None:
    admin = stage.open()
    change(admin.connection, f"GRANT SELECT, UPDATE ON t TO {role}")
    somebody.begin()("UPDATE t SET v = 5")
    admin("UPDATE t SET v = 6")
    assert somebody.loses()


DEFINITIONS = (
    "CREATE TABLE public.mine (id int)",
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE ROLE other WITH LOGIN",
    "DROP TABLE t",
    "ALTER TABLE t ADD COLUMN x int",
    f"AWS IAM GRANT admin TO 'arn:aws:iam::{ACCOUNT}:role/app'",
)


def test_a_role_cannot_define(somebody: Session) -> None:
    for statement in DEFINITIONS:
        assert _refusal(somebody, statement).sqlstate in {"42501", "0A000"}


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("-c statement_timeout=1000", "statement_timeout"),
        ("-c search_path=public --work-mem=1MB", "work_mem"),
    ],
)
def test_a_setting_that_is_not_there_ends_the_connection(cluster: Cluster, asked: str, name: str) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        cluster.connect(options=asked)
    assert f'FATAL:  setting configuration parameter "{name}" not supported' in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM pg_authid",
        "COPY (SELECT 1) TO '/tmp/x'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SET SESSION AUTHORIZATION postgres",
        "SET ROLE postgres",
        "ALTER ROLE admin SUPERUSER",
        "CREATE ROLE boss SUPERUSER",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "DELETE FROM occ.iam_mapping",
        "SELECT set_config('session_authorization', 'postgres', false)",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x'",
    ],
)
def test_admin_is_no_superuser(cluster: Cluster, statement: str) -> None:
    Session(cluster.connect()).fails(statement)
