"""The contracts of `phoenix_core.testing`: each promise can be broken, and is told."""

import os
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from astropy.io import fits

from phoenix_core import testing
from phoenix_core.slots import SLOTS
from phoenix_core.testing.contract import Contract
from phoenix_core.testing.packages import hook_source, write_package

HEAD = """\
import attrs
from pathlib import Path
from phoenix_core import hookimpl
from phoenix_core.model import *
from phoenix_core.testing.toys import *

"""

# What keeps all promises of its slot, on the toys of `phoenix_core.testing`.
GOOD = {
    "AbSourceContract": "return list(toy_cascade().blocks)",
    "AbPgiContract": """
        from phoenix_core.ab.cascade import in_order
        return Cascade(in_order(blocks))
    """,
    "HdrPgiContract": """
        calib = {path.name for path in run.config.directories.calib.rglob("*")}
        wanted = {m.file for b in cascade.blocks for m in b.mcalibs if not m.is_virtual}
        return [Finding(f"{n} is missing", is_error=True) for n in wanted - calib]
    """,
    "JobPgiContract": "return [Job(b.name, b.needs) for b in cascade.blocks]",
    "BqsContract": """
        bad = set()
        for job in jobs:
            if causes := bad & set(job.needs):
                outcome = Outcome(job.block, AbStatus.SKIPPED, f"it needs {causes}")
            else:
                outcome = process(job)
            if outcome.status is not AbStatus.SUCCESSFUL:
                bad.add(job.block)
            yield outcome
    """,
    "PrePluginContract": "return None",
    "DrsContract": """
        (workdir / block.log_name).write_text("done")
        (workdir / "made.txt").write_text("a product")
        return [Product(workdir / "made.txt", "MADE", block.name)]
    """,
    "CheckPluginContract": """
        empty = [p.path.name for p in products if not p.path.stat().st_size]
        return [Finding(f"{name} is empty", is_error=True) for name in empty]
    """,
    "PostPluginContract": "return [attrs.evolve(products[0], interim=True)]",
    "FinalPluginContract": "return None",
    "QcProcedureContract": """
        if not products:
            return None
        figure = bytes.fromhex("89504e470d0a1a0a") + b"IEND" + bytes.fromhex("ae426082")
        scores = (Score("LEVEL", 1.0, 0.0, 2.0), Score("UNSEEN", None))
        return QcReport(
            block.name, parameters={"LEVEL": 1.0}, scores=scores, figures={"": figure}
        )
    """,
    "QcFinalPluginContract": 'return attrs.evolve(report, comments=("seen",))',
    "PgiCoverContract": """
        sheet = run.config.directories.monitor / "cover.txt"
        sheet.write_text(f"{len(reports)} reports")
        return sheet
    """,
    "CertifPgiContract": """
        return [
            Verdict(r.block, True, "me", "2024-03-10T12:00:00+00:00", "", r.fingerprint)
            for r in reports
            if r.is_green
        ]
    """,
    "RenameProductsContract": """
        return [
            Move(m.source, m.target.with_name(f"new_{m.target.name}")) for m in moves
        ]
    """,
    "MoveProductsContract": """
        reduced = run.config.directories.reduced
        return [Move(p.path, reduced / p.path.name) for p in products]
    """,
    "ConversionToolContract": """
        import shutil
        conv = run.config.directories.reduced / run.date / "conv"
        conv.mkdir(parents=True, exist_ok=True)
        idps = []
        for product in products:
            if not product.path.is_file():
                missing = (f"{product.path} is missing",)
                idps.append(Idp(product.block, product.path, missing=missing))
                continue
            shutil.copyfile(product.path, conv / product.path.name)
            idps.append(Idp(product.block, conv / product.path.name))
        return idps
    """,
    "ArchiveContract": """
        import shutil
        from phoenix_core.files.checksums import checksum_of
        from phoenix_core.errors import IngestionError
        archive = run.config.directories.root / "toy_archive"
        archive.mkdir(exist_ok=True)
        files = []
        for path in (idp.path, *idp.files):
            if not path.is_file():
                raise IngestionError(f"{path} is not there")
            target = archive / path.name
            if target.is_file() and target.read_bytes() != path.read_bytes():
                raise IngestionError(f"{path.name} is there with another content")
            shutil.copyfile(path, target)
            size, total = target.stat().st_size, checksum_of(target, "md5")
            files.append(Stored(path.name, str(target), size, total))
        return Receipt(idp.block, tuple(files), "2024-03-10T12:00:00+00:00")
    """,
    "CleanupPluginContract": "return [idp.path for idp in idps]",
}

