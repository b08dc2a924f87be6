"""pgi_phoenix_GEN_esorex: the recipes of any pipeline, called through esorex.

Exit status 0 of a recipe is not success: what is believed are the products that
esorex lists, each complete to the checksums that it writes last.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.ab import inputs
from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import ProcessingError
from phoenix_core.files.atomic import write_text
from phoenix_core.fits.file import check_fits
from phoenix_core.model import AssociationBlock, DrsCall, Product, Run
from phoenix_core.recipe.recipe_call import OUTPUT, run_recipe
from phoenix_gen.recipe_failure import failure

PGI = "pgi_phoenix_GEN_esorex"
PRODUCTS = ".products.json"
_UNFINISHED_LOG = ".logfile"  # what esorex calls its log until the recipe has ended
_RECIPE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VERSIONS = re.compile(
    r"Recipe Execution Tool, version (\S+).*^RELEASE\s+\S+ -- version (\S+)",
    re.DOTALL | re.MULTILINE,
)
_VERSION_TIME = 60.0  # seconds for what takes 0.05
_NO_HOME = "/nonexistent"


@frozen
class Options:
    """Which esorex, and what a recipe may take; limits of 0 are none."""

    esorex: str = "esorex"
    recipe_dir: str = ""
    threads: int = field(default=1, validator=validators.ge(1))
    time_limit: float = field(default=172800.0, validator=validators.ge(0))  # seconds
    memory_limit: int = field(default=0, validator=validators.ge(0))  # bytes
    time_limits: Mapping[str, float] = field(factory=dict)  # seconds, by recipe


@hookimpl
def process_ab_drs_call(run: Run, block: AssociationBlock) -> DrsCall:
    """Return the esorex command of an AB, and the version of its recipe."""
    options = run.options(PGI, Options)
    workdir = run.work_dir(block.name)
    return DrsCall(_command(options, block, workdir), _version(options, _recipe(block)))


@hookimpl
def process_ab_drs(
    run: Run, block: AssociationBlock, workdir: Path
) -> Sequence[Product]:
    """Call the recipe, or take over what an earlier phoenix called; check all it made.

    Raises:
        ProcessingError: why there are no products, in the words of the recipe's log.
    """
    options = run.options(PGI, Options)
    command = _command(options, block, workdir)
    write_text(_sof(block, workdir), _sof_text(run, block))
    time_limit = options.time_limits.get(block.recipe, options.time_limit)
    ended = run_recipe(
        command,
        workdir,
        env=_environment(options.threads),
        time_limit=time_limit or None,
        memory_limit=options.memory_limit or None,
    )
    log = _keep_log(workdir, block.log_name)
    try:
        return _products(block, workdir, ended.status)
    except ProcessingError as error:
        published = run.product_dir(block.raw_type) / block.log_name
        why = failure(ended, str(error), log, workdir)
        raise ProcessingError(f"{block.recipe} {why}; log: {published}") from None


def _command(
    options: Options, block: AssociationBlock, workdir: Path
) -> tuple[str, ...]:
    """The argument list; what stands behind the recipe's name is never esorex's."""
    recipe_dir = [f"--recipe-dir={options.recipe_dir}"] if options.recipe_dir else []
    return (
        options.esorex,
        *recipe_dir,
        f"--output-dir={workdir}",
        f"--log-dir={workdir}",
        f"--log-file={block.log_name}",
        f"--products-sof={workdir / PRODUCTS}",
        "--suppress-prefix=true",
        _recipe(block),
        *block.params,
        str(_sof(block, workdir)),
    )


def _recipe(block: AssociationBlock) -> str:
    if not _RECIPE.fullmatch(block.recipe):
        raise block.wrong("RECIPE", block.recipe, "the name of a recipe")
    return block.recipe


def _sof(block: AssociationBlock, workdir: Path) -> Path:
    return workdir / f"{block.root}.sof"


def _sof_text(run: Run, block: AssociationBlock) -> str:
    entries = inputs.paths(run, block)
    for path, _ in entries:
        if re.search(r"\s", str(path)):
            raise ProcessingError(f"'{path}': esorex takes no path with blanks")
    return "".join(f"{path.absolute()} {tag}\n" for path, tag in entries)


def _environment(threads: int) -> dict[str, str]:
    """The environment without what would change a recipe behind the AB's back.

    Each esorex option can be set as $ESOREX_..., each recipe parameter in ~/.esorex;
    a locale may write numbers with a comma.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ESOREX_")}
    return kept | {"OMP_NUM_THREADS": f"{threads}", "HOME": _NO_HOME, "LC_ALL": "C"}


