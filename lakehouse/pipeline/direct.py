"""HTTP to our own processes: never through a proxy, as they are here or where the user says."""

from typing import Final
from urllib.request import OpenerDirector, ProxyHandler, build_opener

OPENER: Final[OpenerDirector] = build_opener(ProxyHandler({}))