# The companion that all archives here bring, but for those that are bad at it.
PROOF = """
@hookimpl
def ingest_products_archive_proof(run, files):
    from phoenix_core.files.checksums import has_checksum
    archive = run.config.directories.root / "toy_archive"
    return [
        f
        for f in files
        if (archive / f.name).is_file()
        and (archive / f.name).stat().st_size == f.size
        and has_checksum(archive / f.name, f.checksum)
    ]
"""
BAD_PROOFS = {
    "test_it_proves_what_it_holds": """
@hookimpl
def ingest_products_archive_proof(run, files):
    return []
""",
    "test_what_it_does_not_hold_is_not_proved": """
@hookimpl
def ingest_products_archive_proof(run, files):
    return files
""",
}

_WRITES_ELSEWHERE = '(run.config.directories.raw / "stray.txt").write_text("hello")\n'
_SPOILS_A_PRODUCT = 'products[0].path.write_text("spoilt")\n'
_ACCEPT = '"rule", "2024-03-10T12:00:00+00:00", "", '

# What breaks one promise of its slot.
BAD = {
    ("Contract", "test_it_fills_its_slot"): "",
    ("AbSourceContract", "test_every_block_has_a_name_of_its_own"): """
        return [toy_block("a.ab"), toy_block("a.ab")]
    """,
    ("AbSourceContract", "test_every_block_can_be_trusted"): """
        return [toy_block("a.ab").with_value("RAWFILE", "../../etc/passwd RAW")]
    """,
    ("AbSourceContract", "test_asked_again_it_has_the_same_blocks"): """
        import random
        return [toy_block("a.ab").with_value("OBS_ID", str(random.random()))]
    """,
    ("AbPgiContract", "test_no_block_is_lost"): """
        return Cascade(tuple(b for b in blocks if not b.needs))
    """,
    ("AbPgiContract", "test_none_precedes_its_inputs"): """
        return Cascade(tuple(sorted(blocks, key=lambda b: b.name, reverse=True)))
    """,
    ("AbPgiContract", "test_the_same_blocks_in_any_order_make_the_same_cascade"): """
        return Cascade(tuple(blocks))
    """,
    ("AbPgiContract", "test_none_in_none_out"): """
        return Cascade((*blocks, toy_block("always.ab")))
    """,
    ("HdrPgiContract", "test_a_complete_run_has_no_error"): """
        return [Finding("I do not like it", is_error=True)]
    """,
    ("HdrPgiContract", "test_a_missing_file_is_named"): """
        return [Finding("something is missing", is_error=True)]
    """,
    ("HdrPgiContract", "test_it_only_looks"): _WRITES_ELSEWHERE + "return []",
    ("JobPgiContract", "test_every_block_gets_exactly_one_job"): """
        return [Job(b.name, b.needs) for b in (*cascade.blocks, cascade.blocks[0])]
    """,
    ("JobPgiContract", "test_a_job_waits_for_all_that_its_block_needs"): """
        return [Job(b.name, b.needs[:1]) for b in cascade.blocks]
    """,
    ("JobPgiContract", "test_jobs_of_a_stream_agree_on_its_limit"): """
        return [
            Job(b.name, b.needs, limit=n + 1) for n, b in enumerate(cascade.blocks)
        ]
    """,
    ("JobPgiContract", "test_no_prediction_is_negative"): """
        return [Job(b.name, b.needs, seconds=-1.0) for b in cascade.blocks]
    """,
    ("BqsContract", "test_every_job_has_exactly_one_outcome"): """
        for job in jobs:
            process(job)
        yield Outcome(jobs[0].block, AbStatus.SUCCESSFUL)
    """,
    ("BqsContract", "test_no_job_starts_before_its_needs_ended"): """
        for job in reversed(jobs):
            yield process(job)
    """,
    ("BqsContract", "test_what_needs_a_failed_job_is_skipped_with_the_cause"): """
        for job in jobs:
            yield process(job)
    """,
    ("BqsContract", "test_no_stream_runs_more_than_its_limit"): """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            yield from pool.map(process, [job for job in jobs if not job.needs])
    """,
    ("PrePluginContract", "test_it_keeps_name_and_recipe"): """
        return block.with_value("RECIPE", "a_better_one")
    """,
    ("PrePluginContract", "test_it_loses_no_input"): """
        return block.with_values("SOF_CONTENT", block.values("SOF_CONTENT")[1:])
    """,
    ("PrePluginContract", "test_twice_is_the_same_as_once"): """
        return block.with_values("RECIPE_PARAM", [*block.params, "--again=true"])
    """,
    ("DrsContract", "test_products_are_files_in_the_working_directory"): """
        return [Product(workdir / "dreamt.txt", "DREAM", block.name)]
    """,
    ("DrsContract", "test_products_belong_to_the_block"): """
        return [Product(workdir / "made.txt", "MADE", "another.ab")]
    """,
    ("DrsContract", "test_it_leaves_a_log"): """
        return [Product(workdir / "made.txt", "MADE", block.name)]
    """,
    ("DrsContract", "test_it_writes_nowhere_else"): _WRITES_ELSEWHERE + "return []",
    ("DrsContract", "test_asked_what_it_would_call_it_calls_nothing"): """
        return []
    """,
    ("CheckPluginContract", "test_good_products_pass"): """
        return [Finding("too good to be true", is_error=True)]
    """,
    ("CheckPluginContract", "test_spoiled_products_do_not"): "return []",
    ("CheckPluginContract", "test_it_only_looks"): _SPOILS_A_PRODUCT + "return []",
    **{
        (contract, promise): body
        for contract in ("PostPluginContract", "FinalPluginContract")
        for promise, body in {
            "test_it_invents_no_product": """
                path = products[0].path.with_name("dreamt.txt")
                return [*products, Product(path, "DREAM", block.name)]
            """,
            "test_no_product_is_there_twice": "return [*products, *products]",
            "test_products_still_belong_to_the_block": """
                return [attrs.evolve(p, category="../up") for p in products]
            """,
            "test_it_writes_nowhere_else": _WRITES_ELSEWHERE + "return None",
        }.items()
    },
    ("QcProcedureContract", "test_a_strange_block_gets_no_report"): """
        return QcReport(block.name, parameters={"LEVEL": 1})
    """,
    ("QcProcedureContract", "test_the_report_is_about_the_block"): """
        return QcReport("another.ab", parameters={"LEVEL": 1})
    """,
    ("QcProcedureContract", "test_parameters_and_scores_are_numbers"): """
        return QcReport(block.name, parameters={"LEVEL": float("nan")})
    """,
    (
        "QcProcedureContract",
        "test_every_score_has_a_name_and_room_between_its_limits",
    ): """
        return QcReport(block.name, scores=(Score("LEVEL", 1.0, low=5.0, high=0.0),))
    """,
    ("QcProcedureContract", "test_every_figure_is_a_png"): """
        return QcReport(block.name, figures={"": b"<svg>"})
    """,
    ("QcProcedureContract", "test_rows_fit_their_tables_in_the_qc1_database"): """
        row = Qc1Row("ob_grades", {"ob_id": 1, "exec_time": "2014-10-23", "grde": "A"})
        return QcReport(block.name, qc1=(row,))
    """,
    ("QcProcedureContract", "test_it_only_looks"): _WRITES_ELSEWHERE + "return None",
    ("QcFinalPluginContract", "test_it_is_still_the_report_of_that_block"): """
        return attrs.evolve(report, fingerprint="")
    """,
    ("QcFinalPluginContract", "test_no_parameter_no_score_and_no_row_is_lost"): """
        return attrs.evolve(report, scores=())
    """,
    ("QcFinalPluginContract", "test_twice_is_the_same_as_once"): """
        return attrs.evolve(report, comments=(*report.comments, "seen"))
    """,
    ("PgiCoverContract", "test_the_sheet_lies_in_the_directories_of_the_run"): """
        sheet = run.config.directories.root.parent / "cover.txt"
        sheet.write_text("hello")
        return sheet
    """,
    ("PgiCoverContract", "test_a_run_without_reports_is_no_error"): """
        sheet = run.monitor_dir / f"{reports[0].block}.txt"
        return sheet
    """,
    ("PgiCoverContract", "test_it_changes_no_other_file"): """
        for path in run.config.directories.product.rglob("*.fits"):
            path.unlink()
    """,
    ("CertifPgiContract", "test_every_verdict_is_on_a_report_and_none_has_two"): f"""
        return [Verdict("unseen.ab", False, {_ACCEPT} "")]
    """,
    ("CertifPgiContract", "test_failed_scores_are_never_accepted_unseen"): f"""
        return [Verdict(r.block, True, {_ACCEPT} r.fingerprint) for r in reports]
    """,
    ("CertifPgiContract", "test_a_verdict_says_who_when_and_on_what"): f"""
        return [Verdict(r.block, False, {_ACCEPT} "other") for r in reports]
    """,
    ("CertifPgiContract", "test_without_reports_there_is_no_verdict"): f"""
        return [Verdict("unseen.ab", False, {_ACCEPT} "")]
    """,
    ("RenameProductsContract", "test_the_same_products_are_moved"): "return moves[1:]",
    ("RenameProductsContract", "test_names_are_unique"): """
        return [Move(m.source, m.target.with_name("same.fits")) for m in moves]
    """,
    ("RenameProductsContract", "test_suffixes_are_kept"): """
        return [Move(m.source, m.target.with_suffix(".cube")) for m in moves]
    """,
    ("RenameProductsContract", "test_targets_lie_in_the_directories_of_the_run"): """
        return [Move(m.source, Path("/") / m.target.name) for m in moves]
    """,
    ("MoveProductsContract", "test_each_product_is_moved_at_most_once"): """
        reduced = run.config.directories.reduced
        return [Move(products[0].path, reduced / f"copy_{n}.fits") for n in range(2)]
    """,
    ("MoveProductsContract", "test_they_go_into_the_directories_of_the_run"): """
        return [Move(p.path, Path("/") / p.path.name) for p in products]
    """,
    ("MoveProductsContract", "test_none_overwrites_another"): """
        reduced = run.config.directories.reduced
        return [Move(p.path, reduced / "same.fits") for p in products]
    """,
}

