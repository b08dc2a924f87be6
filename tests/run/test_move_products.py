"""moveProducts: what is accepted moves, all else stays, and no death loses a file."""

import hashlib
import os
import resource
import shutil
import tempfile
from pathlib import Path

import pytest
from attrs import evolve, frozen

from phoenix_core.ab.file import read_block, write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError, ConfigError, PgiError, PhoenixError
from phoenix_core.files.run_lock import holding
from phoenix_core.loader.pgis import load
from phoenix_core.model import Move, QcReport, Score
from phoenix_core.processing.qc_page import write_qc_page
from phoenix_core.processing.qc_report import (
    StoredReport,
    page_path,
    report_path,
    write_report,
)
from phoenix_core.run.move_products import finish_moves, move
from phoenix_core.slots import SLOTS
from phoenix_core.testing.killing import Trial, kill_at, kill_often

CLOSING = [slot for slot in SLOTS if slot.key in {"CERTIF_PGI", "SPECIAL_PLUGIN"}]
VERDICTS = """
from phoenix_core import hookimpl
from phoenix_core.model import Move, Verdict

@hookimpl
def certif_pgi(run, reports):
    said = WORDS
    return [
        Verdict(r.block, said[r.block], "me", "2026-01-01T00:00:00+00:00",
                "seen", r.fingerprint)
        for r in reports if r.block in said
    ]
"""
MOVES = """
from phoenix_core import hookimpl
from phoenix_core.model import Move

@hookimpl
def move_products_special_plugin(run, products):
    reduced = run.config.directories.reduced / run.date
    ANSWER
"""


GREEN = (Score("FWHM", 0.8, high=1.5),)


