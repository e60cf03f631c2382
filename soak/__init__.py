"""Long runs: a real server under load, faults and change, for minutes or hours.

Each run is a module with `run(settings) -> Report`; `python -m soak NAME` starts it. What they
found stands in `docs/measurements/`.
"""
