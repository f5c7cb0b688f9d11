"""A member of staff at a browser, without the browser: signs in or is launched, opens records, gives reasons."""

from __future__ import annotations

import html
import re
from types import TracebackType

import aiohttp

_ASKED = re.compile(r'name="request" value="([^"]+)"')
_ROLE = re.compile(r'name="role" value="([^"]+)"')
_TITLE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_SECONDS = 20


class CouldNot(Exception):
    """The record answered otherwise than a member of staff hoped: the message says what they did, and its heading."""


class Page:
    """What came back: where the browser stands now, and what it shows."""

    def __init__(self, url: str, status: int, text: str) -> None:
        self.url, self.status, self.text = url, status, text

    @property
    def heading(self) -> str:
        found = _TITLE.search(self.text)
        return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""

    @property
    def chart(self) -> str:
        """The address of the chart of one person, that its pages stand under."""
        return self.url.rpartition("/")[0]


class Browser:
    """One reader with their own cookies. Used as an async context manager."""

    def __init__(self, record: str) -> None:
        self.record = record
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=_SECONDS)
        )

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._http.close()

    async def get(self, url: str) -> Page:
        async with self._http.get(url) as answer:
            return Page(str(answer.url), answer.status, await answer.text())

    async def post(self, url: str, form: dict[str, str]) -> Page:
        origin = "/".join(url.split("/")[:3])
        async with self._http.post(url, data=form, headers={"Origin": origin}) as answer:
            return Page(str(answer.url), answer.status, await answer.text())

    # --- getting in ---------------------------------------------------------------------------------------------------

    async def sign_in(self, user_id: str) -> None:
        """By the sign-in provider, in the first role that is offered."""
        choosing = await self.get(f"{self.record}/sign-in")
        asked = _ASKED.search(choosing.text)
        if asked is None:
            raise CouldNot(f"sign in: {choosing.heading}")
        issuer = "/".join(choosing.url.split("/")[:3])
        page = await self.post(f"{issuer}/authorize/choose", {"request": asked[1], "user": user_id})
        if role := _ROLE.search(page.text):
            page = await self.post(f"{self.record}/sign-in/role", {"role": html.unescape(role[1])})
        if page.status != 200:
            raise CouldNot(f"sign in: {page.heading}")

    async def launched(self, launch: str) -> Page:
        """From inside a record system: its signed launch, and the address that the record answers with."""
        headers = {"Content-Type": "application/jwt"}
        async with self._http.post(f"{self.record}/launch", data=launch, headers=headers) as answer:
            told = await answer.json()
            if answer.status != 201:
                raise CouldNot(f"be launched: {told.get('sentence')}")
        return await self.get(told["url"])

    async def find(self, nhs_number: str, born: str, *, is_opened: bool = False) -> Page:
        """By NHS number and date of birth (YYYY-MM-DD), and then opens whom it found."""
        year, month, day = born.split("-")
        form = {"nhs_number": nhs_number, "year": year, "month": month, "day": day}
        return await self.post(f"{self.record}/find", {**form, "open": "yes"} if is_opened else form)

    # --- what is asked before a record opens --------------------------------------------------------------------------

    async def give_reason(self, page: Page, reason: str) -> Page:
        """Where the record asks why it is opened, says why; elsewhere the page stays as it is."""
        if not page.url.endswith("/reason"):
            return page
        return await self.post(f"{page.chart}/reason", {"other": reason})

    async def declare_emergency(self, page: Page, *, reason: str, words: str, hours: int) -> Page:
        form = {"reason": reason, "words": words, "hours": f"{hours}", "confirmed": "yes"}
        return await self.post(f"{page.chart}/emergency", form)
