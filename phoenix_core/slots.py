"""The slots: where in the workflow a configuration can name a PGI.

One slot is one key of the configuration and the hook that is called for it. This
table is in the order of calling; `hookspecs` says what each hook gets and returns.
"""

from attrs import frozen


@frozen
class Slot:
    """A key of a table of the configuration, and the hook behind it."""

    table: str
    key: str
    hook: str
    asked: str
    several: bool = False  # a list of PGIs; each is asked, in order
    first: bool = False  # several, but the first to answer decides
    default: tuple[str, ...] = ()  # PGIs of the core, where the file names none
    required: bool = False
    companion: str = ""  # a second hook that a PGI of this slot may bring

    @property
    def name(self) -> str:
        """``table.KEY``, as messages call it."""
        return f"{self.table}.{self.key}"


SLOTS = (
    Slot(
        "phoenix",
        "AB_SOURCE",
        "ab_source",
        "part 1, once",
        default=("qcweb",),
        companion="ab_source_findings",
    ),
    Slot("phoenix", "AB_PGI", "ab_pgi", "part 1, once", required=True),
    Slot("phoenix", "HDR_PGI", "hdr_pgi", "part 1, once", several=True),
    Slot("phoenix", "JOB_PGI", "job_pgi", "part 1, once", required=True),
    Slot("phoenix", "BQS", "bqs", "part 2, once", default=("local",)),
    Slot("processAB", "PRE_PLUGIN", "process_ab_pre_plugin", "part 2, each AB"),
    Slot(
        "processAB",
        "DRS",
        "process_ab_drs",
        "part 2, each AB",
        required=True,
        companion="process_ab_drs_call",
    ),
    Slot(
        "processAB",
        "CHECK_PLUGIN",
        "process_ab_check_plugin",
        "part 2, each AB",
        several=True,
    ),
    Slot("processAB", "POST_PLUGIN", "process_ab_post_plugin", "part 2, each AB"),
    Slot("processAB", "FINAL_PLUGIN", "process_ab_final_plugin", "part 2, each AB"),
    Slot(
        "processQC",
        "QC_PROCEDURE",
        "process_qc_procedure",
        "part 2, each AB",
        several=True,
        first=True,
    ),
    Slot("processQC", "FINAL_PLUGIN", "process_qc_final_plugin", "part 2, each AB"),
    Slot("processQC", "PGI_COVER", "process_qc_pgi_cover", "part 2, once"),
    Slot("phoenix", "CERTIF_PGI", "certif_pgi", "part 3, once"),
    Slot(
        "moveProducts", "SPECIAL_PLUGIN", "move_products_special_plugin", "part 3, once"
    ),
    Slot(
        "renameProducts",
        "SPECIAL_PLUGIN",
        "rename_products_special_plugin",
        "part 3, once",
    ),
    Slot(
        "ingestProducts",
        "CONVERSION_TOOL",
        "ingest_products_conversion_tool",
        "ingestProducts, once",
    ),
    Slot(
        "ingestProducts",
        "ARCHIVE",
        "ingest_products_archive",
        "ingestProducts, each dataset",
        default=("archive_directory",),
        companion="ingest_products_archive_proof",
    ),
    Slot(
        "ingestProducts",
        "CLEANUP_PLUGIN",
        "ingest_products_cleanup_plugin",
        "cleanupProducts, once",
    ),
)


def tables() -> tuple[str, ...]:
    """Return the tables of the configuration that hold slots."""
    return tuple(dict.fromkeys(slot.table for slot in SLOTS))


def slot_of(hook: str) -> Slot:
    """Return the slot that a hook (or companion hook) belongs to."""
    return next(slot for slot in SLOTS if hook in {slot.hook, slot.companion})
