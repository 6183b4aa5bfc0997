"""How a service lives: settings, health, metrics, its start and end."""
