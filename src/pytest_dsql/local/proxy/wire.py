"""Messages of PostgreSQL's frontend/backend protocol 3.0, as bytes (PostgreSQL manual, chapter 55)."""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

SSL_REQUEST: Final = 80877103
GSS_REQUEST: Final = 80877104
CANCEL_REQUEST: Final = 80877102
PROTOCOL_3: Final = 196608

HEADER: Final = struct.Struct("!ci")
_INT32: Final = struct.Struct("!i")
_INT16: Final = struct.Struct("!h")
_LENGTH: Final = _INT32.unpack_from
_READY: Final = b"Z\x00\x00\x00\x05"
_TELLING: Final = frozenset(b"ENT")
"""Errors, notices (which may be for the proxy alone) and descriptions of rows."""
_DESCRIPTION: Final = ord("T")
_ORIGIN: Final = struct.Struct("!Ih")
NULL: Final = _INT32.pack(-1)

SYNC: Final = b"S\x00\x00\x00\x04"
FLUSH: Final = b"H\x00\x00\x00\x04"
ASK_PASSWORD: Final = b"R" + struct.pack("!ii", 8, 3)
AUTHENTICATION_OK: Final = b"R" + struct.pack("!ii", 8, 0)

Fields = dict[str, str]
"""An error's or a notice's fields by their letter: S severity, C SQLSTATE, M message, D detail, H hint, …"""


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Frame a message."""
    return HEADER.pack(kind, len(body) + 4) + body


def text(value: str) -> bytes:
    """Encode a string as the protocol's null-terminated one."""
    return value.encode() + b"\0"


def ready(status: bytes) -> bytes:
    """ReadyForQuery: ``I`` idle, ``T`` in a transaction, ``E`` in a failed one."""
    return message(b"Z", status)


def parameter(name: str, value: str) -> bytes:
    """ParameterStatus."""
    return message(b"S", text(name) + text(value))


def key_data(pid: int, secret: int) -> bytes:
    """BackendKeyData, with which a client may send cancel requests."""
    return message(b"K", struct.pack("!iI", pid, secret))


def complete(tag: str) -> bytes:
    """CommandComplete."""
    return message(b"C", text(tag))


def error(fields: Mapping[str, str]) -> bytes:
    """ErrorResponse."""
    return message(b"E", b"".join(key.encode() + text(value) for key, value in fields.items()) + b"\0")


