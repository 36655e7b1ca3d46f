import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_dsql.local.proxy import wire


def values(*cells: bytes | None) -> bytes:
    body = struct.pack("!h", len(cells))
    for cell in cells:
        body += struct.pack("!i", -1 if cell is None else len(cell)) + (cell or b"")
    return wire.message(b"D", body)


def described(*names: str, origin: tuple[int, int] = (0, 0)) -> bytes:
    fields = b"".join(wire.text(name) + struct.pack("!ihihih", *origin, 23, 4, -1, 0) for name in names)
    return wire.message(b"T", struct.pack("!h", len(names)) + fields)


@given(st.lists(st.binary(max_size=20), max_size=5), st.integers(0, 10))
def test_a_stream_is_cut_into_whole_messages(bodies: list[bytes], missing: int) -> None:
    stream = b"".join(wire.message(b"d", body) for body in bodies)
    cut = stream[: max(0, len(stream) - missing)]
    found = [cut[at:end] for _, at, end in wire.messages(cut)]
    assert b"".join(found) == stream[: len(b"".join(found))]
    assert len(found) == len(bodies) or missing


def test_an_errors_fields_come_back() -> None:
    fields = {"S": "ERROR", "C": "40001", "M": "change conflicts", "H": "try again"}
    assert wire.fields(wire.error(fields)[5:]) == fields


def test_hidden_columns_are_cut_from_rows_and_their_description() -> None:
    row = wire.hide_columns(ord("D"), values(b"1", b"two", None, None)[5:], 2)
    assert row == values(b"1", b"two")
    assert wire.hide_columns(ord("T"), described("a", "b", "hidden")[5:], 1) == described("a", "b")


def bind(*formats: int) -> bytes:
    results = struct.pack(f"!h{len(formats)}h", len(formats), *formats)
    return b"portal\0name\0" + struct.pack("!hh", 1, 1) + struct.pack("!hi", 1, 4) + b"\0\0\0\x07" + results


@pytest.mark.parametrize(
    ("formats", "widened"), [((), ()), ((1,), (1,)), ((0, 1), (0, 1, 0)), ((1, 1, 1), (1, 1, 1, 0))]
)
def test_hidden_columns_get_a_format_where_each_column_has_one(
    formats: tuple[int, ...], widened: tuple[int, ...]
) -> None:
    assert wire.widen_formats(bind(*formats), 1) == bind(*widened)


@pytest.mark.parametrize(
    ("stream", "status"),
    [
        (wire.complete("UPDATE 1") + wire.ready(b"T"), b"T"),
        (values(b"Z\0\0\0\5I") + wire.ready(b"I"), b"I"),
        (wire.error({"C": "40001"}) + wire.ready(b"I"), None),
        (wire.message(b"N", b"COCC00\0\0") + wire.ready(b"I"), None),
        (wire.complete("UPDATE 1"), None),
        (wire.complete("UPDATE 1") + wire.ready(b"T")[:-1], None),
        (values(wire.ready(b"I")), None),
    ],
)
def test_only_a_whole_answer_without_an_error_is_settled(stream: bytes, status: bytes | None) -> None:
    assert wire.settled(stream) == ((status, []) if status else None)


def test_a_settled_answer_says_where_rows_are_described() -> None:
    rows = described("a") + values(b"T\0\0\0\4")
    assert wire.settled(rows + rows + wire.ready(b"T")) == (b"T", [0, len(rows)])


def test_columns_are_said_to_be_of_another_table() -> None:
    moved = wire.with_origins(described("a", "b"), lambda table, column: (table + 7, column + 1))
    assert moved == described("a", "b", origin=(7, 1))


def test_startup_parameters_are_read() -> None:
    body = struct.pack("!i", wire.PROTOCOL_3) + b"user\0admin\0database\0postgres\0\0"
    assert wire.startup_parameters(body) == {"user": "admin", "database": "postgres"}


def test_a_row_is_read_as_text() -> None:
    assert wire.row(values(b"1", None, b"")[5:]) == ["1", None, ""]
