from uuid import UUID

import pytest

from transfer.errors import InvalidRequest
from transfer.request import INTEGER_MAX, INTEGER_MIN, Transfer

ID = UUID("6a0e6e1c-7c66-4d6e-9a0b-0d2f4d1b5c11")
GOOD = {"payer_id": 1, "payee_id": 2, "amount": 10}


def test_a_complete_request_is_read() -> None:
    assert Transfer.from_event(GOOD) == Transfer(payer_id=1, payee_id=2, amount=10)


def test_other_fields_are_ignored() -> None:
    assert Transfer.from_event({**GOOD, "note": "rent"}) == Transfer(1, 2, 10)


@pytest.mark.parametrize("sql", ["1; DROP TABLE accounts", "1 OR 1=1", "0'::uuid; --", "$1", "\x00"])
@pytest.mark.parametrize("field", ["payer_id", "payee_id", "amount", "transfer_id"])
def test_sql_is_no_value_of_any_field(field: str, sql: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Transfer.from_event({"payer_id": 1, "payee_id": 2, "amount": 3, field: sql})
    assert caught.value.field == field


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_named(field: str) -> None:
    event = {name: value for name, value in GOOD.items() if name != field}
    with pytest.raises(InvalidRequest, match=f"^{field}: is missing$"):
        Transfer.from_event(event)


@pytest.mark.parametrize("field", GOOD)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "a boolean"),
        (1.0, "a fractional number"),
        ("1", "a string"),
        (None, "null"),
        ([1], "an array"),
        ({}, "an object"),
        (1j, "a complex"),
    ],
)
def test_only_an_integer_is_an_integer(field: str, value: object, kind: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: must be an integer, not {kind}$") as caught:
        Transfer.from_event({**GOOD, field: value})
    assert caught.value.field == field


@pytest.mark.parametrize("field", GOOD)
@pytest.mark.parametrize("value", [INTEGER_MIN - 1, INTEGER_MAX + 1])
def test_a_value_beyond_the_column_type_is_refused(field: str, value: int) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: must be between -2147483648 and 2147483647$"):
        Transfer.from_event({**GOOD, field: value})


def test_the_ends_of_the_column_type_are_accepted() -> None:
    event = {"payer_id": INTEGER_MIN, "payee_id": INTEGER_MAX, "amount": INTEGER_MAX}
    assert Transfer.from_event(event) == Transfer(INTEGER_MIN, INTEGER_MAX, INTEGER_MAX)


@pytest.mark.parametrize("amount", [0, -1])
def test_the_amount_must_be_positive(amount: int) -> None:
    with pytest.raises(InvalidRequest, match=f"^amount: must be positive, not {amount}$"):
        Transfer.from_event({**GOOD, "amount": amount})


def test_payer_and_payee_must_differ() -> None:
    with pytest.raises(InvalidRequest, match="^payee_id: must differ from payer_id, both are 1$"):
        Transfer.from_event({**GOOD, "payee_id": 1})


@pytest.mark.parametrize(("event", "kind"), [(None, "null"), ([], "an array"), ("{}", "a string")])
def test_an_event_that_is_no_object_is_refused(event: object, kind: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^event: must be an object, not {kind}$"):
        Transfer.from_event(event)


def test_an_id_is_optional_and_read_in_any_form_of_a_uuid() -> None:
    for form in (str(ID), ID.hex.upper(), ID.urn):
        assert Transfer.from_event({**GOOD, "transfer_id": form}).transfer_id == ID


@pytest.mark.parametrize(("value", "kind"), [(1, "an integer"), (None, "null"), ([], "an array")])
def test_an_id_is_a_string(value: object, kind: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^transfer_id: must be a string, not {kind}$"):
        Transfer.from_event({**GOOD, "transfer_id": value})


def test_an_id_is_a_uuid() -> None:
    with pytest.raises(InvalidRequest, match="^transfer_id: must be a UUID, not 'rent'$"):
        Transfer.from_event({**GOOD, "transfer_id": "rent"})
