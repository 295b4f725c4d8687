"""A server that speaks the exchange's websocket and REST protocols, with faults on request."""
