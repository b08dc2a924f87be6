"""The look that all panels of a QC plot share: colours, sizes, frames.

Colours are Okabe's and Ito's, which the colour-blind tell apart (Color Universal
Design, 2008); what a colour says is also said by a word or a sign. Sizes are points, at
100 dots an inch: of a sheet of 1800 pixels that is shown at a third, as in a list of
previews, TITLE and LARGE can be read.
"""

from typing import Any, Final

INK: Final = "#1b2733"
PALE: Final = "#5b6672"
GREY: Final = "#8d99a6"
LINE: Final = "#c4ccd4"
BAND: Final = "#eef1f4"
BLUE: Final = "#0072b2"
SKY: Final = "#56b4e9"
ORANGE: Final = "#e69f00"
RED: Final = "#d55e00"
GREEN: Final = "#00704f"
GOOD: Final = "#d5f0e5"  # behind dark letters

TIMES: Final = "viridis"  # the colours of maps

SMALL: Final = 11.0
NORMAL: Final = 13.0
LARGE: Final = 17.0
TITLE: Final = 30.0


def style_axes(axes: Any) -> None:
    """Give axes the look that all panels share."""
    axes.tick_params(
        labelsize=SMALL, colors=INK, direction="in", top=True, right=True, length=4
    )
    for spine in axes.spines.values():
        spine.set(color=PALE, linewidth=0.9)


def panel_title(axes: Any, text: str, pad: float = 6.0) -> None:
    """Write what a panel shows above its left corner, `pad` points above the frame."""
    axes.set_title(
        text,
        loc="left",
        fontsize=NORMAL,
        weight="bold",
        color=INK,
        pad=pad,
        parse_math=False,
    )


def note(axes: Any, text: str, pad: float = 6.0) -> None:
    """Write above the right corner of a panel."""
    axes.set_title(
        text, loc="right", fontsize=SMALL, color=PALE, pad=pad, parse_math=False
    )


def say_empty(axes: Any, text: str) -> None:
    """Write into a panel why it shows nothing."""
    axes.set(xticks=[], yticks=[])
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=PALE,
        fontsize=NORMAL,
    )
