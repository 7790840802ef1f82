"""What this machine can do, and why a sample made on its GPU would fail."""
