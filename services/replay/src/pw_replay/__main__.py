"""`python -m pw_replay`."""

import sys

from pw_replay.main import main

sys.exit(main())
