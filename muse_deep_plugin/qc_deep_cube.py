"""What only a deep cube is measured for: its exposures, their alignment, its depth."""

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from muse_deep_plugin.qc_any_cube import known_ones
from muse_deep_plugin.qc_compare import rotated_difference
from muse_deep_plugin.qc_cube import CubeMeasures
from muse_deep_plugin.qc_depth import sky_res
from muse_deep_plugin.qc_deviations import Deviation, middle, short_exposures
from muse_deep_plugin.qc_keywords import Offset, Value, offsets
from muse_deep_plugin.qc_members import Alignment, Member, reports_of, tables_in_sof
from muse_deep_plugin.qc_scores import Options, number
from muse_deep_plugin.score_bit import ALIGNMENT
from phoenix_core.model import AssociationBlock, QcReport


def deep_parameters(
    block: AssociationBlock,
    measures: CubeMeasures,
    members: Sequence[Member],
    noise: float | None,
) -> dict[str, Value]:
    """What only the cube of several exposures has."""
    expected = tables_in_sof(block)
    combined = len(offsets(measures.header))
    singles = reports_of(members)
    found: dict[str, Value] = {
        "DATA_TYPE": "DATACUBE_DEEP",
        "N_EXPECTED": expected,
        "N_SINGLE_QC": len(singles),
    }
    if combined:  # one OFFSETi each; the recipe writes none without an OFFSET_LIST
        found |= {"N_EXPOSURES": combined, "PATTERN": f"DEEP_{combined}"}
    times = [number(report.parameters, "EXPTIME") for report in singles]
    if times and len(times) == expected and None not in times:
        found["TEXPTIME"] = math.fsum(time for time in times if time is not None)
    obs = dict.fromkeys(report.parameters.get("OB_ID") for report in singles)
    sharp = [
        number(one.parameters, "FWHM_WHITE") or number(one.parameters, "FWHM")
        for one in singles
    ]
    if seen := [fwhm for fwhm in sharp if fwhm]:
        found["FWHM_SINGLES"] = statistics.median(seen)
    found["OB_IDS"] = " ".join(str(ob) for ob in obs if ob is not None)
    noises = [number(report.parameters, "NOISE") for report in singles]
    known = [noise for noise in noises if noise]
    if known and combined:
        promised = statistics.median(known) / math.sqrt(combined)
        found["NOISE_EXPECTED"] = promised
        if noise:
            found["NOISE_GAIN"] = promised / noise
    shifts = [s for one in members if (s := one.number("LSHIFT_MAX")) is not None]
    if shifts and len(shifts) == expected:
        found["LSHIFT_MAX"] = max(shifts)
    return found


def deep_sky_res(
    measures: CubeMeasures,
    singles: Sequence[QcReport],
    parameters: Mapping[str, Value],
) -> float | None:
    """The mean of the exposures, of which the deep cube's header has the first alone.

    None where that of one is not known, unless the recipe has written it.
    """
    if "SKY_RES" in measures.header:
        return sky_res(measures.header)
    each = [number(report.parameters, "SKY_RES") for report in singles]
    known = [one for one in each if one]
    is_complete = known and len(known) == number(parameters, "N_EXPECTED")
    return statistics.fmean(known) if is_complete else None


def depth_gain(
    parameters: Mapping[str, Value], singles: Sequence[QcReport]
) -> dict[str, Value]:
    """How much deeper the deep cube is than an exposure, and should be.

    Noise goes down with the square root of time: 1.25 magnitudes for ten times more.
    """
    each = middle([number(one.parameters, "ABMAGLIM") for one in singles])
    usual = middle([number(one.parameters, "EXPTIME") for one in singles])
    limit, total = number(parameters, "ABMAGLIM"), number(parameters, "TEXPTIME")
    has_times = total and usual and total > 0 and usual > 0
    return known_ones(
        {
            "ABMAGLIM_SINGLES": each,
            "DEPTH_GAIN": None if None in {limit, each} else (limit or 0) - (each or 0),
            "DEPTH_GAIN_EXPECTED": 1.25 * math.log10((total or 1) / (usual or 1))
            if has_times
            else None,
        }
    )


