"""An observatory with an AB store, a QC1 database and target lists to work on."""

import contextlib
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import frozen
from phoenix_muse_sim import (
    TINY,
    Kind,
    Run,
    Scenario,
    Target,
    default_scenario,
    observing_block,
    simulate,
)

from muse_deep_plugin.preparation.datacubes import final_datacubes, single_datacubes
from muse_deep_plugin.preparation.offer_targets import update_target_list
from muse_deep_plugin.preparation.phoenix_create_deep import app
from muse_deep_plugin.qc1_tables import COMBINED, SINGLE
from phoenix_core.ab.file import read_block
from phoenix_core.config import read_config
from phoenix_core.qc1.schema import as_sql
from phoenix_core.records.ledger import open_ledger
from phoenix_core.testing.calling import call_program
from phoenix_core.testing.killing import kill_at

RUN = "094.D-0114(B)"
DATE = "2094-04-14"
MASTER, SLAVE = "096.A-0120(A)", "097.A-0121(A)"
CONFIG = Path(__file__).parents[4] / "config" / "muse_deep.toml"
BIN = Path(sys.executable).parent


def _scenario():
    """The default runs, and two of one programme that visit a target once each."""
    default = default_scenario()
    start = default.runs[0].exposures[0].start
    visits = (
        observing_block(1100001, "UDF_1", start.replace(year=2015, month=12)),
        observing_block(1100002, "UDF_2", start.replace(year=2016, month=11)),
    )
    runs = tuple(
        Run(run, (Target("UDF-10", 53.16, -27.78, (visit,)),), service_mode="VM")
        for run, visit in zip((MASTER, SLAVE), visits, strict=True)
    )
    return Scenario((*default.runs, *runs))


@pytest.fixture(scope="session")
def scenario():
    return _scenario()


