"""The QC plot of a cube: one sheet that shows at a glance what came out.

Figures are made as objects, never through pyplot, so that several threads can draw.
"""

import io
from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from muse_deep_plugin.qc_cube import CubeMeasures
from muse_deep_plugin.qc_image import draw_image
from muse_deep_plugin.qc_keywords import Offset, Value, fitted
from muse_deep_plugin.qc_panels import draw_background, draw_filled, draw_offsets
from muse_deep_plugin.qc_scores import number
from muse_deep_plugin.qc_spectra import draw_flux, draw_noise
from muse_deep_plugin.qc_text import (
    GREEN,
    INK,
    NONE,
    NORMAL,
    ORANGE,
    PALE,
    RED,
    SMALL,
    TITLE,
    duration,
    in_all_digits,
    in_arcsec,
    in_digits,
    plain,
)
from phoenix_core.model import Score

_SIZE: Final = (14.0, 8.0)  # inches
_DPI: Final = 100


@frozen(eq=False)
class Sheet:
    """What stands on a QC plot."""

    block: str
    run: str
    target: str
    is_deep: bool
    measures: CubeMeasures
    parameters: dict[str, Value]
    scores: tuple[Score, ...] = ()
    comments: tuple[str, ...] = ()
    offsets: tuple[Offset, ...] = ()

    def number(self, name: str) -> float | None:
        """Return a parameter that is a finite number."""
        return number(self.parameters, name)