@frozen
class World:
    """A run with two targets that share an exposure, all of it processed and scored."""

    run: object
    install: object

    @property
    def root(self):
        return self.run.config.directories.root

    def make(self, name, needs=(), products=("CUBE",), **changes):
        root = f"r.{name.removesuffix('.ab')}"
        kind = name.removesuffix(".ab").split("_")[-1].upper()
        run = self.run
        directory = run.product_dir(kind)
        directory.mkdir(parents=True, exist_ok=True)
        lines = []
        for category in products:
            content = f"{name} {category} ".encode() * 4_000
            (directory / f"{root}_{category}.fits").write_bytes(content)
            total = hashlib.sha256(content).hexdigest()
            state = "INTERIM" if category == "TABLE" else "KEPT"
            lines.append(
                f"{root}_{category}.fits {category} {total} {len(content)} {state}"
            )
        lines.append(f"{root}_OLD.fits OLD {'0' * 64} 7 DELETED")
        (directory / f"{root}.log").write_text(f"log of {name}\n")
        block = AssociationBlock.create(
            {
                "RAW_TYPE": kind,
                "RECIPE": "toy",
                "AB_NAME": name,
                "PROCESS_STATUS": "SUCCESSFUL",
                "LOG_NAME": f"{root}.log",
                "PROD_PATH": str(directory),
                "MCALIB": [f"VIRTUAL {need} CUBE" for need in needs],
                "FINGERPRINT": f"f-{name}",
                "SOF_CONTENT": [
                    f"r.{need.removesuffix('.ab')}_CUBE.fits CUBE f-{need}"
                    for need in needs
                ],
                "PRODUCTS": lines,
                **changes,
            }
        )
        run.ab_dir.mkdir(parents=True, exist_ok=True)
        write_block(run.ab_path(name), block)
        self.report(name)

    def report(self, name, scores=GREEN):
        block = self.block(name)
        path = report_path(self.run, block)
        plots = [path.with_name(f"{block.root}{end}.png") for end in ("", "_sky")]
        for plot in plots:
            plot.write_bytes(f"plot {plot.name}".encode())
        report = QcReport(
            name, scores=scores, plots=tuple(plots), fingerprint=block.fingerprint
        )
        write_qc_page(page_path(path), report)
        write_report(path, StoredReport(report))

    def block(self, name):
        return read_block(self.run.ab_path(name))

    def product(self, name, category="CUBE"):
        block = self.block(name)
        return self.run.product_dir(block.raw_type) / f"{block.root}_{category}.fits"

    def move(self, verdicts=None, answer="", rename="", **changes):
        slots = {}
        if verdicts is not None:
            text = VERDICTS.replace("WORDS", repr(verdicts))
            slots["phoenix.CERTIF_PGI"] = (self.install("certif", text),)
        if answer:
            text = MOVES.replace("ANSWER", answer)
            slots["moveProducts.SPECIAL_PLUGIN"] = (self.install("move", text),)
        if rename:
            text = MOVES.replace("ANSWER", rename).replace("products)", "moves)")
            text = text.replace("move_products_special", "rename_products_special")
            slots["renameProducts.SPECIAL_PLUGIN"] = (self.install("name", text),)
        config = evolve(self.run.config, slots=slots)
        return move(evolve(self.run, config=config, **changes), load(config, CLOSING))

    def names(self, directory):
        top = getattr(self.run.config.directories, directory)
        return sorted(p.name for p in top.rglob("*") if p.is_file())

    def files(self):
        """Every file but the verdicts, with what it says."""
        where = (p for p in self.root.rglob("*") if p.is_file())
        return {
            str(p.relative_to(self.root)): p.read_bytes().replace(
                bytes(self.root), b"ROOT"
            )
            for p in where
            if p.name != "verdicts.jsonl" and p.parent.name != ".work"
        }


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs the text of a PGI, and returns its name."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))

    def write(kind, text):
        total = hashlib.sha256((text + str(tmp_path)).encode()).hexdigest()[:12]
        name = f"toy_{kind}_{total}"
        info = site / f"{name}-1.dist-info"
        if not info.exists():
            info.mkdir(parents=True)
            (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
            (info / "entry_points.txt").write_text(f"[phoenix.pgi]\n{name} = {name}\n")
            (site / f"{name}.py").write_text(text)
        return name

    return write


@pytest.fixture
def world(run, install):
    world = World(run, install)
    world.make("shared_pst.ab", products=("CUBE", "TABLE"))
    world.make("one_pst.ab")
    world.make("two_pst.ab")
    world.make("one_dpc.ab", ["one_pst.ab", "shared_pst.ab"], ["CUBE", "IMAGE"])
    world.make("two_dpc.ab", ["two_pst.ab", "shared_pst.ab"], ["CUBE", "IMAGE"])
    return world


BOTH = {"one_dpc.ab": True, "two_dpc.ab": True}
ONE = {"one_dpc.ab": True}


# What moves, and what stays ---------------------------------------------------------


def test_an_accepted_ab_moves_with_products_log_report_and_plots(world):
    cube = world.product("one_dpc.ab").read_bytes()
    done = world.move(ONE)
    assert world.names("reduced") == ["r.one_dpc_CUBE.fits", "r.one_dpc_IMAGE.fits"]
    date = world.run.date
    reduced = world.run.config.directories.reduced / date
    assert (reduced / "r.one_dpc_CUBE.fits").read_bytes() == cube
    assert {"one_dpc.ab", "r.one_dpc.log", "r.one_dpc.qc.json"} <= set(
        world.names("logs")
    )
    shown = {"r.one_dpc.png", "r.one_dpc_sky.png", "r.one_dpc.qc.html"}
    assert shown <= set(world.names("plots"))
    assert not any("one_dpc" in name for name in world.names("product"))
    assert not world.run.ab_path("one_dpc.ab").exists()
    assert [verdict.block for verdict in done.accepted] == ["one_dpc.ab"]
    assert all(one.target.exists() and not one.source.exists() for one in done.moved)


def test_the_moved_ab_says_where_its_products_are(world):
    before = world.block("one_dpc.ab")
    world.move(ONE)
    directories = world.run.config.directories
    block = read_block(directories.logs / world.run.date / "one_dpc.ab")
    (place,) = block.values("PROD_PATH")
    assert Path(place) == directories.reduced / world.run.date
    for record in block.products:
        path = Path(place) / record.file
        assert record.is_deleted or hashlib.sha256(path.read_bytes()).hexdigest() == (
            record.checksum
        )
    untold = {"PROD_PATH": "", "PRODUCTS": ""}
    assert block.updated(untold).lines == before.updated(untold).lines


def test_what_only_this_target_needed_goes_along_and_what_another_needs_stays(world):
    done = world.move(ONE)
    assert world.names("ab") == ["shared_pst.ab", "two_dpc.ab", "two_pst.ab"]
    assert {"one_pst.ab", "r.one_pst.log", "r.one_pst.qc.json"} <= set(
        world.names("logs")
    )
    assert {"r.one_pst.png"} <= set(world.names("plots"))
    assert [path.name for path in done.deleted] == ["r.one_pst_CUBE.fits"]
    assert world.product("shared_pst.ab").exists()
    (record, _) = read_block(
        world.run.config.directories.logs / world.run.date / "one_pst.ab"
    ).products
    assert record.is_deleted


def test_the_last_target_takes_the_shared_exposures_along(world):
    world.move(ONE)
    world.move({"two_dpc.ab": True})
    assert world.names("ab") == []
    assert world.names("product") == []
    assert "shared_pst.ab" in world.names("logs")


def test_both_at_once_end_as_one_after_the_other(world, tmp_path):
    before = tmp_path / "before"
    shutil.copytree(world.root, before)
    world.move(BOTH)
    at_once = world.files()
    shutil.rmtree(world.root)
    shutil.copytree(before, world.root)
    world.move(ONE)
    world.move({"two_dpc.ab": True})
    assert world.files() == at_once


def test_n_keeps_the_working_products_and_the_ab_tells_where(world):
    done = world.move(ONE, keep=True)
    assert done.deleted == ()
    waiting = world.run.product_dir("PST")
    assert (waiting / "r.one_pst_CUBE.fits").exists()
    block = read_block(
        world.run.config.directories.logs / world.run.date / "one_pst.ab"
    )
    assert block.value("PROD_PATH") == str(waiting)
    assert [record.state for record in block.products] == ["KEPT", "DELETED"]


def test_products_that_do_not_move_are_deleted_or_kept_and_told(world):
    answer = (
        "return [Move(p.path, reduced / p.path.name) for p in products "
        "if p.category == 'IMAGE']"
    )
    world.move(ONE, answer, keep=True)
    directories = world.run.config.directories
    block = read_block(directories.logs / world.run.date / "one_dpc.ab")
    reduced, waiting = map(Path, block.values("PROD_PATH"))
    assert (reduced / "r.one_dpc_IMAGE.fits").exists()
    assert (waiting / "r.one_dpc_CUBE.fits").exists()
    world.move({"two_dpc.ab": True}, answer)
    assert world.names("reduced") == ["r.one_dpc_IMAGE.fits", "r.two_dpc_IMAGE.fits"]
    assert "r.two_dpc_CUBE.fits" not in world.names("product")


def test_what_n_kept_goes_with_the_next_call_without_it(world):
    world.move(BOTH, keep=True)
    assert len([n for n in world.names("product") if n.endswith(".fits")]) == 4
    assert world.move(BOTH, keep=True).deleted == ()
    (reduced, products) = (world.names("reduced"), world.run.config.directories.product)
    done = world.move(BOTH)
    assert sorted(path.name for path in done.deleted) == [
        *("r.one_pst_CUBE.fits", "r.shared_pst_CUBE.fits"),
        *("r.shared_pst_TABLE.fits", "r.two_pst_CUBE.fits"),
    ]
    assert done.moved == ()
    assert world.names("product") == []
    assert world.names("reduced") == reduced
    logs = world.run.config.directories.logs / world.run.date
    block = read_block(logs / "one_pst.ab")
    assert {record.state for record in block.products} == {"DELETED"}
    assert block.value("PROD_PATH") == str(products / "PST" / world.run.date)
    assert read_block(logs / "one_dpc.ab").products[0].state == "KEPT"
    assert world.move(BOTH).is_idle


def test_what_n_kept_of_another_target_or_of_an_ab_made_again_stays(world):
    world.move(BOTH, keep=True)
    world.make("shared_pst.ab", products=("CUBE", "TABLE"), PROCESS_START="later")
    done = world.move({}, select="one_dpc.ab")
    assert [path.name for path in done.deleted] == ["r.one_pst_CUBE.fits"]
    assert world.product("shared_pst.ab").exists()
    done = world.move({})
    assert [path.name for path in done.deleted] == ["r.two_pst_CUBE.fits"]
    assert world.product("shared_pst.ab").exists()


def test_killed_while_what_n_kept_is_deleted_the_next_call_ends_the_same(
    world, tmp_path
):
    world.move(BOTH, keep=True)
    before = tmp_path / "before"
    shutil.copytree(world.root, before)
    world.move(BOTH)
    wanted = world.files()
    for action in range(1, 100):
        shutil.rmtree(world.root)
        shutil.copytree(before, world.root)
        if not kill_at(lambda: world.move(BOTH), action):
            break
        world.move(BOTH)
        assert world.files() == wanted, f"killed before action {action}"
    assert action > 5


def test_rejected_and_undecided_products_stay_with_all_they_need(world):
    before = world.files()
    done = world.move({"one_dpc.ab": False})
    assert world.files() == before
    assert done.is_idle
    assert [verdict.comment for verdict in done.rejected] == ["seen"]
    assert [stays.block for stays in done.undecided] == ["two_dpc.ab"]


def test_moving_again_is_harmless(world):
    world.move(BOTH)
    after = world.files()
    done = world.move(BOTH)
    assert done.is_idle
    assert done.accepted == ()
    assert world.files() == after


def test_only_the_selected_ab_is_reviewed_and_the_others_hold_what_they_need(world):
    world.move(BOTH, select="two_dpc.ab")
    assert world.names("ab") == ["one_dpc.ab", "one_pst.ab", "shared_pst.ab"]
    assert world.move(BOTH, select="two_dpc.ab").is_idle
    with pytest.raises(ConfigError, match=r"select one_dpc\.ab"):
        world.move(BOTH, select="one_pst.ab")
    with pytest.raises(ConfigError, match=r"did you mean 'one_dpc\.ab'"):
        world.move(BOTH, select="one_dcp.ab")


def test_an_ab_that_did_not_succeed_stays_and_says_why(world):
    world.make(
        "one_dpc.ab",
        ["one_pst.ab"],
        PROCESS_STATUS="FAILED",
        PROCESS_CAUSE="disk full",
    )
    done = world.move(BOTH)
    (stays,) = done.undecided
    assert "FAILED: disk full" in stays.why
    assert "one_pst.ab" in world.names("ab")
    assert "shared_pst.ab" in world.names("logs")


def test_without_a_report_of_the_present_products_nothing_is_judged(world):
    block = world.block("one_dpc.ab").with_value("FINGERPRINT", "newer")
    write_block(world.run.ab_path("one_dpc.ab"), block)
    done = world.move(ONE)
    assert [stays.why for stays in done.undecided if "one" in stays.block] == [
        "its products have no QC report; processQC -a one_dpc.ab makes one"
    ]


def test_what_was_made_from_older_products_does_not_move(world):
    block = world.block("one_pst.ab").with_value("FINGERPRINT", "newer")
    write_block(world.run.ab_path("one_pst.ab"), block)
    done = world.move(BOTH)
    (stays,) = done.failed
    assert stays.why.startswith("one_pst.ab was made anew since one_dpc.ab took it")
    assert "two_dpc.ab" in world.names("logs")
    assert "one_dpc.ab" in world.names("ab")


@pytest.mark.parametrize(
    ("qualifier", "value", "told"),
    [
        ("RAWFILE", ["new.fits OBJECT"], "asks for new.fits, which it was not made"),
        ("MCALIB", ["REAL new.fits FLAT"], "asks for new.fits, which it was not made"),
        ("RECIPE_PARAM", ["--a=b"], "the parameters of one_pst.ab were changed"),
        ("SOF_CONTENT", ["old.fits OBJECT 0"], "was made with old.fits, which it does"),
    ],
)
def test_what_was_made_from_other_inputs_than_its_ab_asks_for_does_not_move(
    world, qualifier, value, told
):
    block = world.block("one_pst.ab").with_values(qualifier, value)
    write_block(world.run.ab_path("one_pst.ab"), block)
    done = world.move(BOTH)
    (stays,) = done.failed
    assert told in stays.why
    assert stays.why.endswith("run phoenix -P, then review it again")
    assert world.names("reduced") == ["r.two_dpc_CUBE.fits", "r.two_dpc_IMAGE.fits"]


def test_an_accepted_ab_with_a_rejected_exposure_stays(world):
    done = world.move({**BOTH, "one_pst.ab": False})
    (stays,) = done.failed
    assert stays.why == "it needs one_pst.ab, which was rejected"
    assert world.names("ab") == ["one_dpc.ab", "one_pst.ab", "shared_pst.ab"]


def test_products_of_an_accepted_exposure_move_too(world):
    world.move({**BOTH, "shared_pst.ab": True})
    assert "r.shared_pst_CUBE.fits" in world.names("reduced")
    assert "r.shared_pst_TABLE.fits" not in world.names("reduced")


def test_an_accepted_exposure_does_not_wait_for_a_target_that_failed(world):
    failed = {"PROCESS_STATUS": "FAILED", "PROCESS_CAUSE": "no light"}
    world.make("one_dpc.ab", ["one_pst.ab", "shared_pst.ab"], **failed)
    exposures = {"one_pst.ab": True, "shared_pst.ab": True}
    world.move(exposures)
    assert world.names("reduced") == ["r.one_pst_CUBE.fits"]  # two_dpc is undecided
    world.move({**exposures, "two_dpc.ab": True})
    assert "r.shared_pst_CUBE.fits" in world.names("reduced")
    assert world.names("ab") == ["one_dpc.ab"]


def test_an_accepted_exposure_of_a_rejected_target_moves(world):
    world.move({"one_dpc.ab": False, "two_dpc.ab": True, "shared_pst.ab": True})
    assert "r.shared_pst_CUBE.fits" in world.names("reduced")
    assert world.names("ab") == ["one_dpc.ab", "one_pst.ab"]


def test_an_ab_that_is_being_processed_does_not_move(world):
    with holding(world.run.work_dir("one_pst.ab") / ".lock", "it"):
        done = world.move(BOTH)
    assert [stays.why for stays in done.failed] == ["one_pst.ab is being processed"]


# Missing and changed products -------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"short", "same size"])
def test_a_missing_or_changed_product_stops_its_ab_and_no_other(world, content):
    path = world.product("one_dpc.ab", "IMAGE")
    if content is None:
        path.unlink()
    else:
        same = b"x" * path.stat().st_size
        path.write_bytes(same if content == "same size" else content)
    before = {n: t for n, t in world.files().items() if "one_dpc" in n}
    done = world.move(BOTH)
    (stays,) = done.failed
    assert stays.block == "one_dpc.ab"
    assert str(path) in stays.why
    assert {n: t for n, t in world.files().items() if "one_dpc" in n} == before
    assert world.names("reduced") == ["r.two_dpc_CUBE.fits", "r.two_dpc_IMAGE.fits"]
    assert "shared_pst.ab" in world.names("ab")
    with pytest.raises(CertificationError, match=r"one_dpc\.ab was not moved"):
        done.raise_for_failed()


def test_a_link_in_place_of_a_product_is_refused(world, tmp_path):
    path = world.product("one_dpc.ab")
    path.rename(tmp_path / "elsewhere.fits")
    path.symlink_to(tmp_path / "elsewhere.fits")
    done = world.move(ONE)
    assert "is a link" in done.failed[0].why
    assert world.names("reduced") == []


def test_nothing_certified_is_overwritten(world):
    taken = world.run.config.directories.reduced / world.run.date
    taken.mkdir(parents=True)
    (taken / "r.one_dpc_IMAGE.fits").write_bytes(b"certified earlier")
    done = world.move(BOTH)
    assert "nothing certified is overwritten" in done.failed[0].why
    assert (taken / "r.one_dpc_IMAGE.fits").read_bytes() == b"certified earlier"
    assert "r.one_dpc_CUBE.fits" not in world.names("reduced")
    assert world.product("one_dpc.ab").exists()


def test_logs_and_abs_of_an_exposure_moved_earlier_stay_beside_the_new_ones(world):
    world.move(BOTH)
    world.make("shared_pst.ab", PROCESS_START="later")
    world.make("three_dpc.ab", ["shared_pst.ab"])
    world.move({"three_dpc.ab": True})
    logs = world.run.config.directories.logs / world.run.date
    assert "PROCESS_START" not in (logs / "shared_pst.ab.1").read_text()
    assert "PROCESS_START" in (logs / "shared_pst.ab").read_text()


# Wrong answers of plug-ins ----------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("reduced / f'1_{p.path.name}', reduced / f'2_{p.path.name}'", "moved twice"),
        ("reduced / 'x.fits',", "two files would become"),
        ("reduced / '..' / '..' / 'raw' / p.path.name,", "is not inside"),
        ("run.config.directories.raw / p.path.name,", "is not inside"),
        ("reduced.parent / 'way' / p.path.name,", "is not inside"),
        ("reduced / '.hidden.fits',", "is no file name"),
        ("reduced / f'{p.path.stem}.txt',", "changes the suffix"),
        ("", "none of its products move"),
    ],
)
def test_a_wrong_answer_names_the_pgi_and_moves_nothing(
    world, tmp_path, targets, message
):
    answer = f"return [Move(p.path, t) for p in products for t in ({targets})]"
    reduced = world.run.config.directories.reduced
    reduced.mkdir(exist_ok=True)
    (reduced / "way").symlink_to(tmp_path)
    before = world.files()
    with pytest.raises(PgiError, match=message) as told:
        world.move(BOTH, answer)
    assert str(told.value).startswith("toy_move_")
    assert "\n" not in str(told.value)
    assert world.files() == before


