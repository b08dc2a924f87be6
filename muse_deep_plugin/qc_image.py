"""The white-light image of a cube, with its sources, scale and orientation."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from astropy.io import fits
from attrs import frozen
from numpy.typing import NDArray

from muse_deep_plugin.qc_cube import (
    MAD_TO_SIGMA,
    CubeMeasures,
    Floats,
    background,
)
from muse_deep_plugin.qc_sources import THRESHOLD, Source
from muse_deep_plugin.qc_style import (
    INK,
    NORMAL,
    PALE,
    RED,
    SMALL,
    panel_title,
    say_empty,
    style_axes,
)
from muse_deep_plugin.qc_text import flux_unit, in_digits

_LENGTHS: Final = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)  # arcsec, of the scale bar
_ALIGNED: Final = 1e-3  # of the pixel: rotation below which the axes are RA and Dec
_SIGMA: Final = "σ"  # noqa: RUF001, the letter is meant
_CIRCLES: Final = 60  # more would hide the field
_INKS: Final = ["#ffffff", "#8795a3", "#0d1620"]
_EMPTY: Final = "#e9edf1"


@frozen(eq=False)
class Grid:
    """How the pixels of an image lie on the sky; `cd` in arcsec a pixel."""

    shape: tuple[int, int]
    cd: NDArray[np.float64] | None

    @property
    def is_aligned(self) -> bool:
        """Whether columns run along RA and rows along Dec, up or down."""
        if self.cd is None:
            return False
        return bool(abs(self.cd[[0, 1], [1, 0]]).max() < _ALIGNED * abs(self.cd).max())

    @property
    def scale(self) -> tuple[float, float]:
        """Arcsec along a column and a row; with the sign of RA and Dec if aligned."""
        if self.cd is None:
            return 1.0, 1.0
        if self.is_aligned:
            return float(self.cd[0, 0]), float(self.cd[1, 1])
        lengths = np.hypot(*self.cd)
        return float(lengths[0]), float(lengths[1])

    def offsets(self, x: float, y: float) -> tuple[float, float]:
        """Return where a pixel (from 1) lies from the centre, on the plot's axes."""
        rows, columns = self.shape
        sx, sy = self.scale
        return sx * (x - (columns + 1) / 2), sy * (y - (rows + 1) / 2)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge on the plot's axes."""
        rows, columns = self.shape
        left, bottom = self.offsets(0.5, 0.5)
        right, top = self.offsets(columns + 0.5, rows + 0.5)
        return left, right, bottom, top


def grid_of(header: fits.Header, shape: tuple[int, int]) -> Grid:
    """Read a cube's matrix of pixels to sky, as CD or as PC and CDELT."""
    found = []
    for i in (1, 2):
        for j in (1, 2):
            unit = 1.0 if i == j else 0.0
            value = header.get(f"CD{i}_{j}")
            if value is None:
                value = header.get(f"PC{i}_{j}", unit) * header.get(f"CDELT{i}", 1.0)
            found.append(float(value) if f"CTYPE{i}" in header else np.nan)
    cd = 3600 * np.array(found).reshape(2, 2)
    is_good = np.isfinite(cd).all() and abs(np.linalg.det(cd)) > 0
    return Grid(shape, cd if is_good else None)


def draw_image(
    axes: Any,
    measures: CubeMeasures,
    sources: Sequence[Source],
    fitted: int = 0,
    fwhm: float | None = None,
) -> None:
    """Draw the white-light image of a cube, dark on white, its sources circled.

    Args:
        axes: where.
        measures: of the cube.
        sources: of the image, the brightest first.
        fitted: number of sources that the pipeline fitted.
        fwhm: of the sources, in arcsec.
    """
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    style_axes(axes)
    image = measures.white
    rows, columns = measures.shape[1:]
    panel_title(axes, "White light")
    if not image.size:
        say_empty(axes, "empty cube")
        return
    panel_title(axes, _title(len(sources), fitted))
    grid = grid_of(measures.header, (rows, columns))
    low, high = limits(image)
    inks = LinearSegmentedColormap.from_list("ink", _INKS).with_extremes(bad=_EMPTY)
    shown = axes.imshow(
        image,
        origin="lower",
        extent=grid.extent,
        cmap=inks,
        norm=_asinh(low, high),
        interpolation="nearest",
    )
    axes.set_anchor("NW")
    _label(axes, grid)
    _mark(axes, grid, sources[:_CIRCLES], fwhm)
    if grid.cd is not None:
        _scale_bar(axes, grid)
        _compass(axes, grid.cd)
    _colour_bar(axes, shown, measures.unit)


def _title(found: int, fitted: int) -> str:
    """What is circled, and of how many sources the FWHM is."""
    of = f"; FWHM of {fitted}" if fitted else ""
    if not found:
        return f"White light, no source above {THRESHOLD:g}{_SIGMA}{of}"
    if found <= _CIRCLES:
        plural = "s" * (found > 1)
        return f"White light, {found} source{plural} above {THRESHOLD:g}{_SIGMA}{of}"
    return (
        f"White light, brightest {_CIRCLES} of {found} above {THRESHOLD:g}{_SIGMA}{of}"
    )


