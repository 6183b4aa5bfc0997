"""`python -m pw_provision`."""

import sys

from pw_provision.main import main

sys.exit(main())