def test_only_products_can_be_moved(world):
    answer = "return [Move(run.config.path, reduced / 'x.toml')]"
    with pytest.raises(PgiError, match="is no product of an accepted AB"):
        world.move(BOTH, answer)


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ("return moves[1:]", "is left out"),
        ("return [Move(m.source, reduced / 'x.fits') for m in moves]", "would become"),
        (
            "return [*moves, Move(run.config.path, reduced / 'x.toml')]",
            "is no product",
        ),
    ],
)
def test_renaming_neither_loses_nor_adds_a_file(world, rename, message):
    before = world.files()
    with pytest.raises(PgiError, match=message) as told:
        world.move(BOTH, rename=rename)
    assert str(told.value).startswith("toy_name_")
    assert world.files() == before


def test_a_renamed_product_is_found_by_its_ab(world):
    rename = (
        "return [Move(m.source, m.target.with_name('MU_' + m.target.name)) "
        "for m in moves]"
    )
    world.move(ONE, rename=rename)
    assert world.names("reduced") == [
        "MU_r.one_dpc_CUBE.fits",
        "MU_r.one_dpc_IMAGE.fits",
    ]
    block = read_block(
        world.run.config.directories.logs / world.run.date / "one_dpc.ab"
    )
    assert [record.file for record in block.products[:2]] == world.names("reduced")