def draw_sheet(sheet: Sheet) -> bytes:
    """Draw the QC plot of a cube; return it as PNG, 1400 x 800 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    _head(figure, sheet)
    draw_image(
        figure.add_axes((0.05, 0.295, 0.33, 0.565)),
        sheet.measures,
        fitted(sheet.parameters),
        sheet.number("FWHM"),
    )
    flux = figure.add_axes((0.525, 0.635, 0.455, 0.225))
    draw_flux(flux, sheet.measures)
    noise = figure.add_axes((0.525, 0.375, 0.455, 0.2), sharex=flux)
    draw_noise(noise, sheet.measures, sheet.number("NOISE_EXPECTED"))
    if sheet.is_deep:
        offsets = figure.add_axes((0.525, 0.075, 0.1, 0.195))
        draw_offsets(offsets, sheet.measures, sheet.offsets)
        draw_filled(figure.add_axes((0.637, 0.075, 0.08, 0.195)), sheet.measures)
    else:
        corner = figure.add_axes((0.525, 0.075, 0.17, 0.195))
        level, spread = sheet.number("BKG_MEDIAN"), sheet.number("BKG_MAD")
        draw_background(corner, sheet.measures, level, spread)
    _table(figure, _facts(sheet))
    _score_table(figure, sheet)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()


def _write(figure: Any, x: float, y: float, text: str, **style: Any) -> None:
    """Write on the sheet; names in the text are no formulas."""
    style = {"fontsize": NORMAL, "color": INK, "va": "center"} | style
    figure.text(x, y, text, parse_math=False, **style)


def _head(figure: Any, sheet: Sheet) -> None:
    kind = "deep datacube" if sheet.is_deep else "single datacube"
    name = plain(sheet.target, 40) or "no target"
    _write(figure, 0.02, 0.958, name, fontsize=TITLE, weight="bold")
    about = f"{kind}   ·   run {plain(sheet.run)}   ·   {plain(sheet.block)}"
    _write(figure, 0.02, 0.918, about, color=PALE, fontsize=NORMAL + 1)
    verdict, colour = _verdict(sheet)
    _write(
        figure,
        0.98,
        0.963,
        verdict,
        ha="right",
        color="white",
        weight="bold",
        fontsize=NORMAL + 1,
        bbox={
            "boxstyle": "round,pad=0.45",
            "facecolor": colour,
            "edgecolor": "none",
        },
    )
    if sheet.comments:
        said = "   ".join(plain(comment) for comment in sheet.comments)
        _write(figure, 0.98, 0.925, said, ha="right", color=RED)


def _verdict(sheet: Sheet) -> tuple[str, str]:
    """The badge: green only where there is nothing to look at."""
    count, warnings = len(sheet.scores), len(sheet.comments)
    failed = sum(not score.is_passed for score in sheet.scores)
    said = f"{failed} of {count} scores failed" if failed else f"{count} scores passed"
    if warnings:
        said += f", {warnings} warning{'s' * (warnings > 1)}"
    if failed:
        return said, RED
    return (said, ORANGE) if warnings else (f"all {said}", GREEN)


def _facts(sheet: Sheet) -> Sequence[tuple[str, str]]:
    """The rows of the table below the image: left column, then right."""
    get, text = sheet.number, sheet.parameters.get
    planes, rows, columns = sheet.measures.shape
    low, high = get("LAMBDA_MIN"), get("LAMBDA_MAX")
    covered = f"{low:.0f} to {high:.0f} Å" if low and high else "no wavelengths"
    level, spread = in_digits(get("BKG_MEDIAN")), in_digits(get("BKG_MAD"), 2)
    residual = in_digits(get("SKY_5577"))
    fraction = get("NAN_FRACTION")
    missing = f"{100 * fraction:.1f} %" if fraction is not None else NONE
    measured, propagated = get("NOISE"), get("NOISE_PROPAGATED")
    if sheet.is_deep:
        combined, expected = get("N_EXPOSURES"), get("N_EXPECTED")
        first = (
            ("Exposures", f"{in_digits(combined)} combined of {in_digits(expected)}"),
            ("Exposure time", duration(get("TEXPTIME"))),
            ("OBs", plain(text("OB_IDS") or NONE, 34)),
        )
    else:
        first = (
            ("Observed", plain(text("DATE_OBS", NONE))[:19].replace("T", "  ")),
            ("Exposure time", duration(get("EXPTIME"))),
            ("OB", plain(text("OB_NAME") or text("OB_ID") or NONE, 26)),
        )
    fwhm, seen = in_arcsec(get("FWHM")), in_arcsec(get("SEEING"))
    shift = in_digits(get("WDEL_MAX"), unit=" Å")
    return (
        *first,
        ("Mode", plain(text("INS_MODE", NONE), 26)),
        ("FWHM", f"{fwhm},  seeing {seen}"),
        ("Cube", f"{columns} x {rows} x {planes},  {covered}"),
        ("Without data", missing),
        ("Background", f"{level} ± {spread} (MAD)"),
        ("Residual 5577 Å", residual),
        ("Noise", f"{in_digits(measured)}, propagated {in_digits(propagated)}"),
        ("Saturated pixels", in_digits(get("NUM_SAT"), 6)),
        ("Largest λ shift", shift),
    )


def _table(figure: Any, rows: Sequence[tuple[str, str]]) -> None:
    per_column = (len(rows) + 1) // 2
    for n, (name, value) in enumerate(rows):
        x = 0.02 + 0.235 * (n // per_column)
        y = 0.205 - 0.032 * (n % per_column)
        _write(figure, x, y, name, color=PALE, fontsize=SMALL)
        _write(figure, x + 0.08, y, value, fontsize=SMALL)


def _score_table(figure: Any, sheet: Sheet) -> None:
    left, top = 0.735, 0.283
    _write(figure, left, top, "Scores")
    _write(figure, left + 0.19, top, "limits", color=PALE, ha="right")
    for n, score in enumerate(sheet.scores):
        y = top - 0.042 * (n + 1)
        colour = GREEN if score.is_passed else RED
        said = "ok" if score.is_passed else "failed"
        if score.value is None:
            said = "no value"
        _write(figure, left, y, "●", color=colour, fontsize=NORMAL + 3)
        _write(figure, left + 0.016, y, plain(score.name, 16))
        value = in_all_digits(score.value)
        _write(figure, left + 0.135, y, value, ha="right", weight="bold")
        _write(figure, left + 0.19, y, _range(score), ha="right", color=PALE)
        _write(figure, left + 0.25, y, said, ha="right", color=colour)


def _range(score: Score) -> str:
    if score.low is not None and score.high is not None:
        if score.low == score.high:
            return f"= {in_digits(score.low)}"
        return f"{in_digits(score.low)} … {in_digits(score.high)}"
    if score.high is not None:
        return f"≤ {in_digits(score.high)}"
    return f"≥ {in_digits(score.low)}"
