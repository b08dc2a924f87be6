"""The page trending.html: depth against exposure time, and scores over time."""

import marshal
from pathlib import Path
from typing import Final

from attrs import astuple, frozen

from muse_deep_plugin.monitor.depths import Depth, Depths, Kind, read_depths
from muse_deep_plugin.preparation.previews import Previews, find_previews
from muse_deep_plugin.preparation.run_table import run_page
from muse_deep_plugin.preparation.run_tables import folder_of_runs
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import write_bytes
from phoenix_core.monitors.history import PAGE as HISTORY
from phoenix_core.pages.files import fingerprint, write_assets
from phoenix_core.pages.press import Page, Press, press
from phoenix_core.pages.series import written_names
from phoenix_core.pages.table import Cell, Heading, Link
from phoenix_core.pages.templates import address
from phoenix_core.qc1.database import open_qc1
from phoenix_core.run_id import parse_run_id
from phoenix_core.words.plain_text import counted, short

STEM: Final = "trending"
FIGURES: Final = ("depth", "time")

_HEADINGS: Final = (
    Heading("civil_date", "night of the first exposure"),
    Heading("run_ID", "opens the page of the run"),
    Heading("target"),
    Heading("kind", "deep, combined (an OB) or single (an exposure)"),
    Heading("INS.MODE"),
    Heading("exposures", is_number=True),
    Heading("TEXPTIME", "exposure time of all exposures [s]", is_number=True),
    Heading("ABMAGLIM", "5 sigma limit of a point source [mag]", is_number=True),
    Heading("deeper", "than the line of all datacubes [mag]", is_number=True),
    Heading("SKY_RES", "spatial resolution [arcsec]", is_number=True),
    Heading("HISTO_BKG", "background, from the histogram", is_number=True),
    Heading("score bit", "flags of the product, QCFLAG"),
    Heading("QC plot"),
    Heading("pipefile"),
)


@frozen
class _Shown:
    """What the page tells, and where what it leads to lies."""

    config: Config
    depths: Depths
    plots: Previews

    @property
    def rows(self) -> tuple[Depth, ...]:
        """The deep datacubes, and all outliers; the newest first."""
        is_told = (
            row
            for row in self.depths.rows
            if row.kind is Kind.DEEP or self.depths.is_outlier(row)
        )
        return tuple(sorted(is_told, key=lambda row: -row.mjd_obs))


def write_trending(config: Config) -> Path:
    """Write the page and its figures where something has changed.

    Raises:
        ConfigError: the database does not answer.
        OSError: the page cannot be written.
    """
    folder = config.directories.monitor
    with open_qc1(config.database) as engine, engine.connect() as connection:
        depths = read_depths(connection)
    names = (row.qc_plot for row in depths.rows)
    roots = (config.directories.plots, folder)
    shown = _Shown(config, depths, find_previews(names, roots, folder))
    printer = press(__package__)
    write_assets(folder)
    page = _page(shown, printer)
    present = {path.name for path in folder.iterdir()}
    is_written = written_names(folder, page.stem, page.made_of, present)
    if (
        not is_written
        or not {_figure(f, k) for f in FIGURES for k in _LOOKS} <= present
    ):
        _draw(folder, depths)
        present.discard(f"{STEM}.html")  # the figures first: the page says it is whole
    printer.write(folder, page, present)
    return folder / f"{STEM}.html"


_LOOKS: Final = ("light", "dark")


def _figure(name: str, look: str) -> str:
    return f"{STEM}_{name}_{look}.svg"


def _draw(folder: Path, depths: Depths) -> None:
    from muse_deep_plugin.monitor.depth_figures import (  # noqa: PLC0415, matplotlib
        depth_figure,
        in_the_dark,
        time_figure,
    )

    for name, draw in zip(FIGURES, (depth_figure, time_figure), strict=True):
        figure = draw(depths)
        write_bytes(folder / _figure(name, "light"), figure)
        write_bytes(folder / _figure(name, "dark"), in_the_dark(figure))


