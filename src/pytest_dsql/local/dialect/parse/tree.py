"""The parser's tree: a class for each of PostgreSQL's node types, with PostgreSQL's names for what is in it.

A pointer that is NULL, an empty list and an unknown place are None. A choice, which is an enum in C, is a string.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from postgast import pg_query_pb2


class Node:
    """A node. ``below`` names what can hold nodes, in PostgreSQL's order."""

    below: ClassVar[tuple[str, ...]] = ()


class EnumValue(str):
    """A value of an enum."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The value's name in C."""
        return str(self)


class Field(NamedTuple):
    """Where a value of a node goes, and what it is: a node of one type, a choice, or anything as it comes."""

    name: str
    node: str | None = None
    choice: bool = False
    place: bool = False


_WRAPPER: Final = "Node"
_NO_NODES: Final = frozenset({"Node", "ParseResult", "ScanResult", "ScanToken", "SummaryResult"})
_PLACES: Final = frozenset({"list_start", "list_end", "rexpr_list_start", "rexpr_list_end"})
_NONE: Final[Mapping[int, Any]] = {
    FieldDescriptor.TYPE_BOOL: False,
    FieldDescriptor.TYPE_ENUM: EnumValue(),
    **dict.fromkeys((FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64), 0),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64), 0),
}
"""What a value is that the parser leaves out; a string may be NULL."""

CLASSES: Final[dict[str, type[Node]]] = {}
FIELDS: Final[dict[str, dict[str, Field]]] = {}


def _declare(message: Descriptor) -> None:
    fields: dict[str, Field] = {}
    body: dict[str, Any] = {}
    for described in message.fields:
        key = described.json_name
        name = _name(message.name, key)
        inner = described.message_type.name if described.message_type else None
        choice, number = (described.type == kind for kind in (FieldDescriptor.TYPE_ENUM, FieldDescriptor.TYPE_INT32))
        fields[key] = Field(name, inner, choice, number and (key in _PLACES or key.endswith("location")))
        body[name] = None if described.is_repeated or inner else _NONE.get(described.type)
    if message.name == "String":
        body["sval"] = ""
    below = tuple(dict.fromkeys(field.name for field in fields.values() if field.node))
    CLASSES[message.name] = type(message.name, (Node,), {**body, "below": below, "__module__": __name__})
    FIELDS[message.name] = fields


def _name(kind: str, key: str) -> str:
    """Return what a field is called here: the kinds of a constant are one, and Python has a word of its own."""
    if kind == "A_Const" and key.endswith("val"):
        return "val"
    return "def_" if key == "def" else key


for _type, _message in pg_query_pb2.DESCRIPTOR.message_types_by_name.items():
    if _type not in _NO_NODES:
        _declare(_message)


globals().update(CLASSES)


def __getattr__(name: str) -> Any:
    """Tell that there is no such type of node; those that there are stand in the module."""
    raise AttributeError(f"PostgreSQL has no node {name}")


def built(kind: str, values: Mapping[str, Any], character: Callable[[int], int] | None) -> Any:
    """Return the tree that JSON tells of, however deep; ``character`` turns places in bytes into places in text."""
    waiting: list[tuple[Any, str, Mapping[str, Any]]] = []
    root = _made(kind, values, waiting)
    while waiting:
        node, kind, values = waiting.pop()
        fields = FIELDS[kind]
        for key, value in values.items():
            name, inner, choice, place = fields[key]
            if inner is not None:
                made = _made_all(inner, value, waiting) if isinstance(value, list) else _made(inner, value, waiting)
                setattr(node, name, made)
            elif choice:
                setattr(node, name, EnumValue(value))
            elif place and value < 0:
                setattr(node, name, None)
            else:
                setattr(node, name, character(value) if place and character else value)
    return root


def _made(kind: str, value: Mapping[str, Any], waiting: list[tuple[Any, str, Mapping[str, Any]]]) -> Any:
    """Return what a value is; what is in a node is seen to later."""
    if kind == _WRAPPER:
        if not value:
            return None
        ((kind, value),) = value.items()
        if kind == "List":
            return _made_all(_WRAPPER, value.get("items", ()), waiting)
    node = CLASSES[kind]()
    waiting.append((node, kind, value))
    return node


def _made_all(kind: str, values: Any, waiting: list[tuple[Any, str, Mapping[str, Any]]]) -> tuple[Any, ...] | None:
    return tuple([_made(kind, value, waiting) for value in values]) or None
