"""Readers of codec configurations, one file per codec: bytes in, a frozen dataclass out.

Each cites the document that it follows. None knows of tags, frames or streams.
"""
