"""createAB: raw frames organised, classified, grouped and associated into ABs.

What an instrument's frames are and belong with is in rules, data that the instrument's
package brings; nothing here knows an instrument. `docs/create_ab.md` has the format.
"""

from phoenix_core.create_ab.create import create_abs
from phoenix_core.create_ab.read_rules import read_rules
from phoenix_core.create_ab.rules import Rules

__all__ = ["Rules", "create_abs", "read_rules"]
