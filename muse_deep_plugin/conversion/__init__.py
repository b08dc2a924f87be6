"""From certified deep datacubes to Internal Data Products (IDPs) for the archive."""
