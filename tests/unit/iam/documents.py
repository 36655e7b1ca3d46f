"""Policy documents, and the request that the tests of policies ask about."""

ACCOUNT = "111122223333"
OTHER = "999988887777"
ARN = f"arn:aws:dsql:eu-central-1:{ACCOUNT}:cluster/abcdefghijklmnopqrstuvwxyz"
ACTION = "dsql:DbConnect"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pay"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/pay/one"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def statement(effect: object = "Allow", **elements: object) -> dict[str, object]:
    """A statement for the request; what is given as None is left out."""
    full = {"Effect": effect, "Action": ACTION, "Resource": ARN, **elements}
    return {name: value for name, value in full.items() if value is not None}


def document(*statements: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


ALL = document(statement(Action="*", Resource="*"))
