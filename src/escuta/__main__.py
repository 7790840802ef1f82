"""`python -m escuta` is `escuta`."""

from escuta.cli.main import main

main()
