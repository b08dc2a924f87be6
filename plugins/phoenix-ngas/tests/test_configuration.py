"""What is wrong in the configuration is told at load; secrets are not in it."""

import logging
import re
import traceback

import pytest
from attrs import asdict
from phoenix_ngas import archive

from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError
from phoenix_core.loader.pgis import load
from phoenix_core.slots import slot_of

SLOT = slot_of("ingest_products_archive")


@pytest.fixture
def loaded(tmp_path, site):
    """A function that loads a configuration with these lines in its table."""

    def load_with(lines):
        path = tmp_path / "phoenix.toml"
        path.write_text(
            'instrument = "X"\nmode = "DEEP"\n[ingestProducts]\n'
            f'ARCHIVE = "archive_ngas"\n[archive_ngas]\n{lines}\n'
        )
        return load(read_config(path), [SLOT])

    return load_with


def test_one_line_switches_to_ngas(loaded):
    assert loaded("").doubts == ()
    assert loaded("url = 'https://[::1]:7777/'").doubts == ()


WRONG = {
    "url = 'ngas.eso.org:7777'": "expected such as http://host:7777",
    "url = 'ftp://host'": "expected such as http://host:7777",
    "url = 'http://host/QARCHIVE'": "expected such as http://host:7777",
    "url = 'http://host:port'": "url: is no address",
    "url = 'http://[::1'": "url: is no address",
    "url = 'http://me:hush@host'": "holds a user or password",
    "url = 'http://me@host'": "holds a user or password",
    "command = 'ARCHIV'": "command",
    "crc_variant = 1": "crc_variant",
    "attempts = 0": "attempts",
    "pause = -1.0": "pause",
    "pause = inf": "pause",
    "connect_timeout = inf": "connect_timeout",
    "timeout = inf": "timeout",
    "timeout = 0.0": "timeout",
    "mime_types = { '.log' = 'text' }": "expected '.suffix' = 'a/b'",
    "mime_types = { 'log' = 'text/plain' }": "expected '.suffix' = 'a/b'",
    "mime_types = { '.log' = 'text/plain\\r\\nX: y' }": "expected",
    'mime_types = { ".log" = "text/plain\\r\\nX: y" }': "expected",
    "mime_types = { '.log' = 'té/x' }": "expected '.suffix' = 'a/b'",
    "pasword = 'x'": "did you mean 'password_env'",
}


@pytest.mark.parametrize(("line", "told"), WRONG.items())
def test_what_is_wrong_is_told_with_its_line(loaded, line, told):
    with pytest.raises(ConfigError) as error:
        loaded(line)
    assert told in str(error.value)
    assert re.search(r"phoenix.toml, line \d: \[archive_ngas\]", str(error.value))
    assert "hush" not in str(error.value)


def test_half_a_login_is_told_at_load_and_stops_the_first_file(
    loaded, server, site, monkeypatch
):
    monkeypatch.setenv("NGAS_USER", "phoenix")
    assert loaded("").doubts == ("$NGAS_PASSWORD is not set, $NGAS_USER is",)
    with pytest.raises(ConfigError, match=r"\$NGAS_PASSWORD is not set"):
        site.archive(server, site.idp())
    assert server.requests == []


def test_a_password_is_nowhere_but_on_the_wire(server, site, monkeypatch, caplog):
    monkeypatch.setenv("NGAS_USER", "phoenix")
    monkeypatch.setenv("NGAS_PASSWORD", "hush")
    caplog.set_level(logging.DEBUG)
    server.faults += [("STATUS", "message:no")] * 4
    run = site.run(server.url)
    ngas = archive._ngas(run, run.options(archive.PGI, archive.Options))
    with pytest.raises(Exception, match="not archived") as error:
        archive.ingest_products_archive(run, site.idp())
    told = "".join(traceback.format_exception(error.value))
    token = asdict(ngas)["server"]["headers"]["Authorization"].split()[1]
    assert server.requests[0][2]["Authorization"] == f"Basic {token}"
    left = [p.read_text() for p in site.root.rglob("*") if p.is_file()]
    for place in (told, repr(ngas), repr(run), caplog.text, *left):
        assert "hush" not in place
        assert token not in place
