"""The QC report of an OB's stack or tile: parameters, scores and the sheet.

Names: ours with underscores; those of the pipeline with the name of the chip behind
them where each chip has its own. Times in seconds, sizes in arcsec, magnitudes Vega.
"""

import re
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from phoenix_core.ab.inputs import find_file, paths
from phoenix_core.create_ab.notes import levels_of
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, Product, QcReport, Run
from phoenix_hawki.headers import Keywords, filter_of, number, primary_header, with_tag
from phoenix_hawki.qc_photometry import (
    Exposed,
    Reference,
    Star,
    clipped,
    measure_stars,
    pixel_scale,
    read_reference,
)
from phoenix_hawki.qc_scores import Options, science_scores
from phoenix_hawki.qc_sheet import Chip, Sheet, Source, draw_sheet
from phoenix_hawki.steps import SCIENCE

Value = str | int | float | bool

_CATALOGUE: Final = {"OBJECT_CATALOGUE_JITTERED", "TILED_OBJECT_CATALOGUE"}
_CONFIDENCE: Final = {"CONFIDENCE_MAP_JITTERED", "TILED_CONFIDENCE_MAP"}
_PROV: Final = re.compile(r"PROV\d+")
_PER_CHIP: Final = {
    "PSF_FWHM": "PSF_FWHM",
    "ELLIPTIC": "ELLIPTICITY",
    "ABMAGLIM": "ABMAGLIM",
    "ESO QC LIMITING_MAG": "LIMITING_MAG",
    "ESO QC SKYBRIGHT": "SKY_BRIGHTNESS",
    "ESO QC WCS_RMS": "WCS_RMS",
    "ESO QC MAGZPT": "MAGZPT",
    "ESO QC MAGNZPT": "MAGNZPT",
}
_WORST: Final = {"ABMAGLIM": min, "LIMITING_MAG": min, "WCS_RMS": max, "MAGNZPT": min}


def measure(
    run: Run,
    block: AssociationBlock,
    products: Sequence[Product],
    image: Path,
    options: Options,
) -> QcReport:
    """Measure, score and draw the image of an OB.

    Raises:
        ProcessingError: a product or a raw frame cannot be read.
    """
    catalogues = [p.path for p in products if p.category in _CATALOGUE]
    sources = _sources(catalogues[0]) if catalogues else ()
    header = primary_header(image)
    raws = _exposures(run, header)
    exposed = _exposed(raws or [header])
    parameters = _observation(block, header, raws, exposed)
    maps = [p.path for p in products if p.category in _CONFIDENCE]
    chips: list[Chip] = []
    stars: list[Star] = []
    try:
        with fits.open(image) as hdus:
            shown = [hdu for hdu in hdus if hdu.is_image and hdu.header["NAXIS"]]
            values = _image_parameters([hdu.header for hdu in shown])
            parameters |= values
            size = values.get("IMAGE_QUALITY")
            reference = _reference(run, block, str(parameters.get("FILTER", "")))
            seen = _covered(maps[0] if maps else None, shown)
            for hdu, covered in zip(shown, seen, strict=True):
                if reference and isinstance(size, float):
                    stars += measure_stars(hdu, covered, reference, exposed, size)
                chips.append(Chip.of(hdu, pixel_scale(hdu.header), covered))
    except (OSError, fits.VerifyError) as error:
        raise ProcessingError(f"{image}: {error}") from error
    parameters |= _star_parameters(stars, sources)
    parameters |= _difference(parameters)
    scores = science_scores(parameters, options)
    remarks = tuple(
        f"{tag} of level {level}" for tag, level in levels_of(block) if level > 1
    )
    sheet = Sheet(
        block=block.name,
        target=block.value("TARGET") or str(parameters.get("OBJECT", "")),
        is_tile=block.recipe != SCIENCE.recipe,
        parameters=parameters,
        scores=scores,
        comments=remarks,
        chips=tuple(chips),
        sources=sources,
        stars=tuple(stars),
    )
    return QcReport(
        block=block.name,
        recipe=block.recipe,
        target=sheet.target,
        parameters=parameters,
        scores=scores,
        comments=remarks,
        figures={"": draw_sheet(sheet)},
    )


def _exposures(run: Run, header: Keywords) -> tuple[Keywords, ...]:
    """The headers of the raw frames that an image names, as far as they are there."""
    found = []
    for keyword in header:
        if _PROV.fullmatch(keyword):
            with suppress(ProcessingError):
                path = find_file(run.config.directories.raw, str(header[keyword]))
                found.append(primary_header(path))
    return tuple(found)


def _covered(
    path: Path | None, shown: Sequence[fits.ImageHDU]
) -> list[NDArray[np.bool_]]:
    """The pixels of each image that an exposure has seen, by its confidence map."""
    if path is None:
        return [np.isfinite(hdu.data) for hdu in shown]
    with fits.open(path) as hdus:
        maps = [hdu.data > 0 for hdu in hdus if hdu.is_image and hdu.header["NAXIS"]]
    shapes = [hdu.shape for hdu in shown]
    if [one.shape for one in maps] != shapes:
        raise ProcessingError(f"{path} is of other pixels than the image: {shapes}")
    return maps


