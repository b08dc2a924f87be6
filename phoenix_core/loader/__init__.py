"""From a configuration to what one call of phoenix works with: its PGIs, a run."""
