"""cfn-lint's rules about a template's own language, as a library; loaded before the first template is judged.

Its rules about resources' properties are not among them: properties are judged when they are known (``schemas``).
"""

import functools
import threading
from collections.abc import Iterator
from typing import Any, Final

from pytest_dsql.local.aws.formation.templates.words import invalid

_PREFIXES: Final = ("E0", "E10", "E6", "E7", "E8")
_MORE: Final = frozenset({"E3001", "E3005", "E3006", "E3015"})
_ADVICE: Final = frozenset({"E1029", "E6101"})
"""What CloudFormation lets pass: "${Name}" in a text that is not substituted, a number as an output."""
KEPT: Final = 64
"""Templates whose judgement is kept: a change of a parameter judges the same one again."""
_loading: Final = threading.Lock()


@functools.lru_cache(KEPT)
def problem(text: str, region: str) -> str | None:
    """Return the first thing that is wrong with a template's language, None where nothing is."""
    from cfnlint.decode.decode import decode_str

    template, errors = decode_str(text)
    if errors:
        return f"Template format error: {errors[0].message}"
    return next(_found(template, region), None)


def _found(template: Any, region: str) -> Iterator[str]:
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import run_template_by_data

    chosen = rules()
    for match in run_template_by_data(template, ConfigMixIn(regions=[region]), chosen):
        if match.rule.id in chosen.rules:
            path = "/".join(str(each) for each in getattr(match, "path", None) or ())
            yield f"Template error: {match.message} (at /{path})"


def rules() -> Any:
    """Return the rules. To load them takes more than a second; who comes meanwhile waits."""
    with _loading:
        return _loaded()


@functools.cache
def _loaded() -> Any:
    from cfnlint.core import get_rules
    from cfnlint.rules import RulesCollection

    chosen = RulesCollection()
    every = get_rules([], [], []).rules
    chosen.rules.update(
        {name: every[name] for name in every if (name.startswith(_PREFIXES) or name in _MORE) and name not in _ADVICE}
    )
    return chosen


def check(text: str, region: str) -> None:
    """Raise ValidationError with the first thing that is wrong with a template's language."""
    wrong = problem(text, region)
    if wrong:
        raise invalid(wrong)
