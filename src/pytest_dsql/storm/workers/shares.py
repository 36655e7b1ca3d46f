"""How a storm's calls are shared out: together its workers make each once, however many they are."""

import os


def cores() -> int:
    """Return how many processes can be at work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def room(parallel: int, share: int, shares: int) -> int:
    """Return how many calls one of ``shares`` workers has in flight; none where there are more workers than that."""
    return parallel // shares + (share < parallel % shares)


def part(calls: int, parallel: int, share: int, shares: int) -> range:
    """Return the calls of one worker: every n-th, where n workers have room for one."""
    busy = min(shares, parallel)
    return range(share, calls if share < busy else 0, busy)
