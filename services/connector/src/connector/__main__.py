"""`python -m connector`."""

import sys

from connector.app import main

sys.exit(main())
