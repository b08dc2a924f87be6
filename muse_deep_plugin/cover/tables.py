"""The facts and tables of the cover sheet: what is told of datacubes, as cells."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from phoenix_core.ab_monitor.rows import (
    Monitored,
    comment_cell,
    message_cell,
    paper_cell,
    score_cell,
    short,
    total_cell,
)
from phoenix_core.pages.table import Cell, Heading
from phoenix_core.pages.templates import relative

Values = Mapping[str, str | int | float | bool]

# The score bit, its first flag first, by the public definition of MUSE's score bits.
FLAGS: Final = (
    *("CHECK_BKG", "IS_OBJ", "HAS_SKY", "ARC_CLOSE", "SKY_FLAT"),
    *("NUM_SAT", "NUM_SRC", "HISTO_BKG", "LSHIFT_MAX", "ALIGNMENT"),
)
# Parameters above the tables: name, what it is called, unit, digits.
FACTS: Final = (
    ("PATTERN", "pattern", "", 0),
    ("TEXPTIME", "exposure time", "s", 0),
    ("SKY_RES", "spatial resolution", "arcsec", 2),
    ("ABMAGLIM", "depth (ABMAGLIM)", "mag", 2),
    ("DEPTH_GAIN", "gain in depth", "mag", 2),
    ("DEPTH_GAIN_EXPECTED", "gain expected", "mag", 2),
    ("PIXNOISE", "noise (PIXNOISE)", "erg/s/cm2/Angstrom", -3),
    ("NUM_SRC", "sources", "", 0),
    ("HISTO_BKG", "background", "(1e-20 erg/s/cm2/Angstrom)", 1),
    ("LSHIFT_MAX", "largest shift of wavelength", "Angstrom", 2),
    ("FLUX_RATIO_MIN", "smallest flux ratio", "", 2),
    ("FLUX_RATIO_MAX", "largest flux ratio", "", 2),
)
HEADINGS: Final = (
    Heading("QC_PLOT", "opens large"),
    Heading("AB", "opens the association block"),
    Heading("OB", "its name, or its number"),
    Heading("EXPTIME", "exposure time [s]", is_number=True),
    Heading("SKY_RES", "spatial resolution, FWHM [arcsec]", is_number=True),
    Heading("ABMAGLIM", "5 sigma limit for a point source [mag]", is_number=True),
    Heading("HISTO_BKG", "background [1e-20 erg/s/cm2/Angstrom]", is_number=True),
    Heading("NUM_SRC", "sources", is_number=True),
    Heading("QCFLAG", "the score bit; each flag tells its name"),
    Heading("score", "total: how many scores are red", is_number=True),
    Heading("scores", "0 passed, 1 failed, - not scored; each tells its limits"),
    Heading("state"),
    Heading("papers", "log of the recipe, set of frames, QC report, further plots"),
    Heading("comment", "of a person: phoenix comment"),
    Heading("warnings, errors", "of the recipe's log, and why it did not succeed"),
)


def facts(one: Monitored) -> tuple[tuple[str, str], ...]:
    """Return what is told of a deep datacube: name and text, as far as it is known."""
    values = _values(one)
    found = [
        (label, f"{text} {unit}".strip())
        for name, label, unit, digits in FACTS
        if (text := _text(values.get(name), digits))
    ]
    made, wanted = values.get("N_EXPOSURES"), values.get("N_EXPECTED")
    if made is not None and wanted is not None:
        found.insert(1, ("exposures", f"{made} of {wanted}"))
    return tuple(found)


def flag_cell(one: Monitored) -> Cell:
    """Return the score bit as a mark a flag, each with its name."""
    bits = _bits(one)
    if set(bits) - {"0", "1"} or len(bits) > len(FLAGS):
        return Cell(short(bits))
    return Cell(
        parts=tuple(
            Cell(bit, "warn" if bit == "1" else "", meaning=f"{name}: {bit}")
            for bit, name in zip(bits, FLAGS, strict=False)
        )
    )


def set_flags(one: Monitored) -> str:
    """Return the names of the flags that are set, '' where none is."""
    flags = zip(_bits(one), FLAGS, strict=False)
    return ", ".join(name for bit, name in flags if bit == "1")


def cells(one: Monitored, page: Path) -> tuple[Cell, ...]:
    """Return the cells of an exposure, in the order of the headings.

    Args:
        one: its AB.
        page: the directory of the page.
    """
    values, state = _values(one), one.state
    return (
        picture(one, page),
        Cell(state.name, link=relative(one.papers.block, page)),
        Cell(
            short(str(values.get("OB_NAME") or values.get("OB_ID") or "")), kind="text"
        ),
        _number(values.get("EXPTIME"), 0),
        _number(values.get("SKY_RES"), 2),
        _number(values.get("ABMAGLIM"), 2),
        _number(values.get("HISTO_BKG", values.get("BKG_MEDIAN")), 1),
        _number(values.get("NUM_SRC"), 0),
        flag_cell(one),
        total_cell(one.seen.report),
        score_cell(one.seen.report),
        Cell(state.status, "bad" if state.cause else ""),
        paper_cell(one.papers, page),
        comment_cell(one.comment),
        message_cell(one.messages, state.cause),
    )


def picture(one: Monitored, page: Path) -> Cell:
    """Return the QC plot of an AB in small, '' where there is none."""
    if not one.papers.plots:
        return Cell()
    link = relative(one.papers.plots[0], page)
    return Cell(link=link, picture=f"QC plot of {one.state.name}")


def remarks(comments: Sequence[str]) -> tuple[Cell, ...]:
    """Return the comments of a QC report; what a person has to act on stands first."""
    states = {"ERROR": "bad", "WARNING": "warn"}
    told = [
        Cell(short(text), states.get(text.split(" ", 1)[0], "")) for text in comments
    ]
    return tuple(sorted(told, key=lambda cell: ("bad", "warn", "").index(cell.state)))


def _bits(one: Monitored) -> str:
    return str(_values(one).get("QCFLAG", ""))


def _values(one: Monitored) -> Values:
    return one.seen.report.parameters if one.seen.report else {}


def _number(value: str | float | None, digits: int) -> Cell:
    return Cell(_text(value, digits), kind="number")


def _text(value: str | float | None, digits: int) -> str:
    """Tell a value with so many decimals, a negative number: so many digits."""
    if value is None or value == "" or value != value:  # noqa: PLR0124, NaN
        return ""
    if isinstance(value, str):
        return short(value)
    return f"{value:.{-digits}g}" if digits < 0 else f"{value:.{digits}f}"
