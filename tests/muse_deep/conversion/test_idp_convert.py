"""Certified cubes of real recipes become IDPs in which the validator finds nothing."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from astropy.io import fits
from attrs import frozen

from muse_deep_plugin.conversion.convert import content_check, convert
from muse_deep_plugin.conversion.dataset import datasets
from phoenix_core.archive.certified import certified as certified_of
from phoenix_core.archive.directory import ingest_products_archive
from phoenix_core.archive.ingest_state import ingesting
from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError, IngestionError
from phoenix_core.files.atomic import temporary_of
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.fits.as_certified import (
    certified_headers,
    certified_sha256,
    has_other_headers,
    kept_headers_path,
)
from phoenix_core.fits.edit import set_cards
from phoenix_core.fits.file import check_fits
from phoenix_core.fits.header_file import header_path
from phoenix_core.model import Idp, Run
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.observatory import OB_GRADES
from phoenix_core.qc1.schema import as_sql
from phoenix_core.run_id import parse_run_id
from phoenix_core.sdp.validate import validate
from phoenix_core.testing import CleanupPluginContract, ConversionToolContract
from phoenix_core.testing.calling import call_program
from phoenix_core.testing.killing import Trial, kill_often

CONFIG = Path(__file__).parents[3] / "config" / "muse_deep.toml"
BIN = Path(sys.executable).parent
DATE = "2094-04-14"
RUN = "094.D-0114B"
STEM = "1090001_2014-10-23T01:10:54.193_WFM-NOAO-N_OBJ.fits"
CUBE, IMAGE, MAP = (f"MU_{kind}_{STEM}" for kind in ("SCBD", "SIMD", "SXPM"))


@frozen
class Site:
    """Where a run was certified; commands, and the run for functions."""

    root: Path

    @property
    def run(self):
        config = read_config(self.root / "phoenix.toml")
        return Run(date=DATE, config=config, run_id=parse_run_id(RUN))

    @property
    def data(self):
        return self.root / "phoenix-data"

    @property
    def reduced(self):
        return self.data / "reduced" / DATE

    @property
    def conv(self):
        return self.reduced / "conv"

    def command(self, program, *words, code=0):
        environment = os.environ | {
            "PHOENIX_CONFIG": str(self.root / "phoenix.toml"),
            "OMP_NUM_THREADS": "1",
        }
        done = call_program([BIN / program, *words], cwd=self.root, env=environment)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def certified(self):
        """The sums of all that was certified, as it was then."""
        paths = (p for p in self.reduced.iterdir() if p.suffix in {".fits", ".log"})
        return {path.name: certified_sha256(path, FileSums()) for path in paths}


@pytest.fixture(scope="session")
def certified(reduced, crowded, tmp_path_factory):
    """Two targets that were reduced, judged and certified by the real commands."""
    site = Site(tmp_path_factory.mktemp("certified"))
    for bench in (reduced, crowded):
        root = bench.run.config.directories.root
        shutil.copytree(root, site.data, dirs_exist_ok=True)
    text = CONFIG.read_text("utf-8").replace('"phoenix-data"', f'"{site.data}"')
    (site.root / "phoenix.toml").write_text(text, "utf-8")
    review = ("-r", RUN, "-M", "--verdicts", "review.txt")
    site.command("phoenix", "-r", RUN, "-C")
    site.command("phoenix", "-r", RUN, "-P")
    site.command("phoenix", *review, code=5)
    table = site.root / "review.txt"
    table.write_text(table.read_text().replace(" TBD ", " ACCEPT "))
    site.command("phoenix", *review)
    return site


@pytest.fixture
def site(certified, tmp_path):
    """A copy of the certified run, to convert and to break."""
    site = Site(tmp_path)
    for part in ("reduced", "logs", "plots", "monitor"):
        shutil.copytree(certified.data / part, site.data / part)
    for path in certified.data.glob("phoenix.db*"):
        shutil.copy(path, site.data)
    text = (certified.root / "phoenix.toml").read_text("utf-8")
    text = text.replace(str(certified.data), str(site.data))
    (site.root / "phoenix.toml").write_text(text, "utf-8")
    return site


def findings(site):
    report = validate([site.conv])
    return [
        (file.path.name, finding.rule, finding.key, finding.value, finding.what)
        for file in report.files
        for finding in file.findings
    ]


def test_the_command_makes_datasets_in_which_the_validator_finds_nothing(site):
    before = site.certified()
    told = site.command("idpConvert_mu_deep", "-d", DATE)
    assert "2 of 2 datasets converted" in told
    assert findings(site) == []
    assert "nothing found" in site.command("phoenix", "validate", site.conv)
    assert site.certified() == before


def test_names_are_the_documented_ones(site):
    convert(site.run)
    names = {path.name for path in site.conv.iterdir()}
    assert names >= {CUBE, IMAGE, MAP, "r.MUSE.2014-10-23T01:10:54.193_dpc.log"}
    assert "r.MUSE.2014-10-24T01:30:21.534_pst1.png" in names
    assert "r.MUSE.2014-10-23T01:10:54.193_dpc.png" in names
    assert not [name for name in names if name.endswith("_pst.png")]


def test_pixels_and_their_sums_are_those_of_the_certified_cube(site):
    (dataset, _) = datasets(site.run)
    convert(site.run)
    site.command("idpConvert_mu_deep", "-d", DATE, "--restore")
    with fits.open(dataset.cube) as old, fits.open(site.conv / CUBE) as new:
        assert len(old) == len(new) == 3
        assert old[0].data is None
        for one, other in zip(old[1:], new[1:], strict=True):
            assert np.array_equal(one.data, other.data, equal_nan=True)
            assert one.header["DATASUM"] == other.header["DATASUM"]
    assert check_fits(site.conv / CUBE).problems == ()


def test_cube_and_idp_are_one_file_and_the_certified_one_can_be_had_again(site):
    (dataset, _) = datasets(site.run)
    before = dataset.cube.read_bytes()
    convert(site.run)
    if not has_other_headers(dataset.cube):
        pytest.skip("this file system shares blocks")
    idp = site.conv / CUBE
    assert idp.samefile(dataset.cube)
    assert dataset.cube.read_bytes() != before
    told = site.command("idpConvert_mu_deep", "-d", DATE, "--restore")
    assert "2 cubes restored as certified" in told
    assert dataset.cube.read_bytes() == before
    assert not kept_headers_path(dataset.cube).exists()
    assert not idp.samefile(dataset.cube)
    assert findings(site) == []
    assert "0 cubes" in site.command("idpConvert_mu_deep", "-d", DATE, "--restore")


def test_while_the_run_is_ingested_nothing_is_converted_by_hand(site):
    """What the archive reads is edited in place."""
    with ingesting(site.run):
        for words in ((), ("-p", "pst2"), ("--restore",)):
            told = site.command("idpConvert_mu_deep", "-d", DATE, *words, code=4)
            assert "the ingestion of 094.D-0114B is held by process" in told
        assert "2 of 2" in site.command("idpConvert_mu_deep", "-d", DATE, "-C")
    assert not site.conv.exists()


def test_with_the_option_copy_the_certified_cube_is_never_touched(site):
    path = site.root / "phoenix.toml"
    path.write_text(path.read_text().replace("copy = false", "copy = true"))
    (dataset, _) = datasets(site.run)
    before = dataset.cube.read_bytes()
    convert(site.run)
    assert dataset.cube.read_bytes() == before
    assert not kept_headers_path(dataset.cube).exists()
    assert findings(site) == []


def test_a_cube_that_lost_its_certified_headers_is_told_and_not_ingested(site):
    convert(site.run)
    (dataset, _) = datasets(site.run)
    kept = kept_headers_path(dataset.cube)
    kept.write_bytes(kept.read_bytes()[:-1000])
    told = site.command("idpConvert_mu_deep", "-d", DATE, "-C", code=6)
    assert "the headers kept of it are cut short" in told
    told = site.command("ingestProducts", "-d", DATE, code=6)
    assert "the headers kept of it are cut short" in told
    assert "1 of 2 datasets in the archive" in told


def test_an_idp_says_what_the_standard_asks_for(site):
    convert(site.run)
    header = fits.getheader(site.conv / CUBE)
    assert header["PRODCATG"] == "SCIENCE.CUBE.IFS"
    assert header["PROG_ID"] == "094.D-0114(B)"
    assert [header[f"PROV{n}"] for n in range(1, 5)] == [
        "MUSE.2014-10-23T01:10:54.193",
        "MUSE.2014-10-23T01:26:04.439",
        "MUSE.2014-10-24T01:30:21.534",
        "MUSE.2014-10-24T01:45:31.780",
    ]
    assert (header["NCOMBINE"], header["TEXPTIME"]) == (4, 2400)
    times = fits.getdata(site.conv / MAP, "DATA")
    assert header["EXPTIME"] == np.median(times[times > 0])
    assert header["WAVELMIN"] == pytest.approx(556.777, abs=1e-3)
    assert header["WAVELMAX"] == pytest.approx(559.027, abs=1e-3)
    assert header["PROCSOFT"] == "muse/2.8.7"
    assert 20 < header["ABMAGLIM"] < 26
    assert 1e-20 < header["PIXNOISE"] < 1e-19
    assert header["NOESODAT"] is True  # ORIGIN is SIMULATION
    assert "ARCFILE" not in header
    data = fits.getheader(site.conv / CUBE, "DATA")
    assert (data["HDUDOC"], data["HDUVERS"]) == ("SDP", "SDP version 8")


def test_what_the_qc_report_has_measured_is_taken_from_it(site):
    (dataset, _) = datasets(site.run)
    path = site.data / "logs" / DATE / f"{dataset.block.root}.qc.json"
    document = json.loads(path.read_text())
    known = {"SKY_RES": 0.75, "PIXNOISE": 2.5e-20, "ABMAGLIM": 24.5}
    document["parameters"] |= known
    path.write_text(json.dumps(document))
    convert(site.run)
    header = fits.getheader(site.conv / CUBE)
    assert {key: header[key] for key in known} == known
    assert findings(site) == []


def test_the_score_bit_of_the_qc_comes_into_the_header_of_the_idp_alone(site):
    (dataset, _) = datasets(site.run)
    path = site.data / "logs" / DATE / f"{dataset.block.root}.qc.json"
    document = json.loads(path.read_text())
    document["parameters"]["QCFLAG"] = "0010000000"
    path.write_text(json.dumps(document))
    before = site.certified()
    convert(site.run)
    header = fits.getheader(site.conv / CUBE)
    assert header["QCFLAG"] == "0010000000"
    assert header.comments["QCFLAG"] == "Score bit: 10 flags of quality, 0 is good"
    assert site.certified() == before
    assert findings(site) == []


def test_where_no_more_can_be_written_it_is_told_and_nothing_is_half_there(site):
    limit = 250_000  # bytes a file: less than a cube has
    before = site.certified()
    code = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from muse_deep_plugin.conversion.idp_convert import command
command()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "-d", DATE],
        cwd=site.root,
        env=os.environ | {"PHOENIX_CONFIG": str(site.root / "phoenix.toml")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode not in {0, -signal.SIGXFSZ}
    assert "Traceback" not in done.stderr
    assert "File too large" in done.stderr
    assert site.certified() == before
    assert not list(site.conv.glob("MU_SCBD*"))
    assert not list(site.conv.glob(".*.tmp"))
    convert(site.run)
    assert findings(site) == []


def test_what_is_associated_is_named_with_category_and_sum(site):
    convert(site.run)
    header = fits.getheader(site.conv / CUBE)
    assert [header["ASSON1"], header["ASSON2"]] == [IMAGE, MAP]
    assert not {"ASSOC1", "ASSOC2"} & set(header)
    categories = [header[f"ASSOC{n}"] for n in range(3, 9)]
    assert categories == ["ANCILLARY.README", *["ANCILLARY.PREVIEW"] * 5]
    for n in range(3, 9):
        content = (site.conv / header[f"ASSON{n}"]).read_bytes()
        assert header[f"ASSOM{n}"] == hashlib.md5(content).hexdigest()  # noqa: S324


def test_the_exposure_map_is_in_seconds_and_lies_on_the_image(site):
    convert(site.run)
    with fits.open(site.conv / MAP) as maps, fits.open(site.conv / IMAGE) as images:
        assert maps[0].header["PRODCATG"] == "ANCILLARY.EXPMAP"
        header, of_image = maps["DATA"].header, images["DATA"].header
        for key in ("NAXIS1", "NAXIS2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"):
            assert header[key] == of_image[key]
        assert header["BUNIT"] == "s"
        times = maps["DATA"].data
        assert np.array_equal(times > 0, np.isfinite(images["DATA"].data))
        assert set(np.unique(times)) <= {0, 600, 1200, 1800, 2400}
        assert times.max() == 2400


def test_a_cube_without_exposure_map_is_converted_without(site):
    (dataset, _) = datasets(site.run)
    path = site.data / "logs" / DATE / dataset.block.name
    lines = path.read_text().splitlines()
    path.write_text("\n".join(x for x in lines if "EXPOSURE_MAP" not in x) + "\n")
    set_cards(dataset.cube, {"EXPTIME": (2400.0, "")})
    recorded(site, dataset)
    convert(site.run)
    assert not (site.conv / MAP).exists()
    assert "ASSOC2" in fits.getheader(site.conv / CUBE)
    assert findings(site) == []


def test_an_exposure_map_that_was_made_and_is_gone_is_missing(site):
    (dataset, _) = datasets(site.run)
    dataset.exposure_map.unlink()
    told = site.command("idpConvert_mu_deep", "-d", DATE, "-C", code=6)
    assert f"{dataset.exposure_map} is missing" in told


def test_another_suffix_renames_the_plots_of_exposures_and_leaves_no_other(site):
    convert(site.run)
    site.command("idpConvert_mu_deep", "-d", DATE, "-p", "pst2")
    assert findings(site) == []
    names = {path.name for path in site.conv.glob("*_pst*.png")}
    assert {name.rpartition("_")[2] for name in names} == {"pst2.png"}
    told = site.command("idpConvert_mu_deep", "-d", DATE, "-p", "../x", code=2)
    assert "expected pst and a number" in told


def test_a_call_for_another_suffix_that_was_killed_is_completed_by_the_next_one(
    site, monkeypatch
):
    """Else the cube would name plots that do not go with it."""
    convert(site.run)

    def die(*_words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("muse_deep_plugin.conversion.convert.remove_former_plots", die)
        with pytest.raises(KeyboardInterrupt):
            convert(site.run, "pst2")
    first = convert(site.run)[0]
    named = set(fits.getheader(first.idp)["ASSON*"].values())
    assert {path.name for path in first.files} == named
    assert any(name.endswith("_pst2.png") for name in named)


def test_cubes_that_can_be_restored_are_though_another_one_cannot(site):
    (dataset, other) = datasets(site.run)
    before = other.cube.read_bytes()
    convert(site.run)
    if not has_other_headers(dataset.cube):
        pytest.skip("this file system shares blocks")
    kept = kept_headers_path(dataset.cube)
    kept.write_bytes(kept.read_bytes().replace(b"NGC", b"ABC"))
    name = temporary_of(dataset.cube).name
    left = site.reduced / name.replace(f"-{os.getpid()}-", "-999999999-")
    left.write_bytes(b"of a call that was killed")
    told = site.command("idpConvert_mu_deep", "-d", DATE, "--restore", code=4)
    assert "is not what was certified" in told
    assert other.cube.read_bytes() == before
    assert not left.exists()


def test_what_is_up_to_date_is_not_made_again_and_what_changed_is(site):
    assert all(one.is_new for one in convert(site.run))
    before = (site.conv / CUBE).stat()
    assert not any(one.is_new for one in convert(site.run))
    assert (site.conv / CUBE).stat().st_mtime_ns == before.st_mtime_ns
    (dataset, _) = datasets(site.run)
    dataset.plots[1].write_bytes(b"another plot")
    assert [one.is_new for one in convert(site.run)] == [True, False]
    assert findings(site) == []


def test_an_idp_with_other_pixels_or_cut_short_is_made_again(site):
    """Else the archive would get what nobody certified."""
    path = site.root / "phoenix.toml"
    path.write_text(path.read_text().replace("copy = false", "copy = true"))
    convert(site.run)
    idp = site.conv / CUBE
    before = idp.read_bytes()
    with fits.open(idp) as hdus:
        hdus["DATA"].data += 1
        hdus.writeto(idp, checksum=True, overwrite=True)
    assert [one.is_new for one in convert(site.run)] == [True, False]
    assert idp.read_bytes() == before
    os.truncate(idp, 30_000)
    assert [one.is_new for one in convert(site.run)] == [True, False]
    assert idp.read_bytes() == before


def test_grades_and_comments_of_obs_stand_in_the_header(site):
    table = as_sql(OB_GRADES, sa.MetaData())
    rows = [
        {"ob_id": 1090001, "exec_time": "2014-10-23T01:10:54", "grade": "C"},
        {"ob_id": 1090001, "exec_time": "2014-10-24T01:10:54", "grade": "A"},
    ]
    comment = "l'été \x1b[31m " + "long " * 30
    with open_qc1(site.run.config.database) as engine, engine.begin() as connection:
        connection.execute(sa.delete(table))
        for row in rows:
            values = {"run_id": "094.D-0114(B)", "comment": comment, **row}
            connection.execute(sa.insert(table).values(values))
    convert(site.run)
    header = fits.getheader(site.conv / CUBE)
    assert header["OBGRD1"] == "A"
    assert header["OBCOM1"].startswith("l'?t? ?[31m long long")
    assert "OBGRD2" not in header
    assert findings(site) == []


def test_several_runs_are_told_as_multi(site):
    path = site.data / "logs" / DATE / "MUSE.2014-10-24T01:30:21.534.ab"
    path.write_text(path.read_text().replace("094.D-0114(B)", "095.D-0115(A)"))
    convert(site.run)
    header = fits.getheader(site.conv / CUBE)
    assert header["PROG_ID"] == "MULTI"
    assert [header[f"PROGID{n}"] for n in (1, 2)] == ["094.D-0114(B)", "095.D-0115(A)"]
    assert findings(site) == []


def test_the_content_check_lists_what_is_missing_and_changes_nothing(site):
    assert "2 of 2 datasets complete" in site.command(
        "idpConvert_mu_deep", "-d", DATE, "-C"
    )
    (dataset, _) = datasets(site.run)
    dataset.plots[0].unlink()
    dataset.log.unlink()
    dataset.images[0].write_bytes(b"cut")
    told = site.command("idpConvert_mu_deep", "-d", DATE, "-C", code=6)
    assert f"{dataset.plots[0]} is missing" in told
    assert f"{dataset.log} is missing" in told
    assert "its size differs" in told
    assert "1 of 2 datasets complete" in told
    assert not site.conv.exists()


def test_an_incomplete_dataset_is_left_out_and_the_other_converted(site):
    (dataset, other) = datasets(site.run)
    dataset.plots[2].unlink()
    told = site.command("idpConvert_mu_deep", "-d", DATE, "--json", code=6)
    first, second = json.loads(told)["datasets"]
    assert first["missing"] == [f"{dataset.plots[2]} is missing"]
    assert not (site.conv / CUBE).exists()
    assert Path(second["idp"]).is_file()
    assert other.target == second["target"]
    assert findings(site) == []


def test_without_a_certified_cube_and_for_no_run_it_says_so(site):
    shutil.rmtree(site.data / "logs" / DATE)
    with pytest.raises(ConfigError, match="no certified deep cube"):
        content_check(site.run)
    told = site.command("idpConvert_mu_deep", "-d", "2094-04-15", code=2)
    assert "2094-04-15" in told
    assert "pseudo-date" in site.command("idpConvert_mu_deep", code=2)


def test_a_header_that_would_lead_elsewhere_is_refused(site):
    (dataset, _) = datasets(site.run)
    set_cards(dataset.cube, {"ESO INS MODE": ("../../x", "")})
    recorded(site, dataset)
    with pytest.raises(IngestionError, match="would be no name of a file"):
        convert(site.run)


def test_a_cube_of_other_exposures_than_its_ab_is_refused(site):
    (dataset, _) = datasets(site.run)
    set_cards(dataset.cube, {"NCOMBINE": (3, "")})
    recorded(site, dataset)
    with pytest.raises(IngestionError, match=r"NCOMBINE = 3, .* names 4 exposures"):
        convert(site.run)


def recorded(site, dataset):
    """Let the AB know a cube's size as it is now."""
    path = site.data / "logs" / DATE / dataset.block.name
    size = dataset.cube.stat().st_size
    lines = path.read_text().splitlines()
    lines = [
        " ".join([*line.split()[:-2], str(size), "KEPT"])
        if "DATACUBE_DEEP" in line
        else line
        for line in lines
    ]
    path.write_text("\n".join(lines) + "\n")


