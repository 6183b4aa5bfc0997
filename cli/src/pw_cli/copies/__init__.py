"""Copies of streams and buckets in a folder: how they are taken, described and given back."""
