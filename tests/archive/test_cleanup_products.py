"""cleanupProducts: only what the archive proves to hold goes, and nothing is lost."""

import os
import shutil

import pytest
from astropy.io import fits

from phoenix_core.errors import ConfigError, IngestionError, PgiError
from phoenix_core.fits.as_certified import keep_headers, kept_headers_path
from phoenix_core.fits.header_file import header_path, read_headers
from phoenix_core.testing.killing import Trial, kill_often

CUBES = ("r.one_CUBE", "conv/MU_r.one", "r.two_CUBE", "conv/MU_r.two")


def object_of(world, name):
    """Where the archive has the content of a name."""
    receipts = (file for r in world.receipts() for file in r["files"])
    (file,) = (f for f in receipts if f["stored"]["name"] == name)
    return type(world.conv)(file["stored"]["where"])


def spoil(path, content=b"damaged"):
    path.chmod(0o644)
    path.write_bytes(content)


def test_fits_files_become_headers_plots_links_and_texts_stay(world):
    world.ingest()
    done = world.clean_up()
    assert len(done.headers) == 4
    assert done.kept == ()
    for name in CUBES:
        assert not (world.reduced / f"{name}.fits").exists()
        assert (world.reduced / f"{name}.hdr").is_file()
    plot = world.conv / "r.one_v1.png"
    assert plot.is_symlink()
    assert str(plot.readlink()) == f"../../../plots/{world.run.date}/r.one.png"
    assert plot.read_bytes() == b"plot one"
    assert (world.conv / "r.one.log").read_bytes() == b"how it was made"
    assert done.freed > 0


def test_a_header_file_has_every_card_of_every_hdu(world):
    path = world.certify("three")
    with fits.open(path) as hdus:
        cards = [[str(card) for card in hdu.header.cards] for hdu in hdus]
        primary = hdus[0].header.copy()
    world.ingest()
    world.clean_up()
    found = read_headers(header_path(path))
    assert [list(header) for header in found] == cards
    assert all(len(card) == 80 for header in found for card in header)
    assert fits.Header.fromtextfile(header_path(path)) == primary


def test_a_dry_run_says_the_same_and_does_nothing(world):
    world.ingest()
    before = world.files()
    told = world.clean_up(is_dry=True)
    assert world.files() == before
    done = world.clean_up()
    assert (told.headers, told.links) == (done.headers, done.links)


def test_once_more_there_is_nothing_to_do_and_it_says_ingested(world):
    world.ingest()
    world.clean_up()
    before = world.files()
    again = world.clean_up()
    assert (again.headers, again.links, again.kept) == ((), (), ())
    assert set(world.states().values()) == {"ingested and cleaned up"}
    assert world.files() == before


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_what_the_archive_does_not_prove_to_hold_stays_whole(world, harm):
    world.ingest()
    content = object_of(world, "MU_r.one.fits")
    if harm == "damaged":
        spoil(content)
    else:
        content.unlink()
    before = {n: c for n, c in world.files().items() if "one" in n}
    for wishes in ({}, {"is_forced": True}):
        done = world.clean_up(**wishes)
        (kept,) = done.kept
        assert "archive_directory does not prove to hold MU_r.one.fits;" in kept.why
    assert {n: c for n, c in world.files().items() if "one" in n} == before
    assert (world.reduced / "r.two_CUBE.hdr").is_file()


def test_what_the_archive_lost_is_brought_there_again(world):
    world.ingest()
    spoil(object_of(world, "MU_r.one.fits"))
    (world.run.monitor_dir / "receipts.jsonl").unlink()
    assert world.ingest().is_complete
    assert world.clean_up().kept == ()


def test_a_file_that_differs_from_what_is_archived_stays(world):
    world.ingest()
    spoil(world.conv / "MU_r.one.fits", b"edited since")
    (kept,) = world.clean_up().kept
    assert "MU_r.one.fits was changed since it was archived" in kept.why
    assert (world.conv / "MU_r.one.fits").read_bytes() == b"edited since"
    assert (world.reduced / "r.one_CUBE.fits").is_file()


def test_a_certified_cube_that_was_changed_since_stays(world):
    world.ingest()
    cube = world.reduced / "r.one_CUBE.fits"
    spoil(cube, b"something else")
    (kept,) = world.clean_up().kept
    assert "is not what was certified" in kept.why
    assert cube.read_bytes() == b"something else"


