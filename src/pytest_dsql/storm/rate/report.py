"""What is said of a search for the highest rate that holds a p99: one sentence, a table of the steps, a page."""

import html
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_dsql.storm.rate.knee import Knee, Step
from pytest_dsql.storm.report import page, plots, skeleton
from pytest_dsql.storm.report.text import place

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE: Final = "rate.html"
JSON: Final = "rate.json"
_TITLE: Final = "Callers' p99 by rate"
_CAPTION: Final = (
    "Each point is a step: how fast calls were due, and what 99 of 100 callers waited at most, since due. Circles held "
    "the limit, the dashed line; crosses did not."
)


def sentence(knee: Knee, target: str) -> str:
    """Return what was found."""
    best, too_much, where = knee.best, knee.too_much, place(target)
    if best is None:
        least = min(step.rate for step in knee.steps)
        return f"No rate held a p99 of {knee.limit_ms:,g} ms on the {where}: {least:,g} calls/s, the lowest, neither."
    told = f"{best.rate:,g} calls/s is the highest rate that held a p99 of {knee.limit_ms:,g} ms on the {where}"
    if too_much is None:
        return f"{told}, of those that were tried ({_ms(best)}): the knee is beyond it."
    return f"{told} ({_ms(best)}); at {too_much.rate:,g} it was {_ms(too_much)}."


def text(knee: Knee, target: str) -> str:
    """Return the sentence and the table."""
    return "\n".join([sentence(knee, target), "", *_table(knee)])


def _table(knee: Knee) -> Iterator[str]:
    yield f"  {'offered/s':>10} {'achieved/s':>11} {'p99':>10}"
    for step in knee.steps:
        yield row(step)


def row(step: Step) -> str:
    """Return a step's line of the table."""
    return f"  {step.rate:>10,g} {step.achieved:>11,.1f} {_ms(step):>10}  {'held' if step.held else 'too much'}"


def _ms(step: Step) -> str:
    return f"{step.p99_ms:,.0f} ms" if math.isfinite(step.p99_ms) else "no answer"


def write(folder: Path, knee: Knee, target: str) -> Path:
    """Write the steps as JSON and the page into a folder; return where the page is."""
    steps = [asdict(step) | {"p99_ms": step.p99_ms if math.isfinite(step.p99_ms) else None} for step in knee.steps]
    found = {"target": target, "limit_ms": knee.limit_ms, "rate": knee.best and knee.best.rate, "steps": steps}
    (folder / JSON).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / PAGE).write_text(_page(knee, target), encoding="utf-8")
    return folder / PAGE


def _page(knee: Knee, target: str) -> str:
    drawn = plots.Plot(_TITLE, _CAPTION, plots.svg(_TITLE, 0, lambda axes: _draw(axes, knee)))
    table = html.escape("\n".join(_table(knee)))
    body = f'<div class="plots">\n{page.figure(drawn, target)}\n<section><pre>{table}</pre></section>\n</div>'
    return skeleton.page(sentence(knee, target), "", body, passed=knee.best is not None)


def _draw(axes: "Axes", knee: Knee) -> None:
    steps = sorted((step for step in knee.steps if math.isfinite(step.p99_ms)), key=lambda step: step.rate)
    axes.plot([step.rate for step in steps], [step.p99_ms for step in steps], color=plots.SOFT, linewidth=1)
    for label, marker, colour, held in (("held", "o", plots.GOOD, True), ("too much", "x", plots.BAD, False)):
        shown = [step for step in steps if step.held is held]
        if shown:
            axes.plot(
                [step.rate for step in shown],
                [step.p99_ms for step in shown],
                linestyle="",
                marker=marker,
                color=colour,
                label=label,
            )
    axes.axhline(knee.limit_ms, color="#5b6878", linewidth=1, linestyle="--")
    axes.set(xlabel="calls per second, offered", ylabel="the callers' p99, in ms", yscale="log", xlim=(0, None))
    axes.legend(loc="upper left")
