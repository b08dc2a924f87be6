"""A small history of observations in a real database, with the cases that decide."""

import contextlib
import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import field, frozen

from muse_deep_plugin.qc1_tables import COMBINED, SINGLE, SOURCES
from muse_deep_plugin.qc1_tables import TABLES as MUSE_TABLES
from phoenix_core.config import ENVIRONMENT, Config, read_config
from phoenix_core.qc1.migrate import make_tables
from phoenix_core.qc1.observatory import DATA_PRODUCTS, OB_GRADES, SCHED_REP
from phoenix_core.qc1.observatory import TABLES as OBSERVATORY_TABLES
from phoenix_core.qc1.schema import as_sql

CONFIG = """
instrument = "MUSE"
mode = "DEEP"
ab_branch = "MUSE_deep"
[directories]
root = "{root}"
[phoenix]
AB_PGI = "pgi_phoenix_MUSE_AB_deep"
JOB_PGI = "pgi_phoenix_MUSE_stream"
"""
ARCSEC = 1 / 3600
OVERHEAD = dt.timedelta(seconds=95.123)
EPOCH = dt.datetime(1858, 11, 17, tzinfo=dt.UTC)  # MJD 0
SHARE = {"O": 1.0, "S": 0.2, "o": 0.1}  # of the exposure time; o was aborted


@frozen
class Visit:
    """One execution of an OB: where, when, what, and how well.

    `pattern`: O is an OBJECT, S a SKY, o an OBJECT aborted after a tenth of its time.
    `pi_name` is what the PI called the target, where that differs.
    """

    run_id: str
    target: str
    ob_id: int
    start: str
    ra: float
    dec: float
    pattern: str = "OO"
    exptime: float = 600.0
    grade: str = "A"
    comment: str = ""
    seeing: float = 0.6
    ambi_req: float = 0.8
    histo_bkg: float = 2.0
    pi_name: str = ""
    is_processed: bool = True


RUNS = (
    # run, period, mode, status, type, PI, title, remarks
    ("094.D-0114(B)", 94, "SM", "COMPLETE", "Normal", "Roe", "Stars of NGC 300", ""),
    ("094.A-0116(B)", 94, "VM", "TERMINATED", "GTO", "Doe; Poe", "Deep fields", "GTO"),
    ("095.A-0118(A)", 95, "VM", "TERMINATED", "GTO", "Doe; Poe", "Deep fields", "GTO"),
    ("096.A-0120(A)", 96, "VM", "COMPLETE", "GTO", "Doe; Loe", "Lensed arcs", "GTO"),
    ("095.B-0934(A)", 95, "SM", "CARRY-OVER", "Normal", "Moe", "Starbursts <z>", ""),
    ("095.B-0934(A)", 96, "SM", "CARRY-OVER", "Normal", "Moe", "Starbursts <z>", ""),
    ("110.23XX.001", 110, "SM", "OPEN", "Large", "Noe & Co", 'A "large" survey', ""),
)
VISITS = (
    # A target with SKY, visited twice; one exposure of the second OB was aborted.
    Visit(
        "094.D-0114(B)",
        "NGC300",
        1090001,
        "2014-10-23T01:10:32.123",
        13.7229,
        -37.6844,
        pattern="OSO",
        pi_name="NGC-300-F1",
    ),
    Visit(
        "094.D-0114(B)",
        "NGC300",
        1090002,
        "2014-10-24T01:30:10.456",
        13.7229,
        -37.6844,
        pattern="OSoO",
        grade="B",
        comment="seeing at the limit",
        seeing=0.9,
        pi_name="NGC-300-F1",
    ),
    # One pointing under two names, one OB each.
    Visit(
        "094.D-0114(B)", "HDFS", 1090003, "2014-10-22T23:57:32.123", 338.2343, -60.5507
    ),
    Visit(
        "094.D-0114(B)",
        "HDF-S",
        1090004,
        "2014-10-24T00:05:00.789",
        338.2344,
        -60.5507,
        grade="C",
        comment="clouds, stopped early",
    ),
    # Two pointings under one name, 45 arcsec apart in declination, two OBs each.
    Visit(
        "094.D-0114(B)", "Abell 370", 1090005, "2014-11-18T02:00:00.001", 39.97, -1.58
    ),
    Visit(
        "094.D-0114(B)", "Abell 370", 1090006, "2014-11-19T02:00:00.001", 39.97, -1.58
    ),
    Visit(
        "094.D-0114(B)", "Abell 370", 1090007, "2014-11-20T02:00:00.001", 39.97, -1.5675
    ),
    Visit(
        "094.D-0114(B)", "Abell 370", 1090008, "2014-11-21T02:00:00.001", 39.97, -1.5675
    ),
    # One OB only, of one exposure.
    Visit(
        "094.D-0114(B)",
        "Lonely",
        1090009,
        "2014-11-22T03:00:00.001",
        150.1,
        2.2,
        pattern="O",
    ),
    # MASTER and SLAVE: a target with one OB in each; MASTER has one of its own.
    Visit("094.A-0116(B)", "UDF-10", 1100001, "2014-12-20T03:10:00.250", 53.16, -27.78),
    Visit("095.A-0118(A)", "UDF-10", 1100002, "2015-08-20T07:10:00.250", 53.16, -27.78),
    Visit(
        "094.A-0116(B)", "Q0302", 1100003, "2014-12-21T03:10:00.250", 45.53, -0.29, "O"
    ),
    Visit(
        "094.A-0116(B)", "Q0302", 1100004, "2014-12-22T03:10:00.250", 45.53, -0.29, "O"
    ),
    # The SLAVE shares a target with a third run, which shares none with the MASTER.
    Visit("095.A-0118(A)", "MACS0416", 1100005, "2015-08-21T08:00:00.5", 64.04, -24.07),
    Visit("096.A-0120(A)", "MACS0416", 1100006, "2015-11-10T05:00:00.5", 64.04, -24.07),
    Visit("096.A-0120(A)", "J1206", 1100007, "2016-03-01T05:00:00.5", 181.55, -8.80),
    # One OB executed twice: graded C once, then A.
    Visit(
        "095.B-0934(A)",
        "ESO338-IG04",
        1120001,
        "2015-06-16T04:20:00.875",
        291.9926,
        -41.5755,
        pattern="OOO",
        grade="C",
        comment='seeing 1.6", "poor"',
        seeing=1.6,
        histo_bkg=-35.0,
    ),
    Visit(
        "095.B-0934(A)",
        "ESO338-IG04",
        1120001,
        "2015-06-17T04:45:00.875",
        291.9926,
        -41.5755,
        pattern="OOO",
    ),
    # An open run: what was observed last is not processed yet.
    Visit("110.23XX.001", "COSMOS_1", 3250001, "2022-12-01T06:00:00.5", 150.1, 2.2),
    Visit(
        "110.23XX.001",
        "COSMOS_1",
        3250002,
        "2022-12-02T06:00:00.5",
        150.1,
        2.2,
        is_processed=False,
    ),
)


