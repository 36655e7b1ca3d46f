"""Tokens: those that boto3 makes sign in, and one change is enough to be refused."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_dsql.local.iam import AccessDenied, ClusterIdentity, Credentials, Principal
from tests.unit.iam.signed import (
    ACCOUNT,
    ALL,
    CLUSTER,
    HOST,
    KEY,
    REGION,
    SESSION,
    TEMPORARY,
    USER,
    accepted,
    handmade,
    hint,
    holding,
    token,
)

MISMATCH = "The request signature we calculated does not match"
INVALID = "The security token included in the request is invalid."
MALFORMED = "AWS query-string parameters must include"
NOT_A_TOKEN = "Missing Authentication Token"
LIFE = "X-Amz-Expires should be a positive number"
TOO_LONG = "X-Amz-Expires must be less than a week (in seconds)"


def changed(pattern: str, new: str) -> Callable[[str], str]:
    def change(made: str) -> str:
        result = re.sub(pattern, new, made, count=1)
        assert result != made
        return result

    return change


@pytest.mark.parametrize("key", [KEY, TEMPORARY], ids=["user", "session"])
@pytest.mark.parametrize("user", ["admin", "app", "Admin", ""])
@pytest.mark.parametrize("life", [1, 900, 604_800])
def test_a_token_of_boto3_signs_in(key: Credentials, user: str, life: int) -> None:
    assert accepted(token(key, user=user, life=life), key, user=user) is key.principal


def test_host_names_are_compared_without_case() -> None:
    assert accepted(token(host=HOST.upper())) is USER


CHANGES = {
    "signature": (changed(r"Signature=.", "Signature=g"), MISMATCH),
    "signature cut": (changed(r".$", ""), MISMATCH),
    "signature in capitals": (lambda made: made[:-64] + made[-64:].upper(), MISMATCH),
    "date": (changed(r"T\d{6}Z", "T000000Z"), MISMATCH),
    "no date": (changed(r"T\d{6}Z", "T006100Z"), MALFORMED),
    "date of another day": (changed(r"Date=\d{4}", "Date=2025"), "Date in Credential scope does not match"),
    "life": (changed("Expires=900", "Expires=901"), MISMATCH),
    "no life": (changed("Expires=900", "Expires=0"), LIFE),
    "life too long": (changed("Expires=900", "Expires=604801"), TOO_LONG),
    "life of many digits": (changed("Expires=900", "Expires=" + "9" * 5_000), TOO_LONG),
    "life below zero": (changed("Expires=900", "Expires=-900"), LIFE),
    "life with a sign": (changed("Expires=900", "Expires=%2B900"), LIFE),
    "action": (changed("Action=DbConnect", "Action=DbConnectAdmin"), MISMATCH),
    "unknown action": (changed("Action=DbConnect", "Action=GetCluster"), MALFORMED),
    "host": (changed("^a", "b"), MISMATCH),
    "host with a port": (changed("/", ":5432/"), NOT_A_TOKEN),
    "path": (changed(r"/\?", "/x?"), NOT_A_TOKEN),
    "scheme": (changed("^", "https://"), NOT_A_TOKEN),
    "algorithm": (changed("HMAC-SHA256", "HMAC-SHA1"), MALFORMED),
    "signed headers": (changed("Headers=host", "Headers=host%3Bdate"), MALFORMED),
    "scope's region": (changed(f"%2F{REGION}", "%2Fus-east-1"), "Credential should be scoped to a valid region."),
    "scope's service": (changed("%2Fdsql%2F", "%2Frds-db%2F"), "Credential should be scoped to correct service"),
    "scope's end": (changed("aws4_request", "aws4"), "Credential should be scoped with a valid terminator"),
    "scope too short": (changed("%2Faws4_request", ""), MALFORMED),
    "unknown key": (changed("AKIA", "AKIB"), INVALID),
    "session token added": (changed("&X-Amz-Sig", "&X-Amz-Security-Token=x&X-Amz-Sig"), MISMATCH),
    "extra key": (changed("$", "&a=b"), MALFORMED),
    "duplicated key": (changed("$", "&Action=DbConnect"), MALFORMED),
    "duplicated signature": (lambda made: made + made[made.rindex("&") :], MALFORMED),
    "missing key": (changed("X-Amz-Expires=900&", ""), MALFORMED),
    "empty pair": (changed("&", "&&"), MALFORMED),
    "raw plus": (changed("Action=", "Action=+"), MALFORMED),
    "not UTF-8": (changed("Action=", "Action=%ff"), MALFORMED),
    "line end": (changed("$", "\n"), MALFORMED),
    "fragment": (changed("$", "#x"), MALFORMED),
    "empty": (lambda _: "", NOT_A_TOKEN),
    "password": (lambda _: "hunter2", NOT_A_TOKEN),
    "host alone": (lambda _: f"{HOST}/?", MALFORMED),
    "not ASCII": (lambda _: "пароль\0", NOT_A_TOKEN),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_one_change_is_refused(change: Callable[[str], str], expected: str) -> None:
    assert hint(change(token())).startswith(expected)


def test_the_order_of_the_query_and_the_case_of_its_escapes_do_not_matter() -> None:
    host, _, query = token(TEMPORARY).partition("?")
    other = f"{host}?{'&'.join(sorted(query.replace('%2F', '%2f').split('&'), reverse=True))}"
    assert accepted(other, TEMPORARY) is SESSION


def test_a_right_signature_does_not_help() -> None:
    assert accepted(handmade()) is USER
    assert hint(handmade(service="rds-db")).startswith("Credential should be scoped to correct service")
    assert hint(handmade("Action=DbConnect&DBUser=app")).startswith(MALFORMED)
    assert hint(handmade("Action=connect")).startswith(MALFORMED)
    assert hint(handmade("")).startswith(MALFORMED)
    assert hint(handmade(life=604_801)) == TOO_LONG
    assert hint(token(region="us-east-1")) == "Credential should be scoped to a valid region."
    assert hint(token(host=f"b{HOST[1:]}")).startswith(MISMATCH)
    assert hint(token(), host="b.dsql.eu-central-1.on.aws").startswith(MISMATCH)


KEYS = {
    "wrong secret": (replace(KEY, secret_access_key="x"), MISMATCH),
    "inactive": (replace(KEY, active=False), INVALID),
    "another key": (TEMPORARY, INVALID),
    "session token missing": (replace(KEY, session_token="x"), INVALID),
}


@pytest.mark.parametrize(("held", "expected"), KEYS.values(), ids=KEYS)
def test_credentials_have_to_fit(held: Credentials, expected: str) -> None:
    assert hint(token(), held).startswith(expected)


@pytest.mark.parametrize("held", ["x", "", None])
def test_the_session_token_has_to_be_that_of_the_key(held: str | None) -> None:
    assert hint(token(TEMPORARY), replace(TEMPORARY, session_token=held)) == INVALID


def test_a_token_dies_with_its_credentials() -> None:
    now = datetime.now(UTC)
    expired = replace(TEMPORARY, expiry=now - timedelta(seconds=1))
    assert hint(token(TEMPORARY), expired, now=now) == "The security token included in the request is expired"
    assert accepted(token(TEMPORARY), replace(TEMPORARY, expiry=now + timedelta(hours=1)), now=now) is SESSION


def issued(made: str) -> datetime:
    return datetime.fromisoformat(dict(parse_qsl(made))["X-Amz-Date"])


@pytest.mark.parametrize(("seconds", "fine"), [(-301, False), (-300, True), (0, True), (60, True), (61, False)])
def test_a_token_lives_from_its_date_on(seconds: int, *, fine: bool) -> None:
    made = token(life=60)
    assert (hint(made, now=issued(made) + timedelta(seconds=seconds)) == "") is fine


def test_a_refusal_for_time_says_which() -> None:
    made = token()
    form = "%Y%m%dT%H%M%SZ"
    date = issued(made)
    late, early = date + timedelta(hours=1), date - timedelta(hours=1)
    limit, ahead = late - timedelta(minutes=5), early + timedelta(minutes=5)
    expired = f"Signature expired: {date:{form}} is now earlier than {limit:{form}} ({late:{form}} - 5 min.)"
    assert hint(made, now=late) == expired
    assert hint(made, now=late.astimezone()) == expired
    future = f"Signature not yet current: {date:{form}} is still later than {ahead:{form}} ({early:{form}} + 5 min.)"
    assert hint(made, now=early) == future


@pytest.mark.parametrize(
    ("signed_for", "user", "action"), [("app", "admin", "DbConnect"), ("admin", "app", "DbConnectAdmin")]
)
def test_the_action_has_to_be_the_users(signed_for: str, user: str, action: str) -> None:
    expected = f"Wrong user to action mapping. user: {user}, action: {action}"
    assert hint(token(user=signed_for), user=user) == expected


def only(**changes: object) -> dict[str, object]:
    return {"Statement": [{"Effect": "Allow", "Action": "dsql:DbConnect", "Resource": CLUSTER.arn, **changes}]}


REFUSED = f"User: {USER.arn} is not authorized to perform: dsql:DbConnect on resource: {CLUSTER.arn}"
POLICIES = {
    "this cluster": (holding(only()), ""),
    "by tag": (holding(only(Condition={"StringEquals": {"aws:ResourceTag/team": "pay"}})), ""),
    "by name": (holding(only(Condition={"StringEquals": {"aws:username": "ann"}})), ""),
    "by address": (holding(only(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})), ""),
    "by date": (holding(only(Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})), ""),
    "none": (holding(), " because no identity-based policy allows the dsql:DbConnect action"),
    "admin only": (holding(only(Action="dsql:DbConnectAdmin")), " because no identity-based policy allows the"),
    "another cluster": (holding(only(Resource=CLUSTER.arn[:-1] + "?x")), " because no identity-based policy allows"),
    "denied": (holding(ALL, only(Effect="Deny")), " with an explicit deny in an identity-based policy"),
    "bounded": (holding(ALL, boundary=only(Action="s3:*")), " because no permissions boundary allows the"),
    "bounded by a deny": (
        holding(ALL, boundary=only(Effect="Deny")),
        " with an explicit deny in a permissions boundary",
    ),
    "session": (holding(ALL, session_policies=(only(Action="s3:*"),)), " because no session policy allows the"),
}


@pytest.mark.parametrize(("key", "expected"), POLICIES.values(), ids=POLICIES)
def test_policies_decide_for_the_clusters_arn(key: Credentials, expected: str) -> None:
    cluster = replace(CLUSTER, tags={"team": "pay"})
    assert hint(token(), key, cluster=cluster, address="10.1.2.3").startswith(
        f"{REFUSED}{expected}" if expected else ""
    )
    assert bool(hint(token(), key, cluster=cluster, address="10.1.2.3")) is bool(expected)


def resource_policy(effect: str, principal: object) -> ClusterIdentity:
    statement = {"Effect": effect, "Principal": principal, "Action": "dsql:DbConnect", "Resource": "*"}
    return replace(CLUSTER, policy={"Version": "2012-10-17", "Statement": [statement]})


def test_another_account_needs_a_resource_policy() -> None:
    stranger = Principal("arn:aws:iam::999988887777:user/eve", "999988887777", (ALL,))
    key = replace(KEY, principal=stranger)
    assert hint(token(), key) == f"User: {stranger.arn} is not authorized to access this resource"
    assert accepted(token(), key, cluster=resource_policy("Allow", {"AWS": stranger.arn})) is stranger
    refused = hint(token(), key, cluster=resource_policy("Allow", {"AWS": USER.arn}))
    assert refused.endswith(" because no resource-based policy allows the dsql:DbConnect action")
    refused = hint(token(), key, cluster=resource_policy("Deny", "*"))
    assert refused.endswith(" with an explicit deny in a resource-based policy")


def canonical(text: str) -> object:
    host, _, query = text.partition("/?")
    return host.lower(), sorted(parse_qsl(query, keep_blank_values=True))


@pytest.mark.parametrize("key", [KEY, TEMPORARY], ids=["user", "session"])
@pytest.mark.parametrize("other", ["0", "A", "%", ""])
def test_no_byte_can_be_another(key: Credentials, other: str) -> None:
    made = token(key)
    changed = {made[:place] + other + made[place + 1 :] for place in range(len(made))} - {made}
    for each in changed:
        if canonical(each) != canonical(made):
            with pytest.raises(AccessDenied):
                accepted(each, key)


@settings(deadline=None)
@given(data=st.data())
def test_no_mutation_of_one_character_signs_in(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([KEY, TEMPORARY]))
    made = token(key)
    place = data.draw(st.integers(0, len(made) - 1))
    char = data.draw(st.one_of(st.sampled_from("0aAfF%&=+./?#~-_ "), st.characters(codec="utf-8"), st.just("")))
    mutated = made[:place] + char + made[place + 1 :]
    try:
        accepted(mutated, key)
    except AccessDenied:
        return
    assert canonical(mutated) == canonical(made)


@given(st.text(max_size=300).map(lambda text: f"{HOST}/?{text}") | st.text(max_size=300))
def test_any_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    assert hint(text)


def test_a_check_is_fast() -> None:
    made = token(TEMPORARY)
    best = float("inf")
    for _ in range(200):
        begin = time.perf_counter()
        accepted(made, TEMPORARY)
        best = min(best, time.perf_counter() - begin)
    assert best < 0.001


def test_nothing_secret_is_shown() -> None:
    assert ACCOUNT in repr(TEMPORARY)
    for secret in (TEMPORARY.secret_access_key, TEMPORARY.session_token):
        assert str(secret) not in repr(TEMPORARY)
