"""A server for each test, and a run whose archive it is."""

import contextlib
import threading
from pathlib import Path

import pytest
from attrs import frozen
from fake_ngas import FakeNgas
from phoenix_ngas import archive

from phoenix_core.config import ENVIRONMENT, read_config
from phoenix_core.errors import IngestionError
from phoenix_core.model import Idp, Run

PAUSE = 0.005


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server(tmp_path):
    with serving(FakeNgas(tmp_path / "ngas")) as fake:
        yield fake


@frozen
class Site:
    """Where datasets are, and the PGI with its options."""

    root: Path

    def run(self, url, **options):
        given = {"url": url, "pause": PAUSE, "timeout": 5.0, **options}
        lines = "".join(f"{key} = {toml(value)}\n" for key, value in given.items())
        config = self.root / "phoenix.toml"
        config.write_text(
            f'instrument = "X"\nmode = "DEEP"\n[directories]\nroot = "{self.root}"\n'
            f"[archive_ngas]\n{lines}"
        )
        return Run(date="2094-01-01", config=read_config(config))

    def file(self, name, content=b"SIMPLE  = T"):
        path = self.root / "reduced" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def idp(self, *names, size=5000):
        """A dataset: its science file, and what is associated with it."""
        names = names or ("cube.fits",)
        paths = [self.file(name, name.encode() * size) for name in names]
        return Idp("r.X_dpc.ab", paths[0], tuple(paths[1:]))

    def archive(self, server, idp, **options):
        run = self.run(getattr(server, "url", server), **options)
        return archive.ingest_products_archive(run, idp)

    def refused(self, server, idp, **options):
        """Why a dataset was not archived: one line."""
        with pytest.raises(IngestionError) as error:
            self.archive(server, idp, **options)
        assert "\n" not in str(error.value)
        return str(error.value)

    def proved(self, server, files, **options):
        run = self.run(server.url, **options)
        return archive.ingest_products_archive_proof(run, files)


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"'{k}' = {toml(v)}" for k, v in value.items()) + "}"
    return f"'{value}'" if isinstance(value, str) else str(value)


@pytest.fixture
def site(tmp_path, monkeypatch):
    for variable in (*ENVIRONMENT.values(), "NGAS_USER", "NGAS_PASSWORD"):
        monkeypatch.delenv(variable, raising=False)
    root = tmp_path / "data"
    root.mkdir()
    return Site(root)
