"""One AB: from its inputs to products with names, and to a QC report."""
