"""processQC: one AB's report, made from plug-ins that are really loaded."""

import textwrap
import threading
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa

from phoenix_core.ab.file import read_block, write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError, PgiError, ProcessingError
from phoenix_core.loader.pgis import load
from phoenix_core.model import Run
from phoenix_core.processing.process_qc import process_qc, read_reports
from phoenix_core.processing.qc_report import report_path
from phoenix_core.qc1 import report_rows
from phoenix_core.qc1.database import open_qc1
from phoenix_core.slots import SLOTS

AB = "MUSE.2014-10-22T23:57:32.123_pst.ab"
ROOT = AB.removesuffix(".ab")

# Each QC leaves a line in `calls` beside the configuration.
PGI = """
import io
from matplotlib.figure import Figure
from phoenix_core import hookimpl
from phoenix_core.model import QcReport, Score

def png():
    content = io.BytesIO()
    Figure(figsize=(1, 1)).savefig(content, format="png")
    return content.getvalue()

@hookimpl
def process_qc_procedure(run, block, products):
    seen = [(p.path.name, p.category, p.interim) for p in products]
    with (run.config.path.parent / "calls").open("a") as calls:
        calls.write(f"{block.name} {seen}\\n")
    PROCEDURE
"""
GREEN = """return QcReport(block.name, parameters={"FWHM": 0.8},
        scores=(Score("FWHM", 0.8, high=1.5),), figures={"": png(), "sky": png()})"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Install a PGI with this QC procedure and a run with one finished AB."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def build(procedure=GREEN, more="", options=""):
        name = f"toy_{abs(hash((procedure, more, str(tmp_path))))}"
        text = PGI.replace("PROCEDURE", textwrap.indent(procedure, "    ").strip())
        info = tmp_path / "site" / f"{name}-1.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / f"{name}.py").write_text(text + textwrap.dedent(more))
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
        points = f"[phoenix.pgi]\n{name} = {name}\n"
        if "TABLES" in more:
            points += f"[phoenix.qc1]\n{name} = {name}\n"
        (info / "entry_points.txt").write_text(points)
        final = f'FINAL_PLUGIN = "{name}"' if "final_plugin" in more else ""
        path = tmp_path / "phoenix.toml"
        path.write_text(f"""