def _mjd(moment):
    return (moment - EPOCH) / dt.timedelta(days=1)


def _exposures(visit):
    """The exposures of a visit: letter, raw root, start and time, dithered a little."""
    start = dt.datetime.fromisoformat(f"{visit.start}+00:00")
    for count, letter in enumerate(visit.pattern):
        seconds = visit.exptime * SHARE[letter]
        shift = 0.2 * ARCSEC * count + (90 * ARCSEC if letter == "S" else 0)
        moment = start.replace(tzinfo=None).isoformat(timespec="milliseconds")
        root = f"MUSE.{moment}"
        yield letter, root, start, seconds, visit.dec + shift
        start += dt.timedelta(seconds=seconds) + OVERHEAD


def _observation(visit, exposures, data_type, pattern):
    """What single and final datacubes tell of exposures."""
    start, dec = exposures[0][2], exposures[0][4]
    times = [seconds for _, _, _, seconds, _ in exposures]
    end = exposures[-1][2] + dt.timedelta(seconds=times[-1])
    night = (start - dt.timedelta(hours=15)).date().isoformat()
    return {
        "civil_date": night,
        "run_id": visit.run_id,
        "target": visit.target,
        "ob_id": visit.ob_id,
        "ob_name": f"{visit.target} OB",
        "data_type": data_type,
        "pattern": pattern,
        "ins_mode": "WFM-NOAO-N",
        "mjd_obs": _mjd(start),
        "mjd_end": _mjd(end),
        "n_frames": len(times),
        "exptime": sorted(times)[len(times) // 2],
        "texptime": sum(times),
        "ra": visit.ra,
        "dec": dec,
        "tel_targ_alpha": visit.ra,
        "tel_targ_delta": visit.dec,
        "ambi_req": visit.ambi_req,
        "sky_res": visit.seeing,
        "sgs_x_med": round(visit.seeing - 0.05, 3),
        "abmaglim": 24.0,
        "num_src": 12,
        "histo_bkg": visit.histo_bkg,
        "grd": visit.grade,
        "comm": visit.comment,
        "qc_plot": f"{night}/{visit.ob_id}.png",
        "fov_plot": f"{night}/{visit.ob_id}_fov.png",
        "score_bit": "001000000",
    }


def rows_of(visit):
    """What the database knows of a visit: rows by table."""
    exposures = list(_exposures(visit))
    found = {
        "data_products": [
            {
                "dp_id": root,
                "instrument": "MUSE",
                "run_id": visit.run_id,
                "object": visit.pi_name or visit.target,
                "ob_id": visit.ob_id,
                "ob_name": f"{visit.target} OB",
                "dpr_catg": "SCIENCE",
                "dpr_type": "SKY" if letter == "S" else "OBJECT",
                "ins_mode": "WFM-NOAO-N",
                "exptime": seconds,
                "mjd_obs": _mjd(start),
                "ra": visit.ra,
                "dec": dec,
            }
            for letter, root, start, seconds, dec in exposures
        ],
        "ob_grades": [
            {
                "ob_id": visit.ob_id,
                "exec_time": visit.start,
                "run_id": visit.run_id,
                "grade": visit.grade,
                "comment": visit.comment,
            }
        ],
    }
    if not visit.is_processed:
        return found
    objects = [one for one in exposures if one[0] != "S"]
    name = f"r.{objects[0][1]}_tpl.fits" if len(objects) > 1 else ""
    singles, finals = [], []
    for exposure in exposures:
        letter, root = exposure[:2]
        kind = "DATACUBE_SKY" if letter == "S" else "DATACUBE_SINGLE"
        row = {"pipefile": f"r.{root}_pst.fits"}
        row |= _observation(visit, [exposure], kind, letter.upper())
        part_of = name if letter != "S" else ""
        singles.append(row | {"raw_file": root, "combined": part_of})
        if not part_of:
            finals.append(row)
    if name:
        pattern = visit.pattern.upper()
        row = _observation(visit, objects, "DATACUBE_COMBINED", pattern)
        finals.append({"pipefile": name, **row, "rms": 0.04, "n_match": 9})
    found["muse_sci_single"] = singles
    found["muse_sci_combined"] = finals
    found["muse_sci_sources"] = [
        {
            "pipefile": finals[-1]["pipefile"],
            "number": 1,
            "x": 150.0,
            "y": 160.0,
            "ra": visit.ra,
            "dec": visit.dec,
            "fwhm_x": visit.seeing,
            "fwhm_y": visit.seeing,
            "rms": 0.04,
            "lambda": 7000.0,
        }
    ]
    return found


@frozen
class History:
    """A site: its configuration, its directories, and a database with a history."""

    root: Path
    config_path: Path
    config: Config
    engine: sa.Engine = field(repr=False)

    @property
    def folder(self):
        """Where pages, lists and tables of runs lie."""
        return self.config.directories.monitor / "FINISHED" / "RUN"

    @contextlib.contextmanager
    def connect(self):
        with self.engine.begin() as connection:
            yield connection

    def add(self, table, rows):
        """Add rows to a declared table; keys that a row lacks get their defaults."""
        self.add_all({table.name: rows}, [table])

    def add_all(self, rows, tables):
        """Add rows by table, in one transaction."""
        with self.connect() as connection:
            for table in tables:
                sql = as_sql(table, sa.MetaData())
                for row in rows.get(table.name, []):
                    connection.execute(sa.insert(sql).values(row))

    def observe(self, *visits):
        """Add visits: raw files, grades, and where processed their datacubes."""
        tables = (DATA_PRODUCTS, OB_GRADES, SINGLE, COMBINED, SOURCES)
        of_visits = [rows_of(visit) for visit in visits]
        rows = {
            table.name: [
                row for found in of_visits for row in found.get(table.name, [])
            ]
            for table in tables
        }
        self.add_all(rows, tables)

    def write(self, name, text):
        """Write a text file of a person into the folder of runs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path


@pytest.fixture
def empty_history(tmp_path, monkeypatch):
    """A site with a database of empty tables."""
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    root = tmp_path / "site"
    root.mkdir()
    config_path = tmp_path / "phoenix.toml"
    config_path.write_text(CONFIG.format(root=root), "utf-8")
    config = read_config(config_path)
    engine = sa.create_engine(config.database)
    make_tables(engine, (*OBSERVATORY_TABLES, *MUSE_TABLES))
    yield History(root, config_path, config, engine)
    engine.dispose()


@pytest.fixture
def history(empty_history):
    """The site with its history: runs, visits, and no text file yet."""
    empty_history.add(
        SCHED_REP,
        [
            {
                "run_id": run,
                "period": period,
                "obs_mode": mode,
                "status": status,
                "prog_type": kind,
                "pi_coi": pi,
                "title": title,
                "abstract": f"We want {title}; and <b>more</b> & more.",
                "remarks": remarks,
            }
            for run, period, mode, status, kind, pi, title, remarks in RUNS
        ],
    )
    empty_history.observe(*VISITS)
    return empty_history


@pytest.fixture
def visit():
    """What makes a further visit: history.observe(visit(run_id, target, ...))."""
    return Visit
