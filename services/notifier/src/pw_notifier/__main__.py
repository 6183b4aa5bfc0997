"""`python -m pw_notifier`."""

import sys

from pw_notifier.main import main

sys.exit(main())
