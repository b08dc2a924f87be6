"""A dataset goes to NGAS once, whatever happens on the way; each failure says its end.

Each failure is one that was measured on a real server.
"""

import os
import threading
import zlib

import pytest
from attrs import evolve
from phoenix_ngas import archive, local_file
from phoenix_ngas.keep_apart import Notes

from phoenix_core.errors import ArchiveAwayError, IngestionError
from phoenix_core.files.run_lock import holding
from phoenix_core.model import Idp

UPLOADS = ("ARCHIVE", "QARCHIVE")


def content_of(server, path, version=1):
    return server.path(path.name, version).read_bytes()


def is_once(server, idp):
    """Whether each file of a dataset is there, whole and in one version."""
    return all(
        server.versions(path.name) == [1]
        and content_of(server, path) == path.read_bytes()
        for path in (idp.path, *idp.files)
    )


# As it should be ------------------------------------------------------------------


@pytest.mark.parametrize("command", UPLOADS)
@pytest.mark.parametrize("crc_variant", [0, 2])
def test_a_dataset_is_stored_and_its_receipt_says_where(
    server, site, command, crc_variant
):
    idp = site.idp("cube.fits", "image.fits", "r.log", "plot.png", "odd.xyz")
    receipt = site.archive(server, idp, command=command, crc_variant=crc_variant)
    assert is_once(server, idp)
    assert receipt.block == idp.block
    assert [f.name for f in receipt.files] == [
        *("cube.fits", "image.fits", "r.log", "plot.png", "odd.xyz")
    ]
    cube = receipt.files[0]
    assert cube.where == (
        f"{server.url}/RETRIEVE?file_id=cube.fits&file_version=1"
        "#disk=88e361a1da64b76dac9cd51bfc388b9a&ingested=2026-11-22T08:19:54.047"
    )
    assert cube.size == idp.path.stat().st_size
    assert cube.checksum == f"crc32:{zlib.crc32(idp.path.read_bytes())}"
    assert receipt.at.endswith("+00:00")
    assert receipt.remarks == ()


def test_the_science_file_goes_last(server, site):
    idp = site.idp("cube.fits", "r.log")
    site.archive(server, idp)
    sent = [r[2]["Content-Disposition"] for r in server.commands(*UPLOADS)]
    assert sent == [
        'attachment; filename="r.log"',
        'attachment; filename="cube.fits"',
    ]


def test_an_upload_says_exactly_what_comes(server, site):
    idp = site.idp()
    site.archive(server, idp)
    (_, parameters, headers) = server.commands("QARCHIVE")[0]
    assert parameters["crc_variant"] == "0"
    assert headers["Content-Length"] == str(idp.path.stat().st_size)
    assert headers["NGAS-File-CRC"] == str(zlib.crc32(idp.path.read_bytes()))
    assert headers["Content-Type"] == "application/fits"
    assert "Expect" not in headers
    assert "Transfer-Encoding" not in headers


def test_nothing_is_sent_before_status_and_all_is_proved_behind(server, site):
    site.archive(server, site.idp())
    assert [r[0] for r in server.requests] == ["STATUS", "QARCHIVE", "CHECKFILE"]
    assert server.requests[-1][1] == {"file_id": "cube.fits", "file_version": "1"}


def test_what_is_there_is_not_sent_again(server, site):
    idp = site.idp("cube.fits", "r.log")
    first = site.archive(server, idp)
    again = site.archive(server, idp)
    assert again.files == first.files
    assert len(server.commands(*UPLOADS)) == 2
    assert is_once(server, idp)


def test_a_half_sent_dataset_is_finished(server, site):
    idp = site.idp("cube.fits", "image.fits", "r.log")
    server.faults += [("QARCHIVE", ""), ("QARCHIVE", "message:Unknown mime type: X")]
    site.refused(server, idp)
    assert server.versions("image.fits") == [1]
    assert server.versions("cube.fits") == []
    site.archive(server, idp)
    assert is_once(server, idp)