# Without a CERTIF_PGI ---------------------------------------------------------------


def test_without_certif_pgi_green_reports_are_accepted_and_red_ones_wait(world):
    world.report("two_dpc.ab", (Score("FWHM", 2.0, high=1.5), Score("N", 1, low=1)))
    done = world.move()
    (verdict,) = done.accepted
    assert (verdict.block, verdict.by) == ("one_dpc.ab", "phoenix")
    assert "by rule: 1 of 1 scores passed" in verdict.comment
    (stays,) = done.undecided
    assert stays.why == "scores failed (FWHM); a CERTIF_PGI could accept them"
    assert world.names("reduced") == ["r.one_dpc_CUBE.fits", "r.one_dpc_IMAGE.fits"]


# Killed, and out of space -----------------------------------------------------------


@pytest.mark.parametrize(("keep", "kills"), [(False, 100), (True, 30)])
def test_killed_at_random_moments_no_byte_is_lost_and_it_ends_the_same(
    world, tmp_path, keep, kills
):
    before = tmp_path / "before"
    shutil.copytree(world.root, before)
    certified = {
        world.product(f"{name}_dpc.ab", category).read_bytes()
        for name in ("one", "two")
        for category in ("CUBE", "IMAGE")
    }
    world.move(BOTH, keep=keep)
    wanted = world.files()

    def prepare():
        shutil.rmtree(world.root)
        shutil.copytree(before, world.root)

    def left():
        arrived = [p for p in (world.root / "reduced").rglob("*.fits") if p.is_file()]
        waiting = [p for p in (world.root / "product").rglob("*.fits") if p.is_file()]
        assert {path.read_bytes() for path in arrived} <= certified
        assert {path.read_bytes() for path in (*arrived, *waiting)} >= certified

    def ended():
        assert world.files() == wanted

    trial = Trial("move", prepare, lambda: world.move(BOTH, keep=keep), left, ended)
    assert kill_often(trial, kills, seed=6) > 50


