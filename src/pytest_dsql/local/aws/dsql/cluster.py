"""What the control plane keeps of a cluster and of its streams."""

import secrets
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pytest_dsql.local.dataplane import IDENTIFIER, IDENTIFIER_LENGTH


def identifier() -> str:
    """Return a new identifier, of a cluster or a stream."""
    return "".join(secrets.choice(IDENTIFIER) for _ in range(IDENTIFIER_LENGTH))


def now() -> datetime:
    """Return the time as moto's answers have it: UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(eq=False)
class StreamRecord:
    """A stream of changes. It is kept and described; no record flows through it."""

    cluster_identifier: str
    cluster_arn: str
    target_definition: dict[str, Any]
    ordering: str
    format: str
    tags: dict[str, str]
    client_token: str | None
    status: str = "CREATING"
    stream_identifier: str = field(default_factory=identifier)
    creation_time: datetime = field(default_factory=now)

    @property
    def arn(self) -> str:
        """The stream's ARN."""
        return f"{self.cluster_arn}/stream/{self.stream_identifier}"

    @property
    def asked(self) -> tuple[object, ...]:
        """What a repetition with the same client token must ask for, too."""
        return self.target_definition, self.ordering, self.format, self.tags

    def to_summary(self) -> dict[str, Any]:
        """Return what ListStreams says."""
        names = ("cluster_identifier", "stream_identifier", "arn", "creation_time", "status")
        return {name: getattr(self, name) for name in names}


@dataclass(eq=False)
class ClusterRecord:
    """A cluster. Attributes with names of the service's model are answered as they are."""

    region: str
    account: str
    deletion_protection_enabled: bool
    tags: dict[str, str]
    client_token: str | None
    kms_key_arn: str | None
    multi_region_properties: dict[str, Any] | None
    policy: str | None
    asked: tuple[object, ...] = ()
    """What a repetition with the same client token must ask for, too."""
    status: str = "CREATING"
    identifier: str = field(default_factory=identifier)
    creation_time: datetime = field(default_factory=now)
    policy_version: str | None = None
    streams: dict[str, StreamRecord] = field(default_factory=dict)
    encryption_status: str = "ENABLED"
    runs: bool = False
    """Whether the data plane has it."""
    work: "Future[None]" = field(default_factory=Future)
    """Done when the last change of status is over."""

    @property
    def arn(self) -> str:
        """The cluster's ARN."""
        return f"arn:aws:dsql:{self.region}:{self.account}:cluster/{self.identifier}"

    @property
    def endpoint(self) -> str:
        """The host that clients connect to."""
        return f"{self.identifier}.dsql.{self.region}.on.aws"

    @property
    def endpoint_service_name(self) -> str:
        """The name of the VPC endpoint service, for connections through PrivateLink."""
        return f"com.amazonaws.{self.region}.dsql-{self.identifier[:4]}"

    @property
    def encryption_details(self) -> dict[str, str]:
        """Whose key protects the data."""
        if self.kms_key_arn is None:
            return {"encryptionType": "AWS_OWNED_KMS_KEY", "encryptionStatus": self.encryption_status}
        return {
            "encryptionType": "CUSTOMER_MANAGED_KMS_KEY",
            "kmsKeyArn": self.kms_key_arn,
            "encryptionStatus": self.encryption_status,
        }

    @property
    def peers(self) -> list[str]:
        """The ARNs of the other clusters that it is linked with."""
        return [arn for arn in (self.multi_region_properties or {}).get("clusters") or () if arn != self.arn]

    @property
    def waits_for_peers(self) -> bool:
        """Whether it has a witness Region, and nobody to be a witness for."""
        return bool(self.multi_region_properties) and not self.peers

    def to_summary(self) -> dict[str, str]:
        """Return what ListClusters says."""
        return {"identifier": self.identifier, "arn": self.arn}
