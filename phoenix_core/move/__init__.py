"""What leaves with a certified AB: computed first, then done, whatever dies."""