def test_a_cube_whose_certified_headers_cannot_be_read_stays_and_the_others_go(world):
    world.ingest()
    cube = world.reduced / "r.one_CUBE.fits"
    kept_headers_path(cube).write_bytes(b"something else")
    done = world.clean_up()
    assert "cannot be proved to be what was certified" in done.kept[0].why
    assert cube.is_file()
    assert world.reduced / "r.two_CUBE.fits" in done.headers


def test_headers_kept_of_a_cube_that_a_person_has_moved_away_stay(world):
    cube, idp = world.reduced / "r.one_CUBE.fits", world.conv / "MU_r.one.fits"
    world.ingest()
    keep_headers(cube)
    cube.rename(world.root / cube.name)
    world.clean_up()
    assert kept_headers_path(cube).is_file()
    (world.root / cube.name).rename(cube)
    world.clean_up()
    assert header_path(cube).is_file()
    assert not [path for path in (idp, cube, kept_headers_path(cube)) if path.exists()]


def test_freed_is_what_has_no_other_name(world):
    world.ingest()
    one, two = (world.reduced / f"r.{name}_CUBE.fits" for name in ("one", "two"))
    os.link(one, world.root / "backup.fits")
    size = two.stat().st_size
    done = world.clean_up()
    written = sum(header_path(path).stat().st_size for path in done.headers)
    assert done.freed == 3 * size - written  # of two cubes and their datasets


def test_a_run_that_is_not_ingested_completely_is_refused_and_o_overrides(world):
    plot = world.run.config.directories.plots / world.run.date / "r.one.png"
    plot.rename(plot.with_suffix(".away"))
    world.ingest()
    with pytest.raises(IngestionError, match=r"not ingested completely \(ONE\).*-O"):
        world.clean_up()
    assert (world.reduced / "r.two_CUBE.fits").is_file()
    done = world.clean_up(is_forced=True)
    assert {path.name for path in done.headers} == {"r.two_CUBE.fits", "MU_r.two.fits"}
    assert (world.reduced / "r.one_CUBE.fits").is_file()


def test_what_was_certified_since_the_last_ingestion_is_waited_for(world):
    world.ingest()
    world.certify("three")
    with pytest.raises(IngestionError, match=r"\(THREE\)"):
        world.clean_up()


def test_a_run_without_receipts_has_nothing_to_clean_up(world):
    with pytest.raises(ConfigError, match="has nothing in the archive"):
        world.clean_up(is_forced=True)


def test_an_ab_made_anew_keeps_its_new_products(world):
    """The archive has what was made of the earlier ones."""
    world.ingest()
    content = (world.reduced / "r.two_CUBE.fits").read_bytes()
    cube = world.certify("one", content=content)
    with pytest.raises(PgiError, match="is no file of a dataset that is archived"):
        world.clean_up(is_forced=True)
    world.without("CLEANUP_PLUGIN").clean_up(is_forced=True)
    assert cube.read_bytes() == content


PLUGIN = """
from phoenix_core import hookimpl

@hookimpl
def ingest_products_cleanup_plugin(run, idps):
    return ANSWER
"""


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("[idps[0].files[-1]]", r"r\.one\.log is no file|r\.one\.log is no FITS file"),
        ("[run.config.path]", "is no file of a dataset that is archived"),
        ("[idps[0].path.parent.parent / 'x.fits']", "is no file of a dataset"),
    ],
)
def test_a_wrong_answer_names_the_plug_in_and_removes_nothing(
    world, install, answer, message
):
    world.ingest()
    before = world.files()
    plugin = install("toy_wrong", PLUGIN.replace("ANSWER", answer))
    with pytest.raises(PgiError, match=f"toy_wrong: wrong answer .*({message})"):
        world.with_slot("CLEANUP_PLUGIN", plugin).clean_up()
    assert world.files() == before


def test_without_a_plug_in_the_fits_files_of_datasets_become_headers(world):
    world.ingest()
    done = world.without("CLEANUP_PLUGIN").clean_up()
    assert {p.name for p in done.headers} == {"MU_r.one.fits", "MU_r.two.fits"}
    assert (world.reduced / "r.one_CUBE.fits").is_file()


ARCHIVE = """
from phoenix_core import hookimpl
from phoenix_core.archive import directory as archive_directory

@hookimpl
def ingest_products_archive(run, idp):
    return archive_directory.ingest_products_archive(run, idp)
"""
PROOF = """
@hookimpl
def ingest_products_archive_proof(run, files):
    return ANSWER
"""


