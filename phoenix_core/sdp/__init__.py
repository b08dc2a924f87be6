"""ESO's Science Data Products standard, as a table of rules that files are held to.

ESO-044286 version 8 (2022) for what it says, and the summary of the Phase 3 validator's
checks (2025-03-27) where that is stricter or more exact. No instrument is known here.
"""
