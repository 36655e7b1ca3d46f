"""The Condition element of IAM policies.

Source: IAM user guide, condition operators, and conditions with multiple context keys or values, 2026-10. Not
known, so that Allow does not apply and Deny does: operators that are not listed here (BinaryEquals among them),
values that cannot be read, policy variables, and several values of a key without a set operator.
"""

import ipaddress
import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pytest_dsql.local.iam.logic import Truth, every, negation, some
from pytest_dsql.local.iam.patterns import VARIABLE, arn_matches, glob

RequestContext = Mapping[str, str | Iterable[str]]
"""What is known of a request, by condition key: `aws:SourceIp` and the like. Keys are compared without case."""

Values = Mapping[str, tuple[str, ...]]
"""The same with keys in lower case and every value a tuple."""


class _Operator(NamedTuple):
    """How one value of the policy is compared with one of the request, and whether the answer is turned round."""

    matches: Callable[[str, str], Truth]
    negated: bool


def _lowered(wanted: str, given: str) -> Truth:
    return wanted.lower() == given.lower()


def _like(wanted: str, given: str) -> Truth:
    return glob(wanted).fullmatch(given) is not None


def _bool(wanted: str, given: str) -> Truth:
    return _lowered(wanted, given) if wanted.lower() in {"true", "false"} else None


def _address(wanted: str, given: str) -> Truth:
    try:
        return ipaddress.ip_address(given) in ipaddress.ip_network(wanted)
    except ValueError:
        return None


def _moment(text: str) -> float:
    """Read an ISO 8601 date, UTC where it has no zone, or seconds since 1970."""
    if text.isdecimal():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _compared(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> Callable[[str, str], Truth]:
    def matches(wanted: str, given: str) -> Truth:
        try:
            return compare(read(given), read(wanted))
        except (ValueError, OverflowError):
            return None

    return matches


def _ordered(family: str, read: Callable[[str], float]) -> dict[str, _Operator]:
    comparisons = {
        "Equals": operator.eq,
        "LessThan": operator.lt,
        "LessThanEquals": operator.le,
        "GreaterThan": operator.gt,
        "GreaterThanEquals": operator.ge,
    }
    return {
        f"{family}NotEquals": _Operator(_compared(read, operator.eq), negated=True),
        **{family + name: _Operator(_compared(read, test), negated=False) for name, test in comparisons.items()},
    }


_OPERATORS: Final = {
    "StringEquals": _Operator(operator.eq, negated=False),
    "StringNotEquals": _Operator(operator.eq, negated=True),
    "StringEqualsIgnoreCase": _Operator(_lowered, negated=False),
    "StringNotEqualsIgnoreCase": _Operator(_lowered, negated=True),
    "StringLike": _Operator(_like, negated=False),
    "StringNotLike": _Operator(_like, negated=True),
    "ArnEquals": _Operator(arn_matches, negated=False),
    "ArnNotEquals": _Operator(arn_matches, negated=True),
    "ArnLike": _Operator(arn_matches, negated=False),
    "ArnNotLike": _Operator(arn_matches, negated=True),
    "Bool": _Operator(_bool, negated=False),
    "IpAddress": _Operator(_address, negated=False),
    "NotIpAddress": _Operator(_address, negated=True),
    **_ordered("Numeric", float),
    **_ordered("Date", _moment),
}


def values(context: RequestContext) -> Values:
    """Bring a request's context into the form that conditions are checked against."""
    return {key.lower(): (given,) if isinstance(given, str) else tuple(given) for key, given in context.items()}


def holds(block: object, context: Values) -> Truth:
    """Whether a Condition element holds: every operator, for every key, with any of its values."""
    if not isinstance(block, Mapping):
        return None
    return every(_operator_holds(str(name), keys, context) for name, keys in block.items())


def _operator_holds(name: str, keys: object, context: Values) -> Truth:
    if not isinstance(keys, Mapping) or not keys:
        return None
    return every(_key_holds(name, str(key), wanted, context) for key, wanted in keys.items())


def _key_holds(name: str, key: str, wanted: object, context: Values) -> Truth:
    given, texts = context.get(key.lower(), ()), _texts(wanted)
    quantifier, colon, plain = name.rpartition(":")
    base = plain.removesuffix("IfExists")
    if not texts or (colon and quantifier not in {"ForAnyValue", "ForAllValues"}):
        return None
    if name == "Null":
        return some(_bool(text, str(not given)) for text in texts)
    test = _OPERATORS.get(base)
    if test is None:
        return None
    if not given:
        return base != plain or (quantifier == "ForAllValues" if colon else test.negated)
    answers = [_value_holds(test, texts, each) for each in given]
    if not colon:
        return answers[0] if len(answers) == 1 else None
    return every(answers) if quantifier == "ForAllValues" else some(answers)


def _value_holds(test: _Operator, texts: tuple[str, ...], given: str) -> Truth:
    found = some(None if VARIABLE in text else test.matches(text, given) for text in texts)
    return negation(found) if test.negated else found


def _texts(wanted: object) -> tuple[str, ...]:
    """Return the values as texts, none where one of them is neither text, number nor boolean."""
    listed = wanted if isinstance(wanted, list | tuple) else [wanted]
    if not all(isinstance(each, str | int | float) for each in listed):
        return ()
    return tuple(str(each) for each in listed)
