"""The history of the simulated observatory: what its databases know of each exposure.

The figures of quality are ours: they follow from the exposure's time and seeing, with
a little scatter.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Final

import numpy as np
from attrs import frozen

from .exposures import INSTRUMENT_MODE, Visit, pointing_error
from .history_tables import Rows, Value, by_column
from .paranal import mjd
from .preview import Field
from .scenario import Exposure, Kind, ObservingBlock, Run, Scenario, Target
from .sizes import SPAXEL, Size
from .sources import Star, generator, offset_between, offset_position

LIMIT: Final = 23.0
"""AB magnitude: 5 sigma in 600 s at a seeing of 0.8 arcsec (ours, near the real)."""

NOISE: Final = 3e-20
"""erg/s/cm2/Angstrom a voxel in 600 s (ours, near the real)."""

OVERSUBTRACTED: Final = -30.0
"""1e-20 erg/s/cm2/Angstrom: beyond -20, where the flag HISTO_BKG of MUSE_R begins."""

REFERENCE_TIME: Final = 600.0
REFERENCE_SEEING: Final = 0.8

LAMBDA: Final = 7000.0
"""Angstrom: where the sources of a field are measured (ours)."""

Row = Mapping[str, Value]


@frozen
class History:
    """The rows of each table, and the fields whose pictures they name."""

    tables: Mapping[str, Rows]
    fields: tuple[Field, ...]


def history(
    scenario: Scenario, size: Size, seed: int, stars: Mapping[str, Sequence[Star]]
) -> History:
    """Give the history of all that was observed; `stars` by place.

    A datacube is there for each SKY and OBJECT exposure of an OB that the AB store
    has; the final one of an OB is that of its OBJECT exposures, or of the only one.
    """
    rows: dict[str, list[Row]] = {
        "muse_sci_single": [],
        "muse_sci_combined": [],
        "muse_sci_deep": [],
        "muse_sci_sources": [],
        "sched_rep": [row for run in scenario.runs for row in _scheduled(run)],
        "data_products": [],
        "ob_grades": [],
    }
    fields: dict[str, Field] = {}
    for run, target, block in scenario.visits():
        rows["ob_grades"].append(_graded(run, block))
        visits = [Visit(run, target, block, one) for one in block.exposures]
        rows["data_products"] += map(_archived, visits)
        if not block.of_kind(Kind.OBJECT):
            continue
        seen = tuple(stars[target.place])
        singles = [_single(visit, seen, seed) for visit in visits]
        rows["muse_sci_single"] += singles
        finals = _finals(run, target, block, singles)
        rows["muse_sci_combined"] += finals
        for final in finals:
            rows["muse_sci_sources"] += _sources(final, seen, size, seed)
        for row in (*singles, *finals):
            if picture := str(row["fov_plot"]):
                fields[picture] = _field(row, picture, seen)
    return History(
        {table: by_column(table, found) for table, found in rows.items()},
        tuple(fields.values()),
    )


def preview_name(root: str) -> str:
    """Name the picture of a datacube's field, below the directory of plots."""
    return f"{root}_fov.png"


def _scheduled(run: Run) -> list[Row]:
    return [
        {
            "run_id": run.run_id,
            "period": period,
            "obs_mode": run.service_mode,
            "status": status,
            "prog_type": run.prog_type,
            "pi_coi": run.pi_coi,
            "title": run.title,
            "abstract": run.abstract,
            "remarks": run.remarks,
        }
        for period, status in ((run.period, run.status), *run.later)
    ]


def _graded(run: Run, block: ObservingBlock) -> Row:
    return {
        "ob_id": block.number,
        "exec_time": block.exposures[0].date_obs,
        "run_id": run.run_id,
        "grade": block.grade,
        "comment": block.comment,
    }


def _archived(visit: Visit) -> Row:
    ra, dec = visit.commanded
    return {
        "dp_id": visit.exposure.root,
        "instrument": "MUSE",
        "run_id": visit.run.run_id,
        "object": visit.target.name,
        "ob_id": visit.block.number,
        "ob_name": visit.block.name,
        "dpr_catg": "SCIENCE",
        "dpr_type": visit.exposure.kind.value,
        "ins_mode": INSTRUMENT_MODE,
        "exptime": visit.exposure.exposure_time,
        "mjd_obs": _days(mjd(visit.exposure.start)),
        "ra": round(ra, 6),
        "dec": round(dec, 6),
    }


