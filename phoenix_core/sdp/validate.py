"""Files held to the rules: what is found, file by file."""

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

from phoenix_core.errors import ConfigError
from phoenix_core.fits.header_file import SUFFIX as HEADERS
from phoenix_core.fits.header_file import header_path
from phoenix_core.sdp.batch import Batch, make_batch
from phoenix_core.sdp.fits_verify import has_cfitsio
from phoenix_core.sdp.primary_keywords import UNIX_EPOCH
from phoenix_core.sdp.product import Product, place_of, read_product
from phoenix_core.sdp.rule import About, Breach, Finding, Rule, Severity
from phoenix_core.sdp.rules import RULES
from phoenix_core.words.plain_text import counted

_DAY = 86400.0  # s
_SUFFIXES = (".fits", ".fit", ".fts", ".fz", ".fits.gz", ".fits.z", ".fits.bz2")


@frozen
class FileReport:
    """What was found in a file."""

    path: Path
    category: str
    hdus: tuple[str, ...]
    findings: tuple[Finding, ...]

    def number(self, severity: Severity) -> int:
        """How many findings are of a severity."""
        return sum(finding.severity is severity for finding in self.findings)


@frozen
class Report:
    """What was found in all files; `not_checked` is what was left out, and why."""

    files: tuple[FileReport, ...]
    not_checked: tuple[str, ...] = ()

    @property
    def errors(self) -> int:
        """How many errors there are."""
        return sum(file.number(Severity.ERROR) for file in self.files)

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return sum(file.number(Severity.WARNING) for file in self.files)


def validate(paths: Sequence[Path], *, with_data: bool = True) -> Report:
    """Hold files, and directories as datasets, to the rules.

    Each file is read once, from end to end, in little memory; only exposure maps and
    associated files that are not FITS a second time.

    Args:
        paths: files, or directories whose FITS files are one dataset.
        with_data: whether to read more than headers.

    Raises:
        ConfigError: a path does not exist, or a directory holds no FITS file.
    """
    products = [read_product(p, with_data=with_data) for p in _files(paths)]
    batch = make_batch(products, UNIX_EPOCH + time.time() / _DAY)
    reports = tuple(
        _report(product, batch, with_data=with_data) for product in products
    )
    return Report(reports, tuple(_not_checked(products, with_data=with_data)))


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files to read, each once, in the order given."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if _is_fits_name(p))
            if not inside:
                what = "there is no FITS file in this directory"
                raise ConfigError(f"{path}: {what}{_cleaned_up(path.glob('*'))}")
            found |= dict.fromkeys(inside)
        elif path.is_file():
            found[path] = None
        else:
            what = "is no file" if path.exists() else "there is no such file"
            raise ConfigError(f"{path}: {what}{_cleaned_up([header_path(path)])}")
    by_place: dict[Path, Path] = {}
    for path in found:
        by_place.setdefault(place_of(path), path)
    return list(by_place.values())


def _cleaned_up(paths: Iterable[Path]) -> str:
    """What to say where headers are all there is."""
    headers = [p for p in paths if p.suffix == HEADERS and p.is_file()]
    if not headers:
        return ""
    what = counted(len(headers), "header file")
    return f", but {what} (.hdr): ingested and cleaned up"


def _is_fits_name(path: Path) -> bool:
    name = path.name.lower()
    return (
        name.endswith(_SUFFIXES)
        and not name.startswith(".")
        and (path.is_file() or not path.exists())
    )


def _report(product: Product, batch: Batch, *, with_data: bool) -> FileReport:
    findings = tuple(
        Finding(
            rule.id,
            rule.section,
            rule.severity,
            breach.hdu,
            breach.key,
            breach.value,
            breach.what,
            rule.expects,
        )
        for rule in RULES
        if is_asked(rule, product) and (with_data or not rule.needs_data)
        for breach in _breaches(rule, product, batch)
    )
    labels = tuple(hdu.label for hdu in product.hdus)
    return FileReport(product.path, product.category, labels, findings)


def is_asked(rule: Rule, product: Product) -> bool:
    """Whether a rule is for a file: of a broken one only little can be said."""
    if About.FILE in rule.about:
        return True
    if not product.is_whole:
        return False
    return About.FITS in rule.about or product.category in rule.about


def _breaches(rule: Rule, product: Product, batch: Batch) -> Iterator[Breach]:
    try:
        yield from rule.check(product, batch)
    except OSError as error:  # the file went away meanwhile, say
        yield Breach(f"cannot be read: {error.strerror or error}")


def _not_checked(products: Sequence[Product], *, with_data: bool) -> Iterator[str]:
    if not with_data:
        left_out = ", ".join(rule.id for rule in RULES if rule.needs_data)
        yield f"the data were not read: {left_out}"
    if not has_cfitsio():
        yield "cfitsio is not installed (extra fitsio): fits.cfitsio"
    known = {about.value for about in About}
    for product in products:
        if product.is_whole and product.category not in known:
            category = product.category or "no PRODCATG"
            yield f"{product.name}: of {category} only the rules for any FITS file"
