"""The review by a person: in a terminal or in a browser, with the same rules."""