def test_a_killed_move_is_completed_without_asking_anybody_again(world, tmp_path):
    before = tmp_path / "before"
    shutil.copytree(world.root, before)
    world.move(BOTH)
    wanted = world.files()
    is_completed = set()
    for action in range(1, 1000, 5):
        shutil.rmtree(world.root)
        shutil.copytree(before, world.root)
        if not kill_at(lambda: world.move(BOTH), action):
            break
        finish_moves(world.run)
        logs, active = set(world.names("logs")), set(world.names("ab"))
        for name in ("one", "two"):
            assert (f"{name}_dpc.ab" in logs) != (f"{name}_dpc.ab" in active)
            # What waits can still be rejected, or be made again: it has all it needs.
            if f"{name}_dpc.ab" in active:
                assert {f"{name}_pst.ab", "shared_pst.ab"} <= active
                assert world.product(f"{name}_pst.ab").exists()
        is_completed.add(world.files() == wanted)
    assert is_completed == {True, False}


@pytest.fixture
def other_disk(tmp_path):
    """A directory on another file system than the tests' own."""
    shared = Path("/dev/shm")  # noqa: S108
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system")
    with tempfile.TemporaryDirectory(dir=shared) as name:
        yield Path(name)


def on_other_disk(world, other_disk):
    directories = world.run.config.directories
    shutil.rmtree(directories.reduced)
    config = evolve(
        world.run.config, directories=evolve(directories, reduced=other_disk / "sci")
    )
    return evolve(world, run=evolve(world.run, config=config))


