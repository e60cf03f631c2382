"""The operator's side: configuration, log, metrics and the HTTP API."""
