"""A chart of lines as SVG. Pure: values in, text out.

Where x lies is the caller's business (a logarithm, a place in a list); it brings the ticks. y is
linear from 0, or logarithmic over whole decades.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 84, 58
#: Told apart by those who see few colours too (Okabe and Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
STYLE = (
    "text{font-family:system-ui,'DejaVu Sans',sans-serif;font-size:13px;fill:#333}"
    ".title{font-size:16px;font-weight:600;fill:#111}"
    ".grid{stroke:#ddd}.axis{stroke:#888}"
)
#: Ticks of a linear axis, about; and between two names in the legend, pixels per letter and beside.
TICKS = 5
LETTER, MARK = 7.4, 44


class Point(NamedTuple):
    """``least`` and ``most`` are drawn as a bar through the point."""

    x: float
    y: float
    least: float
    most: float


class Series(NamedTuple):
    name: str
    points: Sequence[Point]


class Tick(NamedTuple):
    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    title: str
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    series: Sequence[Series]
    logarithmic: bool = False

    def svg(self) -> str:
        """Raises ValueError if there is nothing to draw."""
        heights = [value for one in self.series for point in one.points for value in point[1:]]
        if not heights:
            raise ValueError(f"nothing to draw: {self.title}")
        ticks = decades(heights) if self.logarithmic else steps(max(heights))
        place = math.log10 if self.logarithmic else float
        low, high = place(ticks[0]), place(ticks[-1])
        xs = [tick.at for tick in self.x_ticks]
        across = _scale(min(xs), max(xs), LEFT, WIDTH - RIGHT)
        up = _scale(low, high, HEIGHT - BOTTOM, TOP)

        def y(value: float) -> float:
            # A zero has no logarithm; it is drawn at the foot.
            return up(place(max(value, ticks[0]) if self.logarithmic else value))

        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
                f' width="{WIDTH}" height="{HEIGHT}" role="img">',
                f"<title>{escape(self.title)}</title><style>{STYLE}</style>",
                f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
                _text(LEFT, 28, self.title, 'class="title"'),
                *(_row(y(tick), number(tick)) for tick in ticks),
                *(_column(across(tick.at), tick.label) for tick in self.x_ticks),
                _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, self.x_label, _MIDDLE),
                _text(LEFT, TOP - 12, self.y_label, ""),
                *_legend([one.name for one in self.series]),
                *(
                    _line(one.points, across, y, colour)
                    for one, colour in zip(self.series, COLOURS, strict=False)
                ),
                "</svg>\n",
            )
        )


# -- axes ----------------------------------------------------------------------------------------


def steps(most: float) -> list[float]:
    """Round numbers from 0 to at least ``most``."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)
    return [step * n for n in range(math.ceil(most / step - 1e-9) + 1)]


def decades(values: Sequence[float]) -> list[float]:
    """Powers of ten around all values above 0."""
    above = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(above))), math.ceil(math.log10(max(above)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def number(value: float) -> str:
    """As short as it can be said: 10M, 250k, 1.5, 0.01."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    wide = (high - low) or 1.0
    return lambda value: start + (value - low) / wide * (end - start)


# -- parts ---------------------------------------------------------------------------------------

_MIDDLE = 'text-anchor="middle"'


def _text(x: float, y: float, text: str, how: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {how}>{escape(text)}</text>'


def _row(y: float, label: str) -> str:
    line = f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
    return line + _text(LEFT - 8, y + 4, label, 'text-anchor="end"')


def _column(x: float, label: str) -> str:
    foot = HEIGHT - BOTTOM
    return f'<path class="axis" d="M{x:.1f} {foot}v5"/>' + _text(x, foot + 20, label, _MIDDLE)


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(LEFT)
    for name, colour in zip(names, COLOURS, strict=False):
        parts.append(f'<path stroke="{colour}" stroke-width="3" d="M{x:.1f} 46h18"/>')
        parts.append(_text(x + 24, 50, name, ""))
        x += MARK + len(name) * LETTER
    return parts


def _line(
    points: Sequence[Point],
    across: Callable[[float], float],
    y: Callable[[float], float],
    colour: str,
) -> str:
    path = "L".join(f"{across(point.x):.1f} {y(point.y):.1f}" for point in points)
    marks = "".join(
        f'<path d="M{across(point.x):.1f} {y(point.least):.1f}V{y(point.most):.1f}"/>'
        f'<circle cx="{across(point.x):.1f}" cy="{y(point.y):.1f}" r="3.5" fill="{colour}"/>'
        for point in points
    )
    return f'<g stroke="{colour}" stroke-width="2" fill="none"><path d="M{path}"/>{marks}</g>'