@pytest.fixture(scope="session")
def simulated(scenario, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("prepared") / "data"
    simulate(root, scenario, TINY, 1, deep=True)
    return root


def rows_of(scenario):
    """What the QC1 database has of each exposure, and of each OB."""
    singles, finals = [], []
    for run, target, block in scenario.visits():
        tpl = block.of_kind(Kind.OBJECT)
        tpl_file = f"r.{tpl[0].root}_tpl.fits" if len(tpl) > 1 else ""
        common = {
            "run_id": run.run_id,
            "target": target.name,
            "ob_id": block.number,
            "ob_name": block.name,
            "ins_mode": "WFM-NOAO-N",
            "ra": target.ra,
            "dec": target.dec,
            "grd": block.grade,
            "comm": block.comment,
            "num_src": 900 if target.crowded else 9,
            "histo_bkg": -31.5 if target.crowded else 1.5,
        }
        for one in block.exposures:
            is_sky = one.kind is Kind.SKY
            singles.append(
                common
                | {
                    "pipefile": f"r.{one.root}_pst.fits",
                    "civil_date": one.civil_date,
                    "data_type": "DATACUBE_SKY" if is_sky else "DATACUBE_SINGLE",
                    "texptime": one.exposure_time,
                    "pattern": one.kind.value[0],
                    "combined": "" if is_sky else tpl_file,
                }
            )
        objects = [row for row in singles if row["combined"] == tpl_file and tpl_file]
        if tpl_file:
            finals.append(
                {k: v for k, v in objects[0].items() if k != "combined"}
                | {
                    "pipefile": tpl_file,
                    "data_type": "DATACUBE_COMBINED",
                    "texptime": sum(row["texptime"] for row in objects),
                    "pattern": "O" * len(objects),
                }
            )
    return singles, finals


@frozen
class Site:
    """A place to work at, and what people do there."""

    root: Path
    config_path: Path
    scenario: Scenario

    @property
    def config(self):
        return read_config(self.config_path)

    @property
    def runs_folder(self):
        return self.root / "monitor" / "FINISHED" / "RUN"

    def list_of(self, run=RUN):
        return self.runs_folder / f"{run.replace('(', '').replace(')', '')}.txt"

    def edit(self, path, old, new, count=1):
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, count), "utf-8")

    def comment(self, pipefile, run=RUN):
        """Put a # before the line of a datacube."""
        lines = self.list_of(run).read_text("utf-8").split("\n")
        assert any(pipefile in line for line in lines)
        lines = [f"#{line}" if pipefile in line else line for line in lines]
        self.list_of(run).write_text("\n".join(lines), "utf-8")

    def rename(self, pipefile, target, run=RUN):
        """Write another TARGET into the line of a datacube."""
        text = self.list_of(run).read_text("utf-8")
        pattern = rf"^(.*\s{re.escape(pipefile)}\s+)(\S+)"
        changed, count = re.subn(pattern, rf"\g<1>{target}", text, flags=re.MULTILINE)
        assert count == 1
        self.list_of(run).write_text(changed, "utf-8")

    def copy_line(self, pipefile, target, other, run=RUN):
        """Copy the line of a datacube, with another TARGET."""
        lines = self.list_of(run).read_text("utf-8").split("\n")
        (line,) = [one for one in lines if pipefile in one]
        copied = line.replace(f" {target} ", f" {other} ", 1)
        assert copied != line
        self.list_of(run).write_text("\n".join((*lines, copied, "")), "utf-8")

    def cubes(self, target, run=RUN):
        """The combined datacubes of a target, in time."""
        return [
            f"r.{block.of_kind(Kind.OBJECT)[0].root}_tpl.fits"
            for its, field, block in self.scenario.visits()
            if its.run_id == run and field.name == target
        ]

    def exposures(self, target, run=RUN):
        """The OBJECT exposures of a target, in time: their pst ABs."""
        return [
            f"{one.root}_pst.ab"
            for its, field, block in self.scenario.visits()
            if its.run_id == run and field.name == target
            for one in block.of_kind(Kind.OBJECT)
        ]

    def stored(self, date=DATE):
        """The ABs of a run in the store, by name."""
        folder = self.root / "qcweb" / "MUSE_deep" / date
        return {path.name: read_block(path) for path in sorted(folder.glob("*.ab"))}

    def forget_deep(self):
        """Take away what the simulator put into branch MUSE_deep."""
        shutil.rmtree(self.root / "qcweb" / "MUSE_deep")

    def targets(self, date=DATE):
        """The exposures of each deep datacube in the store."""
        return {
            block.value("TARGET"): [
                m.file for m in block.mcalibs if m.tag == "PIXTABLE_REDUCED"
            ]
            for block in self.stored(date).values()
            if block.recipe == "muse_exp_combine"
        }

    def tmp2(self, target="", date=DATE):
        return self.root / "ab" / "TMP2" / date / target

    @property
    def env(self):
        more = {"PHOENIX_CONFIG": str(self.config_path), "COLUMNS": "120"}
        return {**os.environ, **more, "OMP_NUM_THREADS": "1"}

    def call(self, *words, program="phoenix_createDeep", **env):
        """Type a real command where nobody can be asked."""
        env = self.env | env
        return call_program(
            [BIN / program, *words], cwd=self.config_path.parent, env=env
        )

    def made(self, *words, run=RUN):
        """Make ABs without a question, in this process; return the JSON document."""
        told = io.StringIO()
        with (
            contextlib.redirect_stdout(told),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.suppress(SystemExit),
        ):
            config = ("--config", str(self.config_path))
            app(["-r", run, "--json", *config, *words], standalone_mode=False)
        return json.loads(told.getvalue())

    def cascade(self, run=RUN):
        """What phoenix -C makes of it: the ABs by name, after a call without errors."""
        done = self.call("-r", run, "-C", "--json", program="phoenix")
        document = json.loads(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr
        ab_dir = self.root / "ab" / document["date"]
        return {path.name: read_block(path) for path in sorted(ab_dir.glob("*.ab"))}


@pytest.fixture
def site(simulated, scenario, tmp_path) -> Site:
    """The observatory, its database and its lists, to work on and to break."""
    root = tmp_path / "data"
    shutil.copytree(simulated, root, ignore=shutil.ignore_patterns("raw", "calib"))
    for name in ("raw", "calib"):
        (root / name).symlink_to(simulated / name)
    path = tmp_path / "phoenix.toml"
    path.write_text(CONFIG.read_text("utf-8").replace("phoenix-data", str(root)))
    made = Site(root, path, scenario)
    made.runs_folder.mkdir(parents=True)
    (made.runs_folder / "RUN_MULTI.txt").write_text(
        f"{MASTER} M\n{SLAVE} S {MASTER}\n", "utf-8"
    )
    singles, finals = rows_of(scenario)
    with open_ledger(made.config.database) as ledger:
        metadata = sa.MetaData()
        tables = [as_sql(table, metadata) for table in (SINGLE, COMBINED)]
        metadata.create_all(ledger.engine)
        with ledger.engine.begin() as connection:
            for table, rows in zip(tables, (singles, finals), strict=True):
                connection.execute(sa.insert(table), rows)
            for runs in ((RUN,), (MASTER, SLAVE)):
                cubes = final_datacubes(connection, runs)
                singles = single_datacubes(connection, runs)
                path = made.list_of(runs[0])
                update_target_list(path, runs[0], cubes, singles, "2095-01-01")
    return made


@pytest.fixture
def empty_site(site) -> Site:
    """The same, with nothing in branch MUSE_deep."""
    site.forget_deep()
    return site


@pytest.fixture
def killed_at_each_change():
    """A function that does some work and kills it, at each of its changes in turn."""

    def moments(work, start=1, step=1):
        moment = start
        while kill_at(work, moment):
            yield moment
            moment += step

    return moments
