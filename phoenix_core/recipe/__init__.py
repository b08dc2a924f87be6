"""Recipes: called so that no end is lost, and what their logs warn of."""