def alignment_parameters(
    members: Sequence[Member], aligned: Alignment
) -> dict[str, Value]:
    """How the exposures were aligned, and what of it is left."""
    moved = [one.offset for one in members if one.offset]
    left = [one.distance for one in members if one.distance is not None]
    angles = [one.number("POSANG") for one in members]
    return known_ones(
        {
            "N_MATCH_MIN": aligned.fewest,
            "N_NOMATCH": aligned.unmatched,
            "OFFSET_MAX": max(map(_size, moved)) if moved else None,
            "SHIFT_MAX": max(left) if left else None,
            "SHIFT_RMS": math.sqrt(statistics.fmean(d**2 for d in left))
            if left
            else None,
            "SHIFT_ROTATED": rotated_difference([m.shift for m in members], angles),
        }
    )


def _size(offset: Offset) -> float:
    """How far an exposure was moved, in arcsec; its declination matters little here."""
    return 3600 * math.hypot(offset.dra, offset.ddec)


def member_parameters(members: Sequence[Member]) -> dict[str, Value]:
    """What each exposure adds: EXPn and a name."""
    found: dict[str, object] = {}
    for n, one in enumerate(members, start=1):
        found[f"EXP{n} NAME"] = one.exposure
        found[f"EXP{n} FLUX_RATIO"] = one.flux
        found[f"EXP{n} SHIFT"] = one.distance
        for name in ("HISTO_BKG", "EXPTIME", "ABMAGLIM"):
            found[f"EXP{n} {name}"] = one.number(name)
        sharp = one.number("FWHM_WHITE") or one.number("FWHM")
        found[f"EXP{n} FWHM"] = sharp
    fluxes = [one.flux for one in members if one.flux is not None]
    levels = [v for one in members if (v := one.number("HISTO_BKG")) is not None]
    for name, values in (("FLUX_RATIO", fluxes), ("BKG_EXPOSURES", levels)):
        if values:
            found |= {f"{name}_MIN": min(values), f"{name}_MAX": max(values)}
    return known_ones(found)


def size_ratio(
    measures: CubeMeasures, members: Sequence[Member], covered: int
) -> float | None:
    """Voxels of the cube by those that its exposures cover; planes of NaN are none."""
    planes = middle([one.number("NLAMBDA") for one in members])
    are_known = all(one.image for one in members if one.offset)
    if not (covered and planes and are_known):
        return None
    filled = int(np.isfinite(measures.white).sum())
    return filled * int(np.isfinite(measures.mean).sum()) / (covered * planes)


def counted(
    parameters: Mapping[str, Value],
    members: Sequence[Member],
    deviations: Sequence[Deviation],
    options: Options,
) -> dict[str, Value]:
    """What scores of a deep cube are of: complete exposures, and deviations."""
    expected = int(number(parameters, "N_EXPECTED") or 0)
    combined = int(number(parameters, "N_EXPOSURES") or 0)
    found: dict[str, Value] = {}
    if expected:
        short = set(short_exposures(members, options))
        lost = (
            {one.name for one in members if one.offset is None} if combined else set()
        )
        # Of exposures that no AB tells of, only the number is known.
        missing = max(len(lost), expected - combined, combined - expected)
        found["COMPLETENESS"] = (expected - missing - len(short - lost)) / expected
    if members and all(one.report for one in members):
        counted = [one for one in deviations if one.of == "N_DEVIATIONS"]
        found["N_DEVIATIONS"] = len(counted)
    return found


def is_aligned(
    parameters: Mapping[str, Value], members: Sequence[Member], aligned: Alignment
) -> bool:
    """Whether offsets were applied, all exposures matched, and none is left apart."""
    limits = (number(parameters, "SHIFT_ROTATED"), number(parameters, "SHIFT_MAX"))
    return (
        bool(members)
        and all(one.offset is not None for one in members)
        and all(one.matches for one in members)
        and aligned.unmatched == 0
        and all(shift is None or shift < ALIGNMENT for shift in limits)
    )
