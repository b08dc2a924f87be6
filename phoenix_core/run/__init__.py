"""The parts of a run: created (-C), processed (-P), moved (-M), and its pages."""
