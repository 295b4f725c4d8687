"""Maintenance beside the running streams: small files become few, old snapshots go."""
