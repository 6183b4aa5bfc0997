"""`python -m pw_api.url [ADDRESS]`: a link that opens the page once, for containers.

`pw url` does the same where `pw` is. ADDRESS is where the browser reaches the API.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pw_common.process.clock import now_ms
from pw_common.process.exit_codes import EXIT_CONFIG
from pw_common.process.token_file import BadToken, new_nonce, read_token
from pw_common.service.settings import url as is_url
from pw_common.wire.login import login_url

ADDRESS = "http://127.0.0.1:8080"
EXIT_USAGE = 2


def main(words: list[str]) -> int:
    """Print the link; returns the exit code."""
    base = words[0] if words else ADDRESS
    if len(words) > 1 or is_url("http", "https")(base) is not None:
        sys.stderr.write("usage: python -m pw_api.url [http://host:port]\n")
        return EXIT_USAGE
    path = os.environ.get("PW_API_TOKEN_FILE", "")
    if not path:
        sys.stderr.write("PW_API_TOKEN_FILE is not set: this API asks for no token\n")
        return EXIT_CONFIG
    try:
        token = read_token(Path(path))
    except BadToken as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    sys.stdout.write(login_url(base, token, new_nonce(), now_ms()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
