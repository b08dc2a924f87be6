"""What a QC plot says of a cube in words: the line below the target, the facts."""

from collections.abc import Sequence

from muse_deep_plugin.qc_cube import CubeMeasures
from muse_deep_plugin.qc_scores import Parameters, number
from muse_deep_plugin.qc_text import NONE, duration, in_arcsec, in_digits, plain


def heading(parameters: Parameters, *, is_deep: bool) -> str:
    """Return what a cube is: kind, pattern, exposure time, mode of the instrument."""
    text = parameters.get
    words = ["deep datacube" if is_deep else "single exposure"]
    if pattern := text("PATTERN"):
        words.append(plain(pattern, 20))
    seconds = number(parameters, "TEXPTIME") or number(parameters, "EXPTIME")
    words += [duration(seconds), plain(text("INS_MODE", ""), 26)]
    if not is_deep:
        words.append(plain(text("DATE_OBS", ""))[:19].replace("T", "  "))
    return "   ·   ".join(word for word in words if word not in {"", NONE})


def facts(
    parameters: Parameters, measures: CubeMeasures, *, is_deep: bool
) -> Sequence[tuple[str, str]]:
    """Return name and value of what was measured, in the order it is shown."""

    def get(name: str) -> float | None:
        return number(parameters, name)

    text = parameters.get
    planes, rows, columns = measures.shape
    low, high = get("LAMBDA_MIN"), get("LAMBDA_MAX")
    covered = f"{low:.0f} to {high:.0f} Å" if low and high else "no wavelengths"
    level, spread = in_digits(get("BKG_MEDIAN")), in_digits(get("BKG_MAD"), 2)
    fraction = get("NAN_FRACTION")
    missing = f"{100 * fraction:.1f} %" if fraction is not None else NONE
    measured, propagated = in_digits(get("NOISE")), in_digits(get("NOISE_PROPAGATED"))
    if is_deep:
        combined, expected = in_digits(get("N_EXPOSURES")), in_digits(get("N_EXPECTED"))
        first = ("Exposures", f"{combined} combined of {expected}")
        obs = ("OBs", plain(text("OB_IDS") or NONE, 30))
    else:
        first = ("OB name", plain(text("OB_NAME") or NONE, 30))
        obs = ("OB", plain(text("OB_ID", NONE), 30))
    fwhm, seen = in_arcsec(get("FWHM")), in_arcsec(get("SEEING"))
    return (
        first,
        obs,
        ("Cube", f"{columns} x {rows} x {planes}"),
        ("Wavelengths", covered),
        ("FWHM", f"{fwhm}, seeing {seen}"),
        ("ABMAGLIM", in_digits(get("ABMAGLIM"), 4, " mag")),
        ("Noise", f"{measured}, STAT {propagated}"),
        ("Background", f"{level} ± {spread} (MAD)"),
        ("Residual 5577 Å", in_digits(get("SKY_5577"))),
        ("Without data", missing),
        ("Saturated pixels", in_digits(get("NUM_SAT"), 6)),
        ("Largest λ shift", in_digits(get("LSHIFT_MAX"), unit=" Å")),
    )
