"""Checkpoints that speak, in a process of their own."""
