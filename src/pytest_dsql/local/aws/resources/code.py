"""The code of functions and layers, as a template names it: an object in S3, or the text of a module."""

import base64
import io
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from moto.s3.models import s3_backends

from pytest_dsql.local.aws.formation.templates.words import ResourceFailed
from pytest_dsql.local.aws.names import PARTITION

_MISSING: Final = (
    "Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: The specified {what} does not exist."
)
_MODULE: Final = "index.py"


def code_of(account: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return code as Lambda's API takes it; raise ResourceFailed where S3 has no such object."""
    code = properties["Code"]
    if "ZipFile" in code:
        return {"ZipFile": base64.b64encode(zipped(str(code["ZipFile"]))).decode()}
    return stored(account, code)


def stored(account: str, code: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reference to an object of S3; raise ResourceFailed where there is none."""
    if "ImageUri" in code:
        raise ResourceFailed("the stand-in runs no container images")
    if not {"S3Bucket", "S3Key"} <= code.keys():
        raise ResourceFailed("Please provide a source for function code.")
    backend = s3_backends[account][PARTITION]
    if code["S3Bucket"] not in backend.buckets:
        raise ResourceFailed(_MISSING.format(code="NoSuchBucket", what="bucket"))
    if not backend.get_object(code["S3Bucket"], code["S3Key"]):
        raise ResourceFailed(_MISSING.format(code="NoSuchKey", what="key"))
    return {"S3Bucket": code["S3Bucket"], "S3Key": code["S3Key"]}


def zipped(text: str) -> bytes:
    """Return a zip with the text as its one module."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(_MODULE)  # with the same date each time: the same text is the same code
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, text)
    return file.getvalue()
