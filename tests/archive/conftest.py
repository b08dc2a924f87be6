"""A run of which something is certified and moved, and toys that ingest it."""

import io
import json
import os

import numpy as np
import pytest
from astropy.io import fits
from attrs import evolve, field, frozen

from phoenix_core.ab.file import read_block, write_block
from phoenix_core.archive.cleanup_products import clean_up
from phoenix_core.archive.ingest_products import ingest
from phoenix_core.association_block import AssociationBlock
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.loader.pgis import load
from phoenix_core.records.verdicts import products_id
from phoenix_core.slots import SLOTS

INGEST = [slot for slot in SLOTS if slot.table == "ingestProducts"]
TOOL = """
from phoenix_core import hookimpl
from phoenix_core.files.atomic import write_bytes
from phoenix_core.model import Idp

@hookimpl
def ingest_products_conversion_tool(run, products):
    conv = run.config.directories.reduced / run.date / "conv"
    conv.mkdir(parents=True, exist_ok=True)
    idps = []
    for cube in (p for p in products if p.category == "CUBE"):
        root = cube.path.name.removesuffix("_CUBE.fits")
        plot = run.config.directories.plots / run.date / f"{root}.png"
        path, files = conv / f"MU_{root}.fits", (conv / f"{root}_v1.png",)
        if not plot.is_file():
            idps.append(Idp(cube.block, path, missing=(f"{plot} is missing",)))
            continue
        write_bytes(files[0], plot.read_bytes())
        log = conv / f"{root}.log"
        write_bytes(log, b"how it was made")
        write_bytes(path, cube.path.read_bytes())
        idps.append(Idp(cube.block, path, (*files, log)))
    return idps
"""
CLEANUP = """
from phoenix_core import hookimpl

@hookimpl
def ingest_products_cleanup_plugin(run, idps):
    reduced = run.config.directories.reduced / run.date
    cubes = [reduced / f"r.{idp.block.removesuffix('.ab')}_CUBE.fits" for idp in idps]
    return [*(idp.path for idp in idps), *cubes]
"""


def cube_of(name):
    """A FITS file of two HDUs with sums, other for each name."""
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(np.full((30, 40), len(name), ">f4"))]
    hdus[0].header["PRODCATG"] = "SCIENCE.IMAGE"
    hdus[0].header["OBJECT"] = name
    hdus[1].header["EXTNAME"] = "DATA"
    for hdu in hdus:
        hdu.add_checksum(when="of a test")
    content = io.BytesIO()
    fits.HDUList(hdus).writeto(content)
    return content.getvalue()


@frozen
class World:
    """A run, the toys by slot, and where its files are."""

    run: object
    slots: dict = field(factory=dict)
    options: dict = field(factory=dict)
    loaded: dict = field(factory=dict)

    @property
    def root(self):
        return self.run.config.directories.root

    @property
    def reduced(self):
        return self.run.config.directories.reduced / self.run.date

    @property
    def conv(self):
        return self.reduced / "conv"

    @property
    def archive(self):
        return self.root / "archive"

    @property
    def ready(self):
        """The run with the toys in its configuration."""
        config = evolve(self.run.config, slots=self.slots, options=self.options)
        return evolve(self.run, config=config)

    def with_slot(self, key, pgi):
        return evolve(self, slots={**self.slots, f"ingestProducts.{key}": (pgi,)})

    def without(self, key):
        slots = {k: v for k, v in self.slots.items() if not k.endswith(key)}
        return evolve(self, slots=slots)

    def certify(self, name, *, content=None, accepted=True):
        """Have the cube of an AB accepted and moved, as part 3 leaves it."""
        directories, date = self.run.config.directories, self.run.date
        root = f"r.{name}"
        for directory in ("reduced", "logs", "plots"):
            (getattr(directories, directory) / date).mkdir(parents=True, exist_ok=True)
        cube = self.reduced / f"{root}_CUBE.fits"
        cube.write_bytes(content or cube_of(name))
        (directories.plots / date / f"{root}.png").write_bytes(f"plot {name}".encode())
        size = cube.stat().st_size
        block = AssociationBlock.create(
            {
                "RAW_TYPE": "TOY",
                "RECIPE": "toy",
                "AB_NAME": f"{name}.ab",
                "TARGET": name.upper(),
                "PROCESS_STATUS": "SUCCESSFUL",
                "PROD_ROOT_NAME": root,
                "PROD_PATH": str(self.reduced),
                "FINGERPRINT": f"f-{name}",
                "PRODUCTS": [f"{cube.name} CUBE {sha256(cube)} {size} KEPT"],
            }
        )
        write_block(self.run.moved_path(f"{name}.ab"), block)
        row = {
            "block": block.name,
            "report": products_id(read_block(self.run.moved_path(block.name))),
            "verdict": "ACCEPT" if accepted else "REJECT",
            "by": "me",
            "at": "2026-01-01T00:00:00+00:00",
            "comment": "seen",
            "fingerprint": block.fingerprint,
        }
        self.run.monitor_dir.mkdir(parents=True, exist_ok=True)
        with (self.run.monitor_dir / "verdicts.jsonl").open("a") as file:
            file.write(f"{json.dumps(row)}\n")
        return cube

    @property
    def pgis(self):
        """The toys, looked for once."""
        key = (*self.slots.items(), str(self.options))
        if key not in self.loaded:
            self.loaded[key] = load(self.ready.config, INGEST)
        return self.loaded[key]

    def ingest(self, **wishes):
        return ingest(self.ready, self.pgis, FileSums(), **wishes)

    def clean_up(self, **wishes):
        return clean_up(self.ready, self.pgis, **wishes)

    def states(self, **wishes):
        return {one.target: str(one.state) for one in self.ingest(**wishes).datasets}

    def held(self):
        """The contents in the archive, by name."""
        found = {}
        for path in (self.archive / "names").glob("*.json"):
            total = json.loads(path.read_text())["sha256"]
            content = self.archive / "objects" / total[:2] / total
            found[path.stem] = content.read_bytes()
            assert sha256(content) == total
        return found

    def receipts(self):
        path = self.run.monitor_dir / "receipts.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines]

    def files(self):
        """All files but what has times in it, by name; links by what they point to."""
        found = {}
        for path in self.root.rglob("*"):
            name = str(path.relative_to(self.root))
            if path.is_symlink():
                found[name] = str(path.readlink()).encode()
            elif path.is_file() and path.suffix != ".json":
                found[name] = path.read_bytes()
        mutable = ("phoenix.db", "receipts.jsonl", ".lock", "list_ingest", "JOBS")
        return {n: c for n, c in found.items() if not any(m in n for m in mutable)}


@pytest.fixture
def install(pgi_package):
    """A function that installs the text of a PGI under a name."""
    return pgi_package


@pytest.fixture
def world(run, install):
    """Two targets, certified."""
    world = World(
        run,
        {
            "ingestProducts.CONVERSION_TOOL": (install("toy_convert", TOOL),),
            "ingestProducts.CLEANUP_PLUGIN": (install("toy_cleanup", CLEANUP),),
        },
    )
    world.certify("one")
    world.certify("two")
    return world


@pytest.fixture
def without_sync(monkeypatch):
    """What is written survives a kill without it; it is for power failures."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