def test_damaged_pixels_are_not_signed_anew(site):
    (dataset, _) = datasets(site.run)
    content = bytearray(dataset.cube.read_bytes())
    content[-5000] ^= 1
    dataset.cube.write_bytes(content)
    convert(site.run)
    rules = {finding[1] for finding in findings(site)}
    assert "fits.datasum-right" in rules


def test_killed_at_random_moments_nothing_certified_changes_and_the_next_call_ends_it(
    site,
):
    (other, *_) = sorted((site.data / "logs" / DATE).glob("*_dpc.ab"))[1:]
    other.unlink()  # one dataset is enough
    before = site.certified()
    pristine = site.root / "pristine"
    shutil.copytree(site.reduced, pristine)

    def made():
        return {path.name: path.read_bytes() for path in site.conv.iterdir()}

    convert(site.run)
    expected = made()

    def left():
        assert site.certified() == before
        for path in site.conv.glob("[!.C]*"):  # not CONVERTED, which grows
            assert path.read_bytes() == expected[path.name], path.name

    def ended():
        assert made() == expected

    def prepare():
        shutil.rmtree(site.reduced)
        shutil.copytree(pristine, site.reduced)

    trial = Trial(
        "convert",
        prepare,
        lambda: convert(site.run),
        left,
        ended,
    )
    assert kill_often(trial, 50, seed=6) > 20
    assert findings(site) == []
    cubes = {path.name: sha256(path) for path in pristine.glob("*.fits")}
    site.command("idpConvert_mu_deep", "-d", DATE, "--restore")
    assert {path.name: sha256(path) for path in site.reduced.glob("*.fits")} == cubes


