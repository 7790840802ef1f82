"""How the bundled small XTTS was made: one command a stage, see README.md."""
