"""The QC1 tables of MUSE: single, combined and deep datacubes, and their sources.

Columns named in public text have those names (in lower case); units and the rest are
ours. A datacube is told by its `pipefile`, the root of its products: the AB that made
it is that name without r. and with .ab.
"""

from phoenix_core.qc1.tables import (
    Column,
    Form,
    Kind,
    Qc1Table,
    integer,
    key,
    real,
    text,
)

_PIPEFILE = key("pipefile", "r.MUSE.<start of the first exposure>_<tag>.fits")
_OBSERVATION = (
    text("civil_date", "the night of the first exposure", Form.DATE),
    text("run_id", "the run, formal: 094.D-0114(B)", Form.RUN_ID),
    text("target", "the target's name, modified where the PI's misleads"),
    integer("ob_id"),
    text("ob_name"),
    text("data_type", "DATACUBE_SINGLE, _SKY, _COMBINED, _SKY_COMB or _DEEP"),
    text("pattern", "the exposures: O(bject) and S(ky); DEEP_n of a deep datacube"),
    text("ins_mode", "such as WFM-NOAO-N"),
    real("mjd_obs", "d", "start of the first exposure"),
    real("mjd_end", "d", "end of the last exposure"),
    integer("n_frames", "exposures in it"),
    real("exptime", "s", "an exposure's, the median of several"),
    real("texptime", "s", "sum of all exposures"),
    real("ra", "deg", "real centre of the field"),
    real("dec", "deg", "real centre of the field"),
    real("tel_targ_alpha", "deg", "right ascension of the target, by its header"),
    real("tel_targ_delta", "deg", "declination of the target, by its header"),
)
_QUALITY = (
    real("ambi_req", "arcsec", "seeing that the OB asks for"),
    real("sky_res", "arcsec", "spatial resolution (FWHM)"),
    real("sgs_x_med", "arcsec", "median FWHM of the slow guiding system"),
    real("abmaglim", "mag", "5 sigma limit for a point source"),
    real("pixnoise", "erg / (Angstrom s cm2)", "median noise of a voxel"),
    integer("num_sat", "saturated pixels of the raw file"),
    real("wdel_max", "Angstrom", "largest shift of wavelength"),
    integer("num_src", "sources found"),
    real("histo_bkg", "1e-20 erg / (Angstrom s cm2)", "background, from the histogram"),
    real("lshift_max", "Angstrom", "largest residual shift of wavelength"),
    text("grd", "grade of the OB, A to D", Form.GRADE),
    text("comm", "comment on the OB"),
    text("qc_plot", "path of the QC plot"),
    text("fov_plot", "path of the preview of the field"),
    text("score_bit", "flags of the product, QCFLAG"),
)
_ALIGNMENT = (
    real("rms", "arcsec", "of the alignment of the exposures"),
    integer("n_match", "fewest sources that an exposure was aligned by"),
)

SINGLE = Qc1Table(
    "muse_sci_single",
    "Datacubes of one exposure.",
    (
        _PIPEFILE,
        *_OBSERVATION,
        *_QUALITY,
        text("raw_file", "the exposure, without .fits"),
        text("combined", "pipefile of the combined datacube it is part of"),
    ),
    indexed=("run_id", "combined"),
    tracked="run_id",
)
COMBINED = Qc1Table(
    "muse_sci_combined",
    "Final datacubes of MUSE_R: one an OB, of one exposure or of several.",
    (_PIPEFILE, *_OBSERVATION, *_QUALITY, *_ALIGNMENT),
    indexed=("run_id", "target"),
    tracked="run_id",
)
DEEP = Qc1Table(
    "muse_sci_deep",
    "Deep datacubes: one a target.",
    (
        _PIPEFILE,
        *_OBSERVATION,
        *_QUALITY,
        *_ALIGNMENT,
        integer("n_obs", "OBs in it"),
        text("proc_mode", "CROWDED or nothing"),
        real("depth_gain", "mag", "against the median of its exposures"),
    ),
    indexed=("run_id", "target"),
)
SOURCES = Qc1Table(
    "muse_sci_sources",
    "Sources that the pipeline found in a datacube.",
    (
        _PIPEFILE,
        key("number", "counts from 1", Kind.INTEGER),
        real("x", "pixel"),
        real("y", "pixel"),
        real("ra", "deg"),
        real("dec", "deg"),
        real("fwhm_x", "arcsec"),
        real("fwhm_y", "arcsec"),
        real("rms", "arcsec", "scatter of its positions among the exposures"),
        Column("lambda", Kind.REAL, "Angstrom", "wavelength of the measurement"),
    ),
)
TABLES = (SINGLE, COMBINED, DEEP, SOURCES)