# To the archive and back ----------------------------------------------------------


class TestConversionTool(ConversionToolContract):
    pgi = "idpConvert_mu_deep"

    @pytest.fixture
    def run(self, site):
        return site.run

    @pytest.fixture
    def products(self, site):
        return [p for one in certified_of(site.run) for p in one.products]


class TestCleanup(CleanupPluginContract):
    pgi = "pgi_phoenix_MUSE_cleanup"


def test_datasets_go_to_the_archive_and_headers_stay(site):
    told = site.command("ingestProducts", "-d", DATE)
    assert "2 of 2 datasets in the archive" in told
    names = {path.stem for path in (site.data / "archive" / "names").iterdir()}
    assert names == {p.name for p in site.conv.iterdir() if p.suffix}
    (dataset, _) = datasets(site.run)
    (headers, *_) = certified_headers(dataset.cube)
    cleaned = json.loads(site.command("cleanupProducts", "-d", DATE, "--json"))
    assert cleaned["kept"] == []
    assert header_path(dataset.cube).read_text().startswith(card_lines(headers))
    left = {p.suffix for p in site.reduced.rglob("*") if p.is_file()}
    assert left == {"", ".hdr", ".log", ".png"}
    links = [p for p in site.conv.glob("*.png") if p.is_symlink()]
    assert len(links) == len(list(site.conv.glob("*.png")))
    for words in (("-C",), ()):
        told = site.command("idpConvert_mu_deep", "-d", DATE, *words)
        assert told.count("(ingested and cleaned up)") == 2
    told = site.command("phoenix", "validate", site.conv, code=2)
    assert "6 header files (.hdr): ingested and cleaned up" in told
    assert "ingested and cleaned up" in site.command("ingestProducts", "-d", DATE)


def card_lines(header):
    """The first cards, as lines."""
    text = header.decode()
    return "".join(f"{text[at : at + 80]}\n" for at in range(0, 1600, 80))


def test_a_plot_that_an_earlier_cube_has_is_converted_under_another_name(site):
    """The deep cubes of two runs may have an exposure in common."""
    taken = "r.MUSE.2014-10-24T01:30:21.534_pst1.png"
    other = site.root / taken
    other.write_bytes(b"of an earlier deep cube")
    ingest_products_archive(site.run, Idp("earlier.ab", other))
    told = site.command("ingestProducts", "-d", DATE, code=6)
    assert f"{taken} is in " in told
    assert "convert again under another name: idpConvert_mu_deep -h tells how" in told
    assert "1 of 2 datasets in the archive" in told
    assert "SUFFIX" in site.command("idpConvert_mu_deep", "-h")
    told = site.command("idpConvert_mu_deep", "-d", DATE, "-p", "pst2")
    assert told.count("(ingested)") == 1
    told = site.command("ingestProducts", "-d", DATE)
    assert "2 of 2 datasets in the archive" in told
    names = {path.stem for path in (site.data / "archive" / "names").iterdir()}
    assert taken.replace("pst1", "pst2") in names