def test_products_move_to_another_disk_and_are_compared(world, other_disk):
    content = world.product("one_dpc.ab").read_bytes()
    far = on_other_disk(world, other_disk)
    far.move(BOTH)
    moved = other_disk / "sci" / world.run.date / "r.one_dpc_CUBE.fits"
    assert moved.read_bytes() == content
    assert sorted(p.name for p in moved.parent.iterdir()) == [
        "r.one_dpc_CUBE.fits",
        "r.one_dpc_IMAGE.fits",
        "r.two_dpc_CUBE.fits",
        "r.two_dpc_IMAGE.fits",
    ]
    assert world.names("product") == []


def test_killed_while_copying_to_another_disk_ends_the_same(
    world, tmp_path, other_disk
):
    before = tmp_path / "before"
    shutil.copytree(world.root, before)
    far = on_other_disk(world, other_disk)
    far.move(BOTH)
    wanted = world.files()
    arrived = {p.name: p.read_bytes() for p in other_disk.rglob("*.fits")}
    for action in range(1, 1000, 3):
        shutil.rmtree(world.root)
        shutil.rmtree(other_disk / "sci")
        shutil.copytree(before, world.root)
        (world.root / "reduced").rmdir()
        if not kill_at(lambda: far.move(BOTH), action):
            break
        far.move(BOTH)
        assert world.files() == wanted
        files = {p.name: p.read_bytes() for p in other_disk.rglob("*") if p.is_file()}
        assert files == arrived
    assert action > 10


