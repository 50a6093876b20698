"""`python -m sync_worker`."""

import sys

from sync_worker.app import main

sys.exit(main())
