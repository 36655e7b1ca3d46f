"""Who may import whom: floors, each above what it stands on, and no circle, not even one that a late import hides."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
STAND_IN: Final = "pytest_dsql.local"
FLOORS: Final = {
    "transfer": (),
    "pytest_dsql.link": (),
    STAND_IN: ("pytest_dsql.link",),
    "pytest_dsql": ("pytest_dsql.link",),
    "pytest_dsql.storm": ("pytest_dsql.link", "pytest_dsql"),
    "infra": ("pytest_dsql.link", "pytest_dsql", "pytest_dsql.storm"),
}
"""What each may import besides itself. The stand-in is a process of its own: nobody imports it."""


def modules(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


PARTS: Final = (ROOT / "src" / "transfer", ROOT / "src" / "pytest_dsql", ROOT / "infra")
MODULES: Final = {name: path for part in PARTS for name, path in modules(part)}
ROOMS: Final = sorted({path.parent for path in MODULES.values()})


def floor(module: str) -> str | None:
    """Return the lowest folder of ``FLOORS`` that a module stands in."""
    return max((name for name in FLOORS if f"{module}.".startswith(f"{name}.")), key=len, default=None)


def imported(module: str) -> Iterator[str]:
    """Yield all that a module imports, at its head or late; not what only its types are checked by."""
    waiting: list[ast.AST] = [ast.parse(MODULES[module].read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolved(module, node)
            inner = {alias.name: f"{source}.{alias.name}" for alias in node.names}
            yield from {name if name in MODULES else source for name in inner.values()}
        waiting += ast.iter_child_nodes(node)


def resolved(module: str, node: ast.ImportFrom) -> str:
    """Return the absolute name of what ``from … import`` names."""
    if not node.level:
        return str(node.module)
    package = module.split(".") if MODULES[module].name == "__init__.py" else module.split(".")[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


ALL: Final = {module: {*imported(module)} for module in MODULES}
IMPORTS: Final = {module: sorted(ALL[module] & MODULES.keys() - {module}) for module in MODULES}


def test_nothing_imports_a_floor_above() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in IMPORTS.items()
        for other in others
        if floor(other) not in (floor(module), *FLOORS[str(floor(module))])
    ]
    assert wrong == []


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith("pytest_dsql.link")))
def test_the_link_needs_the_standard_library_alone(module: str) -> None:
    names = {name.partition(".")[0] for name in ALL[module]}
    assert names <= {*sys.stdlib_module_names, "pytest_dsql"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter(IMPORTS).prepare()  # raises CycleError, which names the modules


@pytest.mark.parametrize("folder", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_has_twelve_modules_at_most(folder: Path) -> None:
    names = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(names) <= 12, f"{len(names)} modules"


def test_one_room_alone_knows_the_parser() -> None:
    room = "pytest_dsql.local.dialect.parse"
    known = [module for module, names in ALL.items() if any(name.startswith("postgast") for name in names)]
    assert known == [f"{room}.parser", f"{room}.tree"]
