"""Templates: text with blanks, checked when the engine is installed and filled in by PostgreSQL, once for each table.

A blank is written `$name`. What fills it is never looked at again, so it may hold whatever users write.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Facts = Mapping[str, bool | str]
"""What has to be so of a table (or of its key, column, …) for a template to be its."""

OWN_PATH: Final = " SET search_path = pg_catalog, $schema, pg_temp"
"""Names that a user's expression leaves open are looked for beside its table."""

_BLANK: Final = re.compile(r"\$([a-z_]+)")
_PARAMETER_OR_BLANK: Final = re.compile(r"\$(?:[1-9]|[a-z_]+)")


@dataclass(frozen=True)
class Template:
    """A text. Several may have one name, of which the facts tell one."""

    name: str
    body: str
    when: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class GeneratedFunction(Template):
    """A function of one table, called `<name>_<oid>`, that belongs to the engine's role."""

    head: str = "$private.{name}_$oid() RETURNS void"
    settings: str = OWN_PATH

    @property
    def declaration(self) -> str:
        """What stands before the body."""
        return f"{self.head.format(name=self.name)} LANGUAGE plpgsql SECURITY DEFINER{self.settings}"


def deeper(block: str, levels: int = 1) -> str:
    """Return a block, which begins with a new line, for inside another."""
    return block.replace("\n", "\n" + "    " * levels)


class UnknownBlank(Exception):
    """A template has a blank that nothing fills."""


def blanks(text: str) -> list[str]:
    """Return the names of a text's blanks, in its order."""
    return _BLANK.findall(text)


def checked(templates: Iterable[Template], known: Collection[str]) -> list[Template]:
    """Return templates whose blanks are all known."""
    found = list(templates)
    for template in found:
        text = template.body + getattr(template, "declaration", "")
        unknown = set(blanks(text)) - set(known)
        if unknown or "$" in _PARAMETER_OR_BLANK.sub("", text):
            raise UnknownBlank(f"{template.name}: {', '.join(sorted(unknown)) or 'a $ that begins no blank'}")
    return found


def row(template: Template) -> dict[str, Any]:
    """Return what the database keeps of a template."""
    words, names = _split(template.body)
    kept = {"name": template.name, "applies": dict(template.when), "words": words, "blanks": names}
    if isinstance(template, GeneratedFunction):
        kept["head_words"], kept["head_blanks"] = _split(template.declaration)
    return kept


def _split(text: str) -> tuple[list[str], list[str]]:
    """Return the words around the blanks, one more than there are blanks, and the blanks."""
    pieces = _BLANK.split(text)
    return pieces[::2], pieces[1::2]
