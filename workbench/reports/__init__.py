"""Headless runs: the notebook engine, the run directory, the page that anyone can open."""