def _exposed(headers: Sequence[Keywords]) -> Exposed:
    """DIT and mean airmass of the exposures."""
    dit = next((d for header in headers if (d := number(header, "ESO DET DIT"))), 1.0)
    airmass = [
        value
        for header in headers
        for time in ("START", "END")
        if (value := number(header, f"ESO TEL AIRM {time}"))
    ]
    return Exposed(dit, statistics.fmean(airmass) if airmass else 1.0)


def _observation(
    block: AssociationBlock,
    header: Keywords,
    raws: Sequence[Keywords],
    exposed: Exposed,
) -> dict[str, Value]:
    """What was observed, and how."""
    seeing = [
        value for raw in raws if (value := number(raw, "ESO TEL IA FWHM")) is not None
    ]
    found: dict[str, object] = {
        "OB_ID": block.value("OBS_ID") or header.get("OBID1"),
        "OBJECT": header.get("OBJECT"),
        "PROG_ID": header.get("PROG_ID"),
        "FILTER": header.get("FILTER") or filter_of(header),
        "DATE_OBS": header.get("DATE-OBS"),
        "DIT": exposed.seconds,
        "NDIT": header.get("ESO DET NDIT"),
        "AIRMASS": exposed.airmass,
        "N_EXPOSURES": header.get("NCOMBINE"),
        "N_SKY": sum(raw.tag == "SKY" for raw in block.rawfiles),
        "EXPTIME": number(header, "EXPTIME"),
        "TEXPTIME": number(header, "TEXPTIME"),
        "FLUXCAL": header.get("FLUXCAL"),
        "SEEING": statistics.fmean(seeing) if seeing else None,
    }
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, Value) and value != ""
    }


def _image_parameters(headers: Sequence[fits.Header]) -> dict[str, Value]:
    """What the pipeline has measured: by chip, and for the whole image."""
    found: dict[str, Value] = {}
    for keyword, name in _PER_CHIP.items():
        values = []
        for header in headers:
            value = number(header, keyword)
            if value is None or not np.isfinite(value):
                continue
            values.append(value)
            if len(headers) > 1:
                found[f"{name} {header.get('EXTNAME', '')}".strip()] = value
        if values:
            found[name] = float(_WORST.get(name, statistics.median)(values))
    if "PSF_FWHM" in found:
        found["IMAGE_QUALITY"] = found.pop("PSF_FWHM")
    return found


def _reference(run: Run, block: AssociationBlock, name: str) -> Reference | None:
    """The reference stars that the recipe had; None where they are elsewhere."""
    try:
        inputs = paths(run, block)
        catalogues = with_tag(inputs, "MASTER_LOCAL_CATALOGUE_PHOTOM")
        tables = with_tag(inputs, "PHOTCAL_TAB")
        if not catalogues or not tables:
            return None
        return read_reference(catalogues[0], tables[0], name)
    except ProcessingError:
        return None


def _star_parameters(
    stars: Sequence[Star], sources: Sequence[Source]
) -> dict[str, Value]:
    """Zero point and positions from reference stars, sharpness from all sources."""
    found: dict[str, Value] = {"N_SOURCES": len(sources), "N_STARS": len(stars)}
    if stars:
        value, spread, _ = clipped([star.zero_point for star in stars])
        offsets = [np.hypot(star.east, star.north) for star in stars]
        found |= {
            "ZEROPOINT": value,
            "ZEROPOINT_RMS": spread,
            "POSITION_RMS": float(np.sqrt(np.mean(np.square(offsets)))),
            "POSITION_MAX": float(max(offsets)),
        }
    if sizes := [source.diameter for source in sources if source.diameter > 0]:
        found["HALF_LIGHT"] = float(statistics.median(sizes))
    return found


def _difference(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """How far the zero point of the aperture and that of the pipeline are apart."""
    own, pipeline = parameters.get("ZEROPOINT"), parameters.get("MAGZPT")
    if not isinstance(own, float) or not isinstance(pipeline, float):
        return {}
    return {"ZEROPOINT_DIFFERENCE": abs(own - pipeline)}


def _sources(path: Path) -> tuple[Source, ...]:
    """What the pipeline has found, chip by chip.

    Raises:
        ProcessingError: it is no catalogue.
    """
    try:
        with fits.open(path) as hdus:
            return tuple(
                Source(
                    hdu.name,
                    float(row["X_coordinate"]),
                    float(row["Y_coordinate"]),
                    float(row["Aper_flux_3"]),
                    2 * float(row["Half_radius"]),
                )
                for hdu in hdus[1:]
                if hdu.data is not None
                for row in hdu.data
            )
    except (OSError, ValueError, KeyError, fits.VerifyError) as error:
        raise ProcessingError(f"{path} is no catalogue of sources: {error}") from error
