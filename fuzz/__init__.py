"""Fuzzing: bytes that nobody thought of, for every parser and for the whole server.

`python -m fuzz` runs the targets in `fuzz/targets/` under atheris, `python -m fuzz.conversations`
changes recorded conversations and holds them with a running server. What was found on the way
is kept in `fuzz/corpus/` and replayed by `tests/fuzz/`.
"""
