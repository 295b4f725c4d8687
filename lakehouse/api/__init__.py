"""The read API: what the lake says, over HTTP, from a snapshot that is kept warm in memory."""
