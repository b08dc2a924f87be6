"""An instrument whose recipe is /bin/true."""
