"""What is known of the service ``dsql``: quotas and texts, each with its source and date."""

from typing import Final

CLUSTERS: Final = 20
"""Single-Region clusters of an account in a Region. Source: Aurora DSQL user guide, quotas, 2026-10."""
MULTI_REGION_CLUSTERS: Final = 5
"""As above."""
STREAMS: Final = 5
"""Streams of a cluster. Source: AWS agent plugin "dsql", 2026-11."""
QUOTA_CODE: Final = "not on record"
"""The model has quotas' codes answered; which they are is not known."""
TOO_MANY_CLUSTERS: Final = "You have reached the cluster limit."
"""Users' reports, 2026-10."""
TOO_MANY_STREAMS: Final = "You have reached the stream limit."
"""AWS agent plugin "dsql", 2026-11."""
NO_RECORDS: Final = "{arn} is kept and described; no record flows through it on the stand-in."
"""What the stand-in says of a stream when it is made: there is no Kinesis here."""
OWNED_KEY: Final = "AWS_OWNED_KMS_KEY"
"""The word for the service's own key. Source: botocore's model, 2026-09."""
NOT_FOUND: Final = "The resource with ARN {arn} doesn't exist. Verify the ARN and try again."
PROTECTED: Final = "Deletion protection is enabled for cluster {arn}. Disable it before you delete the cluster."
"""analogy: the reason, deletionProtectionEnabled, is the model's."""
OWN_WITNESS: Final = "The witness Region must differ from the cluster's own Region, {region}."
"""analogy; the rule is the user guide's, 2026-10."""
LOCKOUT: Final = (
    "The policy would lock you out: it does not let you call dsql:PutClusterPolicy on this cluster. To apply it all "
    "the same, set bypassPolicyLockoutSafetyCheck."
)
"""analogy."""
WITNESSES: Final = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    }
)
"""Regions that have Aurora DSQL or can be a witness. Source: Aurora DSQL user guide, Region availability, 2026-10."""
