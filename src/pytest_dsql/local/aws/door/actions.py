"""The IAM actions and resources of operations. Source: Service Authorization Reference, 2026-11."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_dsql.local.aws.door.operations import Operation

Needed = tuple[str, str]
"""An action, ``dsql:GetCluster``, and the ARN that it is about."""

_FREE: Final = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken", "sts:GetAccessKeyInfo"})
"""What needs no permission."""
_NAMED: Final = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "s3:AbortMultipartUpload": "s3:AbortMultipartUpload",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:UploadPart": "s3:PutObject",
}
"""The operations whose action has another name."""
_IDENTITIES: Final = (
    ("RoleName", "role"),
    ("UserName", "user"),
    ("GroupName", "group"),
    ("InstanceProfileName", "instance-profile"),
    ("PolicyName", "policy"),
)


def needed(asked: Operation, region: str, account: str) -> Iterator[Needed]:
    """Yield the actions that an operation needs, the main one first; none where anybody may call it."""
    whole = f"{asked.service}:{asked.name}"
    if whole in _FREE:
        return
    about = _RESOURCES.get(asked.service)
    yield _NAMED.get(whole, whole), about(asked.input, region, account) if about else "*"
    if whole in {"lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"} and asked.input.get("Role"):
        yield "iam:PassRole", str(asked.input["Role"])
    if whole == "dsql:CreateCluster":
        members = {"tags": "TagResource", "policy": "PutClusterPolicy"}
        yield from (
            (f"dsql:{action}", _dsql({}, region, account)) for name, action in members.items() if asked.input.get(name)
        )
    if whole in {"dsql:CreateCluster", "dsql:UpdateCluster"} and asked.input.get("multiRegionProperties"):
        resource = _dsql(asked.input, region, account)
        yield "dsql:PutMultiRegionProperties", resource
        yield "dsql:PutWitnessRegion", resource


def _dsql(asked: Mapping[str, Any], region: str, account: str) -> str:
    if "resourceArn" in asked:
        return str(asked["resourceArn"])
    cluster = asked.get("identifier", asked.get("clusterIdentifier", "*"))
    stream = f"/stream/{asked['streamIdentifier']}" if "streamIdentifier" in asked else ""
    return f"arn:aws:dsql:{region}:{account}:cluster/{cluster}{stream}"


def _lambda(asked: Mapping[str, Any], region: str, account: str) -> str:
    prefix = f"arn:aws:lambda:{region}:{account}"
    if "FunctionName" in asked:
        name = str(asked["FunctionName"]).rpartition(":function:")[2]
        qualifier = f":{asked['Qualifier']}" if asked.get("Qualifier") else ""
        return f"{prefix}:function:{name}{qualifier}"
    return f"{prefix}:layer:{asked['LayerName']}" if "LayerName" in asked else "*"


def _cloudformation(asked: Mapping[str, Any], region: str, account: str) -> str:
    name = str(asked.get("StackName", ""))
    if not name or name.startswith("arn:"):
        return name or "*"
    return f"arn:aws:cloudformation:{region}:{account}:stack/{name}/*"


def _iam(asked: Mapping[str, Any], region: str, account: str) -> str:  # noqa: ARG001 - IAM has no Region
    for name, kind in _IDENTITIES:
        if asked.get(name):
            return f"arn:aws:iam::{account}:{kind}/{asked[name]}"
    return str(asked.get("PolicyArn", "*"))


def _logs(asked: Mapping[str, Any], region: str, account: str) -> str:
    if "logGroupName" not in asked:
        return "*"
    stream = f"log-stream:{asked['logStreamName']}" if "logStreamName" in asked else "log-stream:"
    return f"arn:aws:logs:{region}:{account}:log-group:{asked['logGroupName']}:{stream}"


def _s3(asked: Mapping[str, Any], region: str, account: str) -> str:  # noqa: ARG001 - S3's names have neither
    if "Bucket" not in asked:
        return "*"
    return f"arn:aws:s3:::{asked['Bucket']}" + (f"/{asked['Key']}" if "Key" in asked else "")


def _sts(asked: Mapping[str, Any], region: str, account: str) -> str:  # noqa: ARG001 - as IAM
    return str(asked.get("RoleArn", "*"))


_RESOURCES: Final = {
    "cloudformation": _cloudformation,
    "dsql": _dsql,
    "iam": _iam,
    "lambda": _lambda,
    "logs": _logs,
    "s3": _s3,
    "sts": _sts,
}
