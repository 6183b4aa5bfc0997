"""The whole system under faults; `python -m chaos`."""

import os

# gRPC's fork handlers can crash a child that is started while its threads run; none of our
# children uses gRPC after a fork. Read when gRPC is loaded, hence here.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
