"""For the project's own tests: pytester runs real plugin sessions. The benchmarks need nothing from here."""

pytest_plugins = ["pytester"]
