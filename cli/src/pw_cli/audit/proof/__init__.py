"""An alert derived again from the chain."""
