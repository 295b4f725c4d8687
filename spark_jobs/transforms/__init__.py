"""DataFrame → DataFrame and nothing else: no reads, no writes, no clock."""
