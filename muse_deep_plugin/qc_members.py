"""The exposures of a deep cube: their QC reports, their images, their alignment."""

import math
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from attrs import frozen

from muse_deep_plugin.exposure_time import in_time, time_stamp
from muse_deep_plugin.input_checks import with_tag
from muse_deep_plugin.qc_compare import (
    Image,
    Shift,
    against_others,
    place,
    ratios_to_others,
)
from muse_deep_plugin.qc_keywords import Offset, offsets
from muse_deep_plugin.qc_scores import number
from muse_deep_plugin.qc_sources import Source
from phoenix_core.ab.inputs import find_file, read_maker, where_made
from phoenix_core.errors import PhoenixError
from phoenix_core.model import AssociationBlock, QcReport, Run
from phoenix_core.processing.qc_report import read_report, report_path

TABLES: Final = "PIXTABLE_REDUCED"
_MATCHED: Final = "ESO QC EXPALIGN NMATCH"


@frozen(eq=False)
class Member:
    """An exposure as a deep cube has it; None where something is not known.

    `shift` (arcsec east and north) is where its sources still are from those of the
    other exposures, `flux` theirs by those of the others, `matches` the sources that
    muse_exp_align found in common.
    """

    name: str  # of its pst AB
    report: QcReport | None = None
    image: Image | None = None
    offset: Offset | None = None  # None: it is not in the cube, or was not moved
    matches: int | None = None
    shift: Shift | None = None
    flux: float | None = None

    @property
    def exposure(self) -> str:
        """The raw exposure, as people name it: MUSE.<start>."""
        return self.name.removesuffix(".ab").split("_", 1)[0]

    def number(self, parameter: str) -> float | None:
        """A parameter of its QC report that is a finite number."""
        return number(self.report.parameters, parameter) if self.report else None

    @property
    def distance(self) -> float | None:
        """How far it is off, in arcsec."""
        return math.hypot(*self.shift) if self.shift else None


@frozen(eq=False)
class Alignment:
    """The OFFSET_LIST that a deep cube was made with; None where it is not known."""

    matches: Mapping[str, int]  # by DATE-OBS
    fewest: int | None = None
    unmatched: int | None = None


def members_of(
    run: Run, block: AssociationBlock, header: fits.Header
) -> tuple[Member, ...]:
    """Return the exposures that a dpc AB names, in time.

    Args:
        run: the run.
        block: the dpc AB.
        header: of its deep cube.
    """
    moved = {time_stamp(one.exposure): one for one in offsets(header)}
    matches = alignment(run, block).matches
    found = []
    for name in exposures_of(block):
        report, image = _report_and_image(run, name)
        start = str(report.parameters.get("DATE_OBS", "")) if report else ""
        start = time_stamp(start) or time_stamp(name)
        found.append(Member(name, report, image, moved.get(start), matches.get(start)))
    return tuple(found)


def exposures_of(block: AssociationBlock) -> tuple[str, ...]:
    """Return the pst ABs whose pixel tables a dpc AB combines, in time."""
    names = {m.file for m in block.mcalibs if m.is_virtual and m.tag == TABLES}
    return tuple(sorted(names, key=in_time))


def alignment(run: Run, block: AssociationBlock) -> Alignment:
    """Read how a dpc AB's exposures were aligned: the OFFSET_LIST of its dal AB."""
    path = _offset_list(run, block)
    if path is None:
        return Alignment({})
    try:
        with fits.open(path) as hdus:
            header = hdus[0].header
            starts = [str(one).strip() for one in hdus[1].data["DATE_OBS"]]
    except (OSError, KeyError, IndexError, ValueError, TypeError):
        return Alignment({})
    matches = {}
    for place_in_list, start in enumerate(starts, start=1):
        found = header.get(f"{_MATCHED}{place_in_list}")
        if isinstance(found, int):
            matches[time_stamp(start)] = found
    fewest = min(matches.values()) if matches else None
    unmatched = header.get("ESO QC EXPALIGN NOMATCH")
    return Alignment(matches, fewest, unmatched if isinstance(unmatched, int) else None)


