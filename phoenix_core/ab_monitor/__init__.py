"""The AB monitor: a page with every AB of a run, what became of it, and its papers."""
