"""The configuration: read, checked as a whole, and changed while the server runs."""
