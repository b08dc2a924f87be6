"""After certification: datasets go to the archive, and headers of them stay."""
