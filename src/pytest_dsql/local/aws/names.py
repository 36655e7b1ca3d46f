"""Names that the account's parts share."""

from typing import Final

PARTITION: Final = "aws"
