"""What only the cube of one exposure is measured for."""

from muse_deep_plugin.qc_cube import CubeMeasures
from muse_deep_plugin.qc_keywords import Value
from muse_deep_plugin.qc_origin import sky_lines, sky_method
from muse_deep_plugin.qc_shift import barycentric_velocity, largest_shift, line_fluxes
from muse_deep_plugin.recipe_params import param_value
from phoenix_core.model import AssociationBlock, Product, Run


def exposure_parameters(measures: CubeMeasures) -> dict[str, Value]:
    """Return what the header says of an exposure."""
    exposure = measures.header.get("EXPTIME")
    is_number = isinstance(exposure, int | float)
    total = {"TEXPTIME": float(exposure)} if is_number else {}
    kind = str(measures.header.get("ESO DPR TYPE", "OBJECT"))
    is_sky = kind.startswith("SKY")
    data_type = "DATACUBE_SKY" if is_sky else "DATACUBE_SINGLE"
    return {"N_EXPOSURES": 1, "DATA_TYPE": data_type, **total}


def residual_shift(
    run: Run, block: AssociationBlock, measures: CubeMeasures, cube: Product
) -> float | None:
    """Return the largest residual shift of sky lines, in Angstrom, if one tells."""
    if not measures.has_wavelength:
        return None
    velocity: float | None = 0.0
    if param_value(block.params, "rvcorr", "bary") != "none":
        velocity = barycentric_velocity(measures.header)
    fluxes = None
    if sky_method(block) != "none":
        table = sky_lines(run, block)
        fluxes = line_fluxes(table) if table else {}
    if velocity is None:
        return None
    return largest_shift(cube.path, measures.wavelength, fluxes, velocity)
