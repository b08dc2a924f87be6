"""All pipeline logs of a deep cube as one text.

The logs of an AB and of all ABs that it needs, in the order in which they were
processed, each below a heading. Ingested with the deep cube as its README.
"""

from pathlib import Path

from attrs import frozen

from phoenix_core.ab.cascade import in_order
from phoenix_core.ab.file import read_block
from phoenix_core.model import AssociationBlock, Run

_RULE = "=" * 78


@frozen
class PipelineLog:
    """The log of one AB's recipe; `text` is None where the file is not there."""

    block: str
    recipe: str
    path: Path
    text: str | None


def pipeline_logs(
    run: Run, block: AssociationBlock, own: Path | None = None
) -> tuple[PipelineLog, ...]:
    """Return the logs of an AB and of what it needs, in the order of processing.

    Args:
        run: the run.
        block: the AB, a pst or dpc AB as a rule.
        own: where its own log lies, if not where logs are published.
    """
    found = []
    for one in in_order(all_needed(run, block)):
        path = own if own and one.name == block.name else log_path(run, one)
        text = path.read_text("utf-8", "replace") if path.is_file() else None
        found.append(PipelineLog(one.name, one.recipe, path, text))
    return tuple(found)


def collected_logs(run: Run, block: AssociationBlock, own: Path | None = None) -> str:
    """Return the logs of `pipeline_logs` as one text, each below a heading.

    A log that is not there is said so in its place.
    """
    return "".join(map(_with_heading, pipeline_logs(run, block, own)))


def _with_heading(log: PipelineLog) -> str:
    text = f"({log.path.name} is not there)"
    if log.text is not None:
        text = log.text.rstrip("\n")
    return f"{_RULE}\n{log.block}  {log.recipe}\n{_RULE}\n{text}\n\n"


def all_needed(run: Run, block: AssociationBlock) -> tuple[AssociationBlock, ...]:
    """Return an AB and all ABs that it needs, however far away, each once.

    Raises:
        ConfigError: one of them is not there.
    """
    found = {block.name: block}
    todo = list(block.needs)
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = read_block(ab_path(run, name))
            todo += found[name].needs
    return tuple(found.values())


def log_path(run: Run, block: AssociationBlock) -> Path:
    """Return where an AB's log is: beside its products, or moved with them."""
    waiting = run.product_dir(block.raw_type) / block.log_name
    moved = run.config.directories.logs / run.date / block.log_name
    return moved if moved.exists() and not waiting.exists() else waiting


def ab_path(run: Run, name: str) -> Path:
    """Return where an AB is: active, or moved with its products."""
    active = run.ab_path(name)
    moved = run.config.directories.logs / run.date / name
    return moved if moved.exists() and not active.exists() else active
