"""Headless runs: the notebook engine, the run directory, the page that anyone can open."""

# papermill loads our engine while it is itself being imported. Whoever imports the engine first
# would meet it half made: here papermill always comes first.
import papermill.engines  # noqa: F401
