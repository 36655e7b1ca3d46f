"""Principals: which role a session is of, what is mapped to whom, and the table of keys."""

from dataclasses import replace

import pytest

from pytest_dsql.local.iam import Credentials, Principal, PrincipalTable, maps_to

ACCOUNT = "111122223333"
USER = f"arn:aws:iam::{ACCOUNT}:user/ops/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pay"
WITH_PATH = f"arn:aws:iam::{ACCOUNT}:role/apps/eu/pay"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/pay/one"


def test_a_session_is_known_by_its_role() -> None:
    assert Principal(SESSION, ACCOUNT).iam_arn == ROLE
    assert Principal(SESSION, ACCOUNT, role_arn=WITH_PATH).iam_arn == WITH_PATH
    assert Principal(SESSION.replace("aws", "aws-cn"), ACCOUNT).iam_arn == ROLE.replace("aws", "aws-cn")
    assert Principal(USER, ACCOUNT).iam_arn == USER


@pytest.mark.parametrize(
    ("arn", "role_arn", "named", "expected"),
    [
        (SESSION, None, ROLE, True),
        (SESSION, None, WITH_PATH, True),
        (SESSION, WITH_PATH, ROLE, True),
        (SESSION, WITH_PATH, WITH_PATH, True),
        (SESSION, WITH_PATH, WITH_PATH.replace("eu", "us"), False),
        (SESSION, None, ROLE + "s", False),
        (SESSION, None, ROLE.upper(), False),
        (SESSION, None, ROLE.replace("1111", "2222"), False),
        (SESSION, None, ROLE.replace("aws", "aws-cn"), False),
        (SESSION, None, ROLE.replace("role", "user"), False),
        (SESSION, None, SESSION, False),
        (SESSION, None, "*", False),
        (SESSION, None, "", False),
        (USER, None, USER, True),
        (USER, None, USER.replace("ops/", ""), False),
        (USER, None, ROLE, False),
    ],
)
def test_a_mapping_names_the_user_or_the_role(arn: str, role_arn: str | None, named: str, *, expected: bool) -> None:
    assert maps_to(Principal(arn, ACCOUNT, role_arn=role_arn), named) is expected


def test_a_table_finds_what_it_was_given() -> None:
    key = Credentials("AKIA1", "secret", Principal(USER, ACCOUNT))
    table = PrincipalTable([key])
    assert table.find("AKIA1") is key
    assert table.find("AKIA2") is None
    with pytest.raises(ValueError, match="AKIA1 is there already"):
        table.add(key)
    table.replace(replace(key, active=False))
    found = table.find("AKIA1")
    assert found is not None
    assert not found.active
    table.remove("AKIA1")
    assert table.find("AKIA1") is None
    with pytest.raises(KeyError):
        table.remove("AKIA1")
    with pytest.raises(KeyError):
        table.replace(key)


def test_principals_and_keys_can_be_hashed() -> None:
    principal = Principal(USER, ACCOUNT, ({"Statement": []},))
    assert {principal, Principal(USER, ACCOUNT, principal.policies)} == {principal}
    assert hash(Credentials("AKIA1", "secret", principal))