def test_a_full_disk_loses_nothing_and_says_so(world, other_disk, capfd):
    """The kernel refuses to let a file grow: the real error of a write."""
    before = world.files()
    far = on_other_disk(world, other_disk)

    def work():
        # Larger than ABs and logs, smaller than a cube.
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))
        done = far.move(BOTH)
        for stays in done.failed:
            os.write(1, f"{stays.block}: {stays.why}\n".encode())
        done.raise_for_failed()

    pid = os.fork()
    if not pid:
        try:
            work()
        except PhoenixError:
            os._exit(1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    told = capfd.readouterr().out.splitlines()
    assert len(told) == 2
    assert all("nothing is lost" in line for line in told)
    assert {n: t for n, t in world.files().items() if n in before} == before
    assert [p for p in other_disk.rglob("*") if p.is_file()] == []
    far.move(BOTH)
    assert world.names("ab") == []


def test_a_verdict_is_kept_with_who_when_why_and_the_scores(world):
    world.move({"one_dpc.ab": False})
    world.move({"one_dpc.ab": False})
    (line,) = (world.run.monitor_dir / "verdicts.jsonl").read_text().splitlines()
    for text in ('"REJECT"', '"me"', '"seen"', "2026-01-01", "f-one_dpc.ab", "FWHM"):
        assert text in line


def test_moves_are_values_for_json(world):
    done = world.move(ONE)
    assert all(isinstance(one, Move) for one in done.moved)
