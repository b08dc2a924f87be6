"""ingestProducts: what is certified goes whole, once, and nothing is overwritten."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import evolve

from phoenix_core.errors import (
    ConfigError,
    IngestionError,
    PgiError,
    ProcessingError,
)
from phoenix_core.files.run_lock import holding
from phoenix_core.files.sums import sha256
from phoenix_core.testing.killing import Trial, kill_often

BIN = Path(sys.executable).parent
FILES = {"MU_r.one.fits", "r.one_v1.png", "r.one.log"}
FILES |= {name.replace("one", "two") for name in FILES}


def test_certified_products_are_converted_and_archived(world):
    done = world.ingest()
    assert done.is_complete
    assert world.states() == {"ONE": "ingested before", "TWO": "ingested before"}
    conv = {path.name: path.read_bytes() for path in world.conv.iterdir()}
    assert world.held() == {name: conv[name] for name in FILES}


def test_what_is_in_the_archive_is_neither_converted_nor_archived_again(world):
    world.ingest()
    before, receipts = world.files(), world.receipts()
    world.ingest()
    assert world.files() == before
    assert world.receipts() == receipts
    assert len(receipts) == 2


def test_a_receipt_says_what_the_archive_has_and_what_was_here(world):
    world.ingest()
    (receipt, _) = world.receipts()
    assert (receipt["block"], receipt["archive"]) == ("one.ab", "archive_directory")
    assert receipt["target"] == "ONE"
    first = receipt["files"][0]
    total = sha256(world.conv / "MU_r.one.fits")
    assert (first["sha256"], first["stored"]["checksum"]) == (total, f"sha256:{total}")
    assert first["category"] == "SCIENCE.IMAGE"


def test_the_list_has_a_line_for_each_file_of_all_calls(world):
    (world.run.config.directories.plots / world.run.date / "r.two.png").unlink()
    path = world.ingest().list_file
    assert path.name == f"list_ingest_SCIENCE_{world.run.date}.txt"
    assert "1 dataset, 3 files" in path.read_text()
    (world.run.config.directories.plots / world.run.date / "r.two.png").write_text("p")
    world.ingest()
    rows = [line.split() for line in path.read_text().splitlines()[2:]]
    assert {row[0] for row in rows} == FILES
    (row,) = (row for row in rows if row[0] == "MU_r.one.fits")
    cube = world.conv / row[0]
    assert row[1:4] == [
        "SCIENCE.IMAGE",
        str(cube.stat().st_size),
        f"sha256:{sha256(cube)}",
    ]


def test_an_incomplete_dataset_waits_and_the_others_go(world):
    plot = world.run.config.directories.plots / world.run.date / "r.one.png"
    plot.unlink()
    assert world.states() == {"ONE": "incomplete", "TWO": "ingested"}
    plot.write_text("a plot")
    assert world.states() == {"TWO": "ingested before", "ONE": "ingested"}


def test_what_was_rejected_or_never_judged_is_not_touched(world):
    world.certify("bad", accepted=False)
    path = world.run.monitor_dir / "verdicts.jsonl"
    world.certify("unseen")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert set(world.states()) == {"ONE", "TWO"}


@pytest.mark.parametrize("content", [None, b"another"])
def test_a_product_that_is_not_what_was_certified_stops_its_dataset(world, content):
    cube = world.reduced / "r.one_CUBE.fits"
    cube.unlink()
    if content:
        cube.write_bytes(content)
    done = world.ingest()
    assert {d.target: str(d.state) for d in done.datasets}["ONE"] == "incomplete"
    (why,) = (d.why[0] for d in done.datasets if d.target == "ONE")
    assert why.startswith(str(cube))
    assert set(world.held()) == {name for name in FILES if "two" in name}


def test_what_breaks_the_standard_is_not_archived(world):
    broken = bytearray((world.reduced / "r.one_CUBE.fits").read_bytes())
    broken[-2880] ^= 1  # a pixel: DATASUM does not fit any more
    world.certify("one", content=bytes(broken))
    done = world.ingest()
    (one,) = (d for d in done.datasets if d.target == "ONE")
    assert str(one.state) == "not valid"
    assert "DATASUM" in one.why[0]
    assert f"phoenix validate {world.conv}" in one.why[-1]
    assert "MU_r.one.fits" not in world.held()


def test_a_dataset_without_a_file_that_it_names_is_not_archived(world, install):
    """The archive would have a science file that names what it does not have."""
    text = (world.root.parent / "site" / "toy_convert.py").read_text()
    named = """write_bytes(path, cube.path.read_bytes())
        from phoenix_core.fits.edit import set_cards
        names = {"ASSON1": (files[0].name, ""), "ASSON2": (log.name, "")}
        set_cards(path, names)"""
    text = text.replace("write_bytes(path, cube.path.read_bytes())", named)
    text = text.replace("(*files, log)", "files")
    done = world.with_slot("CONVERSION_TOOL", install("toy_short", text)).ingest()
    told = "MU_r.one.fits: ASSON2 = r.one.log is not among the files of this dataset"
    assert any(told in why for why in done.datasets[0].why)
    assert world.held() == {}


def test_an_ab_that_was_made_anew_is_a_conflict_that_says_so(world):
    world.ingest()
    before = world.held()
    world.certify("one", content=(world.reduced / "r.two_CUBE.fits").read_bytes())
    done = world.ingest()
    (one,) = (d for d in done.datasets if d.target == "ONE")
    assert str(one.state) == "not archived"
    assert "MU_r.one.fits is in " in one.why[0]
    assert "one.ab was made anew since it was ingested" in one.why[0]
    assert world.held() == before


def test_a_name_that_an_earlier_dataset_has_tells_how_to_convert(world, install, run):
    world.ingest()
    text = (world.root.parent / "site" / "toy_convert.py").read_text()
    other = world.with_slot(
        "CONVERSION_TOOL", install("toy_other", text.replace("MU_{root}", "MU_same"))
    )
    other = other.with_slot("CONVERSION_TOOL", "toy_other")
    world.certify("three")
    other.ingest()
    world.certify("four")
    done = other.ingest()
    (four,) = (d for d in done.datasets if d.target == "FOUR")
    assert "MU_same.fits is in " in four.why[0]
    assert four.why[0].endswith("under another name: toy_other -h tells how")
    assert "r.four.log" not in other.held()  # a dataset goes whole


def test_conv_that_differs_from_what_is_archived_is_told(world):
    world.ingest()
    (world.conv / "r.one.log").write_text("told otherwise")
    done = world.ingest()
    assert not done.is_complete
    (one,) = (d for d in done.datasets if d.target == "ONE")
    assert f"{world.conv / 'r.one.log'} has another content" in one.why[0]
    assert world.held()["r.one.log"] == b"how it was made"


def test_without_a_tool_what_is_in_conv_is_taken(world):
    bare = world.without("CONVERSION_TOOL")
    with pytest.raises(ConfigError, match="CONVERSION_TOOL names no PGI"):
        bare.ingest()
    plot = world.run.config.directories.plots / world.run.date / "r.one.png"
    plot.rename(plot.with_suffix(".away"))
    world.ingest()
    plot.with_suffix(".away").rename(plot)
    assert bare.states() == {"TWO": "ingested before", "ONE": "incomplete"}


def test_a_damaged_memory_of_conv_is_told(world):
    world.conv.mkdir()
    (world.conv / "DATASETS").write_text('{"certified": {}, "datasets": [{"path": 1}]}')
    with pytest.raises(IngestionError, match="DATASETS is damaged"):
        world.without("CONVERSION_TOOL").ingest()


def test_a_dry_run_changes_nothing(world):
    before = world.files()
    done = world.ingest(is_dry=True)
    assert done.to_convert == ("ONE", "TWO")
    assert world.files() == before
    assert not world.archive.exists()


def test_nothing_certified_is_an_error_that_says_what_to_do(run, world):
    shutil.rmtree(world.run.monitor_dir)
    with pytest.raises(ConfigError, match=r"phoenix -r 094\.A-0001A -M"):
        world.ingest()


def test_one_call_at_a_time(world):
    lock = world.run.monitor_dir / ".ingest.lock"
    with holding(lock, "x"), pytest.raises(ProcessingError, match="the ingestion of"):
        world.ingest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('Idp("other.ab", conv / "a.fits")', "other.ab is no AB that it was given"),
        ('Idp("one.ab", conv.parent / "a.fits")', r"a.fits is not in .*conv"),
        ('Idp("one.ab", conv / "a", (conv / "a",))', "two files of one name, a"),
        ('Idp("one.ab", conv / "-a b")', "'-a b' is no name of a file"),
    ],
)
def test_a_wrong_answer_names_the_tool_and_archives_nothing(
    world, install, change, message
):
    text = (
        "from phoenix_core import hookimpl\nfrom phoenix_core.model import Idp\n"
        "@hookimpl\ndef ingest_products_conversion_tool(run, products):\n"
        '    conv = run.config.directories.reduced / run.date / "conv"\n'
        f"    return [{change}]\n"
    )
    wrong = world.with_slot("CONVERSION_TOOL", install("toy_wrong", text))
    with pytest.raises(PgiError, match=f"toy_wrong: wrong answer .*{message}"):
        wrong.ingest()
    assert not world.archive.exists()


ARCHIVE = """
from phoenix_core import hookimpl
from phoenix_core.files.checksums import checksum_of
from phoenix_core.model import Receipt, Stored