_CONVERTS = GOOD["ConversionToolContract"].rpartition("return idps")[0]
_ARCHIVES = GOOD["ArchiveContract"]

BAD |= {
    ("ConversionToolContract", "test_the_files_of_a_dataset_are_in_conv"): """
        return [Idp(p.block, p.path) for p in products if p.path.is_file()]
    """,
    ("ConversionToolContract", "test_a_dataset_is_of_an_ab_that_was_given"): f"""
        {_CONVERTS}
        return [attrs.evolve(idp, block="another.ab") for idp in idps]
    """,
    ("ConversionToolContract", "test_the_names_of_files_can_be_told_apart"): f"""
        {_CONVERTS}
        return [*idps, *idps]
    """,
    ("ConversionToolContract", "test_certified_files_stay_known_as_they_were"): f"""
        {_SPOILS_A_PRODUCT}
        {_CONVERTS}
        return idps
    """,
    ("ConversionToolContract", "test_twice_is_the_same_as_once"): f"""
        {_CONVERTS}
        idps[0].path.write_text(str(len(list(conv.iterdir()))))
        (conv / "another.txt").touch()
        return idps
    """,
    ("ConversionToolContract", "test_what_is_missing_is_told"): """
        return [Idp(product.block, product.path) for product in products]
    """,
    ("ConversionToolContract", "test_of_nothing_nothing_is_made"): """
        return [Idp("always.ab", Path("always.fits"))]
    """,
    ("ArchiveContract", "test_the_receipt_names_each_file_with_its_content"): f"""
        idp = attrs.evolve(idp, files=())
        {_ARCHIVES}
    """,
    ("ArchiveContract", "test_files_are_left_where_they_are"): f"""
        idp.path.write_text("archived")
        {_ARCHIVES}
    """,
    ("ArchiveContract", "test_asked_again_it_has_what_it_has"): """
        import shutil
        from phoenix_core.files.checksums import checksum_of
        archive = run.config.directories.root / "toy_archive"
        archive.mkdir(exist_ok=True)
        target = archive / str(len(list(archive.iterdir())))
        shutil.copyfile(idp.path, target)
        size, total = target.stat().st_size, checksum_of(target, "md5")
        file = Stored(idp.path.name, str(target), size, total)
        return Receipt(idp.block, (file,), "2024-03-10T12:00:00+00:00")
    """,
    ("ArchiveContract", "test_another_content_of_a_name_is_refused"): f"""
        for path in (idp.path, *idp.files):
            path.is_file() and (
                run.config.directories.root / "toy_archive" / path.name
            ).unlink(missing_ok=True)
        {_ARCHIVES}
    """,
    ("ArchiveContract", "test_a_file_that_is_not_there_is_refused"): f"""
        there = [path for path in idp.files if path.is_file()]
        idp = attrs.evolve(idp, files=tuple(there))
        {_ARCHIVES}
    """,
    ("ArchiveContract", "test_it_proves_what_it_holds"): _ARCHIVES,
    ("ArchiveContract", "test_what_it_does_not_hold_is_not_proved"): _ARCHIVES,
    (
        "CleanupPluginContract",
        "test_only_fits_files_below_the_date_become_headers",
    ): "return [path for idp in idps for path in idp.files]",
    ("CleanupPluginContract", "test_it_only_looks"): """
        for idp in idps:
            idp.path.unlink()
    """,
    ("CleanupPluginContract", "test_without_datasets_nothing_goes"): """
        return [run.config.directories.reduced / "always.fits"]
    """,
}