def _single(visit: Visit, stars: Sequence[Star], seed: int) -> dict[str, Value]:
    """Describe the datacube of one exposure."""
    run, target, block, exposure = visit.run, visit.target, visit.block, visit.exposure
    is_sky = exposure.kind is Kind.SKY
    tag = "_sky" if is_sky else "_pst"
    random = generator(seed, "quality", exposure.date_obs)
    scatter = random.normal(size=4)
    ra, dec = offset_position(*visit.commanded, *pointing_error(exposure, seed))
    time = exposure.exposure_time / REFERENCE_TIME
    resolution = exposure.seeing + 0.02 * float(np.clip(scatter[0], -2.0, 2.0))
    objects = block.of_kind(Kind.OBJECT)
    # In a crowded field without SKY, light of stars was taken for sky and subtracted.
    is_over = target.crowded and not block.of_kind(Kind.SKY)
    background = OVERSUBTRACTED if is_over else 0.0
    picture = f"{exposure.civil_date}/{preview_name(f'r.{exposure.root}{tag}')}"
    return {
        "pipefile": f"r.{exposure.root}{tag}.fits",
        "civil_date": exposure.civil_date,
        "run_id": run.run_id,
        "target": target.name,
        "ob_id": block.number,
        "ob_name": block.name,
        "data_type": "DATACUBE_SKY" if is_sky else "DATACUBE_SINGLE",
        "pattern": exposure.kind.value[0],
        "ins_mode": INSTRUMENT_MODE,
        "mjd_obs": _days(mjd(exposure.start)),
        "mjd_end": _days(_end(exposure)),
        "n_frames": 1,
        "exptime": exposure.exposure_time,
        "texptime": exposure.exposure_time,
        "ra": round(ra, 6),
        "dec": round(dec, 6),
        "tel_targ_alpha": round(target.ra, 6),
        "tel_targ_delta": round(target.dec, 6),
        "ambi_req": block.seeing_limit,
        "sky_res": None if is_sky else round(resolution, 3),
        "sgs_x_med": exposure.seeing,
        "abmaglim": _limit(exposure.exposure_time, exposure.seeing),
        "pixnoise": float(f"{NOISE / time**0.5:.3g}"),
        "num_sat": 0,
        "wdel_max": round(0.03 + 0.005 * abs(float(scatter[1])), 4),
        "num_src": 0 if is_sky else len(stars),
        "histo_bkg": round(background + 2.0 * float(scatter[2]), 2),
        "lshift_max": round(0.02 * abs(float(scatter[3])), 4),
        "grd": block.grade,
        "comm": block.comment,
        "qc_plot": "",
        "fov_plot": "" if is_sky else picture,
        "score_bit": "",
        "raw_file": exposure.root,
        "combined": ""
        if is_sky or len(objects) == 1
        else f"r.{objects[0].root}_tpl.fits",
    }


def _finals(
    run: Run, target: Target, block: ObservingBlock, singles: Sequence[Row]
) -> list[Row]:
    """Give the rows of an OB's final datacubes: that of its target, those of SKY."""
    of_target = [row for row in singles if row["data_type"] == "DATACUBE_SINGLE"]
    skies = [row for row in singles if row["data_type"] == "DATACUBE_SKY"]
    alone = {"rms": None, "n_match": None}
    if len(of_target) == 1:
        return [{**row, **alone} for row in (*of_target, *skies)]
    first, times = of_target[0], [_number(row, "exptime") for row in of_target]
    name = str(first["combined"])
    total = sum(times)
    resolution = fmean(_number(row, "sky_res") for row in of_target)
    errors = generator(0, "alignment", name).uniform(0.01, 0.04)
    combined: Row = {
        **first,
        "pipefile": name,
        "run_id": run.run_id,
        "target": target.name,
        "data_type": "DATACUBE_COMBINED",
        "pattern": "".join(one.kind.value[0] for one in block.exposures),
        "mjd_end": of_target[-1]["mjd_end"],
        "n_frames": len(of_target),
        "exptime": median(times),
        "texptime": total,
        "ra": round(fmean(_number(row, "ra") for row in of_target), 6),
        "dec": round(fmean(_number(row, "dec") for row in of_target), 6),
        "sky_res": round(resolution, 3),
        "sgs_x_med": round(median(_number(row, "sgs_x_med") for row in of_target), 3),
        "abmaglim": _limit(total, resolution),
        "pixnoise": float(f"{NOISE / (total / REFERENCE_TIME) ** 0.5:.3g}"),
        "fov_plot": f"{first['civil_date']}/{preview_name(name.removesuffix('.fits'))}",
        "rms": round(float(errors), 4),
        "n_match": first["num_src"],
    }
    return [combined, *({**row, **alone} for row in skies)]


def _sources(
    final: Row, stars: Sequence[Star], size: Size, seed: int
) -> list[dict[str, Value]]:
    """Give what the pipeline found in a final datacube: the stars, the brightest first.

    The first pixel is 1 and a datacube is as large as the field (ours).
    """
    if final["data_type"] == "DATACUBE_SKY":
        return []
    width, height = size.extent
    centre = _number(final, "ra"), _number(final, "dec")
    resolution = _number(final, "sky_res")
    random = generator(seed, "sources", str(final["pipefile"]))
    found = []
    for number, star in enumerate(sorted(stars, key=lambda s: s.magnitude), 1):
        east, north = offset_between(*centre, star.ra, star.dec)
        wide, high, scatter = random.normal(size=3)
        found.append(
            {
                "pipefile": final["pipefile"],
                "number": number,
                "x": round(width / 2.0 + 0.5 - east / SPAXEL, 2),
                "y": round(height / 2.0 + 0.5 + north / SPAXEL, 2),
                "ra": round(star.ra, 6),
                "dec": round(star.dec, 6),
                "fwhm_x": round(resolution + 0.02 * float(wide), 3),
                "fwhm_y": round(resolution + 0.02 * float(high), 3),
                "rms": None
                if final["rms"] is None
                else round(_number(final, "rms") * (1.0 + 0.1 * float(scatter)), 4),
                "lambda": LAMBDA,
            }
        )
    return found


def _field(row: Row, picture: str, stars: tuple[Star, ...]) -> Field:
    centre = _number(row, "ra"), _number(row, "dec")
    seeing, time = _number(row, "sky_res"), _number(row, "texptime")
    return Field(picture, centre, stars, seeing, time)


def _limit(time: float, seeing: float) -> float:
    gain = 1.25 * np.log10(time / REFERENCE_TIME)
    loss = 2.5 * np.log10(seeing / REFERENCE_SEEING)
    return round(float(LIMIT + gain - loss), 2)


def _number(row: Row, name: str) -> float:
    value = row[name]
    assert isinstance(value, (int, float))
    return float(value)


def _end(exposure: Exposure) -> float:
    return mjd(exposure.start) + exposure.exposure_time / 86400.0


def _days(moment: float) -> float:
    return round(moment, 8)
