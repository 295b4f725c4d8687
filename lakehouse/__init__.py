"""The shared vocabulary of the lake: what a trade, a message, a table and a setting are."""
