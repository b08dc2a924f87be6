"""pgi_phoenix_MUSE_postQC: logs are heard, and the cover sheet shows the whole run."""

from urllib.parse import unquote

import html5lib
import pytest
from attrs import evolve

from muse_deep_plugin.log_messages import important
from muse_deep_plugin.post_qc import PGI, process_qc_final_plugin
from muse_deep_plugin.qc1_tables import COMBINED
from phoenix_core import hookspecs
from phoenix_core.ab.dropped import Dropping, drop_lines
from phoenix_core.ab.file import read_block, write_block
from phoenix_core.ab_monitor.page import cover_path
from phoenix_core.association_block import AssociationBlock
from phoenix_core.config import read_config
from phoenix_core.loader.pgis import load
from phoenix_core.model import QcReport, Score
from phoenix_core.processing.qc_report import StoredReport, write_report
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.ingest import ingest
from phoenix_core.recipe.pipeline_log import LogMessage
from phoenix_core.records.comments import keep_comment
from phoenix_core.records.verdicts import keep_verdict, make_verdict
from phoenix_core.run.pages import all_reports
from phoenix_core.slots import SLOTS
from phoenix_core.testing import PgiCoverContract, QcFinalPluginContract

PNG = b"\x89PNG\r\n\x1a\n" + b"IEND\xaeB`\x82"
FIRST, SECOND = "MUSE.2014-10-23T01:10:54.193", "MUSE.2014-10-24T01:30:21.534"
EVIL = "<script>alert(1)</script>"
LOG = """\
01:00:00 [WARNING] muse_a: [tid=000] Channel for IFU 02 is missing
01:00:00 [WARNING] muse_b: [tid=000] pixel table x.fits will be ignored!
01:00:00 [ ERROR ] muse_c: [tid=000] keyword <b>gone</b>
01:00:00 [WARNING] muse_a: [tid=000] Channel for IFU 03 is missing
"""


class TestFinal(QcFinalPluginContract):
    pgi = PGI


class TestCover(PgiCoverContract):
    pgi = PGI


def make_ab(run, name, recipe, raw_type, *, parameters=None, comments=(), **more):
    """A finished AB with a log, a plot, and a report that has these parameters."""
    root = f"r.{name}"
    directory = run.product_dir(raw_type)
    directory.mkdir(parents=True, exist_ok=True)
    block = AssociationBlock.create(
        {
            "RAW_TYPE": raw_type,
            "RECIPE": recipe,
            "AB_NAME": f"{name}.ab",
            "PROCESS_STATUS": "SUCCESSFUL",
            "OBS_PROG_ID": "094.D-0114(B)",
            "PROD_ROOT_NAME": root,
            "FINGERPRINT": f"f-{name}",
            "SOF_CONTENT": ["MU_FILT_141022A.fits FILTER_LIST 0"],
            **more,
        }
    )
    run.ab_dir.mkdir(parents=True, exist_ok=True)
    write_block(run.ab_path(block.name), block)
    (directory / f"{root}.log").write_text(LOG)
    (directory / f"{root}.png").write_bytes(PNG)
    report = QcReport(
        block.name,
        recipe,
        block.value("TARGET"),
        parameters or {},
        (Score("FWHM", 0.9, high=1.5), Score("FILLED", 0.1, low=0.4)),
        comments,
        plots=(directory / f"{root}.png",),
        fingerprint=block.fingerprint,
    )
    write_report(directory / f"{root}.qc.json", StoredReport(report))
    return block, report


