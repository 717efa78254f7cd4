"""Scripts that measure speed, and the mock server that they and the tests talk to."""
