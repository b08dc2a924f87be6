"""The parameters that the QC of datacubes measures: names, units, what they are.

Names stay, and with them their unit: others read them (pages, conversion, scores).
Those of the pipeline are its own, ``ESO QC ...`` without ``ESO QC``.
"""

from typing import Final

OF_PIPELINE: Final = ("SCIPOST ", "EXPCOMB ", "EXPALIGN ", "SKY ")
"""How names of the pipeline begin."""

FLUX: Final = "1e-20 erg/s/cm2/Angstrom"

OF_ANY: Final = {
    "DATA_TYPE": ("", "DATACUBE_SINGLE, DATACUBE_SKY or DATACUBE_DEEP"),
    "OB_ID": ("", "of the first exposure"),
    "OB_NAME": ("", "of the first exposure"),
    "INS_MODE": ("", "such as WFM-NOAO-N"),
    "DATE_OBS": ("", "start of the first exposure"),
    "EXPTIME": ("s", "by the header of the cube"),
    "TEXPTIME": ("s", "sum of all exposures"),
    "N_EXPOSURES": ("", "exposures that were combined; 1 of a single cube"),
    "SEEING": ("arcsec", "autoguider, else the seeing monitor"),
    "AMBI_REQ": ("arcsec", "seeing that the OB asks for: header, else history"),
    "SKY_RES": ("arcsec", "spatial resolution as ESO's standard has it"),
    "SKY_RES_RATIO": ("", "SKY_RES by AMBI_REQ"),
    "FWHM": ("arcsec", "median of the pipeline's sources, in one plane"),
    "FWHM_WHITE": ("arcsec", "median of the sources of the white-light image"),
    "FWHM_RATIO": ("", "FWHM_WHITE, else FWHM, by AMBI_REQ"),
    "ELONGATION": ("", "median of the sources: longer axis by shorter one"),
    "NUM_SRC": ("", "sources of the pipeline; where it found none, N_SOURCES"),
    "N_SOURCES": ("", "sources of the white-light image above 5 sigma"),
    "NX": ("", "columns"),
    "NY": ("", "rows"),
    "NLAMBDA": ("", "planes"),
    "LAMBDA_MIN": ("Angstrom", "first plane"),
    "LAMBDA_MAX": ("Angstrom", "last plane"),
    "NAN_FRACTION": ("", "voxels without a value"),
    "FILLED_FRACTION": ("", "spaxels with at least one value"),
    "WHOLE_FRACTION": ("", "spaxels with nearly all planes"),
    "EDGE_LEFT": ("", "first column with a value, from 1"),
    "EDGE_RIGHT": ("", "last column with a value"),
    "EDGE_BOTTOM": ("", "first row with a value, from 1"),
    "EDGE_TOP": ("", "last row with a value"),
    "BKG_MEDIAN": (FLUX, "median of the sky of the white-light image"),
    "BKG_MAD": (FLUX, "its median absolute deviation"),
    "HISTO_BKG": (FLUX, "peak of the histogram of the white-light image"),
    "SKY_5577": (FLUX, "what is left of the line at 5577 Angstrom"),
    "SKY_RESIDUAL": (FLUX, "the largest of what is left of bright lines"),
    "SKY_RESIDUAL_AT": ("Angstrom", "the line of which that is"),
    "NOISE": (FLUX, "measured in the planes"),
    "NOISE_PROPAGATED": (FLUX, "by STAT"),
    "NOISE_RATIO": ("", "the one by the other"),
    "PIXNOISE": ("erg/s/cm2/Angstrom", "as ESO's standard has it"),
    "ABMAGLIM": ("mag", "5 sigma limit of a point source"),
    "NUM_SAT": ("", "saturated pixels of the raw exposure, the worst of several"),
    "WDEL_MAX": ("Angstrom", "largest shift that scibasic corrected"),
    "LSHIFT_MAX": ("Angstrom", "largest shift of sky lines that is left"),
    "QCFLAG": ("", "the score bit"),
}
"""Parameters of single and of deep cubes."""

OF_SINGLE: Final = {
    "SKY_METHOD": ("", "--skymethod of muse_scipost"),
    "HAS_SKY": ("", "whether a dedicated SKY was taken"),
    "HAS_SKY_FLAT": ("", "whether a TWILIGHT_CUBE was used"),
    "ARC_DAYS": ("d", "from the exposure to its arcs"),
    "SKY_FIT_ERRORS": ("", "errors of fits of the sky, by the pipeline's logs"),
    "POSANG": ("deg", "position angle on the sky"),
}
"""Parameters of the cube of one exposure."""

OF_DEEP: Final = {
    "PATTERN": ("", "DEEP_ and the number of combined exposures"),
    "N_EXPECTED": ("", "exposures that the AB names"),
    "N_SINGLE_QC": ("", "of these, how many have a QC report"),
    "OB_IDS": ("", "OBs in it"),
    "COMPLETENESS": ("", "exposures that are combined and not short, of N_EXPECTED"),
    "SIZE_RATIO": ("", "voxels of the cube by those that its exposures cover"),
    "N_DEVIATIONS": ("", "what does not fit: one for each warning about it"),
    "N_MATCH_MIN": ("", "fewest sources that an exposure was aligned by"),
    "N_NOMATCH": ("", "exposures that were not matched"),
    "OFFSET_MAX": ("arcsec", "largest offset that an exposure was moved by"),
    "SHIFT_MAX": ("arcsec", "largest distance of an exposure that is left"),
    "SHIFT_RMS": ("arcsec", "root mean square of these"),
    "SHIFT_ROTATED": ("arcsec", "left between rotated observations"),
    "FLUX_RATIO_MIN": ("", "faintest exposure by the median of all"),
    "FLUX_RATIO_MAX": ("", "brightest exposure by the median of all"),
    "BKG_EXPOSURES_MIN": (FLUX, "lowest HISTO_BKG of an exposure"),
    "BKG_EXPOSURES_MAX": (FLUX, "highest HISTO_BKG of an exposure"),
    "FWHM_SINGLES": ("arcsec", "median of the exposures"),
    "NOISE_EXPECTED": (FLUX, "median of the exposures by the square root of N"),
    "NOISE_GAIN": ("", "NOISE_EXPECTED by NOISE: 1 is all that was promised"),
    "ABMAGLIM_SINGLES": ("mag", "median of the exposures"),
    "DEPTH_GAIN": ("mag", "ABMAGLIM less ABMAGLIM_SINGLES"),
    "DEPTH_GAIN_EXPECTED": ("mag", "1.25 log of exposure time by that of one"),
}
"""Parameters of a deep cube. Each exposure n has EXPn NAME, EXPn FLUX_RATIO,
EXPn SHIFT (arcsec), EXPn HISTO_BKG, EXPn EXPTIME (s), EXPn ABMAGLIM (mag) and
EXPn FWHM (arcsec) as far as they are known."""

PARAMETERS: Final = OF_ANY | OF_SINGLE | OF_DEEP
