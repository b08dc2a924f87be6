"""phoenixCertify_MUSE, stand-alone: it reviews, and moves nothing."""

import json
import signal
import sys

import pytest

from muse_deep_plugin import phoenix_certify
from phoenix_core import main
from phoenix_core.ab.file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.config import read_config
from phoenix_core.loader.session import Wishes, open_session
from phoenix_core.model import QcReport, Score
from phoenix_core.processing.qc_report import StoredReport, report_path, write_report

RUN = "094.D-0114B"
DPC = "MUSE.2014-10-22T23:57:32.123_dpc.ab"
PRODUCT = "r.MUSE.2014-10-22T23:57:32.123_dpc_DATACUBE_DEEP.fits"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
CONFIG = """
instrument = "MUSE"
mode = "DEEP"
ab_branch = "MUSE_deep"
[directories]
root = "{root}"
[phoenix]
AB_PGI = "pgi_phoenix_MUSE_AB_deep"
JOB_PGI = "pgi_phoenix_MUSE_stream"
{certif}
[processAB]
DRS = "pgi_phoenix_GEN_esorex"
"""


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """A function that calls a command on a run with a deep cube."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    config = tmp_path / "phoenix.toml"
    monkeypatch.setenv("PHOENIX_CONFIG", str(config))

    def write_config(certif='CERTIF_PGI = "phoenixCertify_MUSE"'):
        config.write_text(CONFIG.format(root=tmp_path / "data", certif=certif))

    def call(*words, program=phoenix_certify.command, certif=None):
        write_config(*([] if certif is None else [certif]))
        monkeypatch.setattr(sys, "argv", ["command", "-r", RUN, *map(str, words)])
        with pytest.raises(SystemExit) as left:
            program()
        return left.value.code or 0, *capsys.readouterr()

    write_config()
    with open_session(read_config(config), Wishes(RUN)) as session:
        session.ledger.date_of(session.run.run_id)
        write_run(session.run)
    return call


def write_run(run):
    """A dpc AB that is done, with its (empty) cube and its report."""
    block = AssociationBlock.create(
        {
            "RAW_TYPE": "MUSE_DEEP",
            "RECIPE": "muse_exp_combine",
            "AB_NAME": DPC,
            "PROCESS_STATUS": "SUCCESSFUL",
            "FINGERPRINT": "f1",
            "PRODUCTS": [f"{PRODUCT} DATACUBE_DEEP {EMPTY} 0 KEPT"],
        }
    )
    run.ab_dir.mkdir(parents=True)
    write_block(run.ab_path(DPC), block)
    folder = run.product_dir("MUSE_DEEP")
    folder.mkdir(parents=True)
    (folder / PRODUCT).touch()
    scores = (Score("COMBINED", 1.0, 1.0, 1.0),)
    report = QcReport(DPC, block.recipe, "NGC300", {}, scores, fingerprint="f1")
    write_report(report_path(run, block), StoredReport(report))


def table(tmp_path, command, *words):
    """Have a table written, and accept in it what is to be reviewed."""
    path = tmp_path / "review.txt"
    assert command("--verdicts", path, *words)[0] == 5
    text = path.read_text()
    path.write_text(text.replace("  TBD    ", "  ACCEPT "))
    return path, text


def test_it_reviews_and_a_later_part_m_moves(command, tmp_path):
    path, text = table(tmp_path, command)
    told = f"# Then call: phoenixCertify_MUSE -r {RUN} --verdicts {path}\n"
    assert told in text
    code, out, _ = command("--verdicts", path)
    assert code == 0
    assert f"{DPC} accepted by " in out
    assert "1 accepted, 0 rejected, 0 undecided; nothing was moved" in out
    assert f"to move 1 accepted product: phoenix -r {RUN} -M" in out
    assert not list((tmp_path / "data" / "reduced").rglob("*.fits"))
    code, out, _ = command("-M", program=main.phoenix)
    assert code == 0, out
    assert [p.name for p in (tmp_path / "data" / "reduced").rglob("*.fits")] == [
        PRODUCT
    ]
    assert command()[0] == 0  # there is nothing left to review


def test_it_answers_with_json(command, tmp_path):
    path, _ = table(tmp_path, command, "-a", DPC)
    code, out, _ = command("--verdicts", path, "-a", DPC, "--json")
    told = json.loads(out)
    assert (code, told["ok"], told["run"]) == (0, True, RUN)
    assert [one["block"] for one in told["accepted"]] == [DPC]
    assert told["rejected"] == told["undecided"] == []


def test_it_is_the_certif_pgi_of_its_configuration_or_nothing(command):
    for certif, told in (
        ("", "has no CERTIF_PGI, and phoenixCertify_MUSE is another one"),
        (
            'CERTIF_PGI = "pgi_phoenix_EXAMPLE_certify"',
            'has CERTIF_PGI = "pgi_phoenix_',
        ),
    ):
        code, _, errors = command(certif=certif)
        assert (code, told in errors) == (2, True)


def test_without_a_terminal_it_says_how_else_to_review(command):
    code, _, errors = command("-a", DPC)
    assert code == 5
    ways = (f"phoenixCertify_MUSE -r {RUN} -a {DPC} --verdicts FILE", "--web")
    assert all(way in errors for way in ways)
