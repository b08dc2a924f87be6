"""What headers of the inputs tell before, and better than, what a recipe makes of them.

The recipes take what they get: a dark of another DIT, a flat of another filter and
frames that lack a keyword give products and exit status 0. pgi_phoenix_HAWKI_tags says
so in part 1, pgi_phoenix_HAWKI_rules when a recipe has ended. Each check here stands
for a failure that was seen with hawki 2.4.11.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from phoenix_core.errors import ProcessingError
from phoenix_hawki.headers import (
    CHIPS,
    DIT,
    Extension,
    Inputs,
    Keywords,
    extensions,
    filter_of,
    number,
    primary_header,
    with_tag,
)
from phoenix_hawki.steps import DARK, NOISE, SCIENCE, TILE

RAW_TAGS: Final = ("DARK", "FLAT_TWILIGHT", "OBJECT", "SKY")
REQUIRED: Final[Mapping[str, Mapping[str, int]]] = {
    DARK.recipe: {"DARK": 1},
    NOISE.recipe: {"DARK": 2, "FLAT_TWILIGHT": 2},
    SCIENCE.recipe: {
        "OBJECT": 2,
        "MASTER_DARK": 1,
        "MASTER_TWILIGHT_FLAT": 1,
        "MASTER_CONF": 1,
        "MASTER_READGAIN": 1,
        "PHOTCAL_TAB": 1,
        "SCHLEGEL_MAP_NORTH": 1,
        "SCHLEGEL_MAP_SOUTH": 1,
    },
    TILE.recipe: {
        "BASIC_CALIBRATED_SCI": 1,
        "BASIC_VAR_MAP": 1,
        "MASTER_CONF": 1,
        "PHOTCAL_TAB": 1,
    },
}
"""The frames of each tag that a recipe has to get, at least.