def limits(image: Floats) -> tuple[float, float]:
    """Return the faintest and the brightest flux to be told apart.

    From below the sky to where only the cores of the brightest sources are cut.
    """
    finite = image[np.isfinite(image)]
    level, spread = background(image)
    if not finite.size:
        return 0.0, 1.0
    sigma = MAD_TO_SIGMA * spread
    low = level - 2.5 * sigma
    high = max(float(np.percentile(finite, 99.7)), level + 8 * sigma)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _asinh(low: float, high: float) -> Any:
    from astropy.visualization import AsinhStretch, ImageNormalize  # noqa: PLC0415

    return ImageNormalize(vmin=low, vmax=high, stretch=AsinhStretch(0.08), clip=False)


def _label(axes: Any, grid: Grid) -> None:
    if grid.cd is None:
        names = ("column [pixel from the centre]", "row [pixel from the centre]")
    elif grid.is_aligned:
        names = ("ΔRA cos δ [arcsec]", "ΔDec [arcsec]")
    else:
        names = ("along columns [arcsec]", "along rows [arcsec]")
    axes.set_xlabel(names[0], fontsize=NORMAL, color=INK)
    axes.set_ylabel(names[1], fontsize=NORMAL, color=INK, labelpad=2)


def _mark(axes: Any, grid: Grid, found: Sequence[Source], fwhm: float | None) -> None:
    """Circle sources."""
    from matplotlib.patches import Circle  # noqa: PLC0415

    width = abs(grid.extent[1] - grid.extent[0])
    radius = max(1.2 * fwhm if fwhm and grid.cd is not None else 0.0, width / 70)
    for source in found:
        place = grid.offsets(source.x, source.y)
        axes.add_patch(Circle(place, radius, fill=False, ec=RED, lw=1.6))


def _scale_bar(axes: Any, grid: Grid) -> None:
    width = abs(grid.extent[1] - grid.extent[0])
    fitting = [length for length in _LENGTHS if length <= 0.3 * width]
    if not fitting:
        return
    length = fitting[-1]
    right, y = 0.95, 0.06
    left = right - length / width
    outline = _outline()
    axes.plot(
        [left, right],
        [y, y],
        color=INK,
        lw=3.0,
        transform=axes.transAxes,
        solid_capstyle="butt",
        path_effects=outline,
        scalex=False,
        scaley=False,
    )
    axes.text(
        (left + right) / 2,
        y + 0.018,
        f"{length:g}″",
        transform=axes.transAxes,
        ha="center",
        va="bottom",
        fontsize=NORMAL,
        color=INK,
        path_effects=outline,
    )


def _compass(axes: Any, cd: NDArray[np.float64]) -> None:
    """Arrows to North and East, from the corner that both point away from."""
    directions = np.linalg.inv(cd)  # columns: RA (East) and Dec (North), in pixels
    directions = directions / np.hypot(*directions)
    length, outline = 0.09, _outline()
    x = 0.06 + length * max(0.0, -directions[0].min())
    y = 0.05 + length * max(0.0, -directions[1].min())
    for name, (dx, dy) in zip("EN", directions.T, strict=True):
        axes.annotate(
            "",
            (x + length * dx, y + length * dy),
            (x, y),
            xycoords="axes fraction",
            arrowprops={
                "arrowstyle": "-|>",
                "color": INK,
                "lw": 1.6,
                "shrinkA": 0,
                "shrinkB": 0,
                "path_effects": outline,
            },
        )
        axes.text(
            x + 1.28 * length * dx,
            y + 1.28 * length * dy,
            name,
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=NORMAL,
            color=INK,
            path_effects=outline,
        )


def _outline() -> list[Any]:
    """White around dark strokes, to be seen on dark sources, too."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    return [withStroke(linewidth=4, foreground="white")]


def _colour_bar(axes: Any, shown: Any, unit: str) -> None:
    inset = axes.inset_axes((1.025, 0, 0.028, 1))
    bar = axes.figure.colorbar(shown, cax=inset)
    low, high = shown.norm.vmin, shown.norm.vmax
    steps = np.linspace(0, 1, 6)
    bar.set_ticks(_rounded(shown.norm.inverse(steps), high - low))
    bar.ax.tick_params(labelsize=SMALL, colors=INK, direction="in", length=3)
    bar.outline.set(edgecolor=PALE, linewidth=0.8)
    label = f"mean flux [{flux_unit(unit)}]" if unit else "mean flux"
    bar.set_label(label, fontsize=SMALL, color=INK, parse_math=False, labelpad=2)
    bar.ax.yaxis.set_major_formatter(lambda value, _: in_digits(value))


def _rounded(values: Floats, span: float) -> list[float]:
    """The values in as few digits as tell them apart, so that ticks are readable."""
    digits = 2 - int(np.floor(np.log10(span))) if span > 0 else 0
    return sorted({round(float(value), digits) + 0.0 for value in values})  # no -0
