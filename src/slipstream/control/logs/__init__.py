"""The text log: its lines, what may stand in them, and how many."""
