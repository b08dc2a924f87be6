"""The QC1 database: what is known of products, runs and raw files, in tables."""
