"""IAM policies, one document at a time: elements, conditions, malformed ones."""

from typing import Any

import pytest

from pytest_dsql.local.iam import Document, Evaluation, Principal, allows
from tests.unit.iam.documents import ACCOUNT, ACTION, ALL, ARN, ROLE, USER, document, statement

CONTEXT = {
    "aws:PrincipalArn": ROLE,
    "aws:SourceIp": "10.1.2.3",
    "aws:SecureTransport": "true",
    "aws:CurrentTime": "2026-10-01T12:00:00+00:00",
    "aws:username": "Ann",
    "my:age": "30",
    "my:tags": ["a", "b"],
    "my:none": [],
}
DENY, NONE = Evaluation.EXPLICIT_DENY, Evaluation.NO_ALLOW


def evaluated(*policies: Document, context: Any = CONTEXT) -> Evaluation:
    return allows(Principal(USER, ACCOUNT, policies), ACTION, ARN, context).evaluation


# Elements, and whether they let the request through; None: not known.
ELEMENTS: dict[str, tuple[dict[str, object], bool | None]] = {
    "exact": ({}, True),
    "action in a list": ({"Action": ["s3:GetObject", ACTION]}, True),
    "action in another case": ({"Action": "DSQL:dbconnect"}, True),
    "action *": ({"Action": "*"}, True),
    "action of the service": ({"Action": "dsql:*"}, True),
    "action with *": ({"Action": "dsql:Db*"}, True),
    "action with ?": ({"Action": "dsql:DbConnec?"}, True),
    "? is one character": ({"Action": "dsql:DbConnect?"}, False),
    "longer action": ({"Action": "dsql:DbConnectAdmin"}, False),
    "a dot is a dot": ({"Action": "dsql:D.Connect"}, False),
    "other service": ({"Action": "rds-db:*"}, False),
    "action without a service": ({"Action": "DbConnect"}, None),
    "no action": ({"Action": None}, None),
    "empty list of actions": ({"Action": []}, None),
    "action is a number": ({"Action": 1}, None),
    "number among actions": ({"Action": [ACTION, 1]}, None),
    "not action": ({"Action": None, "NotAction": "s3:*"}, True),
    "not this action": ({"Action": None, "NotAction": ["s3:*", "dsql:dbConn*"]}, False),
    "both actions": ({"NotAction": "s3:*"}, None),
    "resource *": ({"Resource": "*"}, True),
    "resource in a list": ({"Resource": ["arn:aws:s3:::b", ARN]}, True),
    "any cluster": ({"Resource": f"arn:aws:dsql:*:{ACCOUNT}:cluster/*"}, True),
    "resource with ?": ({"Resource": ARN[:-1] + "?"}, True),
    "? beyond the end": ({"Resource": ARN + "?"}, False),
    "resource in another case": ({"Resource": ARN.upper().replace("ARN:", "arn:")}, False),
    "* at a segment's end": ({"Resource": "arn:aws:dsql:*"}, True),
    "* inside a segment": ({"Resource": "arn:aws:d*z"}, False),
    "? for a colon": ({"Resource": ARN.replace("dsql:", "dsql?")}, False),
    "other cluster": ({"Resource": ARN[:-1] + "0"}, False),
    "resource is no ARN": ({"Resource": "cluster/abc"}, None),
    "no resource": ({"Resource": None}, None),
    "not resource": ({"Resource": None, "NotResource": "arn:aws:s3:::*"}, True),
    "not this resource": ({"Resource": None, "NotResource": [ARN]}, False),
    "both resources": ({"NotResource": "arn:aws:s3:::b"}, None),
    "variable": ({"Resource": "arn:aws:dsql:*:*:cluster/${aws:username}"}, None),
    "not a variable": ({"Resource": None, "NotResource": "arn:aws:dsql:*:*:cluster/${aws:username}"}, None),
    "variable elsewhere": ({"Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"}, False),
    "statement id": ({"Sid": "One"}, True),
    "unknown element": ({"Resources": "*"}, None),
    "principal in an identity policy": ({"Principal": "*"}, None),
    "empty condition": ({"Condition": {}}, True),
    "condition is a list": ({"Condition": []}, None),
    "operator without keys": ({"Condition": {"StringEquals": {}}}, None),
    "operator with a text": ({"Condition": {"StringEquals": "x"}}, None),
}
CONDITIONS: dict[str, tuple[dict[str, object], bool | None]] = {
    "StringEquals": ({"aws:username": "Ann"}, True),
    "StringEquals, key in another case": ({"AWS:UserName": ["Bob", "Ann"]}, True),
    "StringEquals, case": ({"aws:username": "ann"}, False),
    "StringEquals, no wildcards": ({"aws:username": "An?"}, False),
    "StringEquals, absent": ({"my:other": "x"}, False),
    "StringEquals, one of two keys": ({"aws:username": "Ann", "my:age": "31"}, False),
    "StringEquals, no values": ({"aws:username": []}, None),
    "StringEquals, nested": ({"aws:username": {"a": "b"}}, None),
    "StringEquals, null": ({"aws:username": None}, None),
    "StringEquals, variable": ({"aws:username": "${aws:username}"}, None),
    "StringEquals, several given": ({"my:tags": "a"}, None),
    "StringNotEquals": ({"aws:username": ["Ann", "Bob"]}, False),
    "StringNotEquals, other": ({"aws:username": ["Bob"]}, True),
    "StringNotEquals, absent": ({"my:other": "x"}, True),
    "StringEqualsIgnoreCase": ({"aws:username": "aNN"}, True),
    "StringNotEqualsIgnoreCase": ({"aws:username": "aNN"}, False),
    "StringLike": ({"aws:username": ["x*", "A?n"]}, True),
    "StringLike, case": ({"aws:username": "a*"}, False),
    "StringNotLike": ({"aws:username": "A*"}, False),
    "StringEqualsIfExists": ({"aws:username": "Bob"}, False),
    "StringEqualsIfExists, absent": ({"my:other": "x"}, True),
    "ArnEquals": ({"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}, True),
    "ArnLike": ({"aws:PrincipalArn": "arn:*:iam::*:role/p?y"}, True),
    "ArnLike, a component at a time": ({"aws:PrincipalArn": "arn:aws:*:role/pay"}, None),
    "ArnLike, not across colons": ({"aws:PrincipalArn": "arn:aws:*:x:y:role/pay"}, False),
    "ArnLike, given is none": ({"aws:username": "arn:*:*:*:*:*"}, False),
    "ArnLike, any": ({"aws:PrincipalArn": "*"}, True),
    "ArnNotEquals": ({"aws:PrincipalArn": ROLE}, False),
    "ArnNotLike": ({"aws:PrincipalArn": USER}, True),
    "Bool": ({"aws:SecureTransport": True}, True),
    "Bool, text": ({"aws:SecureTransport": "False"}, False),
    "Bool, absent": ({"aws:MultiFactorAuthPresent": "false"}, False),
    "Bool, neither": ({"aws:SecureTransport": "yes"}, None),
    "BoolIfExists": ({"aws:MultiFactorAuthPresent": "true"}, True),
    "Null": ({"my:other": "true"}, True),
    "Null, there": ({"aws:username": True}, False),
    "Null, wanted": ({"aws:username": "false"}, True),
    "Null, empty": ({"my:none": "true"}, True),
    "NullIfExists": ({"my:other": "true"}, None),
    "NumericEquals": ({"my:age": 30}, True),
    "NumericNotEquals": ({"my:age": "30.0"}, False),
    "NumericLessThan": ({"my:age": "31"}, True),
    "NumericLessThanEquals": ({"my:age": 30}, True),
    "NumericGreaterThan": ({"my:age": 30}, False),
    "NumericGreaterThanEquals": ({"my:age": 30}, True),
    "NumericEquals, no number": ({"my:age": "many"}, None),
    "DateGreaterThan": ({"aws:CurrentTime": "2026-10-01T11:59:59Z"}, True),
    "DateLessThan": ({"aws:CurrentTime": "2026-10-01T12:00:00Z"}, False),
    "DateLessThan, epoch": ({"aws:CurrentTime": "4102444800"}, True),
    "DateLessThan, no date": ({"aws:CurrentTime": "soon"}, None),
    "DateNotEquals": ({"aws:CurrentTime": "2026-10-02"}, True),
    "IpAddress": ({"aws:SourceIp": ["192.0.2.0/24", "10.0.0.0/8"]}, True),
    "IpAddress, one": ({"aws:SourceIp": "10.1.2.4"}, False),
    "IpAddress, other family": ({"aws:SourceIp": "2001:db8::/32"}, False),
    "IpAddress, none": ({"aws:SourceIp": "here"}, None),
    "NotIpAddress": ({"aws:SourceIp": "10.0.0.0/8"}, False),
    "ForAnyValue:StringEquals": ({"my:tags": ["b", "c"]}, True),
    "ForAnyValue:StringEquals, none": ({"my:tags": "c"}, False),
    "ForAnyValue:StringEquals, absent": ({"my:other": "c"}, False),
    "ForAnyValue:StringNotEquals": ({"my:tags": "a"}, True),
    "ForAnyValue:StringNotEquals, absent": ({"my:other": "a"}, False),
    "ForAnyValue:StringEqualsIfExists, absent": ({"my:other": "a"}, True),
    "ForAllValues:StringLike": ({"my:tags": ["?"]}, True),
    "ForAllValues:StringEquals": ({"my:tags": ["a", "c"]}, False),
    "ForAllValues:StringEquals, absent": ({"my:other": "a"}, True),
    "ForAllValues:StringNotEquals": ({"my:tags": ["b", "c"]}, False),
    "ForSome:StringEquals": ({"my:tags": "a"}, None),
    "BinaryEquals": ({"my:age": "MzA="}, None),
    "stringequals": ({"aws:username": "Ann"}, None),
    "IfExists": ({"aws:username": "Ann"}, None),
}
for name, (keys, holds) in CONDITIONS.items():
    ELEMENTS[name] = ({"Condition": {name.partition(",")[0]: keys}}, holds)


@pytest.mark.parametrize(("elements", "matches"), ELEMENTS.values(), ids=ELEMENTS)
def test_an_allow_needs_to_match_and_a_deny_not_to(elements: dict[str, object], *, matches: bool | None) -> None:
    allowed = evaluated(document(statement(**elements)))
    assert allowed is (Evaluation.ALLOWED if matches else NONE)
    denied = evaluated(ALL, document(statement("Deny", **elements)))
    assert denied is (Evaluation.ALLOWED if matches is False else DENY)


def test_conditions_are_joined_by_and() -> None:
    wrong, unknown = {"StringEquals": {"aws:username": "Bob"}}, {"Odd": {"a": "b"}}
    assert evaluated(ALL, document(statement("Deny", Condition=unknown))) is DENY
    assert evaluated(ALL, document(statement("Deny", Condition={**unknown, **wrong}))) is Evaluation.ALLOWED


DOCUMENTS: dict[str, tuple[Any, Evaluation]] = {
    "none": ({"Statement": []}, NONE),
    "one statement, no list": ({"Statement": statement()}, Evaluation.ALLOWED),
    "old version": ({"Version": "2008-10-17", "Id": "x", "Statement": [statement()]}, Evaluation.ALLOWED),
    "unknown version": ({"Version": "2020-01-01", "Statement": [statement()]}, DENY),
    "unknown element": ({"Statements": [statement()]}, DENY),
    "empty": ({}, DENY),
    "a list": ([statement()], DENY),
    "a text": ("Allow", DENY),
    "statement is a text": ({"Statement": ["Allow"]}, DENY),
    "unknown effect": (document(statement("allow")), DENY),
    "no effect": (document(statement(), statement(Effect=None)), DENY),
    "unknown effect elsewhere": (document(statement(), statement("deny", Action="s3:*")), Evaluation.ALLOWED),
    "deny wins": (document(statement("Deny", Action="dsql:*"), statement()), DENY),
    "deny of other things": (document(statement(), statement("Deny", Action="s3:*")), Evaluation.ALLOWED),
    "deny all but this": (document(statement(), statement("Deny", Resource=None, NotResource=ARN)), Evaluation.ALLOWED),
    "deny all but another": (
        document(statement(), statement("Deny", Resource=None, NotResource="arn:aws:s3:::b")),
        DENY,
    ),
}


@pytest.mark.parametrize(("policy", "expected"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_is_read_as_a_whole(policy: Any, expected: Evaluation) -> None:
    assert evaluated(policy) is expected


def test_any_policy_allows_and_any_denies() -> None:
    nothing, deny = document(statement(Action="s3:*")), document(statement("Deny"))
    assert evaluated(nothing, ALL) is Evaluation.ALLOWED
    assert evaluated(ALL, nothing, deny) is DENY
    assert evaluated() is NONE
