"""Values of an instrument that does not exist, for contracts of any PGI."""

from collections.abc import Sequence
from pathlib import Path

from phoenix_core.ab import inputs
from phoenix_core.files.sums import FileSums
from phoenix_core.model import (
    AssociationBlock,
    Cascade,
    Idp,
    Job,
    Move,
    Product,
    Qc1Row,
    QcReport,
    Run,
    Score,
)


def toy_block(
    name: str,
    needs: Sequence[str] = (),
    *,
    target: str = "TOY1",
    recipe: str = "toy_recipe",
) -> AssociationBlock:
    """Make an AB of one raw file, ``<name without .ab>.fits``, and what it needs."""
    return AssociationBlock.create(
        {
            "INSTRUMENT": "TOY",
            "DATE": "2094-01-01",
            "RAW_TYPE": "TOY",
            "RECIPE": recipe,
            "AB_NAME": name,
            "TARGET": target,
            "RAWFILE": f"{name.removesuffix('.ab')}.fits RAW",
            "MCALIB": [f"VIRTUAL {need} TOY_PRODUCT" for need in needs],
        }
    )


def toy_cascade() -> Cascade:
    """Make a cascade of two targets that share their first AB."""
    return Cascade(
        (
            toy_block("bias.ab", recipe="toy_bias"),
            toy_block("one_1.ab", ["bias.ab"]),
            toy_block("one_2.ab", ["bias.ab"]),
            toy_block("one.ab", ["one_1.ab", "one_2.ab"], recipe="toy_combine"),
            toy_block("two_1.ab", ["bias.ab"], target="TOY2"),
            toy_block("two.ab", ["two_1.ab"], target="TOY2", recipe="toy_combine"),
        )
    )


def toy_jobs() -> tuple[Job, ...]:
    """Make jobs in which a stream is narrow and work waits for a job that fails."""
    return (
        Job("first.ab"),
        Job("left.ab", ("first.ab",), stream="wide", limit=2),
        Job("right.ab", ("first.ab",), stream="wide", limit=2),
        Job("last.ab", ("left.ab", "right.ab")),
        *(Job(f"narrow_{n}.ab", stream="narrow", limit=1) for n in range(3)),
        *(Job(f"wide_{n}.ab", stream="wide", limit=2) for n in range(4)),
        Job("bad.ab"),
        Job("behind.ab", ("bad.ab", "first.ab")),
        Job("far_behind.ab", ("behind.ab",)),
    )


def toy_reports() -> tuple[QcReport, ...]:
    """Make a green report, a red one and one whose score could not be measured."""
    return (
        _report("green.ab", 1.0),
        _report("red.ab", 99.0),
        _report("blind.ab", None),
    )


def _report(block: str, value: float | None) -> QcReport:
    return QcReport(
        block=block,
        recipe="toy_recipe",
        target="TOY1",
        parameters={"LEVEL": 99.0 if value is None else value},
        scores=(Score("LEVEL", value, low=0.0, high=10.0),),
        fingerprint=f"made-{block}",
        qc1=(Qc1Row("ob_grades", {"ob_id": 1, "exec_time": block}),),
    )


def toy_products(run: Run, block: AssociationBlock) -> tuple[Product, ...]:
    """Write two products of a block where they wait for certification."""
    directory = run.product_dir(block.raw_type)
    directory.mkdir(parents=True, exist_ok=True)
    products = (
        Product(directory / f"{block.root}_CUBE.fits", "CUBE", block.name),
        Product(directory / f"{block.root}_NOTE.txt", "NOTE", block.name),
    )
    for product in products:
        product.path.write_text(product.category, "utf-8")
    return products


def toy_moves(run: Run) -> tuple[Move, ...]:
    """Write products of two blocks, and say where they go."""
    target = run.config.directories.reduced / run.date
    return tuple(
        Move(product.path, target / product.path.name)
        for block in toy_cascade().blocks[:2]
        for product in toy_products(run, block)
    )


def toy_idp(run: Run, name: str = "one") -> Idp:
    """Write a dataset of three files where datasets are made: an image, a text, a plot.

    The image is a FITS file without data, of one block.
    """
    conv = run.config.directories.reduced / run.date / "conv"
    conv.mkdir(parents=True, exist_ok=True)
    cards = {"SIMPLE": "T", "BITPIX": "8", "NAXIS": "0", "OBJECT": f"'{name:8}'"}
    lines = [f"{key:8}= {value:>20}" for key, value in cards.items()]
    image = conv / f"{name}.fits"
    image.write_text("".join(f"{line:80}" for line in [*lines, "END"]).ljust(2880))
    text, plot = conv / f"{name}.log", conv / f"{name}.png"
    text.write_text(f"how {name} was made\n")
    plot.write_bytes(b"\x89PNG " + name.encode())
    return Idp(f"{name}.ab", image, (text, plot), target=name)


def with_inputs(run: Run, block: AssociationBlock) -> AssociationBlock:
    """Return a block that needs no other one, with the SOF_CONTENT of its call."""
    return inputs.resolve(run, block, {}, FileSums())


def in_workdir(run: Run, block: AssociationBlock) -> Path:
    """Make the empty directory in which a block is processed."""
    workdir = run.work_dir(block.name)
    workdir.mkdir(parents=True)
    return workdir
