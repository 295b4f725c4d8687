"""One module for each table that a stream fills: source, transform, sink."""
