"""The report of a storm of anyone's transaction: text that its verdict opens, and that says last how to repeat it."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_dsql.storm.own.history import History
from pytest_dsql.storm.record.common import INTERRUPTED
from pytest_dsql.storm.record.statistics import Statistics, measure
from pytest_dsql.storm.record.verdict import Verdict
from pytest_dsql.storm.report import export, page
from pytest_dsql.storm.report import text as shared

TEXT: Final = "report.txt"
_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class StormReport:
    """A storm that was judged; ``repeat`` is the line that says how to see it again."""

    history: History
    verdict: Verdict
    repeat: str

    @property
    def statistics(self) -> Statistics:
        """The figures."""
        return measure(self.history)

    @property
    def interrupted(self) -> bool:
        """Whether somebody has broken it off."""
        return self.history.facts.trouble == INTERRUPTED

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        facts, statistics = self.history.facts, self.statistics
        if not self.verdict.passed:
            return shared.failed(facts.target, statistics, self.verdict)
        held = f"sums and rules that held: {len(facts.sums) + len(facts.rules)}"
        met = f"transactions that lost to another: {self.history.conflicts:,}"
        if not self.history.conflicts:
            met = "nothing conflicted, as its test allows"
        return f"PASS  {statistics.calls:,} calls on the {shared.place(facts.target)}; {held}; {met}"

    @property
    def note(self) -> str | None:
        """What there is to say of unknown outcomes, None where there were none."""
        unknown = self.verdict.ambiguous
        listed = ", ".join(map(str, unknown[:_LISTED])) + (", …" if len(unknown) > _LISTED else "")
        return f"{len(unknown):,} unknown outcomes: calls {listed}" if unknown else None

    @property
    def text(self) -> str:
        """All of it, for people."""
        target = self.history.facts.target
        lines = [
            self.headline,
            *shared.finding_lines(self.verdict.findings),
            *shared.wrapped(self.note),
            "",
            *shared.figures(target, self.statistics),
            "",
            "Configuration:",
            *shared.settings(self._settings()),
            "",
            self.repeat,
        ]
        return "\n".join(lines)

    def _settings(self) -> dict[str, object]:
        facts = self.history.facts
        return {
            **facts.configuration,
            "lost COMMITs": "not counted here" if facts.lost is None else f"{facts.lost:,}, as seen at the wire",
            "snapshots": f"{len(self.history.snapshots):,}",
            "started": facts.started,
            "ended": facts.ended,
            "whole run": f"{facts.wall_s:.1f} s, start-up included",
        }

    def write(self, folder: Path) -> None:
        """Write it into a folder that is there; the page where matplotlib is (pytest-dsql[storm])."""
        for name, content in self._files():
            (folder / name).write_text(content, encoding="utf-8")

    def _files(self) -> Iterator[tuple[str, str]]:
        statistics, verdict = self.statistics, self.verdict
        yield TEXT, self.text + "\n"
        yield page.JSON, export.written(export.figures(statistics, verdict) | self._data())
        yield page.CSV, export.as_csv(statistics)
        if importlib.util.find_spec("matplotlib"):
            words = page.Words(self.headline, self.repeat, self.note, self.text)
            yield page.PAGE, page.drawn(words, self.history, statistics, verdict)

    def _data(self) -> dict[str, Any]:
        facts = self.history.facts
        run = {name: getattr(facts, name) for name in ("planned", "workers", "lost", "started", "ended", "wall_s")}
        return {
            "target": facts.target,
            "configuration": dict(facts.configuration),
            "run": {**run, "cores": facts.cores, "lost_workers": list(self.history.lost_workers)},
        }
