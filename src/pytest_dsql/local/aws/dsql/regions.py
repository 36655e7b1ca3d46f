"""The Regions of a multi-Region cluster. The stand-in has one: it keeps the others' names, as far as they can be."""

import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_dsql.local.aws.dsql import facts
from pytest_dsql.local.aws.dsql.errors import Invalid

_PEER: Final = re.compile(r"arn:aws(?:-[^:]+)?:dsql:([a-z0-9-]{1,20}):[0-9]{12}:cluster/[a-z0-9]{26}")


def check_regions(properties: Mapping[str, Any] | None, own: str) -> None:
    """Raise Invalid where the witness Region or a peer cannot be one of a cluster in ``own``."""
    if properties is None:
        return
    witness = properties.get("witnessRegion")
    if not witness:
        raise Invalid("multiRegionProperties needs a witnessRegion.", "fieldValidationFailed")
    if witness == own:
        raise Invalid(facts.OWN_WITNESS.format(region=own))
    if witness not in facts.WITNESSES:
        raise Invalid(f"{witness} is not a Region that can be a witness.")
    regions = [_region(arn) for arn in properties.get("clusters") or ()]
    if witness in regions:
        raise Invalid(f"The witness Region, {witness}, must differ from the Regions of the clusters.")


def _region(arn: str) -> str:
    found = _PEER.fullmatch(arn)
    if found is None:
        raise Invalid(f"{arn} is not the ARN of a cluster.", "fieldValidationFailed")
    return found[1]
