"""The table of rules, in the order in which they are asked and told."""

from phoenix_core.sdp import (
    ancillary_rules,
    cube_rules,
    extension_keywords,
    file_rules,
    fits_verify,
    header_rules,
    index_rules,
    link_rules,
    primary_keywords,
    relation_rules,
    wcs_rules,
)

RULES = (
    *file_rules.RULES,
    *fits_verify.RULES,
    *header_rules.RULES,
    *primary_keywords.RULES,
    *index_rules.RULES,
    *relation_rules.RULES,
    *cube_rules.RULES,
    *extension_keywords.RULES,
    *wcs_rules.RULES,
    *ancillary_rules.RULES,
    *link_rules.RULES,
)
