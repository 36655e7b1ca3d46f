"""IAM with AWS's own managed policies, as moto has them on record: read when one is asked for, as that takes long."""

import json
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy


class Policies(dict[str, ManagedPolicy]):
    """Managed policies by ARN: the account's own, and all of AWS's as soon as it matters."""

    def __init__(self, account: str, region: str) -> None:
        super().__init__()
        self._account, self._region, self._read = account, region, False

    def __contains__(self, arn: object) -> bool:
        return super().__contains__(arn) or super(Policies, self._whole()).__contains__(arn)

    def get(self, arn: str, default: Any = None) -> Any:
        """Return a policy by its ARN."""
        return super().get(arn, default) if arn in self else default

    def values(self) -> Any:
        """Return all of them."""
        return super(Policies, self._whole()).values()

    def _whole(self) -> "Policies":
        if not self._read:
            self._read = True
            for name, each in json.loads(aws_managed_policies_data).items():
                policy = AWSManagedPolicy.from_data(name, self._account, self._region, each)
                self[policy.arn] = policy
        return self


class Iam(IAMBackend):
    """IAM of an account."""

    # moto finds a backend's URLs beside the module that it names.
    __module__ = IAMBackend.__module__

    def _init_managed_policies(self) -> dict[str, ManagedPolicy]:
        return Policies(self.account_id, self.region_name)
