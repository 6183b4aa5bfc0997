"""`python -m pw_api`."""

import sys

from pw_api.main import main

sys.exit(main())
