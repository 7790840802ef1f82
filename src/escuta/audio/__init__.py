"""Sound in and out: files, resampling, and the mel spectrograms."""