CALLS_WHEN_ASKED = """
@hookimpl
def process_ab_drs_call(run):
    (run.config.directories.raw / "called.txt").touch()
    return DrsCall(("recipe",), "1.0")
"""

CONTRACTS = tuple(name for name in testing.__all__ if name.endswith("Contract"))

CERTIFIED = """
    @pytest.fixture
    def products(self, certified):
        return certified
"""

TOYS = """
import pytest
from phoenix_core.model import Product
from phoenix_core.testing import toy_block
from phoenix_core.testing.toys import toy_cascade

@pytest.fixture
def blocks():
    return toy_cascade().blocks

@pytest.fixture
def block():
    return toy_block("a.ab")

def in_workdir(run, block, text):
    directory = run.work_dir(block.name)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "image.fits").write_text(text)
    return [Product(directory / "image.fits", "IMAGE", block.name)]

@pytest.fixture
def products(run, block):
    return in_workdir(run, block, "an image")

@pytest.fixture
def certified(run, block):
    directory = run.config.directories.reduced / run.date
    directory.mkdir(parents=True)
    (directory / "image.fits").write_text("a certified image")
    return [Product(directory / "image.fits", "IMAGE", block.name)]

@pytest.fixture
def spoiled(run, block):
    return in_workdir(run, block, "")
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What pytest has against each PGI, by PGI and promise; '' where it passed."""
    directory = tmp_path_factory.mktemp("contracts")
    sources, classes, wanted = {}, [], []
    cases = [*((name, "", body) for name, body in GOOD.items())]
    cases += [(name, promise, body) for (name, promise), body in BAD.items()]
    for contract, promise, body in cases:
        pgi = pgi_name(contract, promise)
        base = "JobPgiContract" if contract == "Contract" else contract
        hook = getattr(testing, base).hook
        sources[pgi] = HEAD + (hook_source(hook, body) if body else "")
        if promise == "test_asked_what_it_would_call_it_calls_nothing":
            sources[pgi] += CALLS_WHEN_ASKED
        if hook == "ingest_products_archive":
            sources[pgi] += BAD_PROOFS.get(promise, PROOF)
        test = f"test_toys.py::Test_{pgi}"
        wanted.append(f"{test}::{promise}" if promise else test)
        classes.append(f'class Test_{pgi}(testing.{base}):\n    pgi = "{pgi}"\n')
        if base == "ConversionToolContract":
            classes[-1] += CERTIFIED
    write_package(directory, "toy-pgis", sources)
    text = f"{TOYS}\nfrom phoenix_core import testing\n\n" + "\n".join(classes)
    (directory / "test_toys.py").write_text(text, "utf-8")
    (directory / "pytest.ini").write_text("[pytest]\n", "utf-8")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--junitxml=told.xml", *wanted],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory)},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    told = ET.parse(directory / "told.xml")  # noqa: S314, pytest's own file
    return {
        (case.get("classname").partition(".Test_")[2], case.get("name")): " ".join(
            problem.get("message") for problem in case
        )
        for case in told.iter("testcase")
    }


