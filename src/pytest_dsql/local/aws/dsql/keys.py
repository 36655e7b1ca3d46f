"""The key that protects a cluster: the service's own, or one of AWS KMS by ARN, id or alias."""

from typing import Any

from pytest_dsql.local.aws.dsql import facts
from pytest_dsql.local.aws.dsql.errors import Invalid


def key_arn(asked: str | None, account: str, region: str) -> str | None:
    """Return the ARN of a customer's key, None for the service's own; raise Invalid where there is no such key."""
    if asked in (None, facts.OWNED_KEY):
        return None
    if str(asked).startswith("arn:") and not str(asked).startswith(f"arn:aws:kms:{region}:"):
        raise Invalid(f"The KMS key {asked} is not in the cluster's Region, {region}.")
    from moto.kms.models import kms_backends

    backend: Any = kms_backends[account][region]
    try:
        key = backend.describe_key(backend.any_id_to_key_id(asked))
    except Exception:  # noqa: BLE001 - moto raises one thing for an alias, another for an id
        raise Invalid(f"The KMS key {asked} does not exist, or is not accessible.") from None
    return str(key.arn)
