"""pgi_phoenix_HAWKI_rules (CHECK_PLUGIN): what success of a HAWKI recipe is.

Exit status 0 is not: the recipes go on without stars, with dummies for what does not
fit, and lose catalogues. Each rule here stands for a failure that was seen with hawki
2.4.11. "[ ERROR ]" lines are no criterion: good runs have some. What every recipe has
in common (files whole and all there) is the business of the core and of the DRS.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.ab.inputs import paths
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, Finding, Product, Run
from phoenix_hawki.headers import (
    CHIPS,
    Extension,
    Inputs,
    extensions,
    number,
    primary_header,
    with_tag,
)
from phoenix_hawki.input_checks import (
    RAW_TAGS,
    blank_frames,
    count_problems,
    input_problems,
)
from phoenix_hawki.steps import DARK, NOISE, SCIENCE, TILE

PGI: Final = "pgi_phoenix_HAWKI_rules"

_DUMMY: Final = "ESO DRS IMADUMMY"
_STARS: Final = "ESO QC MAGNZPT"
_SEE: Final = "see its log"


@frozen
class Options:
    """When an image counts as calibrated.

    `need_flux`: an image without a zero point of its own stars is a failure; filters
    without reference stars need false. `min_stars`: in that zero point, at least.
    """

    need_flux: bool = True
    min_stars: int = field(default=1, validator=validators.ge(1))


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


@hookimpl
def process_ab_check_plugin(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> list[Finding]:
    """Say why the products of an AB are no success."""
    call = Call(block, paths(run, block), products, run.options(PGI, Options))
    return rule_findings(call)


def rule_findings(call: Call) -> list[Finding]:
    """Hold a recipe call against all rules for its recipe; [] is success."""
    recipe = call.block.recipe
    rule = RULES.get(recipe)
    if rule is None:
        return []
    try:
        # What is wrong with the inputs is the reason for what is wrong with products.
        messages = [
            *count_problems(recipe, [tag for _, tag in call.inputs]),
            *input_problems(recipe, call.inputs),
            *blank_frames(call.inputs),
        ] or [*_counts(call), *rule(call)]
    except ProcessingError as error:
        messages = [str(error)]
    return [
        Finding(f"{recipe}: {message}", call.block.name, is_error=True)
        for message in messages
    ]


def expected_products(recipe: str, inputs: Inputs) -> dict[str, int]:
    """Return the number of products of each category that success has to have."""
    objects, skies = len(with_tag(inputs, "OBJECT")), len(with_tag(inputs, "SKY"))
    expected: Mapping[str, dict[str, int]] = {
        DARK.recipe: {"MASTER_DARK": 1},
        NOISE.recipe: {"MASTER_READGAIN": 1},
        SCIENCE.recipe: {
            "JITTERED_IMAGE_SCI": 1,
            "OBJECT_CATALOGUE_JITTERED": 1,
            "JITTERED_VAR_IMAGE": 1,
            "CONFIDENCE_MAP_JITTERED": 1,
            "BASIC_CALIBRATED_SCI": objects,
            "BASIC_VAR_MAP": objects,
            "BASIC_CALIBRATED_SKY": skies,
            "BASIC_VAR_MAP_SKY": skies,
        },
        TILE.recipe: {
            "TILED_IMAGE": 1,
            "TILED_OBJECT_CATALOGUE": 1,
            "TILED_VAR_MAP": 1,
            "TILED_CONFIDENCE_MAP": 1,
        },
    }
    return expected.get(recipe, {})


def _counts(call: Call) -> Iterator[str]:
    made = Counter(product.category for product in call.products)
    expected = expected_products(call.block.recipe, call.inputs)
    for category, count in expected.items():
        if made[category] != count:
            yield f"made {made[category]} {category} instead of {count}; {_SEE}"


# One recipe each ----------------------------------------------------------------


def _dark(call: Call) -> Iterator[str]:
    """A master has the pixels of its frames, chip by chip."""
    raws = with_tag(call.inputs, *RAW_TAGS)
    expected = {chip.name: chip.shape for chip in extensions(raws[0])[:CHIPS]}
    for path in call.made("MASTER_DARK"):
        found = {chip.name: chip.shape for chip in extensions(path)}
        for name, shape in expected.items():
            if found.get(name) != shape:
                yield f"its MASTER_DARK has no {name} of the frames' size; {_SEE}"
        yield from _dummies(path, "MASTER_DARK")


def _noise(call: Call) -> Iterator[str]:
    """Read noise and gain are positive on each chip; of unequal flats they are not."""
    for path in call.made("MASTER_READGAIN"):
        rows = read_gain(path)
        if len(rows) != CHIPS:
            yield f"its MASTER_READGAIN has {len(rows)} chips, not {CHIPS}; {_SEE}"
        for chip, (noise, gain) in rows.items():
            if not (noise > 0 and gain > 0 and math.isfinite(noise + gain)):
                yield (
                    f"{chip} has a read noise of {noise:g} adu and a gain of {gain:g}; "
                    "take two flats of one level and two darks of their DIT"
                )


def read_gain(path: Path) -> dict[str, tuple[float, float]]:
    """Return read noise [adu] and gain [e-/adu] by chip.

    Raises:
        ProcessingError: it is no MASTER_READGAIN.
    """
    from astropy.table import Table  # noqa: PLC0415, costs start-up

    try:
        table = Table.read(path, hdu=1, unit_parse_strict="silent")
        return {
            str(row["EXTNAME"]).strip(): (float(row["READNOISE"]), float(row["GAIN"]))
            for row in table
        }
    except (OSError, ValueError, KeyError, IndexError) as error:
        told = " ".join(str(error).split())
        raise ProcessingError(f"{path.name} is no MASTER_READGAIN: {told}") from error


def _science(call: Call) -> Iterator[str]:
    """A stack of all exposures, calibrated in flux and position, with its stars."""
    count = len(with_tag(call.inputs, "OBJECT"))
    for path in call.made("JITTERED_IMAGE_SCI"):
        yield from _dummies(path, "stack")
        combined = primary_header(path).get("NCOMBINE")
        if combined != count:
            yield f"its stack has {combined} of {count} exposures; {_SEE}"
        chips = extensions(path)
        if len(chips) != CHIPS or not all(map(_has_light, chips)):
            yield f"its stack has no light on some chip; {_SEE}"
        for chip in chips:
            if number(chip.keywords, "ESO QC WCS_RMS") is None:
                yield (
                    f"no reference star was found on {chip.name}: its positions are "
                    "those of the telescope; take a catalogue that covers the field"
                )
        yield from _flux(call, path, "stack")
    for path in call.made("OBJECT_CATALOGUE_JITTERED"):
        yield from _catalogue(path, CHIPS)


def _has_light(chip: Extension) -> bool:
    """Whether there are pixels that are not 0: of nothing but 0 the DATASUM is 0."""
    return all(chip.shape) and str(chip.keywords.get("DATASUM", "")).strip() != "0"


def _tile(call: Call) -> Iterator[str]:
    for path in call.made("TILED_IMAGE"):
        yield from _dummies(path, "tile")
        yield from _flux(call, path, "tile")
    for path in call.made("TILED_OBJECT_CATALOGUE"):
        yield from _catalogue(path, 1)


# What images and catalogues have in common --------------------------------------


def _dummies(path: Path, what: str) -> Iterator[str]:
    for chip in extensions(path):
        if chip.keywords.get(_DUMMY):
            yield (
                f"its {what} is a dummy on {chip.name}: some input could not be used; "
                f"{_SEE}"
            )


def _flux(call: Call, path: Path, what: str) -> Iterator[str]:
    """The zero point is that of stars in the image, not a default."""
    if not call.options.need_flux:
        return
    primary = primary_header(path)
    if (said := primary.get("FLUXCAL")) != "ABSOLUTE":
        yield (
            f"its {what} is not flux-calibrated (FLUXCAL = {said}): no star of it is "
            "in the photometric catalogue; take one that covers the field, or set "
            "need_flux = false"
        )
        return
    headers = [chip.keywords for chip in extensions(path)] or [primary]
    stars = [int(number(header, _STARS) or 0) for header in headers]
    if min(stars) < call.options.min_stars:
        yield (
            f"its {what} has a zero point from {min(stars)} stars, fewer than "
            f"{call.options.min_stars}; look at its catalogue"
        )
    if any(header.get("ZPFUDGED") is not False for header in headers):
        yield f"the zero point of its {what} is a default (ZPFUDGED); {_SEE}"


def _catalogue(path: Path, count: int) -> Iterator[str]:
    tables = extensions(path)
    if len(tables) != count:
        yield f"{path.name} has {len(tables)} tables of stars, not {count}; {_SEE}"
    if not any(table.keywords.get("NAXIS2") for table in tables):
        yield f"{path.name} has no stars at all; {_SEE}"


RULES: Final[Mapping[str, Callable[[Call], Iterator[str]]]] = {
    DARK.recipe: _dark,
    NOISE.recipe: _noise,
    SCIENCE.recipe: _science,
    TILE.recipe: _tile,
}
