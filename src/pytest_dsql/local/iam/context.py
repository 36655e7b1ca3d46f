"""The condition keys of a request. Source: IAM user guide, global condition context keys, 2026-10."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pytest_dsql.local.iam.principals import Principal


def context(principal: Principal, region: str, now: datetime, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the keys and values that a principal's request to a Region has; ``tags`` are the resource's."""
    moment = now.astimezone(UTC)
    kind = "AssumedRole" if principal.is_session else "Account" if principal.is_root else "User"
    keys = {
        "aws:PrincipalArn": principal.iam_arn,
        "aws:PrincipalAccount": principal.account,
        "aws:PrincipalType": kind,
        "aws:RequestedRegion": region,
        "aws:SecureTransport": "true",
        "aws:CurrentTime": moment.isoformat(),
        "aws:EpochTime": str(int(moment.timestamp())),
        **{f"aws:ResourceTag/{key}": value for key, value in tags.items()},
    }
    _, user, path = principal.arn.partition(":user/")
    return {**keys, "aws:username": path.rpartition("/")[2]} if user else keys
