"""`python -m producer.audit`: the trades' topic read from end to end and counted, id by id."""
