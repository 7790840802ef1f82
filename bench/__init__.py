"""Benchmarks and proofs of parity."""