def _page(shown: _Shown, printer: Press) -> Page:
    depths = shown.depths
    lines = [_cells(shown, row) for row in shown.rows]
    content = marshal.dumps([astuple(row)[1:] for row in depths.rows], 2)
    told = repr(lines).encode("utf-8", "replace")
    return Page(
        stem=STEM,
        made_of=fingerprint([printer.look, content, told]),
        template="trending.html",
        values=lambda: {
            "title": "MUSE_DEEP: depth and scores",
            "links": (
                Link("what is waiting", "dfoMonitor.html"),
                Link("history", f"FINISHED/{HISTORY}.html"),
                Link("trending"),
            ),
            "introduction": _introduction(depths),
            "figures": [
                {
                    "light": _figure(name, "light"),
                    "dark": _figure(name, "dark"),
                    "told": _TOLD[name],
                }
                for name in FIGURES
            ],
            "caption": _caption(shown),
            "headings": _HEADINGS,
        },
        lines=lambda: printer.lines((cells, "") for cells in lines),
    )


_TOLD: Final = {
    "depth": "ABMAGLIM against the total exposure time of each datacube, on a "
    "logarithmic axis, with the line 1.25 log10(t)",
    "time": "How much deeper each datacube is than the line, its SKY_RES, and how many "
    "flags of its score bit are set, against its date",
}


def _introduction(depths: Depths) -> tuple[str, ...]:
    if depths.zero is None:
        return ("The QC1 database knows no depth of any datacube yet.",)
    counts = ", ".join(f"{len(depths.of(kind))} {kind.value}" for kind in Kind)
    line = (
        f"{counts}. The line is ABMAGLIM = {depths.zero:.2f} + 1.25 log10(TEXPTIME): "
        "what the square root of the exposure time promises, through the middle of the "
        "single and combined datacubes."
    )
    if depths.scatter is None:
        return (line, "They are too few to tell which ones are far from it.")
    told = (
        f"The scatter around it is {depths.scatter:.2f} mag; more than "
        f"{depths.limit:.2f} mag from it a datacube is an outlier."
    )
    return line, told


def _caption(shown: _Shown) -> str:
    deep = len(shown.depths.of(Kind.DEEP))
    others = len(shown.rows) - deep
    return f"{counted(deep, 'deep datacube')}, and {counted(others, 'other')} far off"


def _cells(shown: _Shown, row: Depth) -> tuple[Cell, ...]:
    state = ""
    if shown.depths.is_outlier(row):
        state = "bad" if row.residual < 0 else "warn"
    plot = shown.plots.link(row.qc_plot)
    return (
        Cell(short(row.civil_date)),
        Cell(short(row.run_id), link=_run_link(shown.config, row.run_id)),
        Cell(short(row.target), kind="text"),
        Cell(row.kind.value),
        Cell(short(row.ins_mode)),
        Cell("" if row.n_frames is None else str(row.n_frames), kind="number"),
        Cell(f"{row.texptime:.0f}", kind="number"),
        Cell(f"{row.abmaglim:.2f}", kind="number"),
        Cell(f"{row.residual:+.2f}", state, "number", sort=f"{row.residual:.4f}"),
        _number(row.sky_res, 2),
        _number(row.histo_bkg, 1),
        Cell(short(row.score_bit), "warn" if row.flags else ""),
        Cell("plot" if plot else "", link=plot),
        Cell(short(row.pipefile)),
    )


def _number(value: float | None, digits: int) -> Cell:
    told = "" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"
    return Cell(told, kind="number")


def _run_link(config: Config, run: str) -> str:
    """The page of a run, where phoenix_getInfoRun has made it."""
    try:
        name = run_page(parse_run_id(run).plain)
    except ConfigError:
        return ""
    folder = folder_of_runs(config.directories)
    if not (folder / name).is_file():
        return ""
    return address(f"{folder.relative_to(config.directories.monitor)}/{name}")
