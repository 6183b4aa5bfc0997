"""The node of the settings, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from pw_api.config import Settings
from pw_api.node.facts import NodeFacts
from pw_common.service.run import Runtime
from pw_common.text.redact import keep_secret
from pw_rpc.accounts import AccountsNode
from pw_rpc.client import node_client
from pw_rpc.header import read_header
from pw_rpc.pace import Pace


def open_facts(settings: Settings, environ: Mapping[str, str], runtime: Runtime) -> NodeFacts:
    """The node that the settings name; its key is never shown from here on."""
    url, file = settings.node_url(), settings.facts_rpc_header_file
    header = None if file is None else read_header(file)
    keep_secret(url, *([] if header is None else [header[1]]))
    client = node_client(url, environ, header=header)
    pace = Pace(settings.facts_rpc_rate)
    host = urlsplit(url).hostname or ""
    runtime.log.info("facts_from_node", node=host, rate=settings.facts_rpc_rate)
    return NodeFacts(AccountsNode(url, client, pace), pace, host=host, runtime=runtime)
