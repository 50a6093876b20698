"""`python -m availability`."""

import sys

from availability.app import main

sys.exit(main())
