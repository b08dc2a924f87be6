"""Words for people and from them: plain, on a terminal, in tables, for programs."""
