"""Telling an owner's own servers what happens to their videos."""
