"""The commands of medhelm: a module each, with a function ``run`` that returns the exit status."""