@hookimpl
def ingest_products_archive(run, idp):
    paths = (idp.path, *idp.files)
    files = [Stored(p.name, p.name, p.stat().st_size, checksum_of(p, "KIND"))
             for p in paths]
    ANSWER
    return Receipt(idp.block, tuple(files), "2026-01-01T00:00:00+00:00")
"""


@pytest.mark.parametrize("kind", ["md5", "crc32", "sha256"])
def test_an_archive_may_tell_other_sums(world, install, kind):
    text = ARCHIVE.replace("KIND", kind).replace("ANSWER", "")
    other = world.with_slot("ARCHIVE", install("toy_archive", text))
    assert other.ingest().is_complete
    assert world.receipts()[0]["files"][0]["stored"]["checksum"].startswith(kind)


def test_an_archive_that_is_away_is_asked_once_for_all_datasets(world, install):
    """Waiting for it takes a minute or more each time."""
    text = ARCHIVE.replace("KIND", "md5").replace(
        "    ANSWER",
        "    from phoenix_core.errors import ArchiveAwayError\n"
        "    with open(run.monitor_dir / 'asked', 'a') as file:\n"
        "        file.write(idp.block)\n"
        "    raise ArchiveAwayError('cannot be reached')",
    )
    other = world.with_slot("ARCHIVE", install("toy_archive", text))
    done = other.ingest()
    assert [one.why for one in done.datasets] == [
        ("cannot be reached",),
        ("not tried, since the archive is away; call again",),
    ]
    assert (world.run.monitor_dir / "asked").read_text() == "one.ab"
    assert not done.is_complete
    assert world.ingest().is_complete


def test_what_an_archive_remarks_is_told_and_kept(world, install):
    text = ARCHIVE.replace("KIND", "md5").replace("ANSWER", "")
    text = text.replace('+00:00")', '+00:00", ("it is there twice",))')
    done = world.with_slot("ARCHIVE", install("toy_archive", text)).ingest()
    assert done.is_complete
    assert {one.why for one in done.datasets} == {("WARNING it is there twice",)}
    assert world.receipts()[0]["remarks"] == ["it is there twice"]
    assert world.with_slot("ARCHIVE", "toy_archive").ingest().is_complete


@pytest.mark.parametrize(
    "answer",
    [
        "files.pop()",
        "files[0] = Stored(files[0].name, '', files[0].size, 'md5:0')",
        "files[0] = Stored(files[0].name, '', 1, files[0].checksum)",
        "files[0] = Stored(files[0].name, '', files[0].size, 'sum:0')",
    ],
)
def test_a_receipt_of_something_else_is_refused(world, install, answer):
    text = ARCHIVE.replace("KIND", "md5").replace("ANSWER", answer)
    other = world.with_slot("ARCHIVE", install("toy_archive", text))
    with pytest.raises(PgiError, match="toy_archive: wrong answer"):
        other.ingest()
    assert world.receipts() == []


def test_a_receipt_that_was_cut_short_was_never_given(world):
    world.ingest()
    path = world.run.monitor_dir / "receipts.jsonl"
    path.write_text(path.read_text()[:-20])
    assert world.states() == {"ONE": "ingested before", "TWO": "ingested"}
    assert len(world.receipts()) == 2
    path.write_text("nonsense\n")
    with pytest.raises(IngestionError, match=r"receipts.jsonl, line 1: no receipt"):
        world.ingest()


def test_killed_at_random_moments_no_dataset_is_there_twice_and_none_is_lost(
    world, tmp_path, without_sync
):
    before = tmp_path / "before"
    shutil.copytree(world.root, before)
    world.ingest()
    wanted, held = world.files(), world.held()

    def prepare():
        shutil.rmtree(world.root)
        shutil.copytree(before, world.root)

    def left():
        assert world.held().items() <= held.items()
        now = world.files()
        certified = [
            n for n in wanted if n.startswith("reduced/") and "/conv/" not in n
        ]
        assert certified
        assert all(now[name] == wanted[name] for name in certified)

    def ended():
        assert (world.files(), world.held()) == (wanted, held)
        assert [r["block"] for r in world.receipts()] == ["one.ab", "two.ab"]

    trial = Trial("ingest", prepare, world.ingest, left, ended)
    assert kill_often(trial, 50, seed=6) > 50


def test_a_full_archive_is_told_and_goes_on_when_there_is_room(world, tmp_path):
    if os.geteuid():
        pytest.skip("only root mounts disks")
    disk = tmp_path / "disk"
    disk.mkdir()
    far = evolve(world, options={"archive_directory": {"path": str(disk / "archive")}})
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", disk]
    subprocess.run(mount, check=True)
    try:
        done = far.ingest()
        assert not done.is_complete
        (told,) = {d.why[0].partition(": ")[2] for d in done.datasets if d.why}
        assert "No space left on device" in told
        assert [p for p in disk.rglob("*") if p.name.endswith(".tmp")] == []
        subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
        assert far.ingest().is_complete
        assert len(list((disk / "archive" / "names").iterdir())) == len(FILES)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_from_part_3_to_headers_by_the_commands(example, call):
    run = ("-r", "094.A-0001A")
    for part in ("-C", "-P", "-M", "-M"):
        call(*run, part)
    jobs = example.root / "jobs" / "JOBS_INGEST"
    (line,) = (x for x in jobs.read_text().splitlines() if not x.startswith("#"))
    dry = call(*run, "-n", program="ingestProducts")
    assert "not converted yet" in dry.stdout
    done = example.command(jobs, start=as_script)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 of 2 datasets in the archive" in done.stdout
    assert f": {line}\n" in jobs.read_text()
    assert line not in jobs.read_text().splitlines()
    told = json.loads(call(*run, "--json", program="ingestProducts").stdout)
    assert [d["state"] for d in told["datasets"]] == ["ingested before"] * 2
    engine = sa.create_engine(f"sqlite:///{example.root}/phoenix.db")
    with engine.connect() as connection:
        for table in ("receipts", "archive_directory"):
            names = sa.select(sa.column("name")).select_from(sa.table(table))
            rows = connection.execute(names).all()
            assert len(rows) == 4
    engine.dispose()
    assert "2 ingested" in call("status", *run).stdout
    cleaned = call(*run, "--json", program="cleanupProducts")
    assert len(json.loads(cleaned.stdout)["headers"]) == 2
    assert "2 ingested and cleaned up" in call("status", *run).stdout


def as_script(words, env, **options):
    """Call a file as a person does with sh; what it calls is on the path."""
    path = f"{BIN}{os.pathsep}{env['PATH']}"
    env = env | {"PATH": path}
    return subprocess.run(["sh", words[1]], env=env, check=False, **options)


def test_a_wrong_call_is_told_in_a_line(call):
    for program in ("ingestProducts", "cleanupProducts"):
        done = call(program=program)
        assert (done.returncode, done.stdout) == (2, "")
        assert (
            done.stderr
            == f"{program}: say which run: -d DATE (2094-04-14, say), or -r RUN\n"
        )
        done = call("-r", "094.A-0002A", program=program)
        assert "phoenix has not seen run" in done.stderr
