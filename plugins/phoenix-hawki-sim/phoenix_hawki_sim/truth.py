"""truth.json: what was simulated, for tests to compare with; no tool may read it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import asdict

from .calibrations import master_name
from .chips import CHIPS
from .detector import DARK_CURRENT, DARK_OFFSET, GAIN, READ_NOISE
from .errors import SimulationError
from .exposures import Visit, pointing_error, sky_level
from .filters import FILTERS
from .paranal import airmass
from .scenario import Scenario
from .sizes import Size
from .sources import Star

TRUTH_NAME: Final = "truth.json"
"""Below the simulated observatory's directory."""


def truth(
    scenario: Scenario, size: Size, seed: int, stars: Mapping[str, Sequence[Star]]
) -> dict[str, Any]:
    """Describe all that was put into the exposures; `stars` by target name."""
    return {
        "seed": seed,
        "size": asdict(size),
        "detector": {
            "gain": GAIN,
            "read_noise": READ_NOISE,
            "dark_offset": DARK_OFFSET,
            "dark_current": DARK_CURRENT,
            "chips": {chip.extension: chip.sensitivity for chip in CHIPS},
        },
        "filters": {
            name: {
                "zero_point": one.zero_point,
                "extinction": one.extinction,
                "sky": one.sky,
            }
            for name, one in FILTERS.items()
        },
        "targets": [
            asdict(target) | {"stars": [_star(star) for star in stars[target.name]]}
            for target in scenario.targets
        ],
        "blocks": [
            {
                "ob_id": block.number,
                "name": block.name,
                "run_id": block.run_id,
                "night": block.night,
                "target": block.target.name if block.target else None,
                "filter": block.exposures[0].setup.filter,
                "exposures": [
                    _exposure(Visit(block, exposure), seed)
                    for exposure in block.exposures
                ],
            }
            for block in scenario.blocks
        ],
        "masters": [
            {
                "file": master_name(master),
                "category": master.category.value,
                "night": master.night,
                "filter": master.filter,
                "dit": master.dit,
                "poor": master.poor,
            }
            for master in scenario.masters
        ],
    }


def read_truth(outdir: Path) -> dict[str, Any]:
    """Read the truth of a simulated observatory."""
    content: dict[str, Any] = json.loads((outdir / TRUTH_NAME).read_text("utf-8"))
    return content


def truth_of_block(
    outdir: Path, number: int, night: str | None = None
) -> dict[str, Any]:
    """Give the truth of an OB, of its first execution or of a night's.

    To what stands in `blocks` it adds its `stars` (with the `magnitude` through its
    filter), and `zero_point`, `extinction`, `gain` and `read_noise`. Raises
    SimulationError when there is no such OB with a target.
    """
    known = read_truth(outdir)
    for block in known["blocks"]:
        if block["ob_id"] == number and night in {None, block["night"]}:
            stars = [
                star | {"magnitude": star["magnitudes"][block["filter"]]}
                for target in known["targets"]
                if target["name"] == block["target"]
                for star in target["stars"]
            ]
            through = known["filters"].get(block["filter"], {})
            detector = {key: known["detector"][key] for key in ("gain", "read_noise")}
            found: dict[str, Any] = block | through | detector | {"stars": stars}
            return found
    message = f"{outdir} has no OB {number}" + (f" of {night}" if night else "")
    raise SimulationError(message)


def _star(star: Star) -> dict[str, Any]:
    """Describe a star: degrees, Vega magnitudes by filter."""
    magnitudes = {name: round(star.magnitude(one), 4) for name, one in FILTERS.items()}
    return {
        "name": star.name,
        "chip": star.chip,
        "ra": star.ra,
        "dec": star.dec,
        "magnitudes": magnitudes,
    }


def _exposure(visit: Visit, seed: int) -> dict[str, Any]:
    """Describe an exposure: seconds, arcsec, degrees, adu a second (sky)."""
    exposure = visit.exposure
    ra, dec = visit.commanded
    return {
        "file": exposure.raw_name,
        "kind": exposure.kind.value,
        "night": exposure.night,
        "date_obs": exposure.date_obs,
        "dit": exposure.setup.dit,
        "ndit": exposure.setup.ndit,
        "ra": ra,
        "dec": dec,
        "airmass": round(airmass(ra, dec, exposure.start), 4),
        "seeing": exposure.seeing,
        "sky": sky_level(visit, seed) if visit.block.target else 0.0,
        "offset": list(exposure.offset),
        "pointing_error": list(pointing_error(exposure, seed)),
        "fault": exposure.fault.value if exposure.fault else None,
    }
