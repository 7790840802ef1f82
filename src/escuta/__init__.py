"""Escuta: fine-tune voice-cloning text-to-speech and hear every checkpoint while it trains."""

__version__ = "0.3.0"
