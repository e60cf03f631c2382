"""What the API and the page tell, out of the answers of all workers."""