def pgi_name(contract, promise):
    return f"{contract}_{promise}" if promise else f"{contract}_good"


def promises_of(name):
    contract = getattr(testing, name)
    return {test for test in dir(contract) if test.startswith("test_")}


@pytest.mark.parametrize(("contract", "promise"), BAD)
def test_a_pgi_that_breaks_a_promise_fails_it(results, contract, promise):
    message = results[pgi_name(contract, promise), promise]
    assert message
    assert "NameError" not in message  # it is bad, but not badly written
    assert "SyntaxError" not in message


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_good_pgi_keeps_every_promise(results, contract):
    kept = {p: results[pgi_name(contract, ""), p] for p in promises_of(contract)}
    assert kept == dict.fromkeys(promises_of(contract), "")


def test_every_promise_has_a_pgi_that_breaks_it():
    promises = {
        (name, promise)
        for name in CONTRACTS
        for promise in promises_of(name) - promises_of_all()
    }
    assert promises | {("Contract", promise) for promise in promises_of_all()} == set(
        BAD
    )


def promises_of_all():
    return {test for test in dir(Contract) if test.startswith("test_")}


def test_every_slot_has_a_contract_and_every_promise_is_a_sentence():
    contracts = {getattr(testing, name).hook: getattr(testing, name) for name in GOOD}
    assert set(contracts) == {slot.hook for slot in SLOTS}
    for contract in contracts.values():
        for promise in dir(contract):
            if promise.startswith("test_"):
                assert getattr(contract, promise).__doc__.strip().endswith(".")


