"""Sockets of media: who is accepted, how bytes come in, and how they get out to viewers."""