@pytest.fixture
def deep(run):
    """A run with a deep datacube of two exposures, and the history of their OBs."""
    for name, ob, mjd in ((FIRST, 1, "56953.0492"), (SECOND, 2, "56954.0628")):
        make_ab(
            run,
            f"{name}_pst",
            "muse_scipost",
            "PIXTABLE_OBJECT",
            parameters={
                "OB_NAME": f"NGC300_{ob}",
                "ABMAGLIM": 24.0,
                "QCFLAG": "001000010",
            },
            OBS_ID=str(ob),
            **{"MJD-OBS": mjd},
        )
    make_ab(
        run,
        f"{FIRST}_dpc",
        "muse_exp_combine",
        "MUSE_DEEP",
        parameters={
            "PATTERN": "DEEP_2",
            "N_EXPOSURES": 2,
            "N_EXPECTED": 3,
            "TEXPTIME": 1200.0,
            "ABMAGLIM": 24.51,
            "PIXNOISE": 3.4612e-20,
            "QCFLAG": "0010000000",
        },
        comments=("fine", f"WARNING High_background {EVIL}", "ERROR misaligned"),
        TARGET=f"NGC300{EVIL}",
        MCALIB=[
            f"VIRTUAL {FIRST}_pst.ab PIXTABLE_REDUCED",
            f"VIRTUAL {SECOND}_pst.ab PIXTABLE_REDUCED",
            "VIRTUAL MUSE.2014-11-01T00:00:00.000_pst.ab PIXTABLE_REDUCED",
        ],
    )
    rows = [
        history_row(1, 56953.0492, target=EVIL, fov_plot="2014-10-22/fov.png"),
        history_row(2, 56954.0600),
        history_row(2, 56990.0, pipefile="r.another_night_tpl.fits"),
        history_row(3, 56953.0492, pipefile="r.another_ob_tpl.fits"),
    ]
    picture = run.config.directories.plots / "2014-10-22" / "fov.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(PNG)
    with open_qc1(run.config.database) as engine, engine.begin() as connection:
        ingest(connection, COMBINED, rows)
    return run


def history_row(ob, mjd, **more):
    return {
        "pipefile": f"r.ob{ob}_tpl.fits",
        "run_id": "094.D-0114(B)",
        "ob_id": ob,
        "mjd_obs": mjd,
        **more,
    }


def cover(run, options=""):
    """Have the sheet written as phoenix does; return its path and what it is."""
    path = run.config.path
    path.write_text(
        path.read_text() + f'[processQC]\nPGI_COVER = "{PGI}"\n[{PGI}]\n{options}\n'
    )
    config = read_config(path)
    pgis = load(config, [slot for slot in SLOTS if slot.table == "processQC"])
    run = evolve(run, config=config)
    sheet = pgis.ask(hookspecs.process_qc_pgi_cover, run=run, reports=all_reports(run))
    assert sheet == cover_path(run)
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return sheet, parser.parse(sheet.read_text("utf-8"))


def words(node):
    return " ".join("".join(node.itertext()).split())


def tables(page):
    return [
        [[words(cell) for cell in row] for row in table.findall(".//tbody/tr")]
        for table in page.iter("table")
    ]


def test_the_sheet_shows_deep_cubes_beside_exposures_and_history(deep):
    _, page = cover(deep)
    exposures, history = tables(page)
    assert [row[1] for row in exposures] == [f"{FIRST}_pst.ab", f"{SECOND}_pst.ab"]
    assert exposures[0][2] == "NGC300_1"
    assert [row[2] for row in history] == ["r.ob1_tpl.fits", "r.ob2_tpl.fits"]
    told = words(page)
    assert "DEEP_2" in told
    assert "2 of 3" in told
    assert "24.51 mag" in told
    assert "3.46e-20 erg/s/cm2/Angstrom" in told
    assert "MUSE.2014-11-01T00:00:00.000_pst.ab is not there" in told


def test_what_a_deep_cube_was_made_without_is_told(deep):
    path, exposure = deep.ab_path(f"{FIRST}_dpc.ab"), f"{SECOND}_pst.ab"
    word = Dropping("2026-11-27T20:18:05+00:00", "me", EVIL)
    write_block(path, drop_lines(read_block(path), {exposure}, word))
    _, page = cover(deep)
    assert f"without {exposure}, dropped by me, {word.at}: " in words(page)


def test_what_a_person_has_to_act_on_stands_first(deep):
    _, page = cover(deep)
    marks = [words(li) for li in page.findall(".//div/ul/li")]
    assert marks[:3] == ["ERROR misaligned", f"WARNING High_background {EVIL}", "fine"]


