"""How a running system is found and asked."""
