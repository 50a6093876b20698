"""`python -m calsync_bootstrap`."""

import sys

from calsync_bootstrap.app import main

sys.exit(main())
