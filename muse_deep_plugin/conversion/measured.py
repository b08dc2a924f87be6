"""What an IDP says of the quality of its cube."""

from typing import TYPE_CHECKING

from muse_deep_plugin.conversion.dataset import Dataset
from muse_deep_plugin.conversion.idp_cards import Measured
from phoenix_core.errors import IngestionError

if TYPE_CHECKING:
    from astropy.io import fits


def measured_of(dataset: Dataset, primary: "fits.Header") -> Measured:
    """Return what the QC report has, if it has all three: they belong together.

    ABMAGLIM is that of a point source of SKY_RES. Else the cube is measured here.

    Raises:
        IngestionError: nothing tells the resolution, or the cube has no noise.
    """
    known = dataset.report.parameters
    keys = ("SKY_RES", "PIXNOISE", "ABMAGLIM")
    resolution, noise, limit = (_positive([known.get(key)]) for key in keys)
    if resolution and noise and limit:
        return Measured(resolution, "default", noise, limit)
    measured = _positive([known.get("FWHM"), primary.get("ESO QC EXPCOMB FWHM MEDIAN")])
    seeing = ("ESO TEL IA FWHMLIN", "ESO TEL AMBI FWHM START")
    default = _positive([known.get("SEEING"), *(primary.get(key) for key in seeing)])
    resolution = measured or default
    if resolution is None:
        raise IngestionError(
            f"{dataset.cube}: nothing tells SKY_RES, neither a measured FWHM nor the "
            "seeing"
        )
    from muse_deep_plugin.qc_cube import measure_cube  # noqa: PLC0415, costs start-up
    from muse_deep_plugin.qc_depth import abmaglim, pixnoise  # noqa: PLC0415

    measures = measure_cube(dataset.cube)
    noise, limit = pixnoise(measures), abmaglim(measures, resolution)
    if noise is None or limit is None:
        raise IngestionError(
            f"{dataset.cube}: PIXNOISE and ABMAGLIM cannot be measured in it"
        )
    how = "measured" if measured else "default"
    return Measured(resolution, how, noise, limit)


def _positive(values: list[object]) -> float | None:
    """The first number above 0."""
    numbers = (v for v in values if isinstance(v, int | float))
    return next((float(v) for v in numbers if v > 0), None)
