"""`python -m calsync_keys`."""

import sys

from calsync_keys.app import main

sys.exit(main())
