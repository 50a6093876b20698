"""As `python -m connector`, and tells how many tasks it has."""

import sys

from connector import app
from soak_tasks import tell_tasks

if __name__ == "__main__":
    tell_tasks()
    sys.exit(app.main())