# Version --------------------------------------------------------------------------


def _version(options: Options, recipe: str) -> str:
    """Return such as ``muse_bias 2.8.7 esorex 3.13.6``."""
    executable = shutil.which(options.esorex)
    if executable is None:
        raise ProcessingError(
            f"there is no program '{options.esorex}'; install esorex, or name it in "
            f"[{PGI}] esorex"
        )
    changed = Path(executable).stat().st_mtime_ns
    return _version_of(executable, changed, options.recipe_dir, recipe)


# It takes 0.05 s, and ABs are many; the answer holds for as long as the program does.
@functools.cache
def _version_of(executable: str, _changed: int, recipe_dir: str, recipe: str) -> str:
    where = [f"--recipe-dir={recipe_dir}"] if recipe_dir else []
    try:
        # esorex leaves a log in the directory it is called in, even for this.
        with tempfile.TemporaryDirectory() as scratch:
            told = subprocess.run(
                [executable, *where, "--man-page", recipe],
                cwd=scratch,
                start_new_session=True,  # Ctrl-C is for phoenix
                env=_environment(threads=1),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                text=True,
                errors="replace",
                timeout=_VERSION_TIME,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProcessingError(f"{executable} does not work: {error}") from error
    if told.returncode < 0:
        raise ProcessingError(f"{executable} was ended by signal {-told.returncode}")
    match = _VERSIONS.search(told.stdout)
    if told.returncode != 0 or not match:
        raise ProcessingError(
            f"{executable} has no recipe '{recipe}'; install its pipeline, or say in "
            f"[{PGI}] recipe_dir where it is"
        )
    return f"{recipe} {match[2]} esorex {match[1]}"


# Products -------------------------------------------------------------------------


def _keep_log(workdir: Path, name: str) -> Path:
    """Let the log have its name also where the recipe did not live to give it."""
    log = workdir / name
    unfinished = workdir / _UNFINISHED_LOG
    if not log.is_file() and unfinished.is_file():
        unfinished.replace(log)
    if not log.is_file() and (workdir / OUTPUT).is_file():
        shutil.copyfile(workdir / OUTPUT, log)
    return log


def _products(block: AssociationBlock, workdir: Path, status: int) -> list[Product]:
    """Return what esorex lists, each product complete."""
    if status != 0:
        raise ProcessingError(f"ended with status {status}")
    try:
        listed = json.loads((workdir / PRODUCTS).read_bytes())
        rows = [(str(row["name"]), str(row["category"])) for row in listed]
    except (OSError, ValueError, TypeError, KeyError):
        rows = []
    if not rows:
        raise ProcessingError("ended with status 0, but lists no products")
    products = []
    for name, category in rows:
        path = workdir / name
        if not is_safe_name(name) or not is_safe_name(category):
            raise ProcessingError(
                f"ended with status 0, but lists a product of a strange name, '{name}'"
            )
        if not path.is_file():
            raise ProcessingError(f"ended with status 0, but {name} is not there")
        if name.endswith(".fits"):
            _check_complete(path)
        products.append(Product(path, category, block.name))
    return products


def _check_complete(path: Path) -> None:
    """Hold a product against the sums that esorex writes in its last step."""
    check = check_fits(path, with_sha256=False)
    problem = check.problems[0] if check.problems else ""
    if not problem and check.unsigned:
        problem = f"no CHECKSUM in HDU {', '.join(check.unsigned)}"
    if not problem and check.primary.get("DATAMD5", "Not computed") == "Not computed":
        problem = "no DATAMD5"
    if problem:
        raise ProcessingError(
            f"ended with status 0, but {path.name} is not complete: {problem}"
        )
