"""The cores over captures."""