instrument = "TOY"
mode = "DEEP"
[directories]
root = "{tmp_path}/data"
[processQC]
QC_PROCEDURE = ["{name}"]
{final}
{options.replace("NAME", name)}
""")
        config = read_config(path)
        slots = [slot for slot in SLOTS if slot.table == "processQC"]
        return Run("2094-04-14", config), load(config, slots)

    return build


@pytest.fixture
def block(tmp_path):
    """A SUCCESSFUL AB with a cube, an interim table and a deleted one."""
    run_dir = tmp_path / "data" / "product" / "PIXTABLE_OBJECT" / "2094-04-14"
    run_dir.mkdir(parents=True)
    for name in ("cube.fits", "table.fits"):
        (run_dir / name).write_bytes(b"pixels")
    block = AssociationBlock.create(
        {
            "RAW_TYPE": "PIXTABLE_OBJECT",
            "RECIPE": "toy_scipost",
            "AB_NAME": AB,
            "PROCESS_STATUS": "SUCCESSFUL",
            "PROD_ROOT_NAME": ROOT,
            "TARGET": "NGC300",
            "FINGERPRINT": "f1",
            "PRODUCTS": [
                "cube.fits DATACUBE abc 6 KEPT",
                "table.fits PIXTABLE abc 6 INTERIM",
                "gone.fits PIXTABLE abc 6 DELETED",
            ],
        }
    )
    path = tmp_path / "data" / "ab" / "2094-04-14" / AB
    path.parent.mkdir(parents=True)
    write_block(path, block)
    return block


def change(run, **values):
    path = run.ab_path(AB)
    write_block(path, read_block(path).updated(values))


def calls(tmp_path):
    return (tmp_path / "calls").read_text().splitlines()


def test_the_report_and_its_figures_lie_beside_the_products(make, block, tmp_path):
    run, pgis = make()
    report = process_qc(run, pgis, AB)
    directory = run.product_dir("PIXTABLE_OBJECT")
    assert report.plots == (directory / f"{ROOT}.png", directory / f"{ROOT}_sky.png")
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in report.plots)
    assert report_path(run, block) == directory / f"{ROOT}.qc.json"
    assert read_reports(run) == (report,)
    assert (report.recipe, report.target) == ("toy_scipost", "NGC300")
    assert report.fingerprint == "f1"
    assert not list(directory.glob(".*")), "no temporary file is left"


def test_a_page_shows_the_report_and_is_made_again_where_it_was_lost(
    make, block, tmp_path
):
    run, pgis = make()
    process_qc(run, pgis, AB)
    page = run.product_dir("PIXTABLE_OBJECT") / f"{ROOT}.qc.html"
    content = page.read_bytes()
    assert f"{ROOT}_sky.png".replace(":", "%3A").encode() in content
    before = page.stat().st_mtime_ns
    process_qc(run, pgis, AB)
    assert page.stat().st_mtime_ns == before
    page.unlink()
    process_qc(run, pgis, AB)
    assert page.read_bytes() == content
    assert len(calls(tmp_path)) == 1, "nothing was measured again"


def test_the_procedure_gets_the_products_that_are_still_there(make, block, tmp_path):
    process_qc(*make(), AB)
    expected = [("cube.fits", "DATACUBE", False), ("table.fits", "PIXTABLE", True)]
    assert calls(tmp_path) == [f"{AB} {expected}"]


def test_qc_that_is_finished_is_not_done_again(make, block, tmp_path):
    run, pgis = make()
    first = process_qc(run, pgis, AB)
    assert process_qc(run, pgis, AB) == first
    assert len(calls(tmp_path)) == 1


def test_new_products_get_a_new_report(make, block, tmp_path):
    run, pgis = make()
    process_qc(run, pgis, AB)
    change(run, FINGERPRINT="f2")
    assert read_reports(run) == (), "a report of earlier products counts for nothing"
    assert process_qc(run, pgis, AB).fingerprint == "f2"
    assert len(calls(tmp_path)) == 2


def test_new_limits_in_the_configuration_get_a_new_report(make, block, tmp_path):
    more = """
    from attrs import frozen
    @frozen
    class Options:
        fwhm_max: float = 1.5
    """
    process_qc(*make(more=more), AB)
    process_qc(*make(more=more, options="[NAME]\nfwhm_max = 1.0"), AB)
    process_qc(*make(more=more, options="[NAME]\nfwhm_max = 1.0"), AB)
    assert len(calls(tmp_path)) == 2


def test_a_new_report_of_an_input_gets_a_new_report(make, block, tmp_path):
    run, pgis = make()
    change(run, MCALIB=["VIRTUAL input.ab PIXTABLE"])
    maker = read_block(run.ab_path(AB)).updated(
        {"AB_NAME": "input.ab", "PROD_ROOT_NAME": "input", "MCALIB": []}
    )
    write_block(run.ab_path("input.ab"), maker)
    process_qc(run, pgis, AB)
    process_qc(run, pgis, "input.ab")
    process_qc(run, pgis, AB)
    process_qc(run, pgis, AB)
    assert [line.split()[0] for line in calls(tmp_path)] == [AB, "input.ab", AB]
    report_path(run, maker).unlink()
    process_qc(run, pgis, AB)
    assert len(calls(tmp_path)) == 3, "a report that was moved says nothing new"


@pytest.mark.parametrize("lost", ["plot", "report"])
def test_what_was_lost_or_damaged_is_made_again(make, block, tmp_path, lost):
    run, pgis = make()
    report = process_qc(run, pgis, AB)
    if lost == "plot":
        report.plots[1].unlink()
    else:
        path = report_path(run, block)
        path.write_bytes(path.read_bytes()[:-20])
    assert process_qc(run, pgis, AB) == report
    assert read_reports(run) == (report,)
    assert all(plot.is_file() for plot in report.plots)


def test_a_figure_that_is_made_no_more_goes(make, block):
    run, pgis = make()
    old = process_qc(run, pgis, AB).plots[1]
    change(run, FINGERPRINT="f2")
    only_one = GREEN.replace(', "sky": png()', "")
    report = process_qc(*make(only_one), AB)
    assert len(report.plots) == 1
    assert not old.exists()


def test_an_ab_that_no_procedure_is_for_has_no_report(make, block):
    run, pgis = make("return None")
    assert process_qc(run, pgis, AB) is None
    assert read_reports(run) == ()


def test_the_final_plugin_completes_the_report(make, block):
    more = """
    import attrs
    @hookimpl
    def process_qc_final_plugin(run, block, report):
        assert report.fingerprint == "f1"
        return attrs.evolve(report, comments=("seen",))
    """
    run, pgis = make(more=more)
    assert process_qc(run, pgis, AB).comments == ("seen",)
    assert read_reports(run)[0].comments == ("seen",)


@pytest.mark.parametrize("status", ["CREATED", "FAILED", "SKIPPED"])
def test_an_ab_that_did_not_succeed_has_nothing_to_look_at(make, block, status):
    run, pgis = make()
    process_qc(run, pgis, AB)
    change(run, PROCESS_STATUS=status)
    with pytest.raises(ProcessingError, match=f"{AB} is {status}"):
        process_qc(run, pgis, AB)
    assert read_reports(run) == ()


def test_a_product_that_is_gone_is_named(make, block):
    run, pgis = make()
    (run.product_dir("PIXTABLE_OBJECT") / "cube.fits").unlink()
    with pytest.raises(ProcessingError, match=r"cube\.fits is gone"):
        process_qc(run, pgis, AB)


def test_an_unknown_ab_is_named(make, block):
    with pytest.raises(ConfigError, match=r"other\.ab: No such file"):
        process_qc(*make(), "other.ab")


@pytest.mark.parametrize(
    ("procedure", "names"),
    [
        ('return QcReport("other.ab")', "it is of 'other.ab'"),
        (
            """import numpy as np