With one OBJECT the catalogue is empty, with exit status 0; without BASIC_VAR_MAP the
tile's recipe crashes. Catalogues of reference stars come under several tags.
"""

_CATALOGUES: Final = ("MASTER_LOCAL_CATALOGUE_ASTROM", "MASTER_LOCAL_CATALOGUE_PHOTOM")
_BY_FILTER: Final = ("MASTER_TWILIGHT_FLAT", "MASTER_CONF")
_BY_CHIP: Final = ("MASTER_DARK", *_BY_FILTER)
_LIGHT: Final = ("OBJECT", "SKY", "FLAT_TWILIGHT")
_ON_SKY: Final = ("OBJECT", "SKY")
_WCS: Final = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CD1_1", "CD2_2")
_DIT_TOLERANCE: Final = 1e-3  # seconds
_MEND: Final = "correct its header or take it out of the AB"


def input_problems(recipe: str, inputs: Inputs) -> Iterator[str]:
    """Say what is wrong with the inputs of a recipe, and what to do.

    Args:
        recipe: its name.
        inputs: path and tag of each file, as far as they exist by now.

    Raises:
        ProcessingError: a file cannot be read.
    """
    headers = {path: primary_header(path) for path, _ in inputs}
    raws = with_tag(inputs, *RAW_TAGS)
    for path, tag in inputs:
        if tag in RAW_TAGS:
            yield from _raw_frame(path, tag, headers[path])
    yield from _one_dit(raws, headers)
    lit = with_tag(inputs, *_LIGHT)
    yield from _one_filter(lit, headers)
    if recipe == SCIENCE.recipe:
        yield from _dark_of_dit(with_tag(inputs, "MASTER_DARK"), raws, headers)
        yield from _in_photcal(with_tag(inputs, "PHOTCAL_TAB"), lit, headers)
    yield from _of_filter(with_tag(inputs, *_BY_FILTER), lit, headers)
    yield from _same_chips(with_tag(inputs, *_BY_CHIP), raws)
    for path in with_tag(inputs, *_CATALOGUES):
        yield from _has_stars(path)


def count_problems(
    recipe: str,
    tags: Sequence[str],
    at_least: Mapping[str, Mapping[str, int]] = REQUIRED,
) -> Iterator[str]:
    """Say which frames a recipe lacks that it has to have."""
    for tag, count in at_least.get(recipe, {}).items():
        found = tags.count(tag)
        if not found:
            yield f"it has no {tag}; add one to the AB"
        elif found < count:
            yield f"it has {found} {tag}; {recipe} needs at least {count}"


def blank_frames(inputs: Inputs) -> Iterator[str]:
    """Say which raw frames have a chip without a signal; the recipes do not notice.

    This reads the pixels.
    """
    import numpy as np  # noqa: PLC0415, costs start-up
    from astropy.io import fits  # noqa: PLC0415

    for path in with_tag(inputs, *RAW_TAGS):
        with fits.open(path) as hdus:
            for hdu in hdus[1 : CHIPS + 1]:
                is_live = Keywords(hdu.header).get("ESO DET CHIP LIVE", True)
                if is_live and hdu.data is not None and not np.ptp(hdu.data):
                    yield (
                        f"{path.name}[{hdu.name}] has one value in all its pixels; "
                        "take the frame out of the AB"
                    )
                    break


def _raw_frame(path: Path, tag: str, header: Keywords) -> Iterator[str]:
    """The keywords without which a recipe fails, crashes, or goes on to nowhere."""
    name = path.name
    dit = header.get(DIT)
    if dit is None:
        yield f"{name} has no {DIT}, so no dark fits it and products get lost; {_MEND}"
    elif not isinstance(dit, float):
        yield (
            f"{name} has {DIT} = {dit!r}, which the recipe takes for none; write it "
            "with a decimal point"
        )
    ndit = header.get("ESO DET NDIT")
    if not isinstance(ndit, int) or isinstance(ndit, bool):
        said = "no" if ndit is None else f"{ndit!r} as"
        yield f"{name} has {said} ESO DET NDIT; the recipe needs an integer: {_MEND}"
    if number(header, "MJD-OBS") is None:
        yield f"{name} has no MJD-OBS; {_MEND}"
    if tag in _LIGHT and not filter_of(header):
        yield f"{name} does not tell its filter (ESO INS FILT1 NAME); {_MEND}"
    chips = extensions(path)[:CHIPS]
    if len(chips) < CHIPS:
        yield f"{name} has {len(chips)} extensions, not {CHIPS}; fetch it again"
    if tag in _ON_SKY:
        yield from _on_sky(name, header, chips)


def _on_sky(name: str, header: Keywords, chips: Sequence[Extension]) -> Iterator[str]:
    """What an exposure of the sky has to tell beside: airmass and positions."""
    if number(header, "ESO TEL AIRM START") is None:
        yield (
            f"{name} has no ESO TEL AIRM START, so its fluxes would stay uncalibrated; "
            f"{_MEND}"
        )
    for chip in chips:
        if lacking := [key for key in _WCS if number(chip.keywords, key) is None]:
            yield f"{name}[{chip.name}] has no {', '.join(lacking)}; {_MEND}"


def _one_dit(raws: Sequence[Path], headers: Mapping[Path, Keywords]) -> Iterator[str]:
    known = [(path, dit) for path in raws if (dit := number(headers[path], DIT))]
    for path, dit in known[1:]:
        first, expected = known[0]
        if abs(dit - expected) > _DIT_TOLERANCE:
            yield (
                f"{path.name} has DIT {dit:g} s, {first.name} {expected:g} s; make an "
                "AB of each DIT"
            )


def _one_filter(lit: Sequence[Path], headers: Mapping[Path, Keywords]) -> Iterator[str]:
    known = [(path, name) for path in lit if (name := filter_of(headers[path]))]
    for path, name in known[1:]:
        first, expected = known[0]
        if name != expected:
            yield (
                f"{path.name} is in filter {name}, {first.name} in {expected}; make an "
                "AB of each filter"
            )


def _dark_of_dit(
    darks: Sequence[Path], raws: Sequence[Path], headers: Mapping[Path, Keywords]
) -> Iterator[str]:
    wanted = next((dit for path in raws if (dit := number(headers[path], DIT))), None)
    for path in darks:
        dit = number(headers[path], DIT)
        if dit and wanted and abs(dit - wanted) > _DIT_TOLERANCE:
            yield (
                f"{path.name} is a dark of DIT {dit:g} s, the exposures have "
                f"{wanted:g} s; take a MASTER_DARK of their DIT"
            )


def _of_filter(
    masters: Sequence[Path], lit: Sequence[Path], headers: Mapping[Path, Keywords]
) -> Iterator[str]:
    wanted = next((name for path in lit if (name := filter_of(headers[path]))), "")
    for path in masters:
        name = filter_of(headers[path])
        if name and wanted and name != wanted:
            category = str(headers[path].get("ESO PRO CATG", "calibration"))
            yield (
                f"{path.name} is of filter {name}, the exposures are in {wanted}; take "
                f"a {category} of their filter"
            )


def _in_photcal(
    tables: Sequence[Path], lit: Sequence[Path], headers: Mapping[Path, Keywords]
) -> Iterator[str]:
    """The recipe reads a filter that is not in the table from where there is none."""
    wanted = next((name for path in lit if (name := filter_of(headers[path]))), "")
    for path in tables:
        known = photcal_filters(path)
        if wanted and wanted not in known:
            yield (
                f"{path.name} does not know filter {wanted} (it has "
                f"{', '.join(known) or 'none'}); add a line for it"
            )


def photcal_filters(path: Path) -> tuple[str, ...]:
    """Return the filters of a PHOTCAL_TAB.

    Raises:
        ProcessingError: the file cannot be read, or has no such table.
    """
    from astropy.table import Table  # noqa: PLC0415, costs start-up

    try:
        table = Table.read(path, hdu=1, unit_parse_strict="silent")
        return tuple(str(name).strip() for name in table["filter_name"])
    except (OSError, ValueError, KeyError, IndexError) as error:
        told = " ".join(str(error).split())
        raise ProcessingError(f"{path} is no PHOTCAL_TAB: {told}") from error


def _same_chips(masters: Sequence[Path], raws: Sequence[Path]) -> Iterator[str]:
    """The recipe replaces what has another size by a dummy, and goes on."""
    if not raws:
        return
    expected = {chip.name: chip.shape for chip in extensions(raws[0])[:CHIPS]}
    for path in masters:
        found = {chip.name: chip.shape for chip in extensions(path)}
        for name, shape in expected.items():
            if name not in found:
                yield f"{path.name} has no {name}; take another one"
            elif found[name] != shape:
                sizes = ["x".join(map(str, size)) for size in (found[name], shape)]
                yield (
                    f"{path.name}[{name}] has {sizes[0]} pixels, the frames have "
                    f"{sizes[1]}; take one of their size"
                )
                break


def _has_stars(path: Path) -> Iterator[str]:
    """Two catalogues of one name are one in the recipe's cache: an empty one hides."""
    tables = extensions(path)
    if not tables or not tables[0].keywords.get("NAXIS2"):
        yield f"{path.name} holds no stars; take a catalogue that covers the field"
