"""The plots of a storm, as SVG text to stand inside a page. matplotlib is imported by the first of them, not before."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_dsql.storm.record.common import History
from pytest_dsql.storm.record.statistics import Statistics, caller_ms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GOOD: Final = "#2a7f62"
REFUSED: Final = "#d98324"
BAD: Final = "#b3261e"
INK: Final = "#2f5d8a"
SOFT: Final = "#8fb3d4"
_SIZE: Final = (5.2, 2.9)
"""In inches: so narrow that its text is still readable where a phone shows it 340 px wide."""

_RC: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "storm",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e6ea",
    "legend.frameon": False,
}

Draw = Callable[["Axes"], None]
Timed = Callable[["Axes", Statistics], None]

THROUGHPUT: Final = (
    "Throughput and outcomes",
    "Calls answered in each second, by outcome. A gap is a second in which nothing was answered.",
)
LATENCY: Final = (
    "Latency over time",
    "What callers waited, by the second they were answered in. With all calls due at once the queue is most of it.",
)
RETRIES_OVER_TIME: Final = (
    "Retries over time",
    "Transactions that were run again, by the second their call was answered in.",
)
DISTRIBUTION: Final = (
    "Latency distribution",
    "The same calls as the function measured itself and as their callers waited; what lies between is the queue.",
)
RETRIES: Final = ("Retries per call", "How many calls needed so many retries (logarithmic).")
HOTTEST: Final = (
    "Hottest accounts",
    "The accounts that most calls were about, and how many of these met a conflict. Payer and payee both count.",
)
_BROKEN: Final = " A dotted line is something that was broken on purpose."


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot as SVG; its caption says what it shows."""

    title: str
    caption: str
    svg: str


def draw(history: History, statistics: Statistics) -> list[Plot]:
    """Return the plots; what was not measured is not drawn."""
    timed: dict[tuple[str, str], Timed] = {}
    if statistics.seconds:
        timed |= {THROUGHPUT: _throughput, LATENCY: _latency_over_time}
    if statistics.retries_total:
        timed[RETRIES_OVER_TIME] = _retries_over_time
    broken = _BROKEN if history.faults else ""
    plots: dict[tuple[str, str], Draw] = {
        (title, caption + broken): _over_time(plot, history, statistics) for (title, caption), plot in timed.items()
    }
    waits = caller_ms(history.calls)
    if waits:
        durations = [call.duration_ms for call in history.calls if call.duration_ms is not None]
        plots[DISTRIBUTION] = lambda axes: _latencies(axes, waits, durations)
    if statistics.calls:
        plots[RETRIES] = lambda axes: _retries(axes, statistics)
    if statistics.hottest:
        plots[HOTTEST] = lambda axes: _hottest(axes, statistics)
    return [Plot(*words, svg(words[0], number, plot)) for number, (words, plot) in enumerate(plots.items())]


def svg(title: str, number: int, plot: Draw) -> str:
    """Return what ``plot`` draws, to stand inside a page as its plot of that ``number``."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({**_RC, "svg.hashsalt": f"storm-{number}"}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        plot(figure.add_subplot())
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return _inline(out.getvalue(), title, number)


def _inline(svg: str, title: str, number: int) -> str:
    """Make a file of its own into a part of a page: no prologue, ids apart from the other plots', as wide as it may."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(id="|url\(#|xlink:href="#)', rf"\g<1>p{number}-", svg)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def _over_time(plot: Timed, history: History, statistics: Statistics) -> Draw:
    """Draw figures over time, with a line where something was broken on purpose."""

    def drawn(axes: "Axes") -> None:
        plot(axes, statistics)
        for fault in history.faults:
            axes.axvline(fault.begun, color=BAD, linewidth=0.8, linestyle=":")

    return drawn


