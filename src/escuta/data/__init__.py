"""Clips, their manifest, and what is wrong with them."""
