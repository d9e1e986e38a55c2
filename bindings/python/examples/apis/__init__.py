"""The routes of `three_apis.py`, a file for each API, over one store."""
