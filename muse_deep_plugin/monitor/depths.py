"""How deep datacubes are for their exposure time, out of the QC1 database.

The noise of a sum of N equal exposures falls with the square root of N, so that the
limiting magnitude grows by 1.25 log10 of the total exposure time. How far a datacube is
from that line, through the middle of all single and combined ones, tells more of it
than ABMAGLIM alone.
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from statistics import median
from typing import Any, Final

import sqlalchemy as sa
from attrs import evolve, frozen

from muse_deep_plugin.qc1_tables import COMBINED, DEEP, SINGLE
from phoenix_core.qc1.clean_rows import clean_rows
from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import Qc1Table

SLOPE: Final = 1.25
"""Magnitudes a factor of ten in exposure time: 2.5 log10 of its square root."""

OUTLYING: Final = 3.0
"""Times the robust scatter from which on a datacube is an outlier; ours."""

LEAST: Final = 0.3
"""Magnitudes below which none is; ours."""

_MAD_TO_SIGMA: Final = 1.4826
_FEWEST: Final = 5  # datacubes a scatter is taken of; ours
_MEANT: Final = {2, 3}
"""Score bits, from 1, that tell of what was observed, not of how well: an OBJECT or
SKY, and whether there is a SKY."""


class Kind(StrEnum):
    """What a datacube was made of."""

    SINGLE = "single"
    COMBINED = "combined"
    DEEP = "deep"


@frozen
class Depth:
    """A datacube; names and units as in `qc1_tables`.

    `residual` is how much deeper it is than the line [mag], `flags` how many of its
    score bits are set, None where it has no score bit.
    """

    kind: Kind
    pipefile: str
    civil_date: str
    run_id: str
    target: str
    ins_mode: str
    n_frames: int | None
    mjd_obs: float
    texptime: float  # s
    abmaglim: float
    sky_res: float | None = None  # arcsec
    histo_bkg: float | None = None  # 1e-20 erg/s/cm2/Angstrom
    score_bit: str = ""
    qc_plot: str = ""
    residual: float = 0.0

    @property
    def flags(self) -> int | None:
        """How many of the bits are set that tell how well it was made."""
        if not self.score_bit or set(self.score_bit) - {"0", "1"}:
            return None
        bits = enumerate(self.score_bit, start=1)
        return sum(bit == "1" for place, bit in bits if place not in _MEANT)


@frozen
class Depths:
    """All datacubes in order of time, and the line they are held against.

    `zero` is the limiting magnitude at 1 s, `scatter` the robust standard deviation of
    the residuals [mag]; None where there are too few.
    """

    rows: tuple[Depth, ...] = ()
    zero: float | None = None
    scatter: float | None = None

    @property
    def limit(self) -> float:
        """From how many magnitudes on a datacube is an outlier."""
        if self.scatter is None:
            return math.inf
        return max(OUTLYING * self.scatter, LEAST)

    def is_outlier(self, row: Depth) -> bool:
        """Whether a datacube is far from the line."""
        return abs(row.residual) > self.limit

    def of(self, kind: Kind) -> tuple[Depth, ...]:
        """The datacubes of a kind."""
        return tuple(row for row in self.rows if row.kind is kind)


_SOURCES: Final = (
    (SINGLE, Kind.SINGLE, "DATACUBE_SINGLE"),
    (COMBINED, Kind.COMBINED, "DATACUBE_COMBINED"),
    (DEEP, Kind.DEEP, ""),
)
_COLUMNS: Final = (
    *("pipefile", "civil_date", "run_id", "target", "ins_mode", "n_frames", "mjd_obs"),
    *("texptime", "abmaglim", "sky_res", "histo_bkg", "score_bit", "qc_plot"),
)


def read_depths(connection: sa.Connection) -> Depths:
    """Read all datacubes of objects whose depth was measured.

    Args:
        connection: to the QC1 database.
    """
    rows = [
        row
        for table, kind, data_type in _SOURCES
        for row in _read(connection, table, kind, data_type)
    ]
    return compared(sorted(rows, key=lambda row: (row.mjd_obs, row.pipefile)))


def compared(rows: Sequence[Depth]) -> Depths:
    """Hold datacubes against the line through the middle of single and combined ones.

    Where there are none, the line goes through the middle of the deep ones.
    """
    shallow = [row for row in rows if row.kind is not Kind.DEEP] or rows
    if not shallow:
        return Depths()
    zero = median(row.abmaglim - gain(row.texptime) for row in shallow)
    compared_rows = tuple(_held(row, zero) for row in rows)
    scatter = None
    if len(rows) >= _FEWEST:
        middle = median(row.residual for row in compared_rows)
        spread = median(abs(row.residual - middle) for row in compared_rows)
        scatter = _MAD_TO_SIGMA * spread
    return Depths(compared_rows, zero, scatter)


def gain(texptime: float) -> float:
    """Return what an exposure time promises, against 1 s [mag].

    >>> round(gain(3600.0) - gain(900.0), 3)
    0.753
    """
    return SLOPE * math.log10(texptime)


def _held(row: Depth, zero: float) -> Depth:
    return evolve(row, residual=row.abmaglim - zero - gain(row.texptime))


def _read(
    connection: sa.Connection, declared: Qc1Table, kind: Kind, data_type: str
) -> Iterable[Depth]:
    table = as_sql(declared, sa.MetaData())
    query = sa.select(*(table.c[name] for name in _COLUMNS))
    if data_type:
        query = query.where(table.c.data_type == data_type)
    rows = clean_rows(declared.named(_COLUMNS), connection.execute(query).all())
    for row in rows:
        named: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
        numbers = [named[name] for name in ("mjd_obs", "texptime", "abmaglim")]
        is_measured = all(n is not None and math.isfinite(n) for n in numbers)
        if is_measured and named["texptime"] > 0:
            yield Depth(kind, **named)
