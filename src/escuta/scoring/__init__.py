"""How a sample is judged: one score a file, each a number with a unit, a range and a direction."""
