"""The tables of the history, as the QC1 database has them, and their files.

Names and units are written here once more, since the simulator needs no phoenix; a
test compares them with phoenix's own.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import frozen

Value = str | int | float | None
"""None is not known."""

_OBSERVATION: Final = """
pipefile string
civil_date string
run_id string
target string
ob_id int64
ob_name string
data_type string
pattern string
ins_mode string
mjd_obs float64 d
mjd_end float64 d
n_frames int64
exptime float64 s
texptime float64 s
ra float64 deg
dec float64 deg
tel_targ_alpha float64 deg
tel_targ_delta float64 deg
ambi_req float64 arcsec
sky_res float64 arcsec
sgs_x_med float64 arcsec
abmaglim float64 mag
pixnoise float64 erg / (Angstrom s cm2)
num_sat int64
wdel_max float64 Angstrom
num_src int64
histo_bkg float64 1e-20 erg / (Angstrom s cm2)
lshift_max float64 Angstrom
grd string
comm string
qc_plot string
fov_plot string
score_bit string
"""
_DECLARED: Final = {
    "muse_sci_single": _OBSERVATION + "raw_file string\ncombined string",
    "muse_sci_combined": _OBSERVATION + "rms float64 arcsec\nn_match int64",
    "muse_sci_deep": _OBSERVATION
    + "rms float64 arcsec\nn_match int64\nn_obs int64\nproc_mode string\n"
    + "depth_gain float64 mag",
    "muse_sci_sources": """
        pipefile string
        number int64
        x float64 pixel
        y float64 pixel
        ra float64 deg
        dec float64 deg
        fwhm_x float64 arcsec
        fwhm_y float64 arcsec
        rms float64 arcsec
        lambda float64 Angstrom
    """,
    "sched_rep": """
        run_id string
        period int64
        obs_mode string
        status string
        prog_type string
        pi_coi string
        title string
        abstract string
        remarks string
    """,
    "data_products": """
        dp_id string
        instrument string
        run_id string
        object string
        ob_id int64
        ob_name string
        dpr_catg string
        dpr_type string
        ins_mode string
        exptime float64 s
        mjd_obs float64 d
        ra float64 deg
        dec float64 deg
    """,
    "ob_grades": """
        ob_id int64
        exec_time string
        run_id string
        grade string
        comment string
    """,
}


@frozen
class Column:
    """A column: its name, what it holds (of ECSV), its unit."""

    name: str
    datatype: str
    unit: str = ""


def _columns(text: str) -> tuple[Column, ...]:
    lines = [line.split(maxsplit=2) for line in text.splitlines() if line.strip()]
    return tuple(Column(*line) for line in lines)


TABLES: Final = {name: _columns(text) for name, text in _DECLARED.items()}
"""The columns of each table, in the order of their files."""

Rows = Mapping[str, Sequence[Value]]
"""Rows as columns: as many values under each name."""


def by_column(table: str, rows: Sequence[Mapping[str, Value]]) -> Rows:
    """Turn rows, each with all columns of a table, into columns."""
    return {one.name: [row[one.name] for row in rows] for one in TABLES[table]}


def ecsv(table: str, parts: Iterable[Rows]) -> bytes:
    """Write the rows of a table in astropy's ECSV, one part after the other."""
    columns = TABLES[table]
    head = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
    for one in columns:
        unit = f", unit: '{one.unit}'" if one.unit else ""
        head.append(f"- {{name: {one.name}{unit}, datatype: {one.datatype}}}")
    content = io.StringIO()
    content.writelines(f"# {line}\n" for line in head)
    lines = csv.writer(content, lineterminator="\n")
    lines.writerow(one.name for one in columns)
    for part in parts:
        # Python's csv module writes None as nothing, which ECSV takes for unknown.
        lines.writerows(zip(*(part[one.name] for one in columns), strict=True))
    return content.getvalue().encode()
