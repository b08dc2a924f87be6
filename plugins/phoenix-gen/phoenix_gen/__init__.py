"""PGIs of phoenix that know no instrument."""
