"""As `python -m sync_worker`, and tells how many tasks it has."""

import sys

from soak_tasks import tell_tasks
from sync_worker import app

if __name__ == "__main__":
    tell_tasks()
    sys.exit(app.main())
