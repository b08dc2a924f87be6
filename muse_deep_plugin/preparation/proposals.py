"""Help in the decision: what combining gains, and what stands out. It decides nothing.

The depth of n equal exposures grows with sqrt(n) in signal to noise; in magnitudes, for
times: 1.25 log10(all / deepest single datacube). Residual sky makes it less. Limits
are ours, where no source is said.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from attrs import field, frozen

from muse_deep_plugin.exposure_time import time_stamp
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.sky import separation
from phoenix_core.words.plain_text import counted, number, plain

SAME_POINTING: Final = 10.0
"""Arcsec between centres that are one pointing: dithers and acquisition are within."""
OVERLAP: Final = 60.0
"""Arcsec between centres of fields that overlap: the field of view is 1 arcmin."""
SHORT: Final = 0.5
"""Of the median exposure time of the OB: an aborted exposure adds more noise."""
EXTREME_SEEING: Final = 1.5
"""Times the constraint: moderate deviations are accepted, as in published results."""
WORSE_SEEING: Final = 1.2
"""Times the median of the target: where all are bad, none stands out."""
FAR_BACKGROUND: Final = 5.0
"""Deviations (MAD, scaled to sigma) from the median of the background."""
LEAST_DEVIATION: Final = 2.0
"""Of the background, in its unit: less is not told apart."""
LOW_BACKGROUND: Final = -20.0
"""Limit of bit 8 (HISTO_BKG) of the score bits of MUSE."""
_TO_SIGMA: Final = 1.4826
_FEWEST_TO_COMPARE: Final = 3
_SEVERAL: Final = 2
_MOST_NAMES: Final = 3  # told of a pointing; ours
_ARCSEC: Final = 3600.0
_BAD_GRADES: Final = ("C", "D")


@frozen
class Proposal:
    """What is proposed for a datacube or an exposure that stands out, and why."""

    pipefile: str
    is_keep: bool
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        """In one line, as it stands in a target list."""
        word = "keep" if self.is_keep else "drop"
        return f"proposal: {word}, {', '.join(self.reasons)}"


@frozen
class Pointing:
    """A field on the sky (degrees, mean of centres), and the datacubes that show it."""

    ra: float
    dec: float
    pipefiles: tuple[str, ...]


@frozen
class Twin:
    """Two targets that are one pointing; the separation in arcsec."""

    targets: tuple[str, str]
    separation: float


@frozen
class Advice:
    """What is known of a candidate target.

    `gain` is the depth in mag over the deepest single datacube, None where no times
    are known; `times` are those of the datacubes in s.
    """

    target: str
    times: tuple[float, ...]
    gain: float | None
    pointings: tuple[Pointing, ...]
    proposals: Mapping[str, Proposal] = field(factory=dict)

    @property
    def largest_separation(self) -> float:
        """Between pointings, in arcsec; 0 for one."""
        places = [(one.ra, one.dec) for one in self.pointings]
        return max((_arcsec(a, b) for a in places for b in places), default=0.0)


def depth_gain(times: Iterable[float | None]) -> float | None:
    """Return what combining gains in depth over the deepest one, in mag.

    >>> round(depth_gain([600.0] * 4), 2), depth_gain([None])
    (0.75, None)
    """
    known = [time for time in times if time and math.isfinite(time) and time > 0]
    if not known:
        return None
    return 1.25 * math.log10(math.fsum(known) / max(known))


def advise(
    target: str, cubes: Sequence[Datacube], exposures: Sequence[Datacube]
) -> Advice:
    """Return what is known of a target.

    Args:
        target: its name.
        cubes: its final datacubes.
        exposures: those of single exposures; what is part of none of `cubes` is left.
    """
    members = members_of(cubes, exposures)
    shown = [e for cube in cubes for e in members[cube.pipefile] or (cube,)]
    of_ob = _by_ob(cubes, members)
    found = {e.pipefile: _stands_out(e, of_ob[e.pipefile], shown) for e in shown}
    for cube in cubes:
        reasons = list(found.get(cube.pipefile, ()))
        if cube.grd.strip().upper() in _BAD_GRADES:
            reasons.append((f"grade {plain(cube.grd)}", True))
        dropped = [e for e in members[cube.pipefile] if _is_dropped(found[e.pipefile])]
        if dropped and len(dropped) == len(members[cube.pipefile]):
            reasons.append(("as all of its exposures", False))
        found[cube.pipefile] = reasons
    return Advice(
        target,
        _times(cubes),
        depth_gain(_times(cubes)),
        pointings(cubes),
        {
            name: Proposal(name, not _is_dropped(why), tuple(text for text, _ in why))
            for name, why in found.items()
            if why
        },
    )


def outlook(cubes: Sequence[Datacube]) -> tuple[str, ...]:
    """Return what can be told of all targets of final datacubes, SKY left out.

    Told are targets that combining may gain something for: those of two datacubes or
    more, and those whose pointing has another name, too.
    """
    by_name: dict[str, list[Datacube]] = defaultdict(list)
    for cube in cubes:
        if not cube.is_sky and cube.target.strip():
            by_name[cube.target].append(cube)
    advised = [
        Advice(name, _times(of), depth_gain(_times(of)), pointings(of))
        for name, of in sorted(by_name.items(), key=lambda item: item[0].casefold())
    ]
    all_twins = twins(advised)
    return tuple(line for one in advised for line in told(one, all_twins))


def members_of(
    cubes: Sequence[Datacube], exposures: Sequence[Datacube]
) -> Mapping[str, tuple[Datacube, ...]]:
    """Return the exposures of each combined datacube, in their order, SKY left out."""
    found: dict[str, list[Datacube]] = {cube.pipefile: [] for cube in cubes}
    for exposure in exposures:
        if exposure.combined in found and not exposure.is_sky:
            found[exposure.combined].append(exposure)
    return {name: tuple(of_cube) for name, of_cube in found.items()}


def pointings(cubes: Sequence[Datacube]) -> tuple[Pointing, ...]:
    """Return the pointings of datacubes, by their real centres, the first one first.

    Datacubes are one pointing that a chain of steps of `SAME_POINTING` links.
    """
    places = [(cube, place) for cube in cubes if (place := place_of(cube.ra, cube.dec))]
    found = []
    for cluster in _linked([place for _, place in places], SAME_POINTING):
        members = [places[index] for index in cluster]
        ra, dec = _centre([place for _, place in members])
        found.append(Pointing(ra, dec, tuple(cube.pipefile for cube, _ in members)))
    return tuple(found)


def twins(advised: Sequence[Advice]) -> tuple[Twin, ...]:
    """Return targets of different names that have a pointing in common."""
    spots = sorted(
        (point.dec, point.ra, one.target) for one in advised for point in one.pointings
    )
    nearest: dict[tuple[str, str], float] = {}
    for index, (dec, ra, target) in enumerate(spots):
        for other_dec, other_ra, other in spots[index + 1 :]:
            if (other_dec - dec) * _ARCSEC > SAME_POINTING:
                break
            away = _arcsec((ra, dec), (other_ra, other_dec))
            if other != target and away <= SAME_POINTING:
                names = (min(target, other), max(target, other))
                nearest[names] = min(away, nearest.get(names, away))
    return tuple(Twin(names, away) for names, away in sorted(nearest.items()))


def told(advice: Advice, all_twins: Sequence[Twin] = ()) -> tuple[str, ...]:
    """Return what a person is told of a target, a line each."""
    name = plain(advice.target)
    count, total = len(advice.times), math.fsum(advice.times)
    lines = []
    if count > 1 and advice.gain is not None:
        lines.append(
            f"{name}: {count} datacubes, {number(total)} s; combining gains "
            f"{advice.gain:.2f} mag over the deepest (sqrt of time)"
        )
    if len(advice.pointings) > 1:
        lines.append(f"{name}: {_told_pointings(advice)}; name them apart in TARGET?")
    for twin in all_twins:
        if advice.target in twin.targets:
            other = next(t for t in twin.targets if t != advice.target)
            away = f"{twin.separation:.1f} arcsec"
            lines.append(
                f"{name}: the pointing of {plain(other)} ({away}); one name for both?"
            )
    return tuple(lines)


def pointing_names(advice: Advice) -> Mapping[str, str]:
    """Return P1, P2 ... by datacube where a target has several pointings, else none."""
    if len(advice.pointings) < _SEVERAL:
        return {}
    return {
        name: f"P{count}"
        for count, point in enumerate(advice.pointings, start=1)
        for name in point.pipefiles
    }


def _times(cubes: Sequence[Datacube]) -> tuple[float, ...]:
    return tuple(cube.texptime for cube in cubes if cube.texptime)


def _by_ob(
    cubes: Sequence[Datacube], members: Mapping[str, Sequence[Datacube]]
) -> Mapping[str, Sequence[Datacube]]:
    """Return the exposures of its OB for each exposure, that one among them.

    Where the OB is not known, they are those of the datacube.
    """
    obs: dict[tuple[str, int | str], list[Datacube]] = defaultdict(list)
    for cube in cubes:
        ob = cube.pipefile if cube.ob_id is None else cube.ob_id
        obs[cube.run_id, ob] += members[cube.pipefile] or (cube,)
    return {one.pipefile: of for of in obs.values() for one in of}


def _told_pointings(advice: Advice) -> str:
    parts = [
        f"P{count} {point.ra:.5f} {point.dec:+.5f} "
        f"({counted(len(point.pipefiles), 'datacube')}: {_told_names(point.pipefiles)})"
        for count, point in enumerate(advice.pointings, start=1)
    ]
    away = advice.largest_separation
    how = "overlapping" if away <= OVERLAP else "which do not all overlap"
    return (
        f"{len(parts)} pointings, up to {away:.0f} arcsec apart, {how}: "
        f"{', '.join(parts)}"
    )


def _told_names(pipefiles: Sequence[str]) -> str:
    """The times that datacubes are named after, the first few of them."""
    names = [plain(time_stamp(name) or name) for name in pipefiles[:_MOST_NAMES]]
    more = len(pipefiles) - len(names)
    return ", ".join([*names, f"{more} more"] if more else names)


_Reason = tuple[str, bool]  # and whether it is one to keep it all the same


def _is_dropped(reasons: Iterable[_Reason]) -> bool:
    return any(not is_keep for _, is_keep in reasons)


def _stands_out(
    one: Datacube, of_ob: Sequence[Datacube], others: Sequence[Datacube]
) -> list[_Reason]:
    """Why an exposure stands out in its OB, and in its target (itself included)."""
    found = (_short(one, of_ob, others), _seeing(one, others), _background(one, others))
    return [reason for reason in found if reason]


def _short(
    one: Datacube, of_ob: Sequence[Datacube], others: Sequence[Datacube]
) -> _Reason | None:
    """An OB may be designed with shorter exposures; within one they are alike."""
    for among, said, is_keep in (
        (of_ob, "", False),
        (others, "shorter than the others, ", True),
    ):
        usual = _median(among, lambda cube: cube.texptime)
        if one.texptime is not None and usual and one.texptime < SHORT * usual:
            return f"{said}{number(one.texptime)} s of {number(usual)} s", is_keep
    return None


def _seeing(one: Datacube, others: Sequence[Datacube]) -> _Reason | None:
    seeing, asked = seeing_of(one), one.ambi_req
    if seeing is None or not asked or seeing <= asked:
        return None
    usual = _median(others, seeing_of) or seeing
    is_extreme = seeing > EXTREME_SEEING * asked and seeing > WORSE_SEEING * usual
    return f"seeing {seeing:.2f} of {asked:.2f} arcsec", not is_extreme


def _background(one: Datacube, others: Sequence[Datacube]) -> _Reason | None:
    here = one.histo_bkg
    known = [cube.histo_bkg for cube in others if cube.histo_bkg is not None]
    if here is None:
        return None
    if len(known) >= _FEWEST_TO_COMPARE:
        usual = statistics.median(known)
        spread = _TO_SIGMA * statistics.median(abs(value - usual) for value in known)
        if abs(here - usual) > FAR_BACKGROUND * max(spread, LEAST_DEVIATION):
            return f"background {number(here)}, the others {number(usual)}", False
    if here < LOW_BACKGROUND:
        return f"background {number(here)}, below {number(LOW_BACKGROUND)}", True
    return None


def seeing_of(cube: Datacube) -> float | None:
    """Return what the seeing is judged by, in arcsec.

    SKY_RES, or the slow guiding system's where it is not known.
    """
    return cube.sgs_x_med if cube.sky_res is None else cube.sky_res


def _median(
    cubes: Sequence[Datacube], value_of: Callable[[Datacube], float | None]
) -> float | None:
    known = [value for cube in cubes if (value := value_of(cube)) is not None]
    return statistics.median(known) if known else None


def place_of(ra: float | None, dec: float | None) -> tuple[float, float] | None:
    """Return a place on the sky in degrees, None where it is not known."""
    if ra is None or dec is None or not (math.isfinite(ra) and math.isfinite(dec)):
        return None
    return ra, dec


def _arcsec(one: tuple[float, float], other: tuple[float, float]) -> float:
    return separation(one, other) * _ARCSEC


def _linked(places: Sequence[tuple[float, float]], length: float) -> list[list[int]]:
    """Return clusters of indices: what a chain of steps up to a length links."""
    if all(_arcsec(places[0], there) <= length for there in places[1:]):
        return [list(range(len(places)))] if places else []
    cluster_of = list(range(len(places)))
    for index, here in enumerate(places):
        near: set[int] = set()
        for cluster, there in zip(cluster_of, places[:index], strict=False):
            if cluster not in near and _arcsec(here, there) <= length:
                near.add(cluster)
        joined = min(near, default=index)
        cluster_of = [joined if c in near else c for c in cluster_of]
        cluster_of[index] = joined
    found: dict[int, list[int]] = defaultdict(list)
    for index, cluster in enumerate(cluster_of):
        found[cluster].append(index)
    return list(found.values())


def _centre(places: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The mean of places that are close; right ascension may pass 360 degrees."""
    first = places[0][0]
    shifts = [(ra - first + 180.0) % 360.0 - 180.0 for ra, _ in places]
    ra = (first + math.fsum(shifts) / len(shifts)) % 360.0
    return ra, math.fsum(dec for _, dec in places) / len(places)
