"""The columns of datacubes on pages: what stands in them, and in which colour."""

from attrs import evolve

from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.previews import Previews, is_picture
from muse_deep_plugin.preparation.run_history import is_better
from phoenix_core.pages.table import Cell, Heading, cell

_GRADES = {"A": "good", "B": "good", "C": "bad", "D": "bad"}
_LONGEST = 500  # letters of a cell; ours

HEADINGS = (
    Heading("civil_date", "night of the first exposure"),
    Heading("run_ID", "formal run id; those of multiple runs differ"),
    Heading("pipefile"),
    Heading("texptime", "exposure time of all exposures [s]", is_number=True),
    Heading("PATTERN", "the exposures: O(bject) and S(ky)"),
    Heading("data_type"),
    Heading("target"),
    Heading("FOV", "preview of the field of view; opens large"),
    Heading("ob_id"),
    Heading("ob_name"),
    Heading("AMBI_REQ", "seeing that the OB asks for [arcsec]", is_number=True),
    Heading(
        "SKY_RES", "spatial resolution; good: better than AMBI_REQ", is_number=True
    ),
    Heading("SGS_X_MED", "median FWHM of the slow guiding system", is_number=True),
    Heading("RMS", "of the alignment of the exposures [arcsec]", is_number=True),
    Heading("GRD", "grade of the OB; A and B: within the constraints"),
    Heading("COMM", "comment on the OB"),
    Heading("QC_PLOT"),
)


def cells(cube: Datacube, previews: Previews) -> tuple[Cell, ...]:
    """Return the cells of a datacube, in the order of the headings."""
    grade = cube.grd.strip().upper()
    better = is_better(cube.sky_res, cube.ambi_req)
    return (
        cell(short(cube.civil_date)),
        cell(short(cube.run_id)),
        Cell(short(cube.pipefile)),
        number(cube.texptime, 0),
        cell(short(cube.pattern)),
        cell(short(cube.data_type)),
        cell(short(cube.target), kind="text"),
        _preview(cube, previews),
        Cell("" if cube.ob_id is None else str(cube.ob_id)),
        cell(short(cube.ob_name), kind="text"),
        number(cube.ambi_req, 2),
        number(cube.sky_res, 2, {True: "good", False: "bad", None: ""}[better]),
        number(cube.sgs_x_med, 2),
        number(cube.rms, 3),
        cell(short(grade), _GRADES.get(grade, "")),
        cell(short(cube.comm), kind="text"),
        _plot(cube, previews),
    )


def kind_of(cube: Datacube) -> str:
    """Return the kind of line that a datacube is shown as: sky, or nothing special."""
    return "sky" if cube.is_sky else ""


def number(value: float | None, digits: int, state: str = "") -> Cell:
    """Return a number as a cell; empty where it is not known.

    >>> number(0.8049, 2).text, number(None, 2).text
    ('0.80', '')
    """
    shown = "" if value is None or value != value else f"{value:.{digits}f}"  # noqa: PLR0124, NaN
    return cell(shown, state if shown else "", "number")


def short(text: str) -> str:
    """Return a text as far as a cell has room for it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _preview(cube: Datacube, previews: Previews) -> Cell:
    link = previews.link(cube.fov_plot)
    if not link:
        return cell("")
    told = f"field of {short(cube.target)}, {short(cube.civil_date)}"
    shown = Cell("field", link=link)
    return evolve(shown, picture=told) if is_picture(link) else shown


def _plot(cube: Datacube, previews: Previews) -> Cell:
    link = previews.link(cube.qc_plot)
    return Cell("plot", link=link) if link else cell("")
