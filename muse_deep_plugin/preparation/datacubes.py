"""The history of observations: datacubes that MUSE_R has made, out of the database."""

from collections.abc import Sequence
from functools import cache
from itertools import repeat

import sqlalchemy as sa
from attrs import field, fields, frozen

from muse_deep_plugin.qc1_tables import COMBINED, SINGLE
from phoenix_core.qc1.clean_rows import clean_rows
from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import Qc1Table

SKIES = frozenset(("DATACUBE_SKY", "DATACUBE_SKY_COMB"))


@frozen
class Datacube:
    """A datacube of MUSE_R; names, types and units as in `qc1_tables`.

    Numbers that nobody measured are None, texts ''. `combined` is, for the datacube
    of one exposure, the combined one that it is part of, '' where there is none.
    """

    pipefile: str
    civil_date: str = ""
    run_id: str = ""
    target: str = ""
    ob_id: int | None = None
    ob_name: str = ""
    data_type: str = ""
    pattern: str = ""
    ins_mode: str = ""
    mjd_obs: float | None = None
    n_frames: int | None = None
    texptime: float | None = None  # s
    ra: float | None = None  # deg
    dec: float | None = None  # deg
    tel_targ_alpha: float | None = None  # deg
    tel_targ_delta: float | None = None  # deg
    ambi_req: float | None = None  # arcsec
    sky_res: float | None = None  # arcsec
    sgs_x_med: float | None = None  # arcsec
    rms: float | None = field(default=None)  # arcsec; combined datacubes only
    abmaglim: float | None = None
    histo_bkg: float | None = None
    num_src: int | None = None
    grd: str = ""
    comm: str = ""
    qc_plot: str = ""
    fov_plot: str = ""
    combined: str = ""  # datacubes of one exposure only

    @property
    def is_sky(self) -> bool:
        """Whether it shows empty sky and no target."""
        return self.data_type in SKIES

    @property
    def ab_name(self) -> str:
        """The AB that made it."""
        return self.pipefile.removeprefix("r.").removesuffix(".fits") + ".ab"


def final_datacubes(
    connection: sa.Connection, runs: Sequence[str] | None = None
) -> tuple[Datacube, ...]:
    """Return the final datacubes, one an OB, in order of run and time.

    Args:
        connection: to the QC1 database.
        runs: run ids in their formal spelling; None asks for all.
    """
    return _read(connection, COMBINED, runs)


def single_datacubes(
    connection: sa.Connection, runs: Sequence[str] | None = None
) -> tuple[Datacube, ...]:
    """Return the datacubes of single exposures, in order of run and time."""
    return _read(connection, SINGLE, runs)


def _read(
    connection: sa.Connection, declared: Qc1Table, runs: Sequence[str] | None
) -> tuple[Datacube, ...]:
    table = _table(declared)
    wanted = [a.name for a in fields(Datacube) if a.name in table.c]
    query = sa.select(*(table.c[name] for name in wanted))
    if runs is not None:
        query = query.where(table.c.run_id.in_(runs))
    query = query.order_by(table.c.run_id, table.c.mjd_obs, table.c.pipefile)
    rows = clean_rows(declared.named(wanted), connection.execute(query).all())
    if not rows:
        return ()
    columns = dict(zip(wanted, zip(*rows, strict=True), strict=True))
    given = (columns.get(a.name, repeat(a.default)) for a in fields(Datacube))
    return tuple(map(Datacube, *given))


@cache
def _table(declared: Qc1Table) -> sa.Table:
    """One table for all queries, so that each is compiled once."""
    return as_sql(declared, sa.MetaData())
