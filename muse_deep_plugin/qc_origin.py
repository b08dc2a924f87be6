"""How an exposure was calibrated: its sky, its arcs, its twilight flat.

Said by the ABs that it was made by. What cannot be read is not known, and never stops
the QC.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from astropy.io import fits

from muse_deep_plugin.headers import primary_header
from muse_deep_plugin.qc_keywords import Value
from muse_deep_plugin.recipe_params import param_value
from muse_deep_plugin.steps import CREATE_SKY, SCIBASIC
from phoenix_core.ab.inputs import find_file, read_maker
from phoenix_core.errors import PhoenixError
from phoenix_core.model import AssociationBlock, Run

_OF_SKY: Final = ("SKY_LINES", "SKY_CONTINUUM")
_FAILED: Final = re.compile(rb"(?:Sky[- ]line|Master sky) fit failed", re.IGNORECASE)
_DAY: Final = 86400.0  # seconds


def origin(run: Run, block: AssociationBlock, header: fits.Header) -> dict[str, Value]:
    """Return what is known of the calibration of an exposure (see qc_parameters)."""
    makers = tuple(_makers(run, block))
    found: dict[str, Value] = {
        "SKY_METHOD": sky_method(block),
        "HAS_SKY": any(m.is_virtual and m.tag in _OF_SKY for m in block.mcalibs),
    }
    basic = [one for one in makers if one.recipe == SCIBASIC.recipe]
    if basic:
        tags = {mcalib.tag for one in basic for mcalib in one.mcalibs}
        found["HAS_SKY_FLAT"] = "TWILIGHT_CUBE" in tags
        days = _arc_days(run, basic, header)
        if days is not None:
            found["ARC_DAYS"] = days
    logs = [block, *(one for one in makers if one.recipe == CREATE_SKY.recipe)]
    errors = [_fit_errors(run, one) for one in logs]
    if None not in errors:
        found["SKY_FIT_ERRORS"] = sum(error for error in errors if error)
    angle = header.get("ESO INS DROT POSANG")
    if isinstance(angle, int | float):
        found["POSANG"] = float(angle)
    return found


def sky_method(block: AssociationBlock) -> str:
    """Return how the sky of an exposure was subtracted; the recipe's default: model."""
    return param_value(block.params, "skymethod", "model")


def sky_lines(run: Run, block: AssociationBlock) -> Path | None:
    """Return the table of sky lines that an exposure was corrected by, if it is."""
    for mcalib in block.mcalibs:
        if mcalib.tag != "SKY_LINES":
            continue
        with suppress(PhoenixError, OSError):
            if not mcalib.is_virtual:
                return find_file(run.config.directories.calib, mcalib.file)
            maker = read_maker(run, mcalib.file)
            for product in maker.products:
                path = run.product_dir(maker.raw_type) / product.file
                if product.category == "SKY_LINES" and path.is_file():
                    return path
    return None


def _makers(run: Run, block: AssociationBlock) -> Iterator[AssociationBlock]:
    for name in block.needs:
        with suppress(PhoenixError, OSError):
            yield read_maker(run, name)


def _arc_days(
    run: Run, basic: list[AssociationBlock], header: fits.Header
) -> float | None:
    """Days between the exposure and the arcs of its wavelengths, the farthest."""
    found = []
    for block in basic:
        for mcalib in block.mcalibs:
            if mcalib.tag != "WAVECAL_TABLE" or mcalib.is_virtual:
                continue
            with suppress(PhoenixError, OSError):
                path = find_file(run.config.directories.calib, mcalib.file)
                arcs, here = _start(primary_header(path)), _start(header)
                if arcs and here:
                    found.append(abs((here - arcs).total_seconds()) / _DAY)
    return max(found) if found else None


def _start(header: fits.Header) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(str(header.get("DATE-OBS", ""))).replace(
            tzinfo=None
        )
    return None


def _fit_errors(run: Run, block: AssociationBlock) -> int | None:
    """How many fits of the sky failed, by the log of a recipe; None without a log."""
    for folder in (
        run.product_dir(block.raw_type),
        run.config.directories.logs / run.date,
    ):
        with suppress(OSError, PhoenixError):
            return len(_FAILED.findall((folder / block.log_name).read_bytes()))
    return None
