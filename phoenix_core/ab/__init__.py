"""ABs on disk and in order: where they come from, and the files that they take."""