def _throughput(axes: "Axes", statistics: Statistics) -> None:
    series = {
        "committed": (GOOD, [second.committed for second in statistics.seconds]),
        "refused": (REFUSED, [second.refused for second in statistics.seconds]),
        "unknown": (BAD, [second.unknown for second in statistics.seconds]),
    }
    below = [0] * len(statistics.seconds)
    for label, (colour, values) in series.items():
        if any(values):
            above = [low + value for low, value in zip(below, values, strict=True)]
            _steps(axes, statistics, below, above, color=colour, label=label)
            below = above
    axes.set(ylabel="calls per second", ylim=(0, max(1, *below, 0) * 1.05))
    _legend(axes)


def _retries_over_time(axes: "Axes", statistics: Statistics) -> None:
    retries = [second.retries for second in statistics.seconds]
    _steps(axes, statistics, [0] * len(retries), retries, color=SOFT)
    axes.set(ylabel="retries per second", ylim=(0, max(1, *retries, 0) * 1.05))


def _steps(axes: "Axes", statistics: Statistics, below: Sequence[int], above: Sequence[int], **style: Any) -> None:
    """Fill what lies between two figures per second, each of them level for its second."""
    first = statistics.seconds[0].second
    edges = range(first, first + len(above) + 1)
    axes.fill_between(edges, [*below, below[-1]], [*above, above[-1]], step="post", linewidth=0, **style)
    axes.set(xlabel="seconds since the start", xlim=(edges[0], edges[-1]))


def _latency_over_time(axes: "Axes", statistics: Statistics) -> None:
    told = [second for second in statistics.seconds if second.p50_ms is not None]
    middles = [second.second + 0.5 for second in told]
    mark = "o" if len(told) < 60 else ""
    axes.plot(middles, [second.p99_ms or 0 for second in told], color=REFUSED, marker=mark, ms=4, label="p99")
    axes.plot(middles, [second.p50_ms or 0 for second in told], color=INK, marker=mark, ms=4, label="p50")
    edges = (statistics.seconds[0].second, statistics.seconds[-1].second + 1)
    highest = max((second.p99_ms or 0 for second in told), default=0.0)
    axes.set(
        xlabel="seconds since the start", ylabel="the caller's, in ms", xlim=edges, ylim=(0, max(1, highest) * 1.05)
    )
    _legend(axes)


def _legend(axes: "Axes") -> None:
    """Above the plot, where no line runs through it."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, borderaxespad=0.2)


def _latencies(axes: "Axes", waits: Sequence[float], durations: Sequence[float]) -> None:
    from matplotlib.ticker import FuncFormatter

    shown = {"the caller's, since due": (waits, SOFT), "the function's": (durations, INK)}
    for label, (values, colour) in shown.items():
        if values:
            axes.hist(values, bins=_bins([*waits, *durations]), color=colour, alpha=0.75, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set(xlabel="ms", ylabel="calls")
    _legend(axes)


def _bins(values: Sequence[float]) -> list[float]:
    """Fifty bins that are equally wide on a logarithmic scale."""
    low, high = max(min(values), 0.1), max(*values, 0.2)
    return [low * (high / low) ** (step / 50) for step in range(51)]


def _retries(axes: "Axes", statistics: Statistics) -> None:
    from matplotlib.ticker import MaxNLocator

    calls = list(statistics.retries.values())
    bars = axes.bar(list(statistics.retries), calls, color=INK, width=0.8)
    axes.set_yscale("symlog", linthresh=1)
    axes.set(xlabel="retries of one call", ylabel="calls (logarithmic)", ylim=(0, max(calls) * 4))
    axes.set_xlim(-0.6, max(4, statistics.retries_max) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(calls) <= 12:
        axes.bar_label(bars, [f"{count:,}" for count in calls], fontsize=9, padding=2)


def _hottest(axes: "Axes", statistics: Statistics) -> None:
    heats = statistics.hottest[::-1]
    names = [str(heat.account) for heat in heats]
    axes.barh(names, [heat.calls for heat in heats], color=SOFT, label="calls")
    axes.barh(names, [heat.conflicts for heat in heats], color=REFUSED, label="with a conflict")
    axes.set(xlabel="calls", ylabel="account")
    _legend(axes)
