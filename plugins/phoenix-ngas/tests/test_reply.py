"""A reply is read for what it says, and for nothing that it should not do."""

from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phoenix_ngas.reply import LARGEST, FileStatus, ReplyError, parse, read_reply

# The reply of a real server to a successful upload, as it came.
REAL = b"""<?xml version="1.0" ?>
<!DOCTYPE NgamsStatus SYSTEM "http://127.0.0.1:17777/RETRIEVE?internal=ngamsStatus.dtd">
<NgamsStatus>
  <Status Date="2026-11-22T08:19:54.052" Version="12.0/2022-11-29T07:00:00" HostId="vm:17777" Message="Successfully handled Archive Push Request for data file with URI: small.fits" Status="SUCCESS" State="ONLINE" SubState="IDLE" RequestId="f455bf8a-0701-400b-ae8e-c57e4a89f990" RequestTime="2026-11-22T08:19:54.038"/>
  <DiskStatus DiskId="88e361a1da64b76dac9cd51bfc388b9a" Archive="TEST" InstallationDate="2026-11-22T08:19:27.665" Type="UNDEFINED" Manufacturer="UNDEFINED" LogicalName="volume1-M-000001" HostId="vm:17777" SlotId="volume1" Mounted="1" MountPoint="/volume1" NumberOfFiles="1" AvailableMb="72589" BytesStored="135360" Completed="0" CompletionDate="" Checksum="" TotalDiskWriteTime="0.00046825408935546875" LastCheck="">
    <FileStatus FileName="archive/2026-11-22/1/small.fits" FileId="small.fits" FileVersion="1" Format="application/fits" FileSize="135360" UncompressedFileSize="135360" Compression="NONE" IngestionDate="2026-11-22T08:19:54.047" Ignore="0" Checksum="2256805031" ChecksumPlugIn="crc32" FileStatus="00000000" CreationDate="2026-11-22T08:19:54.047" Tag="" Permissions="" Owner="" Group="" ModificationDate="" AccessDate="" TotalIoTime="0.00046825408935546875" IngestionRate="209575854" ContainerId="None"/>
  </DiskStatus>
</NgamsStatus>
"""  # noqa: E501
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30
)


def test_the_reply_of_a_real_server_is_read():
    reply = parse(200, REAL)
    assert reply.is_success
    assert reply.state == "ONLINE"
    assert reply.files == (
        FileStatus(
            file_id="small.fits",
            version=1,
            size=135360,
            crc32=2256805031,
            checksum="2256805031 (crc32)",
            disk_id="88e361a1da64b76dac9cd51bfc388b9a",
            ingested="2026-11-22T08:19:54.047",
        ),
    )


def test_a_reply_that_was_cut_is_no_reply():
    whole = REAL.rstrip()
    for end in range(0, len(whole), 7):
        with pytest.raises(ReplyError):
            parse(200, whole[:end])


@given(st.binary(max_size=300))
def test_any_bytes_are_a_reply_or_a_clear_error(content):
    reply = read_reply(200, content)
    assert not reply.is_success
    assert reply.problem
    assert "\n" not in reply.problem


@given(st.data())
def test_a_reply_with_any_byte_changed_is_a_reply_or_a_clear_error(data):
    at = data.draw(st.integers(0, len(REAL) - 1))
    byte = data.draw(st.integers(0, 255))
    reply = read_reply(200, REAL[:at] + bytes([byte]) + REAL[at + 1 :])
    assert bool(reply.problem) != bool(reply.status or reply.message or reply.files)


@given(message=TEXT, file_id=TEXT, version=st.integers(1), size=st.integers(0))
def test_what_a_server_writes_is_what_is_read(message, file_id, version, size):
    content = (
        f"<NgamsStatus><Status Message={quoteattr(message)} Status='SUCCESS'/>"
        f"<FileStatus FileId={quoteattr(file_id)} FileVersion='{version}' "
        f"FileSize='{size}'/></NgamsStatus>"
    )
    reply = read_reply(200, content.encode())
    if file_id in {"", "None"} or max(version, size) >= 10**19:
        assert reply.problem
    else:
        assert reply.message == message
        (file,) = reply.files
        assert (file.file_id, file.version, file.size) == (file_id, version, size)
        assert file.crc32 is None


BOMB = b"""<!DOCTYPE NgamsStatus [
<!ENTITY a "aaaaaaaaaaaaaaaaaaaa"> <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<NgamsStatus><Status Status="SUCCESS" Message="&b;"/></NgamsStatus>"""
READ = b"""<!DOCTYPE NgamsStatus [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<NgamsStatus>&a;<Status Status="SUCCESS"/></NgamsStatus>"""
PARAMETER = b"""<!DOCTYPE N [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>
<NgamsStatus><Status Status="SUCCESS"/></NgamsStatus>"""


@pytest.mark.parametrize("content", [BOMB, READ, PARAMETER])
def test_entities_are_refused(content):
    with pytest.raises(ReplyError, match="declares entities"):
        parse(200, content)


def test_the_dtd_is_not_fetched(monkeypatch):
    def connected(*_):
        raise AssertionError

    monkeypatch.setattr("socket.socket.connect", connected)
    assert parse(200, REAL).is_success


STRANGE = {
    b"<html><body>No</body></html>": "is no NgamsStatus, but html",
    b"<NgamsStatus/>": "has no Status",
    b"": "is no complete XML",
    b"x" * (LARGEST + 1): "more than 1048576 bytes",
    b'<?xml version="1.0" encoding="x-none"?><NgamsStatus/>': "XML",
    REAL.replace(b'FileSize="135360"', b'FileSize="-1"'): "FileSize='-1'",
    REAL.replace(b'FileSize="135360"', b'FileSize="1e3"'): "FileSize='1e3'",
    REAL.replace(b'FileSize="135360"', b'FileSize="%s"' % (b"9" * 5000)): "FileSize",
    REAL.replace(b'FileVersion="1"', b'FileVersion="None"'): "without FileVersion",
    REAL.replace(b'FileId="small.fits"', b'FileId=""'): "without FileId",
}


@pytest.mark.parametrize(("content", "problem"), STRANGE.items())
def test_what_is_strange_is_named(content, problem):
    assert problem in read_reply(200, content).problem


SUMS = {
    ("2256805031", "crc32"): 2256805031,
    ("2256805031", "ngamsGenCrc32"): 2256805031,
    ("2256805031", "crc32z"): 2256805031,
    ("-2038162265", "crc32"): 2256805031,
    ("2256805031", "crc32c"): None,
    ("None", "None"): None,
    ("", "crc32"): None,
    ("0x12", "crc32"): None,
}


@pytest.mark.parametrize(("told", "crc32"), SUMS.items())
def test_a_sum_is_compared_only_where_it_is_one(told, crc32):
    content = REAL.replace(b'"2256805031"', b'"%s"' % told[0].encode())
    content = content.replace(b'PlugIn="crc32"', b'PlugIn="%s"' % told[1].encode())
    assert parse(200, content).files[0].crc32 == crc32


def test_only_a_success_with_code_200_is_one():
    assert not parse(400, REAL).is_success
    assert not parse(200, REAL.replace(b'"SUCCESS"', b'"FAILURE"')).is_success