def fatal(sqlstate: str, message: str, hint: str | None = None) -> bytes:
    """An ErrorResponse that ends the connection."""
    fields = {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": message}
    return error({**fields, "H": hint} if hint else fields)


def fields(body: bytes) -> Fields:
    """Read the fields of an ErrorResponse or a NoticeResponse."""
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def query(sql: str) -> bytes:
    """A simple Query."""
    return message(b"Q", text(sql))


def parse(name: bytes, sql: str, tail: bytes = b"\0\0") -> bytes:
    """Parse; ``tail`` is the number of parameter types and their OIDs as the client sent them."""
    return message(b"P", name + b"\0" + text(sql) + tail)


def close_statement(name: bytes) -> bytes:
    """Close a prepared statement."""
    return message(b"C", b"S" + name + b"\0")


def run(name: bytes, sql: str, types: bytes = b"\0\0", values: bytes = b"\0\0" * 3) -> bytes:
    """Close (twice), Parse, Bind and Execute of a statement under a name of its own.

    ``types`` and ``values`` of its parameters are as a client's Parse and Bind have them behind the names.

    Closed first, as a statement that fails outlives the failure, and a portal lasts as long as the transaction.
    """
    bind = message(b"B", name + b"\0" + name + b"\0" + values)
    execute = message(b"E", name + b"\0" + b"\0\0\0\0")
    close = close_statement(name) + message(b"C", b"P" + name + b"\0")
    return close + parse(name, sql, types) + bind + execute


def strings(body: bytes, count: int, start: int = 0) -> tuple[list[bytes], int]:
    """Read ``count`` null-terminated strings and say where they end."""
    found = []
    for _ in range(count):
        end = body.index(0, start)
        found.append(body[start:end])
        start = end + 1
    return found, start


def startup_parameters(body: bytes) -> dict[str, str]:
    """Read the parameters of a StartupMessage, behind its protocol number."""
    words = [word.decode(errors="replace") for word in body[4:].split(b"\0")]
    return {name: value for name, value in zip(words[::2], words[1::2], strict=False) if name}


def hide_columns(kind: int, body: bytes, count: int) -> bytes:
    """Drop the last ``count`` columns of a RowDescription (``T``) or of a DataRow (``D``) that holds NULLs there."""
    (columns,) = _INT16.unpack_from(body)
    head = _INT16.pack(columns - count)
    if kind == ord("D"):
        return message(b"D", head + body[2 : len(body) - count * len(NULL)])
    end = 2
    for _ in range(columns - count):
        end = body.index(0, end) + 1 + 18
    return message(b"T", head + body[2:end])


def with_origins(message_: bytes, origin: Callable[[int, int], tuple[int, int]]) -> bytes:
    """Change a RowDescription: ``origin`` returns the numbers of the table and column for those that it names."""
    changed = bytearray(message_)
    (columns,) = _INT16.unpack_from(message_, 5)
    at = 7
    for _ in range(columns):
        at = message_.index(0, at) + 1
        _ORIGIN.pack_into(changed, at, *origin(*_ORIGIN.unpack_from(message_, at)))
        at += 18
    return bytes(changed)


def with_type(message_: bytes, number: int) -> bytes:
    """Change a RowDescription of one column: its type, as long as values may be."""
    at = message_.index(0, 7) + 1 + _ORIGIN.size
    return message_[:at] + struct.pack("!Ih", number, -1) + message_[at + 6 :]


def rows(values: Iterable[str]) -> bytes:
    """DataRows of one column each."""
    texts = (value.encode() for value in values)
    return b"".join(message(b"D", _INT16.pack(1) + _INT32.pack(len(text)) + text) for text in texts)


def widen_formats(body: bytes, count: int) -> bytes:
    """Let a Bind that names a result format for each column name one for ``count`` more."""
    _, at = strings(body, 2)
    (formats,) = _INT16.unpack_from(body, at)
    at += 2 + 2 * formats
    (values,) = _INT16.unpack_from(body, at)
    at += 2
    for _ in range(values):
        (length,) = _INT32.unpack_from(body, at)
        at += 4 + max(length, 0)
    (results,) = _INT16.unpack_from(body, at)
    if results <= 1:
        return body
    return body[:at] + _INT16.pack(results + count) + body[at + 2 :] + b"\0\0" * count


def messages(buffer: bytes | bytearray, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """Give kind, start and end of each whole message in ``buffer``."""
    size = len(buffer)
    while start + 5 <= size:
        end = end_of_message(buffer, start)
        if end > size:
            return
        yield buffer[start], start, end
        start = end


def declared_length(data: bytes) -> int:
    """Return the length that the first message declares, 0 where that has not come yet."""
    return int(_LENGTH(data, 1)[0]) if len(data) >= 5 else 0


def end_of_message(data: bytes | bytearray, start: int) -> int:
    """Return where the message that begins at ``start`` says that it ends."""
    return start + 1 + int.from_bytes(data[start + 1 : start + 5], "big")


def settled(data: bytes) -> tuple[bytes, list[int]] | None:
    """Return what ``data`` says where it is all of an answer without an error, None where it may not be.

    That is the transaction status, and where the descriptions of rows begin.
    """
    if data[-6:-1] != _READY:
        return None
    at, end, described = 0, len(data) - 6, []
    while at < end:
        if data[at] in _TELLING:
            if data[at] != _DESCRIPTION:
                return None
            described.append(at)
        at += 1 + _LENGTH(data, at + 1)[0]
    return (data[-1:], described) if at == end else None


def row(body: bytes) -> list[str | None]:
    """Read the values of a DataRow in text form."""
    return [None if value is None else value.decode() for value in values(body)]


def values(body: bytes, at: int = 0) -> list[bytes | None]:
    """Read the values of a DataRow, or of a Bind from where their number stands."""
    (count,) = _INT16.unpack_from(body, at)
    at, found = at + 2, list[bytes | None]()
    for _ in range(count):
        (length,) = _INT32.unpack_from(body, at)
        at += 4
        found.append(None if length < 0 else body[at : at + length])
        at += max(length, 0)
    return found


def bound(body: bytes) -> tuple[bytes, list[bytes | None]]:
    """Read the name of a Bind's statement and its parameters."""
    (_, name), at = strings(body, 2)
    (formats,) = _INT16.unpack_from(body, at)
    return name, values(body, at + 2 + 2 * formats)


def parameter_types(tail: bytes) -> list[int]:
    """Read the numbers of the parameters' types at the end of a Parse, as many as the client has said."""
    (count,) = _INT16.unpack_from(tail)
    return [int(_INT32.unpack_from(tail, 2 + 4 * number)[0]) for number in range(count)]


def column_types(message_: bytes) -> list[int]:
    """Read the numbers of the columns' types from a RowDescription."""
    (columns,) = _INT16.unpack_from(message_, 5)
    at, types = 7, []
    for _ in range(columns):
        at = message_.index(0, at) + 1
        types.append(int(_INT32.unpack_from(message_, at + 6)[0]))
        at += 18
    return types


def joined(parts: Iterable[bytes]) -> bytes:
    """Concatenate."""
    return b"".join(parts)
