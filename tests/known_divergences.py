"""Where the stand-in answers otherwise than a real cluster was recorded to, and why. Shown in each probe run."""

from typing import NamedTuple


class Divergence(NamedTuple):
    """Why, since when it is known, and where it is known from."""

    reason: str
    date: str
    source: str
    timing: bool = False
    """Whether it may show or not, by who comes first."""


KNOWN: dict[str, Divergence] = {
    "alter_unique_using_index": Divergence(
        "a build that takes a cluster seconds is done, or not begun, when the next statement comes: no index or a "
        "valid one in place of one that is not valid yet",
        "2026-11",
        "recorded 2026-09, depends on timing there too",
        timing=True,
    ),
    "create_function_plpgsql": Divergence(
        "PL/pgSQL came after the recording: the user guide of 2026-11 has it, with functions, procedures, CALL and DO",
        "2026-11",
        "recorded 2026-09, guide 2026-11",
    ),
    "q_lateral_left_outer_ref_cast": Divergence(
        "the cluster fails with 42804 where PostgreSQL answers; taken for a defect of the service, not copied",
        "2026-11",
        "recorded 2026-09",
    ),
}
