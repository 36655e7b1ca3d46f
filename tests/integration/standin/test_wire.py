"""The protocol: TLS and names, both query protocols, pipelines, COPY, and where errors point."""

import contextlib
import re
import socket
import ssl
import struct
from pathlib import Path

import psycopg
import pytest
import trustme
from psycopg import pq

from tests.fix_cluster import Cluster
from tests.fix_sessions import Session, Stage

MEBIBYTE = 1024 * 1024


@pytest.fixture
def session(module_stage: Stage, handle: object) -> Session:
    """A session, and a table with two rows."""
    return module_stage.set_up(
        "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, v text)",
        "DELETE FROM t",
        "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    )


# TLS


@pytest.mark.parametrize("way", ["postgres", "direct"])
def test_the_name_is_verified(cluster: Cluster, handle: object, way: str) -> None:
    connection = cluster.connect(sslnegotiation=way)
    assert connection.pgconn.ssl_in_use
    assert Session(connection)("SELECT 1") == [1]


def test_another_authority_is_not_trusted(cluster: Cluster, handle: object, tmp_path: Path) -> None:
    other = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        cluster.connect(sslrootcert=str(other))


def test_another_name_is_not_served(cluster: Cluster, handle: object) -> None:
    with pytest.raises(psycopg.OperationalError):
        cluster.connect(host=f"{'a' * 26}.dsql.{cluster.region}.on.aws", password="x")


def test_plaintext_is_refused(cluster: Cluster, handle: object) -> None:
    with pytest.raises(psycopg.OperationalError, match="SSL is mandatory"):
        cluster.connect(sslmode="disable")


def test_a_name_must_be_sent(cluster: Cluster, handle: object) -> None:
    with pytest.raises(psycopg.OperationalError, match="FATAL:  unable to accept connection, sni was not received"):
        cluster.connect(sslsni="0", sslmode="require", sslrootcert="")


@pytest.mark.parametrize(
    ("version", "served"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_2_is_the_least(cluster: Cluster, handle: object, version: ssl.TLSVersion, served: bool) -> None:
    context = ssl.create_default_context(cafile=cluster.environment["PGSSLROOTCERT"])
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with plain(cluster) as raw:
        raw.sendall(struct.pack("!ii", 8, 80877103))
        assert raw.recv(1) == b"S"
        try:
            context.wrap_socket(raw, server_hostname=cluster.host).close()
        except (ssl.SSLError, OSError):
            assert not served
        else:
            assert served


def test_gss_is_declined(cluster: Cluster, handle: object) -> None:
    with plain(cluster) as raw:
        raw.sendall(struct.pack("!ii", 8, 80877104))
        assert raw.recv(1) == b"N"


@pytest.mark.parametrize("rubbish", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 16, b"\x16\x03\x01\x00\x05hello"])
def test_rubbish_harms_nobody(cluster: Cluster, session: Session, rubbish: bytes) -> None:
    with plain(cluster) as raw:
        raw.sendall(rubbish)
        with contextlib.suppress(ConnectionError):
            while raw.recv(1024):
                pass
    assert session("SELECT 1") == [1]


@pytest.mark.parametrize("length", [*range(8), 10_001, -1])
@pytest.mark.parametrize("rest", [b"", struct.pack("!i", 3 << 16)], ids=["length alone", "more"])
def test_a_startup_packet_has_a_length(cluster: Cluster, handle: object, length: int, rest: bytes) -> None:
    context = ssl.create_default_context(cafile=cluster.environment["PGSSLROOTCERT"])
    with plain(cluster) as raw:
        raw.sendall(struct.pack("!ii", 8, 80877103))
        assert raw.recv(1) == b"S"
        with context.wrap_socket(raw, server_hostname=cluster.host) as secure:
            secure.sendall(struct.pack("!i", length) + rest)
            answer = secure.recv(1024)
    assert answer[:1] == b"E"
    assert {b"C08P01", b"Minvalid length of startup packet"} <= set(answer[5:].split(b"\0"))


def plain(cluster: Cluster) -> socket.socket:
    address = cluster.environment["PGHOSTADDR"], int(cluster.environment["PGPORT"])
    return socket.create_connection(address, timeout=5)


# Queries


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("prepare", [False, True], ids=["once", "prepared"])
def test_parameters_and_results_in_both_forms(session: Session, binary: bool, prepare: bool) -> None:
    form = "%b" if binary else "%t"
    query = f"UPDATE t SET v = {form} WHERE id = {form} RETURNING id, v"
    for number in (1, 2):
        cursor = session.connection.execute(query, [f"n{number}", number], prepare=prepare, binary=binary)
        assert cursor.fetchall() == [(number, f"n{number}")]
        assert cursor.statusmessage == "UPDATE 1"


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_for_update_shows_the_columns_that_were_asked_for(session: Session, binary: bool) -> None:
    cursor = session.connection.execute("SELECT * FROM t ORDER BY id FOR UPDATE", binary=binary)
    assert [column.name for column in cursor.description or ()] == ["id", "v"]
    assert cursor.fetchall() == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_upserts_prepared(session: Session, binary: bool) -> None:
    upsert = "INSERT INTO t VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING v"
    for number in (1, 5):
        cursor = session.connection.execute(upsert, [number, "x"], prepare=True, binary=binary)
        assert (cursor.fetchall(), cursor.statusmessage) == ([("x",)], "INSERT 0 1")


def test_a_statement_is_described_without_being_run(session: Session) -> None:
    raw = session.connection.pgconn
    raw.prepare(b"s", b"SELECT id, v FROM t WHERE id = $1 FOR UPDATE")
    described = raw.describe_prepared(b"s")
    assert [described.fname(n) for n in range(described.nfields)] == [b"id", b"v"]
    assert described.param_type(0) == 23
    assert raw.exec_prepared(b"s", [b"1"]).get_value(0, 1) == b"a"


def test_large_rows(session: Session) -> None:
    text = "ä" * (MEBIBYTE // 2)
    session("INSERT INTO t VALUES (3, %s), (4, %s)", text, text[::-1])
    assert [len(value) for value in session("SELECT v FROM t WHERE id > 2")] == [MEBIBYTE // 2] * 2


def test_many_rows(session: Session) -> None:
    assert sum(session("SELECT n FROM generate_series(1, 100000) n")) == 5000050000


@pytest.mark.parametrize("query", ["", ";", " -- nothing\n", "/* nothing */"])
def test_an_empty_query(session: Session, query: str) -> None:
    result = session.connection.pgconn.exec_(query.encode())
    assert result.status == pq.ExecStatus.EMPTY_QUERY
    assert session("SELECT 1") == [1]


def test_several_results_of_one_message(session: Session) -> None:
    cursor = session.connection.execute("SELECT 1; UPDATE t SET v = 'z'; SELECT v FROM t")
    found = [(cursor.statusmessage, cursor.fetchall() if cursor.description else None)]
    while cursor.nextset():
        found.append((cursor.statusmessage, cursor.fetchall() if cursor.description else None))
    assert found == [("SELECT 1", [(1,)]), ("UPDATE 2", None), ("SELECT 2", [("z",), ("z",)])]


def test_notices_arrive(session: Session) -> None:
    heard: list[str | None] = []
    session.connection.add_notice_handler(lambda notice: heard.append(notice.message_primary))
    session("DROP TABLE IF EXISTS missing")
    assert heard == ['table "missing" does not exist, skipping']


def test_two_statements_cannot_be_prepared_as_one(session: Session) -> None:
    with pytest.raises(psycopg.errors.SyntaxError, match="cannot insert multiple commands into a prepared statement"):
        session.connection.execute("SELECT %s; SELECT 2", [1])
    assert session("SELECT 1") == [1]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nothing FROM t",
        "SELECT v FROM t WHERE id = 1 AND nothing = 2",
        "SELECT t.v FROM t JOIN t u USING (id) WHERE t.v = u.v AND nothing FOR UPDATE",
        "UPDATE t SET nothing = 1",
        "SELECT 1; SELECT nothing FROM t",
        "SELECT 'ä€', nothing FROM t",
        "WITH x AS (SELECT * FROM t) SELECT nothing FROM x, t",
    ],
)
@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
def test_errors_point_into_the_text_that_was_sent(session: Session, query: str, extended: bool) -> None:
    if extended and ";" in query:
        return
    raw = session.connection.pgconn
    result = raw.exec_params(query.encode(), None) if extended else raw.exec_(query.encode())
    position = result.error_field(pq.DiagnosticField.STATEMENT_POSITION)
    assert position == str(query.index("nothing") + 1).encode()


def test_errors_show_no_names_of_the_engine(session: Session) -> None:
    for statement in ("INSERT INTO t VALUES (1, 'x')", "SELECT * FROM missing", "UPDATE t SET id = 'x'"):
        error = session.fails(statement)
        assert not re.search(
            "occ", f"{error} {error.diag.context} {error.diag.message_detail} {error.diag.schema_name}"
        )


# Pipelines


def in_a_pipeline(session: Session, *statements: str) -> None:
    with session.connection.pipeline():
        for statement in statements:
            session.connection.execute(statement)


def test_a_pipeline_of_a_whole_transaction(session: Session) -> None:
    with session.connection.pipeline(), session.connection.transaction():
        cursors = [
            session.connection.execute("UPDATE t SET v = v || %s WHERE id = 1 RETURNING v", ["x"]) for _ in range(5)
        ]
    assert [cursor.fetchall() for cursor in cursors] == [[("a" + "x" * count,)] for count in range(1, 6)]


def test_an_error_in_the_midst_of_a_pipeline(session: Session) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        in_a_pipeline(session, "UPDATE t SET v = 'lost'", "SELECT 1 / 0", "UPDATE t SET v = 'never'")
    assert session("SELECT v FROM t ORDER BY id") == ["a", "b"]


def test_a_pipeline_is_one_transaction_and_its_conflict_is_told(session: Session, module_stage: Stage) -> None:
    other = module_stage.open().begin()
    other("UPDATE t SET v = 'other' WHERE id = 1")
    with session.connection.pipeline():
        session.connection.execute("UPDATE t SET v = 'mine' WHERE id = 1")
        session.connection.execute("UPDATE t SET v = 'mine' WHERE id = 2")
    assert other.loses()


def test_a_refusal_in_a_pipeline(session: Session) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        in_a_pipeline(session, "SELECT 1", "TRUNCATE t", "SELECT 2")
    assert session("SELECT count(*) FROM t") == [2]


def test_a_long_pipeline(session: Session) -> None:
    with session.connection.pipeline():
        cursors = [session.connection.execute("SELECT %s::int", [number]) for number in range(500)]
    assert [cursor.fetchone() for cursor in cursors] == [(number,) for number in range(500)]


def prepare(session: Session, *statements: bytes) -> None:
    for statement in statements:
        assert session.connection.pgconn.prepare(statement, statement).status == pq.ExecStatus.COMMAND_OK


def in_one_piece(session: Session, *statements: bytes) -> list[str]:
    """Run prepared statements, sent at once and as psycopg's pipelines would; return their tags or SQLSTATEs."""
    connection = session.connection.pgconn
    connection.enter_pipeline_mode()
    for statement in statements:
        connection.send_query_prepared(statement, None)
    connection.pipeline_sync()
    connection.send_flush_request()
    connection.flush()
    answers = [_answer(connection) for _ in statements]
    assert (result := connection.get_result())
    assert result.status == pq.ExecStatus.PIPELINE_SYNC
    connection.exit_pipeline_mode()
    return answers


def _answer(connection: pq.abc.PGconn) -> str:
    result = connection.get_result()
    assert result
    assert connection.get_result() is None
    failed = result.error_field(pq.DiagnosticField.SQLSTATE)
    return (failed or result.command_status or pq.ExecStatus(result.status).name.encode()).decode()


def test_prepared_statements_in_one_piece(session: Session) -> None:
    statements = (b"BEGIN", b"UPDATE t SET v = 'x' WHERE id = 1", b"SELECT 1")
    prepare(session, *statements, b"COMMIT")
    for _ in range(2):
        assert in_one_piece(session, *statements) == ["BEGIN", "UPDATE 1", "SELECT 1"]
        assert in_one_piece(session, b"COMMIT") == ["COMMIT"]
    assert session("SELECT v FROM t ORDER BY id") == ["x", "b"]


def test_large_answers_to_one_piece(session: Session) -> None:
    large = b"SELECT repeat('x', 300000)"
    prepare(session, large)
    assert in_one_piece(session, large, large, large) == ["SELECT 1"] * 3


def test_what_the_stand_in_adds_to_a_prepared_statement_is_not_shown(session: Session) -> None:
    session.begin()
    for _ in range(2):
        locked = session.connection.execute("SELECT v FROM t WHERE id = 1 FOR UPDATE", prepare=True)
        assert locked.fetchall() == [("a",)]
    session("ROLLBACK")


def test_an_error_in_the_midst_of_one_piece(session: Session) -> None:
    statements = (b"BEGIN", b"UPDATE t SET v = 'lost'", b"INSERT INTO t VALUES (1)", b"UPDATE t SET v = 'never'")
    prepare(session, *statements)
    for _ in range(2):
        assert in_one_piece(session, *statements) == ["BEGIN", "UPDATE 2", "23505", "PIPELINE_ABORTED"]
        assert session.status is pq.TransactionStatus.INERROR
        session("ROLLBACK")
    assert session("SELECT v FROM t ORDER BY id") == ["a", "b"]


def test_the_rules_hold_for_what_comes_in_one_piece(session: Session, module_stage: Stage) -> None:
    read = (b"BEGIN", b"SELECT v FROM t WHERE id = 1")
    prepare(session, *read, b"COMMIT")
    assert in_one_piece(session, *read, b"COMMIT") == ["BEGIN", "SELECT 1", "COMMIT"]
    module_stage.set_up("CREATE TABLE IF NOT EXISTS u (id int)", "DROP TABLE u")
    assert in_one_piece(session, *read) == ["BEGIN", "40001"]
    session("ROLLBACK")
    assert in_one_piece(session, *read) == ["BEGIN", "SELECT 1"]
    session("COMMIT")


def test_portals_fetch_by_parts(session: Session) -> None:
    with session.connection.transaction():
        cursor = session.connection.cursor()
        rows = list(cursor.stream("SELECT n FROM generate_series(1, 1000) n"))
    assert len(rows) == 1000


# COPY


def test_copy_in_and_out(session: Session) -> None:
    with session.connection.cursor().copy("COPY t (id, v) FROM STDIN") as copy:
        for number in range(10, 20):
            copy.write_row((number, f"row {number}\t\\"))
    with session.connection.cursor().copy("COPY t TO STDOUT") as copy:
        copy.set_types(["int4", "text"])
        rows = sorted(copy.rows())
    assert rows[0] == (1, "a")
    assert rows[-1] == (19, "row 19\t\\")
    assert len(rows) == 12


@pytest.mark.parametrize("options", ["(FORMAT csv, HEADER)", "(FORMAT binary)"])
def test_copy_formats(session: Session, options: str) -> None:
    with session.connection.cursor().copy(f"COPY t TO STDOUT {options}") as copy:
        data = b"".join(map(bytes, copy))
    session("DELETE FROM t")
    with session.connection.cursor().copy(f"COPY t FROM STDIN {options}") as copy:
        copy.write(data)
    assert session("SELECT * FROM t ORDER BY id") == [(1, "a"), (2, "b")]


def test_copy_takes_part_in_its_transaction(session: Session, module_stage: Stage) -> None:
    other = module_stage.open().begin()
    session.begin()
    with session.connection.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write_row((9, "copied"))
    assert session("SELECT v FROM t WHERE id = 9") == ["copied"]
    other("INSERT INTO t VALUES (9, 'other')")
    assert not session.loses()
    assert other.loses()


def test_a_copy_that_fails(session: Session) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), session.connection.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write("9\tx\n1\tagain\n")
    assert session("SELECT count(*) FROM t") == [2]


def test_copy_of_a_query(session: Session) -> None:
    session.begin()("UPDATE t SET v = 'mine' WHERE id = 1")
    with session.connection.cursor().copy("COPY (SELECT v FROM t ORDER BY id) TO STDOUT") as copy:
        assert b"".join(map(bytes, copy)) == b"mine\nb\n"
    session("ROLLBACK")


@pytest.mark.parametrize("statement", ["COPY t TO '/tmp/x'", "COPY t FROM '/tmp/x'", "COPY t FROM PROGRAM 'true'"])
def test_copy_of_files_is_refused(session: Session, statement: str) -> None:
    assert session.refused(statement) in {"0A000", "42501"}
    assert session("SELECT 1") == [1]


def test_settings_of_the_startup_message(cluster: Cluster, module_stage: Stage) -> None:
    session = Session(cluster.connect(application_name="mine", options="-c TimeZone=Europe/Berlin -c search_path=a,b"))
    assert session("SHOW application_name") == ["mine"]
    assert session("SHOW TimeZone") == ["Europe/Berlin"]
    assert session("SHOW search_path") == ["a,b"]
    session("SET application_name = 'other'")
    session("RESET ALL")
    assert session("SHOW application_name") == ["mine"]


def test_a_setting_that_is_none(cluster: Cluster, handle: object) -> None:
    with pytest.raises(psycopg.OperationalError, match='"work_mem" not supported'):
        cluster.connect(options="-c work_mem=1GB")
