"""What a request to AWS is signed with."""

from typing import NamedTuple


class SigningKeys(NamedTuple):
    """Keys, as botocore has them frozen."""

    access_key: str
    secret_key: str
    token: str | None
