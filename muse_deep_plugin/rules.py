"""pgi_phoenix_MUSE_rules (CHECK_PLUGIN): what success of a MUSE recipe is.

Exit status 0 is not: the recipes go on without calibrations, drop exposures, and
combine without alignment, most of it without a word. Each rule here stands for a
failure that was seen with muse 2.8.7. What every recipe has in common (files whole,
checksums, the disk) is the business of the core and of the DRS.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from muse_deep_plugin.expected import expected_products, live_ifus
from muse_deep_plugin.headers import position, primary_header
from muse_deep_plugin.input_checks import EXPOSURES, Inputs, check_inputs, exposures
from muse_deep_plugin.offset_list import read_offsets
from muse_deep_plugin.recipe_params import param_value
from phoenix_core import hookimpl
from phoenix_core.ab.inputs import paths
from phoenix_core.errors import ProcessingError
from phoenix_core.fits.file import check_fits
from phoenix_core.model import AssociationBlock, Finding, Product, Run

PGI: Final = "pgi_phoenix_MUSE_rules"

_COMBINED: Final = re.compile(rb"(\d+) tables to be combined")
_PIXTABLE: Final = "ESO DRS MUSE PIXTABLE"
_ARCSEC: Final = 3600.0
_NAMED: Final = 5


@frozen
class Options:
    """Options of the PGI.

    Offsets above `max_offset` (arcsec) are not believed: the telescope points to 1-2
    arcsec; muse_exp_align searches within 30. Exposures further apart than
    `max_separation` (degrees) are not of one field. Both limits are ours.
    """

    max_offset: float = 10.0
    max_separation: float = 0.1


@frozen
class Call:
    """A recipe call that has ended: the AB, path and tag of its inputs, products."""

    block: AssociationBlock
    inputs: Inputs
    products: Sequence[Product]
    options: Options = Options()

    def made(self, category: str) -> tuple[Path, ...]:
        """The products of a category."""
        return tuple(p.path for p in self.products if p.category == category)

    @property
    def log(self) -> Path | None:
        """The recipe's log, in the directory of the products."""
        if not self.products:
            return None
        return self.products[0].path.parent / self.block.log_name


