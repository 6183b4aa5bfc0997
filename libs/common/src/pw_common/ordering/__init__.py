"""Batches of swaps to closed slots in chain order. Pure."""
