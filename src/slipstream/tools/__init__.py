"""What the commands `publish`, `play`, `probe` and `demo` do.

Each command is a module with one function, which the command line calls. They use the server
from outside, as any encoder or player does.
"""

TEST = "test"  # names the test source where a file could stand
