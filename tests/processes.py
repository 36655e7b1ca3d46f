"""What processes there are."""

import subprocess


def descendants(pid: int) -> set[int]:
    """Return a process's descendants."""
    lines = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split()
    parents = {int(child): int(parent) for child, parent in zip(lines[::2], lines[1::2], strict=True)}
    found, new = set[int](), {pid}
    while new := {child for child, parent in parents.items() if parent in new} - found:
        found |= new
    return found
