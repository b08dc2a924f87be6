"""The QC sheet of an OB: its image, the zero point star by star, what was scored."""

from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
from astropy.io import fits
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.model import Score
from phoenix_hawki.qc_photometry import Star
from phoenix_hawki.qc_scores import Parameters, number
from phoenix_hawki.qc_style import (
    BLUE,
    EMPTY,
    GREY,
    INK,
    LINE,
    NONE,
    ORANGE,
    PAPER_TO_INK,
    SMALL,
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
    say_empty,
    style_axes,
    write,
)

MOSAIC: Final = {"CHIP1": (0, 0), "CHIP2": (1, 0), "CHIP4": (0, 1), "CHIP3": (1, 1)}
"""Column and row of each chip in the focal plane, from lower left."""

MARKS: Final = {"CHIP1": "o", "CHIP2": "s", "CHIP3": "^", "CHIP4": "D"}

_MOST_PIXELS: Final = 600  # on a side of a chip as it is shown
_LENGTHS: Final = (1, 2, 5, 10, 20, 30, 60, 120)  # arcsec, of the scale bar
_FRAME: Final = (0.045, 0.27, 0.345, 0.6)  # of the mosaic: left, bottom, width, height
_GAP: Final = 0.006


@frozen(eq=False)
class Chip:
    """An image as it is shown: every `step`-th pixel, its size, its orientation."""

    name: str
    image: NDArray[np.float32]
    shape: tuple[int, int]
    scale: float  # arcsec a pixel
    east: tuple[float, float]  # directions in the image
    north: tuple[float, float]

    @classmethod
    def of(
        cls, hdu: fits.ImageHDU, scale: float, covered: NDArray[np.bool_] | None = None
    ) -> Self:
        """Keep of a chip what is needed to show it; the file can be closed then."""
        rows, columns = hdu.shape
        step = max(1, max(rows, columns) // _MOST_PIXELS)
        image = np.array(hdu.data[::step, ::step], np.float32)
        if covered is not None:
            image[~covered[::step, ::step]] = np.nan
        matrix = [[hdu.header.get(f"CD{i}_{j}", 0.0) for j in (1, 2)] for i in (1, 2)]
        directions = np.eye(2)
        if abs(np.linalg.det(matrix)) > 0:
            directions = np.linalg.inv(matrix)
            directions = directions / np.hypot(*directions)
        (ex, nx), (ey, ny) = directions
        return cls(
            str(hdu.name),
            image,
            (rows, columns),
            scale,
            (float(ex), float(ey)),
            (float(nx), float(ny)),
        )


@frozen
class Source:
    """A source of the pipeline's catalogue: pixels from 1, adu, pixels."""

    chip: str
    x: float
    y: float
    flux: float
    diameter: float  # that holds half of the light


@frozen(eq=False)
class Sheet:
    """What stands on a QC sheet."""

    block: str
    target: str
    is_tile: bool
    parameters: Parameters
    scores: tuple[Score, ...]
    comments: tuple[str, ...]
    chips: tuple[Chip, ...]
    sources: tuple[Source, ...]
    stars: tuple[Star, ...]

    def number(self, name: str) -> float | None:
        """Return a parameter that is a finite number."""
        return number(self.parameters, name)


def draw_sheet(sheet: Sheet) -> bytes:
    """Draw the QC sheet of an OB; return it as PNG, 1400 x 800 pixels."""
    figure = new_sheet()
    get = sheet.parameters.get
    kind = "tile" if sheet.is_tile else "stack"
    about = (f"{get('FILTER', '')} {kind}", f"OB {get('OB_ID', NONE)}", sheet.block)
    draw_head(figure, sheet.target or "no target", about, sheet.scores, sheet.comments)
    _draw_mosaic(figure, sheet)
    _draw_zero_points(figure.add_axes((0.48, 0.635, 0.5, 0.225)), sheet)
    _draw_sizes(figure.add_axes((0.48, 0.375, 0.5, 0.185)), sheet)
    _draw_offsets(figure.add_axes((0.48, 0.075, 0.17, 0.215)), sheet)
    draw_facts(figure, _facts(sheet))
    draw_scores(figure, sheet.scores)
    return as_png(figure)


def draw_chips(
    figure: Any, chips: Sequence[Chip], title: str, limits: tuple[float, float]
) -> dict[str, Any]:
    """Draw chips where they lie in the focal plane, on one scale of brightness.

    Returns:
        The axes, by the name of the chip.
    """
    from astropy.visualization import AsinhStretch, ImageNormalize  # noqa: PLC0415
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    inks = LinearSegmentedColormap.from_list("ink", PAPER_TO_INK).with_extremes(
        bad=EMPTY
    )
    stretch = AsinhStretch(0.1)
    norm = ImageNormalize(vmin=limits[0], vmax=limits[1], stretch=stretch, clip=False)
    axes_of = {}
    largest = [max(sizes) for sizes in zip(*(c.shape for c in chips), strict=True)]
    for place, chip in zip(_places(chips), chips, strict=True):
        axes = figure.add_axes(place)
        rows, columns = chip.shape
        axes.imshow(
            chip.image,
            origin="lower",
            extent=(0.5, columns + 0.5, 0.5, rows + 0.5),
            cmap=inks,
            norm=norm,
            interpolation="nearest",
        )
        style_axes(axes)
        # Chips of a stack differ by a few pixels; their frames shall not.
        axes.set(xlim=(0.5, largest[1] + 0.5), ylim=(0.5, largest[0] + 0.5))
        axes.set(xticks=[], yticks=[])
        axes_of[chip.name] = axes
        if len(chips) > 1:
            axes.text(
                *(0.03, 0.97, plain(chip.name)),
                transform=axes.transAxes,
                va="top",
                fontsize=SMALL,
                color=INK,
                path_effects=_outline(),
            )
    left, bottom, _, height = _FRAME
    write(figure, left, bottom + height + 0.004, title, va="bottom")
    return axes_of


def brightness(chips: Sequence[Chip]) -> tuple[float, float]:
    """Return the faintest and the brightest value to be told apart on chips."""
    values = [chip.image[np.isfinite(chip.image)].ravel() for chip in chips]
    joined = np.concatenate(values) if values else np.empty(0)
    if not joined.size:
        return 0.0, 1.0
    level = float(np.median(joined))
    sigma = 1.4826 * float(np.median(np.abs(joined - level)))
    high = max(float(np.percentile(joined, 99.8)), level + 8 * sigma)
    low = level - 2.5 * sigma
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _places(chips: Sequence[Chip]) -> list[tuple[float, float, float, float]]:
    """Where each chip is drawn; one image alone gets all the room."""
    left, bottom, width, height = _FRAME
    where = [MOSAIC.get(chip.name.split(".")[0]) for chip in chips]
    if len(chips) == 1 or None in where:
        count = max(1, len(chips))
        step = width / count
        return [(left + n * step, bottom, step - _GAP, height) for n in range(count)]
    wide, high = width / 2, height / 2
    return [
        (left + x * wide, bottom + y * high, wide - _GAP, high - 1.5 * _GAP)
        for x, y in (place for place in where if place)
    ]


def _outline() -> list[Any]:
    """White around dark strokes, to be seen on dark sources, too."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    return [withStroke(linewidth=2.5, foreground="white")]


def _draw_mosaic(figure: Any, sheet: Sheet) -> None:
    kind = "Tile" if sheet.is_tile else "The four chips"
    title = f"{kind}, {len(sheet.sources)} sources, {len(sheet.stars)} with a magnitude"
    axes_of = draw_chips(figure, sheet.chips, title, brightness(sheet.chips))
    for chip in sheet.chips:
        axes = axes_of[chip.name]
        for source in sheet.sources:
            if source.chip == chip.name:
                _circle(axes, (source.x, source.y), 1.9 * source.diameter, GREY)
        for star in sheet.stars:
            if star.chip == chip.name:
                size = sheet.number("IMAGE_QUALITY") or 0.5
                radius = 2 * size / (chip.scale or 1)
                _circle(axes, (star.x, star.y), radius, ORANGE)
    if sheet.chips:
        first = sheet.chips[0]
        _scale_bar(axes_of[first.name], first)
        _compass(axes_of[first.name], first, 0.13 if len(sheet.chips) > 1 else 0.07)


def _circle(axes: Any, place: tuple[float, float], radius: float, colour: str) -> None:
    from matplotlib.patches import Circle  # noqa: PLC0415

    axes.add_patch(Circle(place, radius, fill=False, ec=colour, lw=1.2))


def _scale_bar(axes: Any, chip: Chip) -> None:
    width = chip.shape[1] * chip.scale
    fitting = [length for length in _LENGTHS if length <= 0.35 * width]
    if not fitting or not chip.scale:
        return
    length = fitting[-1]
    right, y = 0.94, 0.06
    left = right - length / width
    line = {"color": INK, "lw": 2.0, "solid_capstyle": "butt"}
    style = {"transform": axes.transAxes, "path_effects": _outline()}
    axes.plot([left, right], [y, y], scalex=False, scaley=False, **line, **style)
    centre = {"ha": "center", "va": "bottom", "fontsize": SMALL, "color": INK}
    axes.text((left + right) / 2, y + 0.02, f"{length:g}″", **centre, **style)


def _compass(axes: Any, chip: Chip, length: float) -> None:
    """Arrows to North and East, from the corner that both point away from."""
    x = 0.1 + length * max(0.0, -min(chip.east[0], chip.north[0]))
    y = 0.06 + length * max(0.0, -min(chip.east[1], chip.north[1]))
    arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1.1, "shrinkA": 0, "shrinkB": 0}
    for name, (dx, dy) in (("E", chip.east), ("N", chip.north)):
        end = (x + length * dx, y + length * dy)
        axes.annotate(*("", end, (x, y)), xycoords="axes fraction", arrowprops=arrow)
        axes.text(
            *(x + 1.35 * length * dx, y + 1.35 * length * dy, name),
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=SMALL,
            color=INK,
            path_effects=_outline(),
        )


def _draw_zero_points(axes: Any, sheet: Sheet) -> None:
    """The zero point of each star by its magnitude: a slope would be a fault."""
    panel_title(axes, "Zero point of each star")
    style_axes(axes)
    if not sheet.stars:
        say_empty(axes, "no reference star is in the image")
        return
    for chip in dict.fromkeys(star.chip for star in sheet.stars):
        mine = [star for star in sheet.stars if star.chip == chip]
        short = chip.split(".")[0]
        axes.plot(
            [star.magnitude for star in mine],
            [star.zero_point for star in mine],
            MARKS.get(short, "o"),
            ms=5,
            mfc="white" if short in {"CHIP2", "CHIP3"} else BLUE,
            mec=BLUE,
            label=plain(short) or None,
        )
    value = sheet.number("ZEROPOINT") or 0.0
    spread = sheet.number("ZEROPOINT_RMS") or 0.0
    axes.axhline(value, color=BLUE, lw=1.2)
    axes.axhspan(value - spread, value + spread, color=BLUE, alpha=0.1, lw=0)
    pipeline = sheet.number("MAGZPT")
    if pipeline is not None:
        axes.axhline(pipeline, color=ORANGE, lw=1.2, ls=(0, (4, 2)))
    points = [star.zero_point for star in sheet.stars]
    lowest = min(*points, value, value if pipeline is None else pipeline)
    highest = max(*points, value, value if pipeline is None else pipeline)
    room = max(0.05, 0.25 * (highest - lowest))
    axes.set_ylim(lowest - room, highest + 2.2 * room)
    told = f"aperture {value:.3f} ± {spread:.3f}"
    if pipeline is not None:
        told += f"     pipeline {pipeline:.3f}, dashed"
    axes.text(
        *(0.012, 0.93, told),
        transform=axes.transAxes,
        va="top",
        fontsize=SMALL,
        color=INK,
    )
    if len({star.chip for star in sheet.stars}) > 1:
        legend(axes)
    label(axes, "magnitude in the catalogue", "zero point [mag]")


def _draw_sizes(axes: Any, sheet: Sheet) -> None:
    """How sharp each source is: galaxies and blends lie high, stars on the line."""
    panel_title(axes, "Image quality: diameter that holds half of the light")
    style_axes(axes)
    shown = [s for s in sheet.sources if s.flux > 0 and s.diameter > 0]
    if not shown or not sheet.chips:
        say_empty(axes, "no source was found")
        return
    scale = sheet.chips[0].scale or 1.0
    value = sheet.number("ZEROPOINT") or sheet.number("MAGZPT") or 0.0
    seconds = sheet.number("DIT") or 1.0
    magnitudes = [value - 2.5 * np.log10(s.flux / seconds) for s in shown]
    sizes = [s.diameter * scale for s in shown]
    axes.plot(magnitudes, sizes, "o", ms=4.5, color=BLUE, mec="white", mew=0.5)
    quality, seeing = sheet.number("IMAGE_QUALITY"), sheet.number("SEEING")
    top = max(sizes)
    for line, colour, style in (
        (quality, BLUE, "-"),
        (seeing, ORANGE, (0, (4, 2))),
    ):
        if line is not None:
            axes.axhline(line, color=colour, lw=1.2, ls=style)
            top = max(top, line)
    axes.set_ylim(0, 1.35 * top)
    told = f"FWHM {in_digits(quality)}″"
    if seeing is not None:
        told += f"     seeing at the telescope {in_digits(seeing)}″, dashed"
    axes.text(
        *(0.012, 0.93, told),
        transform=axes.transAxes,
        va="top",
        fontsize=SMALL,
        color=INK,
    )
    label(axes, "magnitude in the image", "[arcsec]")


def _draw_offsets(axes: Any, sheet: Sheet) -> None:
    """Where the reference stars are found, from where the catalogue has them."""
    panel_title(axes, "Positions, image - catalogue")
    style_axes(axes)
    if not sheet.stars:
        say_empty(axes, "no reference star")
        return
    axes.axhline(0, color=LINE, lw=0.8)
    axes.axvline(0, color=LINE, lw=0.8)
    east = [1000 * star.east for star in sheet.stars]
    north = [1000 * star.north for star in sheet.stars]
    axes.plot(east, north, "o", ms=4.5, color=BLUE, alpha=0.85, mec="white", mew=0.6)
    reach = 1.3 * max(20.0, *map(abs, east), *map(abs, north))
    axes.set(xlim=(reach, -reach), ylim=(-reach, reach))  # East is on the left
    label(axes, "ΔRA cos δ [mas]", "ΔDec [mas]")


def _facts(sheet: Sheet) -> Sequence[tuple[str, str]]:
    """The rows of the table below the image: left column, then right."""
    get, text = sheet.number, sheet.parameters.get
    skies = get("N_SKY")
    with_sky = f", {skies:.0f} of sky" if skies else ""
    exposures = f"{in_digits(get('N_EXPOSURES'))}{with_sky}"
    dit = f"{in_digits(get('DIT'))} s x {text('NDIT', 1)}"
    positions = get("POSITION_RMS")
    rms = NONE if positions is None else f"{1000 * positions:.0f} mas"
    fitted = get("WCS_RMS")
    fit = NONE if fitted is None else f"{1000 * fitted:.0f} mas"
    return (
        ("Observed", plain(text("DATE_OBS", NONE))[:19].replace("T", "  ")),
        ("Run", plain(text("PROG_ID", NONE), 26)),
        ("Exposures", exposures),
        ("DIT x NDIT", dit),
        ("Total time", in_digits(get("TEXPTIME"), 4, " s")),
        ("Airmass", in_digits(get("AIRMASS"), 4)),
        ("Limit", in_digits(get("LIMITING_MAG"), 4, " mag (5 sigma)")),
        ("Sky", in_digits(get("SKY_BRIGHTNESS"), 4, " mag/arcsec²")),
        ("Ellipticity", in_digits(get("ELLIPTICITY"), 2)),
        ("Positions", f"{rms} rms, fit {fit}"),
        (
            "Photometry",
            f"{plain(text('FLUXCAL', NONE))}, {in_digits(get('N_STARS'))} stars",
        ),
    )
