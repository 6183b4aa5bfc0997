"""From swaps to alerts: the same pure rules for the service, the backtest and the tests."""
