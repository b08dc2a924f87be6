"""Pages: what all HTML that phoenix writes has in common: look, tables, safety."""
