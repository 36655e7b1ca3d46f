"""An order as a table: statement by statement, a column for each session, and what was answered."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_dsql.orders.contents import Row
from pytest_dsql.orders.explorer import LETTERS
from pytest_dsql.orders.serial import EndState
from pytest_dsql.orders.turns import Order, Sent

WIDTH: Final = 56
"""Of a column: what is longer goes on in the next line."""
_SHOWN_ROWS: Final = 8


def of(order: Order, titles: Sequence[str]) -> str:
    """Return the table of an order."""
    heads = [f"{LETTERS[number]} {title}" for number, title in enumerate(titles)]
    cells = [(str(at), *_row(sent, len(titles))) for at, sent in enumerate(order.sent, 1)]
    widths = [max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*cells, strict=True)]
    widths = [max(width, len(head)) for width, head in zip(widths, ["", *heads], strict=True)]
    lines = [_line(["", *heads], widths), _line(["-" * width for width in widths], widths)]
    for row in cells:
        lines += _wrapped(row, widths)
    return "\n".join(lines)


def _row(sent: Sent, count: int) -> Iterator[str]:
    said = textwrap.wrap(f"{_said(sent.question)} → {_answered(sent.answer)}", WIDTH)
    return ("\n".join(said) if number == sent.who else "" for number in range(count))


def _said(question: Mapping[str, Any]) -> str:
    values = ", ".join("NULL" if value is None else str(value) for value in question["parameters"])
    text = " ".join(str(question["text"]).split())
    return f"{text} [{values}]" if values else text


def _answered(answer: Mapping[str, Any]) -> str:
    if answer["error"]:
        return f"{answer['error']['code']} {answer['error']['message']}"
    if answer["gone"]:
        return "the connection was lost"
    rows = _rows([tuple(row) for row in answer["rows"]]) + (", …" if answer["more"] else "")
    tag = str(answer["tag"])
    if tag.startswith("SELECT"):
        tag = "" if rows else "no row"
    return " ".join(filter(None, [tag, rows])) or "nothing"


def _rows(rows: Sequence[Row]) -> str:
    values = [["NULL" if value is None else value for value in row] for row in rows]
    return ", ".join(row[0] if len(row) == 1 else f"({', '.join(row)})" for row in values)


def _wrapped(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    parts = [cell.split("\n") for cell in row]
    for at in range(max(map(len, parts))):
        yield _line([part[at] if at < len(part) else "" for part in parts], widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def result(found: EndState, gave_up: Mapping[int, BaseException] | None = None) -> str:
    """Return in one line what an order left, and what each callable answered."""
    left = "; ".join(f"{table} {_bounded(rows)}" for table, rows in found.left.items()) or "nothing"
    answered = [f"{LETTERS[who]} returned {value!r}" for who, value in sorted(found.returned.items())]
    answered += [f"{LETTERS[who]} gave up: {_first_line(error)}" for who, error in (gave_up or {}).items()]
    return ", ".join([left, *answered])


def _bounded(rows: Sequence[Row]) -> str:
    more = f", … {len(rows)} rows" if len(rows) > _SHOWN_ROWS else ""
    return (_rows(rows[:_SHOWN_ROWS]) or "is empty") + more


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