def test_every_link_leads_somewhere_and_every_picture_is_there(deep):
    sheet, page = cover(deep)
    (deep.config.directories.monitor / f"status_{deep.date}.html").touch()
    links = [
        node.get(key)
        for node in page.iter()
        for key in ("href", "src")
        if isinstance(node.tag, str) and node.get(key)
    ]
    files = [link for link in links if not link.startswith("#")]
    assert all((sheet.parent / unquote(link)).is_file() for link in files), files
    assert not any(link.startswith(("/", "http", "file")) for link in files)
    pictures = [image.get("src") for image in page.iter("img")]
    assert any(link.endswith("fov.png") for link in pictures)
    assert len(pictures) == 4


def test_flags_and_scores_tell_what_they_are(deep):
    _, page = cover(deep)
    titles = [node.get("title") or "" for node in page.iter("span")]
    assert {"HAS_SKY: 1", "ALIGNMENT: 0", "CHECK_BKG: 0"} <= set(titles)
    assert "0 HAS_SKY" in words(page)
    assert any(title.startswith("FILLED = 0.1 FAILED") for title in titles)


def test_verdict_comment_and_log_are_told(deep):
    (report,) = (r for r in all_reports(deep) if "_dpc" in r.block)
    keep_comment(deep, report.block, f"seen {EVIL}")
    keep_comment(deep, f"{SECOND}_pst.ab", "thin clouds")
    keep_verdict(
        deep, report, make_verdict(report, is_accepted=False, comment="misaligned")
    )
    _, page = cover(deep)
    told = words(page)
    assert "REJECTED by " in told
    assert f"seen {EVIL}" in told
    assert "thin clouds" in tables(page)[0][1][-2]
    logged = [words(li) for li in page.findall(".//details/ul/li")]
    assert logged == [
        "ERROR keyword <b>gone</b>",
        "WARNING pixel table x.fits will be ignored!",
        "WARNING Channel for IFU 02 is missing (2 times)",
    ]


def test_nothing_from_elsewhere_is_obeyed(deep):
    _, page = cover(deep)
    assert [node.get("src") for node in page.iter("script")] == ["table.js"]
    assert not list(page.iter("b"))
    assert EVIL in words(page)


def test_messages_of_no_account_are_left_out(deep):
    _, page = cover(deep, 'harmless = ["Channel for IFU"]')
    assert "Channel for IFU" not in words(page)


def test_a_database_that_is_down_costs_the_history_alone(deep):
    path = deep.config.path
    path.write_text(f'database = "sqlite:////proc/none/such.db"\n{path.read_text()}')
    _, page = cover(deep)
    assert len(tables(page)[0]) == 2
    assert "The history of datacubes could not be read" in words(page)


def test_the_log_is_in_the_report_beside_its_comments(deep):
    block, report = make_ab(deep, f"{SECOND}_pst", "muse_scipost", "PIXTABLE_OBJECT")
    report = evolve(report, comments=("seen",))
    told = process_qc_final_plugin(run=deep, block=block, report=report)
    assert told.comments == ("seen",)
    assert told.parameters["PIPELINE_ERRORS"] == 1
    assert told.parameters["PIPELINE_WARNINGS"] == 3
    assert told.parameters["PIPELINE_MESSAGES"].splitlines() == [
        "ERROR keyword <b>gone</b>",
        "WARNING pixel table x.fits will be ignored!",
        "WARNING Channel for IFU 02 is missing (2 times)",
    ]
    assert process_qc_final_plugin(run=deep, block=block, report=told) == told


def test_a_report_without_a_log_is_left_alone(deep):
    block, report = make_ab(deep, f"{SECOND}_pst", "muse_scipost", "PIXTABLE_OBJECT")
    (deep.product_dir("PIXTABLE_OBJECT") / block.log_name).unlink()
    assert process_qc_final_plugin(run=deep, block=block, report=report) is None


def test_what_was_left_out_comes_before_what_is_usual():
    usual = LogMessage("WARNING", "Channel for IFU 02 is missing", count=23)
    grave = LogMessage("WARNING", "No overlapping fields of view")
    error = LogMessage("ERROR", "keyword is gone")
    assert important([usual, grave, error]) == (error, grave, usual)
    assert important([usual, grave], ["Channel"]) == (grave,)