@hookimpl
def process_ab_check_plugin(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> list[Finding]:
    """Say why the products of an AB are no success."""
    call = Call(block, paths(run, block), products, run.options(PGI, Options))
    return rule_findings(call)


def rule_findings(call: Call) -> list[Finding]:
    """Hold a recipe call against all rules for its recipe; [] is success."""
    block = call.block
    rule = RULES.get(block.recipe)
    if rule is None:
        return []
    try:
        check_inputs(block, call.inputs, call.options.max_separation)
        messages = [*_counts(call), *rule(call)]
    except ProcessingError as error:
        messages = [str(error)]
    return [
        Finding(f"{block.recipe}: {message}", block.name, is_error=True)
        for message in messages
    ]


# All recipes --------------------------------------------------------------------


def _counts(call: Call) -> Iterator[str]:
    """The expected set of product categories, and how many of each."""
    made = Counter(product.category for product in call.products)
    for category, count in expected_products(call.block, call.inputs).items():
        if made[category] != count:
            yield f"made {made[category]} {category} instead of {count}; see its log"


# One recipe each ----------------------------------------------------------------


def _scibasic(call: Call) -> Iterator[str]:
    """Each live IFU of the exposure has its pixel table; the tag is the true one."""
    for path, tag in call.inputs:
        if tag not in {"OBJECT", "SKY"}:
            continue
        header = primary_header(path)
        kind = str(header.get("ESO DPR TYPE", tag))
        if not kind.startswith(tag):
            yield f"{path.name} is of type {kind} but tagged {tag}; correct the AB"
        made = {_ifu(table) for table in call.made(f"PIXTABLE_{tag}")}
        lacking = sorted(set(live_ifus(call.block, path)) - made)
        if lacking:
            ifus = ", ".join(map(str, lacking))
            yield f"made no pixel table of IFU {ifus} of {path.name}; see its log"
    yield from _of_these_exposures(call, "PIXTABLE_OBJECT", "OBJECT")
    yield from _of_these_exposures(call, "PIXTABLE_SKY", "SKY")


def _ifu(table: Path) -> int:
    name = str(primary_header(table).get("EXTNAME", ""))
    return int(name.removeprefix("CHAN")) if re.fullmatch(r"CHAN\d\d", name) else 0


def _create_sky(call: Call) -> Iterator[str]:
    yield from _of_these_exposures(call, "SKY_SPECTRUM", "PIXTABLE_SKY")


def _scipost(call: Call) -> Iterator[str]:
    """Flux, positions and velocities are calibrated, as the products say."""
    for cube in call.made("DATACUBE_FINAL"):
        unit = _unit(cube)
        if "erg" not in unit:
            yield (
                f"its cube is in '{unit}', not in flux; check STD_RESPONSE, "
                "EXTINCT_TABLE and EXPTIME of the exposure"
            )
    for table in call.made("PIXTABLE_REDUCED"):
        header = primary_header(table)
        if header.get(f"{_PIXTABLE} FLUXCAL") is not True:
            yield f"{table.name} is not flux-calibrated; check STD_RESPONSE"
        if not str(header.get(f"{_PIXTABLE} WCS", "")).startswith("projected"):
            yield f"{table.name} has no astrometry; check ASTROMETRY_WCS"
        wants_velocity = param_value(call.block.params, "rvcorr", "bary") != "none"
        if wants_velocity and f"{_PIXTABLE} RVCORR" not in header:
            yield (
                f"{table.name} is not corrected for the Earth's velocity; the exposure "
                "lacks one of RA, DEC, MJD-OBS, EQUINOX"
            )
        if position(header) is None:
            yield f"{table.name} has no RA and DEC: its cube lies at 0 degrees"
    for category in ("DATACUBE_FINAL", "PIXTABLE_REDUCED", "IMAGE_FOV"):
        yield from _of_these_exposures(call, category, "PIXTABLE_OBJECT")


def _exp_align(call: Call) -> Iterator[str]:
    """Every exposure was matched with others, and its offset can be believed."""
    files = exposures(call.inputs, EXPOSURES[call.block.recipe])
    for path in call.made("OFFSET_LIST"):
        offsets = read_offsets(path)
        if set(offsets) != set(files):
            strange = ", ".join(sorted(set(offsets) ^ set(files)))
            yield f"its OFFSET_LIST and its inputs differ in the exposure of {strange}"
            continue
        header = primary_header(path)
        unmatched = [
            files[start].name
            for number, start in enumerate(offsets, start=1)
            if int(header.get(f"ESO QC EXPALIGN NMATCH{number}", 0)) < 1
        ]
        if unmatched:
            which = "any exposure" if len(unmatched) == len(files) else _some(unmatched)
            yield (
                f"no source of {which} matches those of the others: its offset means "
                "nothing; remove what lies elsewhere from the dal and dpc ABs, or "
                "change --rsearch or --threshold"
            )
        elif header.get("ESO QC EXPALIGN NOMATCH") != 0:
            yield "it does not say that all exposures were matched; see its log"
        yield from _large_offsets(offsets, files, call.options.max_offset)


def _some(names: Sequence[str]) -> str:
    """Name up to five of several files."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _large_offsets(
    offsets: Mapping[str, tuple[float, float]],
    files: Mapping[str, Path],
    limit: float,
) -> Iterator[str]:
    for start, (ra, dec) in offsets.items():
        here = position(primary_header(files[start]))
        scale = math.cos(math.radians(here[1])) if here else 1.0
        size = math.hypot(ra * scale, dec) * _ARCSEC
        if size > limit:
            yield (
                f"the offset of {files[start].name} is {size:.1f} arcsec, more than "
                f"{limit:g}; look at it, and remove the exposure or raise max_offset"
            )


def _exp_combine(call: Call) -> Iterator[str]:
    """Every exposure went into the cube, aligned, and the cube is as large as they."""
    files = exposures(call.inputs, EXPOSURES[call.block.recipe])
    for cube in call.made("DATACUBE_FINAL"):
        header = primary_header(cube)
        combined = {
            str(header[key])
            for key in header
            if re.fullmatch(r"ESO DRS MUSE OFFSET\d+ DATE-OBS", key)
        }
        for start in sorted(set(files) - combined):
            reason = _why_dropped(files[start])
            yield f"{files[start].name} is not in the deep cube{reason}"
        if "erg" not in _unit(cube):
            yield f"its cube is in '{_unit(cube)}', not in flux; look at the pst ABs"
        yield from _cube_size(cube, files, call.options)
    yield from _of_these_exposures(call, "DATACUBE_FINAL", "PIXTABLE_REDUCED")
    if call.log and call.log.is_file():
        told = _COMBINED.search(call.log.read_bytes())
        if told and int(told[1]) != len(files):
            yield f"it combined {int(told[1])} of {len(files)} exposures, says its log"


def _why_dropped(path: Path) -> str:
    try:
        problems = check_fits(path, with_sha256=False).problems
    except OSError as error:
        problems = (str(error),)
    if problems:
        return f": it is damaged ({problems[0]}); process its pst AB again"
    return ": an exposure before it could not be read, or its offset was not used"


def _cube_size(
    cube: Path, files: Mapping[str, Path], options: Options
) -> Iterator[str]:
    """Compare the field of the cube with where the exposures lie.

    LIMITS Y LOW of a pixel table is minus the distance (radians) of its outermost
    pixel from its centre.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    headers = [primary_header(path) for path in files.values()]
    centres = [here for header in headers if (here := position(header))]
    reach = [
        abs(math.degrees(float(header.get(f"{_PIXTABLE} LIMITS Y LOW", 0.0))))
        for header in headers
    ]
    if len(centres) < len(headers) or not all(reach):
        return
    data = fits.getheader(cube, "DATA")
    scale = max(math.hypot(data["CD1_1"], data["CD1_2"]), 1e-9)
    width, height = data["NAXIS1"] * scale, data["NAXIS2"] * scale
    ra = [centre[0] for centre in centres]
    dec = [centre[1] for centre in centres]
    turn = (max(ra) - min(ra)) % 360.0
    spread = min(turn, 360.0 - turn) * math.cos(math.radians(dec[0]))
    room = 2 * max(reach) + 2 * options.max_offset / _ARCSEC
    too_wide = width > spread + room or height > max(dec) - min(dec) + room
    if too_wide or math.hypot(width, height) < 1.8 * min(reach):
        size = f"{width * _ARCSEC:.0f} x {height * _ARCSEC:.0f} arcsec"
        yield f"its cube covers {size}, which does not fit its exposures; see its log"


def _unit(cube: Path) -> str:
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        return str(fits.getheader(cube, "DATA").get("BUNIT", ""))
    except (OSError, KeyError) as error:
        raise ProcessingError(f"{cube.name} has no extension DATA") from error


def _of_these_exposures(call: Call, category: str, tag: str) -> Iterator[str]:
    """Products carry DATE-OBS of an input: else they are of another call."""
    known = {
        str(primary_header(path).get("DATE-OBS", ""))
        for path, its in call.inputs
        if its == tag
    }
    for path in call.made(category):
        start = str(primary_header(path).get("DATE-OBS", ""))
        if start not in known:
            yield f"{path.name} is of the exposure of {start}, none of its inputs"


RULES: Final[Mapping[str, Callable[[Call], Iterator[str]]]] = {
    "muse_scibasic": _scibasic,
    "muse_create_sky": _create_sky,
    "muse_scipost": _scipost,
    "muse_exp_align": _exp_align,
    "muse_exp_combine": _exp_combine,
}
