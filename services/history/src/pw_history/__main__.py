"""`python -m pw_history`."""

import sys

from pw_history.main import main

sys.exit(main())
