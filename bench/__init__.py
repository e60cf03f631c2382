"""The benchmark: media servers side by side, in one run, under one and the same load.

`python -m bench all --quick` is the shortest way in; `README.md` begins with what the figures
do not say. `servers/` starts the servers, `load/` plays their publishers and viewers with an
RTMP and an FLV of its own that share no line with `slipstream`, and one file per question
(`fanout`, `flv`, `workers`, `ingest`, `memory`, `start`, `slow`) joins the two.
"""
