"""`python -m pw_lag_adapter`."""

import sys

from pw_lag_adapter.main import main

sys.exit(main())
