"""Formulas as functions that run: one schedule, then one file a back end."""
