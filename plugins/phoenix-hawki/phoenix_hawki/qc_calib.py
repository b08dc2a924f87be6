"""The QC reports of darks and of the detector noise.

Levels and noise in adu, gain in electrons per adu. By chip, and for all of them.
"""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits

from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, QcReport
from phoenix_hawki.headers import filter_of, number, primary_header
from phoenix_hawki.qc_scores import (
    Options,
    Parameters,
    dark_scores,
    noise_scores,
)
from phoenix_hawki.qc_scores import number as parameter
from phoenix_hawki.qc_sheet import Chip, brightness, draw_chips
from phoenix_hawki.qc_style import (
    BLUE,
    GREY,
    LINE,
    ORANGE,
    as_png,
    draw_facts,
    draw_head,
    draw_scores,
    in_digits,
    label,
    legend,
    new_sheet,
    panel_title,
    plain,
    style_axes,
)
from phoenix_hawki.rules import read_gain

Value = str | int | float | bool

_OF_DARK: Final = {
    "LEVEL": "ESO QC DARK MED",
    "DARK_MEAN": "ESO QC DARK MEAN",
    "DARK_STDEV": "ESO QC DARK STDEV",
    "PARTICLE_RATE": "ESO QC PARTICLE_RATE",
    "BAD_FRACTION": "ESO QC BADFRAC",
}
_NOISE: Final = ("ESO QC RON1", "ESO QC RON2", "ESO QC RON3")
_COLOURS: Final = (BLUE, ORANGE, GREY, "#2f6f4f")


def measure_dark(block: AssociationBlock, path: Path, options: Options) -> QcReport:
    """Measure, score and draw a master dark.

    Raises:
        ProcessingError: it cannot be read.
    """
    parameters = _setup(path) | {"N_FRAMES": len(block.rawfiles)}
    try:
        with fits.open(path) as hdus:
            chips = tuple(Chip.of(hdu, 0.0) for hdu in hdus[1:] if hdu.is_image)
            headers = {hdu.name: hdu.header for hdu in hdus[1:]}
            for keyword_name, keyword in _OF_DARK.items():
                values = _by_chip(headers, keyword)
                parameters |= _summed_up(keyword_name, values)
            noise = {
                name: statistics.median(known)
                for name, header in headers.items()
                if (known := [v for key in _NOISE if (v := number(header, key))])
            }
            parameters |= _summed_up("READ_NOISE", noise)
    except (OSError, TypeError, fits.VerifyError) as error:
        raise ProcessingError(f"{path}: {error}") from error
    scores = dark_scores(parameters, options)
    figure = new_sheet()
    title = f"Dark, DIT {in_digits(parameter(parameters, 'DIT'))} s"
    about = ("master dark", f"{len(block.rawfiles)} frames", block.name)
    draw_head(figure, title, about, scores)
    draw_chips(figure, chips, "The four chips", brightness(chips))
    histogram = figure.add_axes((0.48, 0.42, 0.5, 0.44))
    _draw_levels(histogram, chips)
    draw_facts(figure, _facts(parameters))
    draw_scores(figure, scores)
    return QcReport(
        block=block.name,
        recipe=block.recipe,
        parameters=parameters,
        scores=scores,
        figures={"": as_png(figure)},
    )


def measure_noise(block: AssociationBlock, path: Path, options: Options) -> QcReport:
    """Score and draw read noise and gain.

    Raises:
        ProcessingError: it cannot be read.
    """
    rows = read_gain(path)
    noise = {name: row[0] for name, row in rows.items()}
    gain = {name: row[1] for name, row in rows.items()}
    parameters = _setup(path)
    parameters |= _summed_up("READ_NOISE", noise) | _summed_up("GAIN", gain)
    parameters |= {"READ_NOISE_MAX": max(noise.values(), default=0.0)}
    parameters |= {"GAIN_MIN": min(gain.values(), default=0.0)}
    parameters |= {"GAIN_MAX": max(gain.values(), default=0.0)}
    scores = noise_scores(parameters, options)
    figure = new_sheet()
    about = ("from two flats and two darks", block.name)
    draw_head(figure, "Detector noise", about, scores)
    _draw_bars(
        figure.add_axes((0.06, 0.42, 0.4, 0.42)),
        "Read noise",
        "[adu]",
        noise,
        (None, options.read_noise_max),
    )
    _draw_bars(
        figure.add_axes((0.55, 0.42, 0.4, 0.42)),
        "Gain",
        "[electrons per adu]",
        gain,
        (options.gain_min, options.gain_max),
    )
    draw_facts(figure, _facts(parameters))
    draw_scores(figure, scores)
    return QcReport(
        block=block.name,
        recipe=block.recipe,
        parameters=parameters,
        scores=scores,
        figures={"": as_png(figure)},
    )