NAMES = (
    "a=b.fits",
    "a;b.fits",
    "with blank.fits",
    "a+b:c%2F%d.fits",
    "quo\"te'.fits",
    "Sonnenblume_grün_星.fits",
    "x" * 250 + ".fits",
    "a&file_version=7#x?y.fits",
    "..fits",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_arrives_as_it_is(server, site, name):
    idp = site.idp(name, size=10)
    receipt = site.archive(server, idp)
    assert is_once(server, idp)
    assert [row["file_id"] for row in server.rows] == [name]
    assert site.proved(server, receipt.files) == list(receipt.files)


# What the server refuses for good -------------------------------------------------

REFUSED = {
    "Unknown mime type: X": "[archive_ngas] mime_types",
    "NGAMS_ER_UNKNOWN_MIME_TYPE2:4047:ERROR: no such": "[archive_ngas] mime_types",
    "NGAMS_ER_UNKNOWN_MIME_TYPE1:4014:ERROR: no such": "[archive_ngas] mime_types",
    "NGAMS_ER_MISSING_URI:4013:ERROR: No URI": "saw no file name",
    "NGAMS_ER_DAPI_BAD_FILE:4058:ERROR: size": "ask phoenix validate",
    "cannot access local variable 'filename' where it is": "ignore_arcfile = true",
    "NGAMS_AL_NO_STO_SETS:3014:ALERT: No Storage Sets": "operator has to add one",
    "No disk volumes are available for ingesting any files.": "operator has to add",
    "NGAMS_AL_DISK_SPACE_SAT:3024:ALERT: full": "operator has to make room",
    "NGAMS_ER_ARCH_REQ_NOK:4069:ERROR: no room": "ask the archive's operator",
    "%d format: a real number is required": "crc_variant",
    "invalid literal for int() with base 10": "crc_variant",
}


@pytest.mark.parametrize("how", ["message", "after_body"])
@pytest.mark.parametrize(("said", "told"), REFUSED.items())
def test_what_is_refused_for_good_is_sent_once(server, site, how, said, told):
    server.faults += [("QARCHIVE", f"{how}:{said}")]
    why = site.refused(server, site.idp())
    assert why.startswith(f"NGAS {server.url}: cube.fits: ")
    assert told in why
    assert said in why
    assert len(server.commands("QARCHIVE")) == 1
    assert server.rows == []


def test_a_mime_type_is_known_by_configuration(server, site):
    idp = site.idp("cube.fits", "r.log")
    server.mime_types = {"application/fits", "application/octet-stream"}
    assert "Unknown mime type: text/plain" in site.refused(server, idp)
    types = {".log": "application/octet-stream"}
    site.archive(server, idp, mime_types=types)
    assert is_once(server, idp)


def test_a_full_archive_is_the_operators(server, site):
    server.largest = 100
    why = site.refused(server, site.idp(), command="ARCHIVE")
    assert "no volume with room" in why
    assert len(server.commands("ARCHIVE")) == 1


LOGINS = {"": "another user or password", "wrong": "another user", "s3": "may not"}


@pytest.mark.parametrize("password", LOGINS)
def test_a_user_who_may_not_is_told_so(server, site, monkeypatch, password):
    server.users = {"phoenix": "s3"}
    server.forbidden = {"QARCHIVE"}
    if password:
        monkeypatch.setenv("NGAS_USER", "phoenix")
        monkeypatch.setenv("NGAS_PASSWORD", password)
    why = site.refused(server, site.idp())
    assert LOGINS[password] in why
    assert "s3" not in why
    assert len(server.requests) <= 2
    assert server.rows == []


def test_a_user_who_may_is_let_in(server, site, monkeypatch):
    server.users = {"phoenix": "s3cret: with colon"}
    monkeypatch.setenv("WHO", "phoenix")
    monkeypatch.setenv("HOW", "s3cret: with colon")
    idp = site.idp()
    names = {"user_env": "WHO", "password_env": "HOW"}
    receipt = site.archive(server, idp, **names)
    assert is_once(server, idp)
    assert "s3cret" not in repr(receipt)


# What goes better the next time ---------------------------------------------------

PASSING = {
    "busy": "busy with as many requests",
    "reset": "closed the connection without a reply",
    "hangup": "closed the connection without a reply",
    "offline": "OFFLINE",
    "message:Only read 12 out of 13 bytes (1 bytes missing)": "before all was sent",
    "message:Something nobody has seen": "Something nobody has seen",
    "raw:HTTP/1.0 502 Bad Gateway\r\n\r\n<html>no</p>": "HTTP 502",
    "raw:SSH-2.0-OpenSSH\r\n": "can be read",
    "raw:HTTP/1.0 200 OK\r\n\r\n<?xml version='1.0'?><NgamsStatus><Status ": "no com",
    "huge:16": "more than 1048576 bytes",
}
ON_UPLOAD = {
    **PASSING,
    "reset_mid": "without a reply",
    "hangup_mid": "without a reply",
    "unstored": "without a reply",
    "flip": "changed on the way",
}
ON_STATUS = {k: v for k, v in PASSING.items() if not k.startswith("message:Only")}


@pytest.mark.parametrize("fault", ON_UPLOAD)
def test_an_upload_that_failed_is_made_again(server, site, fault):
    idp = site.idp(size=200_000)
    server.faults += [("QARCHIVE", fault)]
    site.archive(server, idp)
    assert is_once(server, idp)
    assert [r[0] for r in server.requests][:3:2] == ["STATUS", "STATUS"]
    assert len(server.commands("QARCHIVE")) == 2


@pytest.mark.parametrize(("fault", "told"), ON_UPLOAD.items())
def test_after_three_uploads_it_is_given_up(server, site, fault, told):
    idp = site.idp(size=200_000)
    server.faults += [("QARCHIVE", fault)] * 4
    why = site.refused(server, idp)
    assert "not archived after 3 attempts" in why
    assert told in why
    assert why.endswith("call again, nothing is stored twice")
    assert len(server.commands("QARCHIVE")) == 3
    assert server.requests[-1][0] == "STATUS"
    server.faults.clear()
    site.archive(server, idp)
    assert is_once(server, idp)


@pytest.mark.parametrize(
    ("command", "fault", "is_away"),
    [
        ("QARCHIVE", "offline", True),
        ("STATUS", "hangup", True),
        ("QARCHIVE", "hangup_mid", False),
        ("QARCHIVE", "unstored", False),
    ],
)
def test_a_server_is_away_unless_the_file_may_be_why_it_did_not_reply(
    server, site, command, fault, is_away
):
    """A file that is too large for it must not keep the datasets after it waiting."""
    idp = site.idp(size=200_000)
    server.faults += [(command, fault)] * 4
    with pytest.raises(IngestionError, match="after 3 attempts") as told:
        site.archive(server, idp)
    assert isinstance(told.value, ArchiveAwayError) is is_away


@pytest.mark.parametrize(("fault", "told"), ON_STATUS.items())
@pytest.mark.parametrize("is_there", [True, False])
def test_nothing_is_sent_while_status_does_not_know(
    server, site, fault, told, is_there
):
    idp = site.idp()
    if is_there:
        server.add("cube.fits", idp.path.read_bytes())
    server.faults += [("STATUS", fault)] * 4
    why = site.refused(server, idp)
    assert told in why
    assert server.commands(*UPLOADS) == []
    site.archive(server, idp)
    assert is_once(server, idp)
    assert len(server.commands(*UPLOADS)) == (0 if is_there else 1)


@pytest.mark.parametrize("fault", ["reply_lost", "late:0.01"])
def test_what_was_stored_without_a_reply_is_found(server, site, fault):
    idp = site.idp(size=200_000)
    server.faults += [("QARCHIVE", fault)]
    receipt = site.archive(server, idp, pause=0.3)
    assert is_once(server, idp)
    assert len(server.commands("QARCHIVE")) == 1
    assert receipt.remarks == ()


@pytest.mark.parametrize("how", ["killed", "lost"])
def test_what_is_still_on_its_way_is_not_sent_again(server, site, how):
    """STATUS does not show it at first: its sender was killed, or lost the reply."""
    idp = site.idp()
    before = ["STATUS", "QARCHIVE"] if how == "lost" else []

    def stored_behind_status():
        if server.asked == [*before, "STATUS"]:
            server.add("cube.fits", idp.path.read_bytes())

    server.replying = stored_behind_status
    if how == "killed":
        notes = Notes(site.root / "monitor" / ".ngas")
        notes.directory.mkdir(parents=True)
        notes.lock("cube.fits").touch()
    else:
        server.faults += [("QARCHIVE", "unstored")]
    receipt = site.archive(server, idp)
    assert receipt.remarks == ()
    assert is_once(server, idp)
    assert server.asked == [*before, "STATUS", "STATUS", "CHECKFILE"]


def test_an_offline_server_is_waited_for(server, site):
    idp = site.idp()
    site.archive(server, idp)
    new = site.idp("new.fits", "cube.fits")
    server.faults += [("*", "offline")] * 3
    site.archive(server, new)
    assert server.versions("cube.fits") == [1]
    assert server.versions("new.fits") == [1]


def test_a_server_that_is_not_there_is_told(site):
    why = site.refused("http://127.0.0.1:9", site.idp())
    assert "cannot be reached: Connection refused" in why
    assert "not archived after 3 attempts" in why


def test_a_full_disk_looks_like_no_reply_and_is_told_to_be_one(server, site):
    server.largest = 100
    why = site.refused(server, site.idp())
    assert "one with a full disk does that" in why
    assert len(server.commands("QARCHIVE")) == 3
    assert server.rows == []


@pytest.mark.parametrize("fault", ["silent:3", "drip:0.05"])
@pytest.mark.parametrize("command", ["STATUS", "QARCHIVE", "CHECKFILE"])
def test_a_slow_server_costs_no_more_than_the_timeout(server, site, fault, command):
    idp = site.idp()
    server.faults += [(command, fault)]
    site.archive(server, idp, timeout=0.3)  # a whole drip would take minutes
    assert is_once(server, idp)


def test_a_dead_server_that_hangs_costs_less_than_an_upload_may(
    server, site, monkeypatch
):
    monkeypatch.setattr("phoenix_ngas.store.STATUS_TIME", 0.2)
    server.faults += [("STATUS", "silent:3")]
    site.archive(server, site.idp(), timeout=600.0)
    assert server.asked == ["STATUS", "STATUS", "QARCHIVE", "CHECKFILE"]


@pytest.mark.parametrize("host", ["a..b", "no-such-host.invalid", "x" * 64])
def test_a_host_that_is_none_is_told(site, host):
    why = site.refused(f"http://{host}:7777", site.idp(), attempts=1)
    assert "cannot be reached: " in why


# What compares, and what does not -------------------------------------------------


def test_other_content_of_the_name_is_a_conflict(server, site):
    idp = site.idp()
    server.add("cube.fits", b"another")
    why = site.refused(server, idp)
    assert f"7 bytes, checksum {zlib.crc32(b'another')} (crc32)" in why
    assert f"{idp.path} has {idp.path.stat().st_size} bytes" in why
    assert str(zlib.crc32(idp.path.read_bytes())) in why
    assert server.commands(*UPLOADS) == []
    assert server.versions("cube.fits") == [1]


def test_a_file_that_was_changed_since_is_a_conflict(server, site):
    idp = site.idp()
    site.archive(server, idp)
    idp.path.write_bytes(idp.path.read_bytes()[:-1] + b"X")
    assert "has other content" in site.refused(server, idp)
    assert server.versions("cube.fits") == [1]


def test_what_arrived_truncated_is_no_success(server, site):
    idp = site.idp()
    server.faults += [("QARCHIVE", "truncate:100")]
    assert "has other content" in site.refused(server, idp)
    assert "has other content" in site.refused(server, idp)
    assert server.versions("cube.fits") == [1]


def test_a_sum_of_python_2_may_be_negative(server, site):
    idp = site.idp()
    crc = zlib.crc32(idp.path.read_bytes())
    server.add("cube.fits", idp.path.read_bytes(), crc=crc - 2**32)
    receipt = site.archive(server, idp)
    assert server.commands(*UPLOADS) == []
    assert receipt.files[0].checksum == f"crc32:{crc}"
    assert site.proved(server, receipt.files) == list(receipt.files)


@pytest.mark.parametrize(
    ("crc", "plugin"), [("None", "None"), ("", ""), ("1234", "crc32c"), ("x", "crc32")]
)
def test_what_has_another_sum_cannot_be_compared(server, site, crc, plugin):
    idp = site.idp()
    server.add("cube.fits", idp.path.read_bytes(), crc=crc, plugin=plugin)
    why = site.refused(server, idp)
    assert "cannot be compared" in why
    assert server.versions("cube.fits") == [1]
    assert server.commands(*UPLOADS) == []


def test_what_is_compressed_cannot_be_compared(server, site):
    idp = site.idp()
    server.add("cube.fits", b"z")
    server.shown = lambda row: {**row, "compression": "gzip"}
    assert "compressed (gzip)" in site.refused(server, idp)
    assert server.versions("cube.fits") == [1]


def test_a_success_without_a_file_is_none(server, site):
    idp = site.idp()
    reply = (
        "HTTP/1.0 200 OK\r\n\r\n<NgamsStatus><Status Status='SUCCESS' State='ONLINE' "
        "Message='Fine'/></NgamsStatus>"
    )
    server.faults += [("QARCHIVE", f"raw:{reply}")]
    site.archive(server, idp)
    assert is_once(server, idp)
    assert len(server.commands("QARCHIVE")) == 2


# Versions -------------------------------------------------------------------------


def test_the_same_twice_is_told_not_hidden(server, site):
    idp = site.idp()
    for _ in range(2):
        server.add("cube.fits", idp.path.read_bytes())
    receipt = site.archive(server, idp)
    (remark,) = receipt.remarks
    assert "cube.fits version 2 is the same as version 1: it was uploaded twi" in remark
    assert "file_version=2" in receipt.files[0].where
    assert server.requests[-1][1] == {"file_id": "cube.fits", "file_version": "2"}


def test_a_version_that_appears_behind_status_is_told(server, site):
    idp = site.idp()
    twin = idp.path.read_bytes()

    def appear(name):
        server.add(name, twin)
        return name

    server.file_id_of = appear
    receipt = site.archive(server, idp)
    assert "uploaded twice" in receipt.remarks[0]
    assert server.versions("cube.fits") == [1, 2]


def test_an_older_version_of_others_is_told(server, site):
    idp = site.idp()
    server.add("cube.fits", b"old")
    server.add("cube.fits", idp.path.read_bytes())
    receipt = site.archive(server, idp)
    assert "replaces other versions" in receipt.remarks[0]


def reply_of(*versions, status="SUCCESS"):
    """A reply about several copies, as of a server with disks for replication."""
    files = "".join(
        f"<DiskStatus DiskId='d{version}'><FileStatus FileId='cube.fits' "
        f"FileVersion='{version}' FileSize='{size}' Checksum='{crc}' "
        f"ChecksumPlugIn='crc32'/></DiskStatus>"
        for version, size, crc in versions
    )
    head = f"<NgamsStatus><Status Status='{status}' State='ONLINE' Message='x'/>"
    return f"raw:HTTP/1.0 200 OK\r\n\r\n{head}{files}</NgamsStatus>"


def test_of_several_versions_the_latest_counts(server, site):
    idp = site.idp()
    size, crc = idp.path.stat().st_size, zlib.crc32(idp.path.read_bytes())
    server.add("cube.fits", idp.path.read_bytes())
    server.faults += [("STATUS", reply_of((1, size, crc), (3, 5, 6), (2, size, crc)))]
    assert "cube.fits version 3 has other content" in site.refused(server, idp)
    server.faults += [("STATUS", reply_of((1, size, crc), (1, size, crc)))]
    assert "file_version=1" in site.archive(server, idp).files[0].where
    assert server.commands(*UPLOADS) == []


def test_a_failure_that_names_the_file_says_nothing_of_it(server, site):
    idp = site.idp()
    size, crc = idp.path.stat().st_size, zlib.crc32(idp.path.read_bytes())
    server.faults += [("STATUS", reply_of((1, size, crc), status="FAILURE"))]
    site.archive(server, idp)
    assert server.asked == ["STATUS", "STATUS", "QARCHIVE", "CHECKFILE"]


def test_a_version_that_was_asked_for_is_no_other(server, site):
    (stored,) = site.archive(server, site.idp()).files
    other = reply_of((2, stored.size, stored.checksum.partition(":")[2]))
    server.faults += [("STATUS", other)] * 4
    with pytest.raises(IngestionError, match="not proved after 3 attempts"):
        site.proved(server, [stored])


# Names that the server gives ------------------------------------------------------


def test_the_name_is_that_of_the_reply_and_is_remembered(server, site):
    server.file_id_of = lambda name: name.removesuffix(".fits")
    idp = site.idp()
    receipt = site.archive(server, idp)
    assert "file_id=cube&" in receipt.files[0].where
    assert receipt.files[0].name == "cube.fits"
    assert receipt.remarks == ("cube.fits is called cube in the archive",)
    again = site.archive(server, idp)
    assert again.files == receipt.files
    assert server.versions("cube") == [1]
    assert site.proved(server, receipt.files) == list(receipt.files)


def header(*cards):
    text = "".join(card.ljust(80) for card in (*cards, "END"))
    return text.ljust(2880).encode()


ARCFILE = header(
    "SIMPLE  =                    T",
    "BITPIX  =                    8",
    "NAXIS   =                    0",
    "ARCFILE = 'XSHOO.2026-01-02T03:04:05.678.fits'",
)
ESO = {"mime_types": {".fits": "image/x-fits"}}


def test_a_name_by_arcfile_is_known_before(server, site):
    file_id = "XSHOO.2026-01-02T03:04:05.678"
    server.file_id_of = lambda _: file_id
    idp = Idp("r.X.ab", site.file("cube.fits", ARCFILE))
    receipt = site.archive(server, idp, **ESO)
    assert receipt.remarks == ()
    other = site.root / "elsewhere"  # nothing is remembered there
    site.archive(server, idp, notes=str(other), **ESO)
    assert server.versions(file_id) == [1]
    assert len(server.commands(*UPLOADS)) == 1


def test_arcfile_can_be_ignored(server, site):
    idp = Idp("r.X.ab", site.file("cube.fits", ARCFILE))
    site.archive(server, idp, ignore_arcfile=True, **ESO)
    assert server.commands("QARCHIVE")[0][1]["ignore_arcfile"] == "1"
    assert server.versions("cube.fits") == [1]


# Files that cannot go -------------------------------------------------------------


def test_a_file_that_cannot_go_is_told_before_anything_is_sent(server, site):
    idp = site.idp("cube.fits", "r.log")
    idp.path.write_bytes(b"")
    assert "is empty" in site.refused(server, idp)
    idp.path.unlink()
    assert "No such file" in site.refused(server, idp)
    os.mkfifo(idp.path)
    assert "no regular file" in site.refused(server, idp)
    assert server.requests == []


@pytest.mark.parametrize("name", ["line\nbreak.fits", "esc\x1b.fits", b"\xff.fits"])
def test_a_name_that_would_not_be_kept_is_refused(server, site, name):
    path = site.file("x").with_name(os.fsdecode(name))
    path.write_bytes(b"x")
    assert "rename it" in site.refused(server, Idp("r.X.ab", path))
    assert server.requests == []


def test_a_dataset_that_lacks_a_file_does_not_go(server, site):
    idp = site.idp()
    incomplete = Idp(idp.block, idp.path, missing=("r.log",))
    assert "lacks r.log" in site.refused(server, incomplete)
    assert server.requests == []


def test_two_files_of_one_name_do_not_go(server, site):
    idp = site.idp()
    other = site.root / "cube.fits"
    other.write_bytes(b"other")
    twins = Idp(idp.block, idp.path, (other,))
    assert "would be one file in the archive" in site.refused(server, twins)
    assert server.requests == []


@pytest.mark.parametrize("new", [b"longer" * 100_000, b"short", b""])
def test_a_file_that_is_written_meanwhile_is_not_archived(
    server, site, monkeypatch, new
):
    idp = site.idp(size=1000)
    measured = local_file.measured

    def then_written(path, **options):
        found = measured(path, **options)
        path.write_bytes(new)
        return found

    monkeypatch.setattr("phoenix_ngas.archive.measured", then_written)
    assert "was changed while it was archived" in site.refused(server, idp)
    assert server.rows == []


def test_a_file_that_shrinks_in_mid_upload_is_not_archived(server, site, monkeypatch):
    idp = site.idp(size=500_000)
    blocks = local_file.LocalFile.blocks

    def shrinking(self):
        for block in blocks(self):
            yield block
            os.truncate(self.path, 1 << 20)

    monkeypatch.setattr(local_file.LocalFile, "blocks", shrinking)
    assert "was changed while it was archived" in site.refused(server, idp)
    assert server.rows == []


# Proof ----------------------------------------------------------------------------


def damage(server, name, version=1):
    path = server.path(name, version)
    path.write_bytes(b"?" + path.read_bytes()[1:])


def test_only_what_is_still_whole_is_proved(server, site):
    idp = site.idp("cube.fits", "image.fits", "r.log")
    files = site.archive(server, idp).files
    damage(server, "image.fits")
    server.path("r.log").unlink()
    assert site.proved(server, files) == [files[0]]


def test_a_success_that_found_damage_is_no_proof(server, site):
    idp = site.idp()
    server.add("cube.fits", idp.path.read_bytes())
    damage(server, "cube.fits")
    why = site.refused(server, idp)
    assert "cube.fits version 1 is damaged in the archive" in why
    assert "NGAMS_ER_FILE_NOK" in why
    assert server.versions("cube.fits") == [1]


def test_a_file_that_the_disk_lost_is_told(server, site):
    idp = site.idp()
    server.add("cube.fits", idp.path.read_bytes())
    server.path("cube.fits").unlink()
    assert "lost on the archive's disk" in site.refused(server, idp)
    assert server.versions("cube.fits") == [1]


def test_the_version_of_the_receipt_is_the_one_that_is_read(server, site):
    idp = site.idp()
    server.add("cube.fits", b"old")
    server.add("cube.fits", idp.path.read_bytes())
    files = site.archive(server, idp).files
    damage(server, "cube.fits", version=1)
    assert site.proved(server, files) == list(files)
    damage(server, "cube.fits", version=2)
    assert site.proved(server, files) == []


def test_a_receipt_of_another_archive_or_content_is_not_proved(server, site):
    (stored,) = site.archive(server, site.idp()).files
    others = [
        evolve(stored, where="archive/ab/cdef"),
        evolve(stored, where="http://[/RETRIEVE?file_id=cube.fits&file_version=1"),
        evolve(stored, where=stored.where.replace("file_version=1", "file_version=2")),
        evolve(stored, where=stored.where.replace("=1", "=x")),
        evolve(stored, size=stored.size + 1),
        evolve(stored, checksum="crc32:1"),
        evolve(stored, checksum="md5:0"),
    ]
    assert site.proved(server, others) == []
    assert site.proved(server, [stored]) == [stored]


def test_a_server_that_cannot_be_asked_proves_nothing_and_says_so(server, site):
    files = site.archive(server, site.idp()).files
    server.faults += [("*", "offline")] * 4
    with pytest.raises(IngestionError, match="OFFLINE"):
        site.proved(server, files)
    assert site.proved(server, files) == list(files)


# At the same time -----------------------------------------------------------------


def test_uploaders_of_one_file_go_one_after_the_other(server, site):
    idp = site.idp(size=50_000)
    run = site.run(server.url, pause=0.3)
    server.settle = 0.05
    ends = []

    def upload():
        ends.append(archive.ingest_products_archive(run, idp))

    threads = [threading.Thread(target=upload) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 3
    assert is_once(server, idp)
    assert len(server.commands("QARCHIVE")) == 1


def test_who_waits_too_long_is_told_for_whom(server, site):
    idp = site.idp()
    notes = Notes(site.root / "monitor" / ".ngas")
    with holding(notes.lock("cube.fits"), "cube.fits"):
        why = site.refused(server, idp)
    assert f"cube.fits is held by process {os.getpid()}" in why
    assert server.requests == []
    site.archive(server, idp)
    assert list(notes.directory.iterdir()) == []