def test_an_archive_that_cannot_prove_anything_keeps_everything_here(world, install):
    other = world.with_slot("ARCHIVE", install("toy_archive", ARCHIVE))
    other.ingest()
    before = world.files()
    with pytest.raises(IngestionError, match="it cannot prove what it holds"):
        other.clean_up(is_forced=True)
    with pytest.raises(IngestionError, match="was ingested into toy_archive"):
        world.clean_up(is_forced=True)
    assert world.files() == before


def test_a_proof_of_something_else_is_refused(world, install):
    text = ARCHIVE + PROOF.replace(
        "ANSWER", "[type(f)(f.name, f.where, f.size + 1, f.checksum) for f in files]"
    )
    other = world.with_slot("ARCHIVE", install("toy_archive", text))
    other.ingest()
    with pytest.raises(PgiError, match=r"it was not asked for MU_r\.one"):
        other.clean_up()


def test_a_header_file_that_somebody_wrote_is_set_aside(world):
    world.ingest()
    mine = world.conv / "MU_r.one.hdr"
    mine.write_text("my notes")
    world.clean_up()
    assert (world.conv / "MU_r.one.hdr.1").read_text() == "my notes"
    assert "SCIENCE.IMAGE" in mine.read_text()


def test_killed_at_random_moments_no_header_is_there_for_what_the_archive_lacks(
    world, tmp_path, without_sync
):
    world.ingest()
    held = world.held()
    archived = {p.name: p.read_bytes() for p in world.conv.iterdir() if p.suffix}
    before = tmp_path / "before"
    shutil.copytree(world.root, before, symlinks=True)
    world.clean_up()
    wanted = world.files()

    def prepare():
        shutil.rmtree(world.root)
        shutil.copytree(before, world.root, symlinks=True)

    def left():
        assert world.held() == held
        for name, content in archived.items():
            path = world.conv / name
            if path.is_file():
                assert path.read_bytes() == content
            else:
                assert path.with_suffix(".hdr").is_file()
                assert held[name] == content

    def ended():
        assert world.files() == wanted
        assert world.held() == held

    trial = Trial("clean-up", prepare, world.clean_up, left, ended)
    assert kill_often(trial, 50, seed=6) > 20


def test_a_link_in_the_archive_to_the_file_here_proves_nothing(world):
    world.ingest()
    here = world.conv / "MU_r.one.fits"
    content, held = here.read_bytes(), object_of(world, here.name)
    held.unlink()
    held.symlink_to(here)
    (kept,) = world.clean_up().kept
    assert "does not prove to hold MU_r.one.fits" in kept.why
    assert here.read_bytes() == content


@pytest.mark.parametrize("harm", [b"\xff", b"[]", b"{}", None])
def test_a_name_that_is_damaged_keeps_its_dataset_only(world, harm):
    world.ingest()
    entry = world.archive / "names" / "MU_r.one.fits.json"
    entry.unlink()
    if harm is None:
        os.mkfifo(entry)
    else:
        entry.write_bytes(harm)
    done = world.clean_up()
    assert [one.target for one in done.kept] == ["ONE"]
    assert len(done.headers) == 2
    assert (world.conv / "MU_r.one.fits").is_file()


def test_what_the_archive_lost_is_archived_again_as_the_message_says(world):
    world.ingest()
    object_of(world, "MU_r.one.fits").unlink()
    (kept,) = world.clean_up().kept
    receipts = world.run.monitor_dir / "receipts.jsonl"
    assert f"remove its line in {receipts} and call ingestProducts" in kept.why
    lines = receipts.read_text().splitlines(keepends=True)
    receipts.write_text("".join(line for line in lines if "one.ab" not in line))
    assert world.ingest().is_complete
    assert world.clean_up().kept == ()


SLOW = """
from phoenix_core import hookimpl
from phoenix_core.archive import directory as archive_directory

@hookimpl
def ingest_products_archive(run, idp):
    return archive_directory.ingest_products_archive(run, idp)

@hookimpl
def ingest_products_archive_proof(run, files):
    directories = run.config.directories
    for path in directories.reduced.rglob("*one*.fits"):
        path.write_bytes(path.read_bytes() + b"a word more")
    return files
"""


def test_a_file_that_changes_while_the_archive_reads_stays(world, install):
    world = world.with_slot("ARCHIVE", install("toy_slow", SLOW))
    world.ingest()
    with pytest.raises(IngestionError, match="was changed while the archive was asked"):
        world.clean_up()
    for path in world.conv.glob("*one*.fits"):
        assert path.read_bytes().endswith(b"a word more")
