"""Puts generated code into docs/engine.md, from the golden files.

python -m tests.engine_page [--write]
"""

import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "engine.md"
GOLDEN: Final = ROOT / "tests" / "unit" / "occ" / "golden"
_BLOCK: Final = re.compile(r"(<!-- golden: (\S+) -->\n```\w+\n).*?(```\n<!-- end -->)", re.DOTALL)


def page() -> str:
    """Return the page with the golden files as they are."""
    return _BLOCK.sub(_filled, PAGE.read_text(encoding="utf-8"))


def _filled(block: re.Match[str]) -> str:
    text = (GOLDEN / block[2]).read_text(encoding="utf-8").rstrip("\n")
    return f"{block[1]}{text}\n{block[3]}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
