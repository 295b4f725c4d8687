"""Kafka → Bronze → Silver → Gold, with quarantine and audit: source, transform, sink."""
