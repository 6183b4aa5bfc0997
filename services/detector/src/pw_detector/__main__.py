"""`python -m pw_detector`."""

import sys

from pw_detector.main import main

sys.exit(main())
