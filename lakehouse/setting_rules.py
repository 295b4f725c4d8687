"""Settings that must fit together; each rule that is broken is a ValueError with its reason."""

from typing import TYPE_CHECKING

from lakehouse import kafka_security

if TYPE_CHECKING:
    from lakehouse.settings import Settings


def check(settings: "Settings") -> None:
    """ValueError where two settings contradict each other, or one lacks what it needs."""
    if settings.lake_catalog_type == "rest" and not settings.lake_catalog_uri:
        raise ValueError("LAKE_CATALOG_TYPE=rest needs LAKE_CATALOG_URI")
    _check_topics(settings)
    days = settings.bronze_retention_days
    if days and days * 24 <= settings.kafka_retention_hours:
        # Else a stream that begins anew would bring back what was taken away.
        raise ValueError("BRONZE_RETENTION_DAYS must be longer than KAFKA_RETENTION_HOURS")
    if problem := kafka_security.problem(settings):
        raise ValueError(problem)
    if settings.spike_webhook_url.get_secret_value() and not (
        settings.spike_webhook_secret.get_secret_value()
    ):
        raise ValueError("SPIKE_WEBHOOK_URL needs SPIKE_WEBHOOK_SECRET, which signs events")


def _check_topics(settings: "Settings") -> None:
    names = [settings.kafka_topic, settings.kafka_dlq_topic]
    names += [settings.kafka_gap_topic, settings.kafka_position_topic]
    if len(set(names)) < len(names):
        raise ValueError("the topics must differ: KAFKA_{,DLQ_,GAP_,POSITION_}TOPIC")
