"""XTTS-v2."""
