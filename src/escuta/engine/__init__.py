"""Autoregressive decoding of any GPT-style model."""