def test_fits_product_writes_a_fits_file_with_the_header_and_checksum(
    fits_product, tmp_path
):
    path = fits_product({"ESO PRO CATG": "MASTER_BIAS", "EXPTIME": 3.0})
    assert path == tmp_path / "product.fits"
    with fits.open(path, checksum=True) as hdus:
        assert hdus[0].header["ESO PRO CATG"] == "MASTER_BIAS"
        assert hdus[0].header["EXPTIME"] == 3.0
        assert "CHECKSUM" in hdus[0].header


def test_a_run_lies_in_tmp_path_whatever_the_environment_says(
    tmp_path, monkeypatch, request
):
    monkeypatch.setenv("DFO_RAW_DIR", "/somewhere/else")
    run = request.getfixturevalue("run")
    assert run.config.directories.raw == tmp_path / "phoenix-data" / "raw"
    assert run.config.directories.raw.is_dir()


def test_what_phoenix_refuses_is_the_outcome_of_the_fixture(phoenix, run):
    done = phoenix(run.config.path, "094.A-0001A")
    expected = f"{run.config.path}: [phoenix] AB_PGI: is missing; it has to name a PGI"
    assert (done.exit_code, done.error) == (2, expected)


def test_pytest_starts_without_what_only_contracts_need():
    heavy = ["astropy", "numpy", "sqlalchemy", "structlog", "rich"]
    code = (
        "import phoenix_core.testing, sys\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