def _setup(path: Path) -> dict[str, Value]:
    """How the detectors were read."""
    header = primary_header(path)
    found: dict[str, object] = {
        "DATE_OBS": header.get("DATE-OBS"),
        "DIT": number(header, "ESO DET DIT"),
        "NDIT": header.get("ESO DET NDIT"),
        "READ_MODE": header.get("ESO DET NCORRS NAME"),
        "FILTER": filter_of(header),
    }
    return {k: v for k, v in found.items() if isinstance(v, Value) and v != ""}


def _by_chip(headers: Mapping[str, fits.Header], keyword: str) -> dict[str, float]:
    values = {name: number(header, keyword) for name, header in headers.items()}
    return {n: v for n, v in values.items() if v is not None and np.isfinite(v)}


def _summed_up(name: str, values: Mapping[str, float]) -> dict[str, Value]:
    """A parameter of each chip, and the median of the chips."""
    found: dict[str, Value] = {f"{name} {chip}": v for chip, v in values.items()}
    if values:
        found[name] = float(statistics.median(values.values()))
    return found


def _facts(parameters: Parameters) -> list[tuple[str, str]]:
    def shown(name: str, digits: int = 3, unit: str = "") -> str:
        return in_digits(parameter(parameters, name), digits, unit)

    rows = [
        (
            "First frame",
            plain(parameters.get("DATE_OBS", "n/a"))[:19].replace("T", "  "),
        ),
        ("DIT x NDIT", f"{shown('DIT')} s x {parameters.get('NDIT', 'n/a')}"),
        ("Read mode", plain(parameters.get("READ_MODE", "n/a"), 20)),
        ("Read noise", shown("READ_NOISE", 3, " adu")),
    ]
    if "GAIN" in parameters:
        rows.append(("Gain", shown("GAIN", 3, " electrons per adu")))
    if "LEVEL" in parameters:
        rows += [
            ("Level", f"{shown('LEVEL')} ± {shown('DARK_STDEV', 2)} adu"),
            (
                "Bad pixels",
                f"{100 * (parameter(parameters, 'BAD_FRACTION') or 0):.2f} %",
            ),
            ("Particles", shown("PARTICLE_RATE")),
        ]
    return rows


def _draw_levels(axes: Any, chips: tuple[Chip, ...]) -> None:
    """How the pixels of each chip are distributed around the level."""
    panel_title(axes, "Pixels of each chip")
    style_axes(axes)
    axes.tick_params(labelleft=False, left=False, right=False)
    finite = [chip.image[np.isfinite(chip.image)] for chip in chips]
    joined = np.concatenate(finite) if finite else np.zeros(1)
    low, high = (float(v) for v in np.percentile(joined, (0.2, 99.0)))
    # Means of few integers make combs in finer bins.
    step = max(1.0, np.ceil((high - low) / 60))
    edges = np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.5 * step, step)
    for chip, values, colour in zip(chips, finite, _COLOURS, strict=False):
        axes.hist(
            values,
            bins=edges,
            histtype="step",
            color=colour,
            lw=1.3,
            label=plain(chip.name),
        )
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])
    legend(axes)
    label(axes, "[adu]")


def _draw_bars(
    axes: Any,
    title: str,
    unit: str,
    values: Mapping[str, float],
    limits: tuple[float | None, float | None],
) -> None:
    """One value a chip, and its limits."""
    panel_title(axes, title)
    style_axes(axes)
    names = [plain(name) for name in values]
    axes.bar(names, list(values.values()), width=0.5, color=BLUE)
    for n, value in enumerate(values.values()):
        place = {"ha": "center", "va": "bottom", "fontsize": 8.5}
        axes.text(n, value, f"{value:.2f}", **place)
    for limit in limits:
        if limit is not None:
            axes.axhline(limit, color=LINE, lw=1.2, ls=(0, (4, 2)))
    highest = max(*values.values(), *(limit for limit in limits if limit), 0.0)
    axes.set_ylim(0, 1.15 * highest)
    label(axes, "", unit)
