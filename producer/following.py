"""Which symbols are followed: SYMBOLS, changed while running, held against the exchange's list.

The exchange is asked at the start, for every symbol added, on SIGHUP, and every hour where
SYMBOLS holds ALL:QUOTE. A list that can't be had stops nothing that was said by name.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from lakehouse import settings as settings_module
from lakehouse.errors import FirehoseError, SettingsError
from lakehouse.settings import Settings
from lakehouse.symbol_spec import SymbolSpec, parse
from producer.logs import Log
from producer.rest_errors import RestError
from producer.symbols import (
    EXCHANGE_INFO_PARAMS,
    EXCHANGE_INFO_PATH,
    EXCHANGE_INFO_WEIGHT,
    Changes,
    Listing,
    listing_of,
    matching,
    require_listed,
    resolve,
)
from producer.symbols_file import Kept, SymbolsFile

REFRESH_SECONDS: Final = 3600.0
RETRY_SECONDS: Final = 60.0
# Named symbols can do without the list, so a start does not wait long for it.
NAMED_SECONDS: Final = 5.0
ALL_SECONDS: Final = 20.0

Symbols = tuple[str, ...]


class Rest(Protocol):
    """The part of RestClient that is needed here."""

    async def get_json(self, path: str, params: Mapping[str, str], weight: int) -> object:
        """The JSON of one GET; RestError where there is none."""
        ...


class Following:
    """The symbols that this producer follows; `on_change` is told of each change, in the loop.

    One change at a time. What can't be done raises a FirehoseError and changes nothing.
    """

    def __init__(self, terms: Sequence[str], rest: Rest, log: Log, file: SymbolsFile) -> None:
        """`terms` are SYMBOLS."""
        self.symbols: Symbols = ()
        self.terms = tuple(terms)
        self.changes = Changes()
        self.on_change: Callable[[Symbols], None] = lambda _: None
        self._rest = rest
        self._log = log
        self._file = file
        self._lock = asyncio.Lock()
        self._listing: Listing | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def kept(self) -> bool:
        """Whether changes survive a restart."""
        return self._file.path is not None

    async def start(self) -> Symbols:
        """The symbols to begin with. Takes seconds at most, whether or not the exchange answers.

        SettingsError names a symbol that the exchange does not list; UnreachableError where
        ALL:QUOTE needs a list that is neither to be had nor remembered.
        """
        kept = self._file.read()
        self.changes = kept.changes
        remembered = kept.followed if kept.spec == self.terms else ()
        listing = await self._ask(self.terms)
        if listing is None and remembered:
            symbols = remembered
        else:
            symbols = resolve(self._spec_listed(listing), listing)
        self._keep(self.changes, self.terms, symbols)
        return symbols

    async def change(self, add: Sequence[str], remove: Sequence[str]) -> Symbols:
        """Follow further symbols and let others go; adding twice is no error.

        SettingsError for a symbol that is not listed, or to be removed and not followed.
        """
        async with self._lock:
            changes = self.changes.then(add, remove)
            gone = set(remove)
            strangers = sorted(gone.difference(self.symbols))
            if strangers:
                raise SettingsError(
                    f"{', '.join(strangers)} is not followed.", "GET /symbols lists what is."
                )
            await self._require_listed(add)
            names = [name for name in (*self.symbols, *add) if name not in gone]
            self._take(matching(SymbolSpec(tuple(names), (), frozenset()), None), changes)
        return self.symbols

    async def reload(self, settings: Settings) -> Symbols:
        """Take over SYMBOLS of these settings, and ask for new listings."""
        if settings.symbols == self.terms:
            await self.refresh()
            return self.symbols
        async with self._lock:
            listing = await self._ask(settings.symbols)
            spec = self.changes.on(settings.symbols)
            if listing is not None:
                new = (name for name in spec.named if name not in self.symbols)
                require_listed(new, listing)
            self._take(matching(spec, listing), self.changes, settings.symbols)
        return self.symbols

    async def refresh(self) -> None:
        """Follow what the exchange has listed since, let go what it no longer trades.

        More than half of the symbols gone at once is a halt or a faulty answer: not believed.
        """
        async with self._lock:
            listing = await self._ask(self.terms)
            if listing is None:
                return
            self._warn_of_unlisted(listing)
            try:
                self._renew(matching(self.changes.on(self.terms), listing))
            except FirehoseError as error:
                self._log.warning("symbols_kept", reason=str(error))

    async def run(self) -> None:
        """Refresh every hour where SYMBOLS holds ALL:QUOTE, until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS if self._listing else RETRY_SECONDS)
            if parse(self.terms).quotes:
                await self.refresh()

    def hang_up(self) -> None:
        """What SIGHUP does: read the settings again and take their SYMBOLS over."""
        task = asyncio.get_running_loop().create_task(self._reload_logged())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload_logged(self) -> None:
        try:
            symbols = await self.reload(settings_module.load())
        except FirehoseError as error:
            self._log.error("reload_failed", reason=str(error))
        else:
            self._log.info("reloaded", symbols=len(symbols))

    async def _ask(self, terms: Symbols) -> Listing | None:
        """The exchange's list; None, with a warning, where it can't be had."""
        try:
            async with asyncio.timeout(ALL_SECONDS if parse(terms).quotes else NAMED_SECONDS):
                answer = await self._rest.get_json(
                    EXCHANGE_INFO_PATH, EXCHANGE_INFO_PARAMS, EXCHANGE_INFO_WEIGHT
                )
            self._listing = listing_of(answer)
        except (RestError, OSError, TimeoutError, ValueError) as error:
            reason = str(error) or type(error).__name__
            self._log.warning("exchange_info_failed", reason=reason)
            return None
        return self._listing

    async def _require_listed(self, names: Sequence[str]) -> None:
        new = [name for name in names if name not in self.symbols]
        if not new or (self._listing and all(name in self._listing for name in new)):
            return
        listing = await self._ask(self.terms)
        if listing is not None:
            require_listed(new, listing)

    def _spec_listed(self, listing: Listing | None) -> SymbolSpec:
        """SYMBOLS with the changes, without added symbols that were delisted since."""
        if listing is not None:
            gone = [name for name in self.changes.add if name not in listing]
            if gone:
                self._log.warning("symbols_unlisted", symbols=gone, note="added once, now gone")
            self.changes = self.changes._replace(
                add=tuple(name for name in self.changes.add if name in listing)
            )
        return self.changes.on(self.terms)

    def _renew(self, wanted: Symbols) -> None:
        gone = len(set(self.symbols).difference(wanted))
        if 2 * gone > len(self.symbols):
            reason = f"{gone} of {len(self.symbols)} would go at once"
            self._log.warning("symbols_kept", reason=reason)
        else:
            self._take(wanted, self.changes)

    def _warn_of_unlisted(self, listing: Listing) -> None:
        gone = [name for name in self.changes.on(self.terms).named if name not in listing]
        if gone:
            self._log.warning("symbols_unlisted", symbols=gone, note="still followed: named")

    def _take(self, symbols: Symbols, changes: Changes, terms: Symbols | None = None) -> None:
        before = set(self.symbols)
        self._keep(changes, self.terms if terms is None else terms, symbols)
        if before == set(symbols):
            return
        added = [name for name in symbols if name not in before]
        self._log.info("symbols_changed", added=added, removed=sorted(before.difference(symbols)))
        self.on_change(symbols)

    def _keep(self, changes: Changes, terms: Symbols, symbols: Symbols) -> None:
        # First the file: what can't be kept is not done.
        self._file.write(Kept(changes, terms, symbols))
        self.changes, self.terms, self.symbols = changes, terms, symbols
