"""One run on disk: all that its processes share."""
