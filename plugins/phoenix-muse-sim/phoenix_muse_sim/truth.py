"""truth.json: what was simulated, for tests to compare with; no tool may read it.

schedule.json: what the observatory knows besides the files, for tools to read.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .exposures import Visit, pointing_error
from .scenario import Scenario
from .sizes import Size
from .sources import Star

TRUTH_NAME = "truth.json"
SCHEDULE_NAME = "schedule.json"
"""Both below the simulated observatory's directory."""


def truth(
    scenario: Scenario,
    size: Size,
    seed: int,
    stars: Mapping[str, Sequence[Star]],
) -> dict[str, Any]:
    """Describe all that was put into the exposures; `stars` by place."""
    return {
        "seed": seed,
        "size": {
            "name": size.name,
            "slice_width": size.slice_width,
            "rows": size.rows,
            "ifus": size.ifus,
            "lambda0": size.lambda0,
            "lambda_range": list(size.lambda_range),
        },
        "runs": [
            {
                "run_id": run.run_id,
                "targets": [
                    {
                        "name": target.name,
                        "ra": target.ra,
                        "dec": target.dec,
                        "crowded": target.crowded,
                        "stars": [_star(star) for star in stars[target.place]],
                        "exposures": [
                            _exposure(Visit(run, target, block, exposure), seed)
                            for block in target.blocks
                            for exposure in block.exposures
                        ],
                    }
                    for target in run.targets
                ],
            }
            for run in scenario.runs
        ],
    }


def schedule(scenario: Scenario) -> dict[str, Any]:
    """List the runs and their OBs, with the grades that they were given."""
    return {
        "runs": [
            {
                "run_id": run.run_id,
                "service_mode": run.service_mode,
                "status": run.status,
                "blocks": [
                    {
                        "ob_id": block.number,
                        "ob_name": block.name,
                        "target": target.name,
                        "civil_date": block.exposures[0].civil_date,
                        "grade": block.grade,
                        "comment": block.comment,
                        "seeing_limit": block.seeing_limit,
                    }
                    for target in run.targets
                    for block in target.blocks
                ],
            }
            for run in scenario.runs
        ]
    }


def read_truth(outdir: Path) -> dict[str, Any]:
    """Read the truth of a simulated observatory."""
    content: dict[str, Any] = json.loads((outdir / TRUTH_NAME).read_text("utf-8"))
    return content


def truth_of_target(outdir: Path, name: str) -> dict[str, Any]:
    """Give the truth of one target, of the first run that has it.

    Raises KeyError when no run has it.
    """
    for run in read_truth(outdir)["runs"]:
        for target in run["targets"]:
            if target["name"] == name:
                found: dict[str, Any] = target
                return found
    raise KeyError(name)


def _star(star: Star) -> dict[str, Any]:
    """Describe a star: degrees, magnitude, Angstrom (air, barycentric), erg/s/cm2."""
    return {
        "name": star.name,
        "ra": star.ra,
        "dec": star.dec,
        "magnitude": star.magnitude,
        "line_wavelength": star.line_wavelength,
        "line_flux": star.line_flux,
    }


def _exposure(visit: Visit, seed: int) -> dict[str, Any]:
    """Describe an exposure: seconds, arcsec, degrees."""
    exposure = visit.exposure
    ra, dec = visit.commanded
    return {
        "file": exposure.raw_name,
        "kind": exposure.kind.value,
        "ob_id": visit.block.number,
        "civil_date": exposure.civil_date,
        "date_obs": exposure.date_obs,
        "exposure_time": exposure.exposure_time,
        "aborted": exposure.aborted,
        "seeing": exposure.seeing,
        "position_angle": exposure.position_angle,
        "ra": ra,
        "dec": dec,
        "dither": list(exposure.dither),
        "pointing_error": list(pointing_error(exposure, seed)),
    }
