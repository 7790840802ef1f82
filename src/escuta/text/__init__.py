"""Text as a model reads it: normalised, split, tokenised."""