def compared(
    members: Sequence[Member],
    deep: Image,
    sources: Sequence[Source],
    fwhm: float | None,
) -> tuple[tuple[Member, ...], int]:
    """Hold each exposure against the deep cube.

    Args:
        members: the exposures.
        deep: white-light image of the deep cube.
        sources: in it.
        fwhm: of them, in arcsec.

    Returns:
        The exposures with shift and flux, and the number of spaxels that they cover.
    """
    covered = np.zeros(deep.pixels.shape, bool)
    shifts: list[Shift | None] = []
    fluxes: list[float | None] = []
    for one in members:
        placed = None
        if one.image and one.offset and _has_grid(deep, one.image):
            offset = (one.offset.dra, one.offset.ddec)
            with suppress(ValueError):  # coordinates that are none
                placed = place(deep, sources, one.image, offset, fwhm)
                covered |= np.isfinite(placed.pixels)
        shifts.append(placed.shift if placed else None)
        fluxes.append(placed.flux if placed else None)
    told = zip(members, against_others(shifts), ratios_to_others(fluxes), strict=True)
    return (
        tuple(
            Member(m.name, m.report, m.image, m.offset, m.matches, shift, flux)
            for m, shift, flux in told
        ),
        int(covered.sum()),
    )


def reports_of(members: Sequence[Member]) -> tuple[QcReport, ...]:
    """Return the QC reports of exposures, as far as they are done."""
    return tuple(one.report for one in members if one.report)


def median_time(members: Sequence[Member]) -> float | None:
    """Return the exposure time that most exposures have, in seconds."""
    times = [time for one in members if (time := one.number("EXPTIME"))]
    return statistics.median(times) if times else None


def _has_grid(deep: Image, image: Image) -> bool:
    return all(
        f"CTYPE{axis}" in header and "CD1_1" in header
        for header in (deep.header, image.header)
        for axis in (1, 2)
    )


def _report_and_image(run: Run, name: str) -> tuple[QcReport | None, Image | None]:
    """The QC report of a pst AB, if it is of its products, and its white image."""
    try:
        maker = read_maker(run, name)
    except (PhoenixError, OSError):
        return None, None
    report = None
    with suppress(PhoenixError):
        known = read_report(report_path(run, maker))
        if (known.block, known.fingerprint) == (maker.name, maker.fingerprint):
            report = known
    paths = [
        where_made(run, maker, product.file)
        for product in maker.products
        if product.category == "IMAGE_FOV" and not product.is_deleted
    ]
    return report, white_image(paths)


def white_image(paths: Sequence[Path]) -> Image | None:
    """Return the white-light one of images; the only one, if none says it is white."""
    found = []
    for path in paths:
        try:
            with fits.open(path, memmap=False) as hdus:
                images = [
                    hdu
                    for hdu in hdus
                    if hdu.is_image and hdu.header.get("NAXIS") == 2  # noqa: PLR2004
                ]
                named = [hdu for hdu in images if hdu.name == "DATA"] or images
                if not named:
                    continue
                header = named[0].header.copy()
                name = str(hdus[0].header.get("OBJECT", header.get("OBJECT", "")))
                pixels = np.asarray(named[0].data, dtype=np.float64)
        except (OSError, ValueError, TypeError, fits.VerifyError):
            continue
        found.append(("(white)" in name, Image(pixels, header)))
    white = [image for is_white, image in found if is_white]
    others = [image for _, image in found]
    return next(iter(white or others), None)


def _offset_list(run: Run, block: AssociationBlock) -> Path | None:
    for mcalib in block.mcalibs:
        if mcalib.tag != "OFFSET_LIST":
            continue
        with suppress(PhoenixError, OSError):
            if not mcalib.is_virtual:
                return find_file(run.config.directories.calib, mcalib.file)
            maker = read_maker(run, mcalib.file)
            files = [p.file for p in maker.products if p.category == "OFFSET_LIST"]
            if files:
                return where_made(run, maker, files[0])
    return None


def tables_in_sof(block: AssociationBlock) -> int:
    """Return how many exposures a deep cube is made of, by its AB."""
    named = {m.file for m in block.mcalibs if m.tag == TABLES}
    return len(named) or len(
        with_tag([(Path(e.file), e.tag) for e in block.sof], TABLES)
    )
