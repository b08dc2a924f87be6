"""What does not fit in a deep cube or an exposure, said so that a person can act.

Each deviation is a line that begins with WARNING or ERROR and a name, tells which
exposures are to blame, and what to do.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from muse_deep_plugin.qc_members import Alignment, Member, median_time
from muse_deep_plugin.qc_scores import Options, Parameters, number
from phoenix_core.model import AssociationBlock, Run, Score

HIGH_BACKGROUND: Final = "High_background"
"""Its spelling is that of the page of MUSE_DEEP."""

_TOLD: Final = 6  # exposures; there may be a hundred
_NEEDED: Final = 2  # exposures that are left, or there is nothing to combine


@frozen
class Deviation:
    """One thing that is wrong.

    `culprits` are names of pst ABs with what was measured; to drop them is the
    remedy where `can_drop`.
    """

    name: str
    told: str
    culprits: Mapping[str, str] = {}
    advice: str = ""
    can_drop: bool = False
    is_error: bool = False
    of: str = "N_DEVIATIONS"  # the parameter that counts it

    def line(self, run: Run, block: AssociationBlock, count: int) -> str:
        """Say it in one line.

        Args:
            run: the run.
            block: the dpc AB.
            count: exposures that it names.
        """
        word = "ERROR" if self.is_error else "WARNING"
        names = list(self.culprits)
        shown = [
            f"{name} ({value})" if (value := self.culprits[name]) else name
            for name in names[:_TOLD]
        ]
        more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
        blamed = f"; {', '.join(shown)}{more}" if shown else ""
        return (
            f"{word} {self.name}: {self.told}{blamed}{self._advice(run, block, count)}"
        )

    def _advice(self, run: Run, block: AssociationBlock, count: int) -> str:
        parts = [self.advice] if self.advice else []
        are_few = 0 < len(self.culprits) <= min(_TOLD, count - _NEEDED)
        if self.can_drop and are_few:
            drops = " ".join(f"--drop {_exposure(name)}" for name in self.culprits)
            parts.append(
                f"to combine without: phoenix {run.option} {drops} -a {block.name}"
            )
        return f"; {'; '.join(parts)}" if parts else ""


def deep_deviations(
    parameters: Parameters,
    members: Sequence[Member],
    aligned: Alignment,
    options: Options,
) -> tuple[Deviation, ...]:
    """Say what is wrong with a deep cube and its exposures."""
    found = [
        *_incomplete(members, options),
        *_wrong_size(parameters, options),
        *_unaligned(members, aligned, options),
        *_other_flux(members, options),
        *_other_background(members, options),
        *_shallow(parameters, options),
        *_unmeasured(parameters),
        *_without_sources(parameters),
    ]
    return (*found, *_other_scores(members))


def single_comments(scores: Sequence[Score]) -> tuple[str, ...]:
    """Say what the red scores of an exposure mean."""
    return tuple(
        f"WARNING {_name_of(score)}: {score.name} is {_value(score)}; {_meaning(score)}"
        for score in scores
        if not score.is_passed
    )


# Complete, and as large as it should be -----------------------------------------


def _incomplete(members: Sequence[Member], options: Options) -> Sequence[Deviation]:
    found = []
    if any(one.offset for one in members):
        missing = {one.name: "" for one in members if one.offset is None}
        if missing:
            found.append(
                Deviation(
                    "Not_combined",
                    f"{len(missing)} of {len(members)} exposures are not in the cube",
                    missing,
                    "look into the log of the dpc AB and process these pst ABs again",
                    is_error=True,
                    of="COMPLETENESS",
                )
            )
    if short := short_exposures(members, options):
        found.append(
            Deviation(
                "Short_exposure",
                f"below {options.short_max:g} of the median exposure time",
                short,
                "it was aborted, perhaps: look at its OB comment",
                can_drop=True,
                of="COMPLETENESS",
            )
        )
    if unseen := {one.name: "" for one in members if one.report is None}:
        found.append(
            Deviation(
                "No_QC",
                "exposures without a QC report cannot be compared",
                unseen,
                "call processQC -a with these ABs, then with the dpc AB again",
                of="",
            )
        )
    return found


def short_exposures(members: Sequence[Member], options: Options) -> dict[str, str]:
    """Return the exposures that are far shorter than most, with their times."""
    usual = median_time(members)
    if not usual:
        return {}
    times = {one.name: one.number("EXPTIME") for one in members}
    return {
        name: f"{time:g} s of {usual:g} s"
        for name, time in times.items()
        if time is not None and time < options.short_max * usual
    }


def _wrong_size(parameters: Parameters, options: Options) -> Sequence[Deviation]:
    ratio = number(parameters, "SIZE_RATIO")
    sizes = [one for one in options.of_deep if one.parameter == "SIZE_RATIO"]
    if ratio is None or all(one.score(parameters).is_passed for one in sizes):
        return ()
    told = f"the cube has {ratio:.2f} of the voxels that its exposures cover"
    advice = "look at the exposure map and into the log of the dpc AB"
    return (Deviation("Cube_size", told, advice=advice, of="SIZE_RATIO"),)


# Exposures that do not fit the others -------------------------------------------


def _unaligned(
    members: Sequence[Member], aligned: Alignment, options: Options
) -> Sequence[Deviation]:
    found = []
    if members and not any(one.offset for one in members):
        found.append(
            Deviation(
                "Not_aligned",
                "no offsets were applied",
                advice="give the dpc AB the OFFSET_LIST of its dal AB",
            )
        )
    unmatched = {
        one.name: f"{one.matches} matches"
        for one in members
        if one.matches is not None and one.matches < 1
    }
    if unmatched or aligned.unmatched:
        found.append(
            Deviation(
                "Unmatched",
                "no source in common with the others: the offset means nothing",
                unmatched,
                "see the dal AB",
                can_drop=True,
            )
        )
    off = {
        one.name: f"{distance:.2f} arcsec"
        for one in members
        if (distance := one.distance) is not None
        and distance > options.shift_max
        and one.name not in unmatched
    }
    if off:
        found.append(
            Deviation(
                "Misaligned",
                f"more than {options.shift_max:g} arcsec from the others",
                off,
                _either(members, off, "correct the offsets, or align again"),
                can_drop=True,
            )
        )
    return found


def _other_flux(members: Sequence[Member], options: Options) -> Sequence[Deviation]:
    low, high = options.flux_ratio_min, options.flux_ratio_max
    odd = {
        one.name: f"{one.flux:.2f} times"
        for one in members
        if one.flux is not None and not low <= one.flux <= high
    }
    if not odd:
        return ()
    return (
        Deviation(
            "Different_flux",
            f"fluxes of stars not within {low:g} to {high:g} times those of the others",
            odd,
            _either(members, odd, "look at its flux calibration and for clouds"),
            can_drop=True,
        ),
    )


def _other_background(
    members: Sequence[Member], options: Options
) -> Sequence[Deviation]:
    lowest, highest = options.background
    levels = {one.name: one.number("HISTO_BKG") for one in members}
    high = {n: f"{v:.3g}" for n, v in levels.items() if v is not None and v > highest}
    low = {n: f"{v:.3g}" for n, v in levels.items() if v is not None and v < lowest}
    found = []
    if high:
        found.append(
            Deviation(
                HIGH_BACKGROUND,
                f"above {highest:g} in {len(high)} of {len(members)} exposures",
                high,
                "too close to dawn, or the moon",
                can_drop=True,
            )
        )
    if low:
        found.append(
            Deviation(
                "Negative_background",
                f"below {lowest:g} in {len(low)} of {len(members)} exposures: too much "
                "sky was subtracted",
                low,
                "look at the SKY exposure; without one, process the target as CROWDED",
                can_drop=True,
            )
        )
    return found


def _either(members: Sequence[Member], odd: Mapping[str, str], advice: str) -> str:
    """Of two that differ nobody can say which one is odd."""
    if len(members) == _NEEDED and len(odd) == _NEEDED:
        return f"one of the two, which cannot be told; {advice}"
    return advice


# The deep cube itself -----------------------------------------------------------


def _shallow(parameters: Parameters, options: Options) -> Sequence[Deviation]:
    found = []
    gain = number(parameters, "NOISE_GAIN")
    if gain is not None and gain < options.noise_gain_min:
        found.append(
            Deviation(
                "Shallow",
                f"the noise gained {gain:.2f} of what {_count(parameters)} exposures "
                "promise",
                advice="look at the sky residuals and at the backgrounds of exposures",
            )
        )
    sharp = number(parameters, "FWHM_WHITE") or number(parameters, "FWHM")
    singles = number(parameters, "FWHM_SINGLES")
    if sharp and singles and sharp > options.fwhm_growth_max * singles:
        found.append(
            Deviation(
                "Blurred",
                f"sources of {sharp:.2f} arcsec, those of the exposures {singles:.2f}",
                advice="look at the alignment",
            )
        )
    return found


def _unmeasured(parameters: Parameters) -> Sequence[Deviation]:
    """What has no noise is never shallow: nobody may take it for a good cube."""
    if not number(parameters, "NOISE"):
        told = "no noise can be measured: values are missing, or all alike"
        return (Deviation("No_noise", told, advice="look into the log of the dpc AB"),)
    if not number(parameters, "NOISE_PROPAGATED"):
        told = "STAT is missing, or promises no noise"
        return (Deviation("No_stat", told, advice="look into the log of the dpc AB"),)
    return ()


def _count(parameters: Parameters) -> str:
    return f"{number(parameters, 'N_EXPOSURES') or 0:g}"


def _without_sources(parameters: Parameters) -> Sequence[Deviation]:
    if number(parameters, "NUM_SRC") != 0:
        return ()
    told = "no source in the cube: neither alignment nor fluxes can be checked"
    return (Deviation("No_sources", told, advice="look at the image", of=""),)


def _other_scores(members: Sequence[Member]) -> Sequence[Deviation]:
    """Red scores of exposures of which nothing was said yet."""
    red: dict[str, str] = {}
    for one in members:
        scores = one.report.scores if one.report else ()
        names = [s.name for s in scores if not s.is_passed and s.name != "HISTO_BKG"]
        if names:
            red[one.name] = ", ".join(names)
    if not red:
        return ()
    told = f"{len(red)} of {len(members)} exposures have red scores"
    advice = "look at their QC reports; no reason to drop them by itself"
    return (Deviation("Red_exposures", told, red, advice, of=""),)


# Exposures by themselves --------------------------------------------------------

_MEANINGS: Final = {
    "NUM_SAT": ("Saturated", "bright stars have no true flux"),
    "WDEL_MAX": ("Wavelength_shift", "look at the arcs of that night"),
    "NUM_SRC": ("No_sources", "it cannot be aligned: look at the image"),
    "HISTO_BKG": ("Background", ""),
    "LSHIFT_MAX": ("Wavelength_residual", "look at the arcs of that night"),
    "SKY_LINES": ("Sky_lines", "the sky lines are badly subtracted: look at the SKY"),
    "FWHM": ("Seeing", "worse than the OB asks for; no reason to drop it by itself"),
}


def _name_of(score: Score) -> str:
    if score.name == "HISTO_BKG" and score.value is not None:
        is_high = score.high is not None and score.value > score.high
        return HIGH_BACKGROUND if is_high else "Negative_background"
    return _MEANINGS.get(score.name, (score.name, ""))[0]


def _meaning(score: Score) -> str:
    if score.name == "HISTO_BKG" and score.value is not None:
        return (
            "too close to dawn, or the moon: not to be combined"
            if _name_of(score) == HIGH_BACKGROUND
            else "more than the sky was subtracted: look at the SKY exposure"
        )
    meaning = _MEANINGS.get(score.name, ("", score.comment))[1]
    return meaning or "look at the plot"


def _value(score: Score) -> str:
    if score.value is None:
        return "not known"
    limits = [
        f"at least {score.low:g}" if score.low is not None else "",
        f"at most {score.high:g}" if score.high is not None else "",
    ]
    return f"{score.value:.4g}, expected {', '.join(one for one in limits if one)}"


def _exposure(name: str) -> str:
    """The raw exposure of a pst AB."""
    return name.removesuffix(".ab").split("_", 1)[0]


def middle(values: Sequence[float | None]) -> float | None:
    """Return the median of what is known."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