return QcReport(block.name, parameters={"X": np.float32(1)})""",
            "parameters",
        ),
        ('return QcReport(block.name, parameters={"X": [1]})', "parameters"),
        ("return QcReport(block.name, scores=(3,))", "scores: item 0"),
        ('return QcReport(block.name, scores=(Score("X", "1"),))', "value"),
        (
            'return QcReport(block.name, scores=(Score("X", 1), Score("X", 2)))',
            "each another",
        ),
        ('return QcReport(block.name, figures={"../x": png()})', "'../x'"),
        ('return QcReport(block.name, figures={"x": png()[:-9]})', "no whole PNG"),
        ('return QcReport(block.name, figures={"x": b"GIF89a"})', "no whole PNG"),
        ('raise KeyError("QC FWHM")', "failed in process_qc_procedure"),
        ("return 3", "wrong answer to process_qc_procedure"),
    ],
)
def test_a_wrong_answer_is_one_line_with_the_pgi_and_writes_nothing(
    make, block, procedure, names
):
    run, pgis = make(procedure)
    with pytest.raises(PgiError) as caught:
        process_qc(run, pgis, AB)
    message = str(caught.value)
    assert message.startswith("toy_")
    assert names in message
    assert "\n" not in message
    written = {p.name for p in run.product_dir("PIXTABLE_OBJECT").iterdir()}
    assert written == {"cube.fits", "table.fits"}


# Rows for the QC1 database ------------------------------------------------------------

TABLES = """
from phoenix_core.model import Qc1Row
from phoenix_core.qc1.tables import Qc1Table, key, real
COLUMNS = (key("pipefile", "its name"), real("fwhm", "pixel"))
TABLES = (Qc1Table("toy_cubes", "Cubes.", COLUMNS),)
"""


def with_rows(*rows):
    """A procedure whose report has these rows: table and values, as text."""
    told = ", ".join(f"Qc1Row({row})" for row in rows)
    return f'return QcReport(block.name, parameters={{"X": 1}}, qc1=({told},))'


GOOD_ROW = '"toy_cubes", {"pipefile": "r.cube.fits", "fwhm": float("nan")}'


def cubes(run):
    with open_qc1(run.config.database) as engine, engine.connect() as connection:
        return [
            tuple(row) for row in connection.execute(sa.text("select * from toy_cubes"))
        ]


def test_the_rows_of_a_report_go_into_the_database_and_stay_in_the_report(make, block):
    run, pgis = make(with_rows(GOOD_ROW), more=TABLES)
    report = process_qc(run, pgis, AB)
    assert cubes(run) == [("r.cube.fits", None)]
    (row,) = read_reports(run)[0].qc1
    assert (row.table, dict(row.values)) == (
        "toy_cubes",
        {"pipefile": "r.cube.fits", "fwhm": None},
    )
    assert process_qc(run, pgis, AB) == read_reports(run)[0]
    calls = (run.monitor_dir / "qc1_PIXTABLE_OBJECT.dat").read_text().splitlines()
    assert calls[1:] == ["qc1Ingest -table toy_cubes -pipefile r.cube.fits"]
    assert report.qc1


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ('"toy_cbes", {"pipefile": "x"}', "no table 'toy_cbes'; did you mean"),
        ('"toy_cubes", {"pipefile": "x", "fhwm": 1.0}', "toy_cubes has no fhwm"),
        (
            '"toy_cubes", {"pipefile": "x", "fwhm": "big"}',
            "toy_cubes, row 1, fwhm: 'big'",
        ),
        ('"toy_cubes", {"fwhm": 1.0}', "toy_cubes, row 1, pipefile: is missing"),
        ('"toy_cubes", {"pipefile": b"x"}', "values: value of key 'pipefile'"),
        ('3, {"pipefile": "x"}', "table: int is not an instance of str"),
    ],
)
def test_a_wrong_row_is_one_line_with_pgi_table_and_column_and_nothing_is_kept(
    make, block, row, names
):
    run, pgis = make(with_rows(row), more=TABLES)
    with pytest.raises(PgiError) as caught:
        process_qc(run, pgis, AB)
    message = str(caught.value)
    assert message.startswith("toy_")
    assert names in message
    assert "\n" not in message
    assert not report_path(run, block).exists()
    assert not run.monitor_dir.exists()


def test_a_database_that_is_down_costs_no_report_and_gets_the_rows_next_time(
    make, block, tmp_path
):
    run, pgis = make(with_rows(GOOD_ROW), more=TABLES)
    database = tmp_path / "data" / "phoenix.db"
    database.mkdir()
    with pytest.raises(ProcessingError, match=f"{AB}: its QC report is kept, but") as e:
        process_qc(run, pgis, AB)
    assert str(database) in str(e.value)
    assert len(read_reports(run)) == 1
    database.rmdir()
    process_qc(run, pgis, AB)
    assert cubes(run) == [("r.cube.fits", None)]
    assert len(calls(tmp_path)) == 1, "nothing was measured again"


def test_killed_between_report_and_rows_the_next_call_puts_them_there(
    make, block, tmp_path, monkeypatch
):
    run, pgis = make(with_rows(GOOD_ROW), more=TABLES)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(report_rows, "keep_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            process_qc(run, pgis, AB)
    process_qc(run, pgis, AB)
    assert cubes(run) == [("r.cube.fits", None)]
    assert len(calls(tmp_path)) == 1


def test_a_report_that_cannot_be_written_is_told_and_none_is_left(make, block):
    run, pgis = make()
    report_path(run, block).mkdir()
    with pytest.raises(ProcessingError, match=f"{AB}: the QC report cannot be written"):
        process_qc(run, pgis, AB)


def test_two_at_once_leave_one_whole_report(make, block):
    run, pgis = make()
    reports = []
    threads = [
        threading.Thread(target=lambda: reports.append(process_qc(run, pgis, AB)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 4
    assert read_reports(run) == (attrs.evolve(reports[0], figures={}),)
    directory: Path = run.product_dir("PIXTABLE_OBJECT")
    assert not list(directory.glob(".*"))
