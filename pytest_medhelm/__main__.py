"""python -m pytest_medhelm is the medhelm command."""

import sys

from pytest_medhelm.cli.main import main

sys.exit(main())
