"""The users: they order videos through either API, again when no answer came, and watch them."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from heygen_graphql import globalids
from tests.chaos.plan import USERS, Film, Order, Plan
from tests.chaos.stage import Stage
from tests.chaos.watching import PASSING, Watcher
from tests.client import SIGN_UP

CREATE_VIDEOS = """
mutation ($inputs: [CreateVideoInput!]!) {
  createVideos(inputs: $inputs) {
    results { video { id title } userErrors { code field message } }
    userErrors { code field message }
  }
}
"""
CREATE_WEBHOOK = """
mutation ($input: CreateWebhookInput!) {
  createWebhook(input: $input) { webhook { id } userErrors { code field message } }
}
"""
VIDEOS = """
query ($after: String) {
  videos(first: 100, after: $after) {
    edges { node { id title status } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
_AGAIN_SECONDS = 0.3


@dataclass
class User:
    number: int
    token: str
    webhook_path: str


@dataclass
class Load:
    stage: Stage
    plan: Plan
    users: list[User] = field(default_factory=list)
    ids: dict[int, str] = field(default_factory=dict)
    """Of the videos by their numbers, as the API first gave them."""
    watchers: list[Watcher] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    """What an API said that it should not have."""
    repeated: int = 0
    """Calls that were made again because no answer had come."""

    def __post_init__(self) -> None:
        self._known = {film.number: asyncio.Event() for order in self.plan.orders for film in order.films}

    @property
    def video_ids(self) -> list[UUID]:
        found = [globalids.uuid_of(video_id, "Video") for video_id in self.ids.values()]
        return [video_id for video_id in found if video_id is not None]

    async def sign_up(self) -> None:
        """Before any harm is done."""
        for number in range(USERS):
            person = {"email": f"user-{number}@example.com", "password": "correct horse", "fullName": "Ada"}
            session = (await self._insist(None, 0, SIGN_UP, input=person))["signUp"]["session"]
            user = User(number, session["accessToken"], f"/flaky/1/user-{number}")
            self.users.append(user)
            webhook = {
                "url": self.stage.receiver.url(user.webhook_path),
                "events": ["VIDEO_COMPLETED", "VIDEO_FAILED", "VIDEO_CANCELED"],
            }
            payload = (await self._insist(user, 0, CREATE_WEBHOOK, input=webhook))["createWebhook"]
            assert payload["userErrors"] == []

    async def order_all(self) -> None:
        """As planned; returns when every order has been answered."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for user in self.users:
                orders = [order for order in self.plan.orders if order.user == user.number]
                group.create_task(self._order(user, orders, began))

    async def watch_all(self) -> None:
        """Returns when every watcher has seen the ends of their videos."""
        async with asyncio.TaskGroup() as group:
            for watch in self.plan.watches:
                watcher = Watcher(
                    watch, [api.server.url for api in self.stage.apis], self.users[watch.user].token
                )
                self.watchers.append(watcher)
                group.create_task(self._watch(watcher))

    def cut_watchers(self, dice: float) -> int:
        """Break a third of the watchers' connections; how many there were."""
        first = int(dice * 3)
        return sum(watcher.cut() for watcher in self.watchers if watcher.watch.number % 3 == first)

    async def listed(self, user: User) -> list[dict[str, Any]]:
        """All videos of the user's, as the API lists them."""
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = (await self._insist(user, user.number, VIDEOS, after=after))["videos"]
            found += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    async def _watch(self, watcher: Watcher) -> None:
        watch = watcher.watch
        for film in watch.films:
            await self._known[film].wait()
        await asyncio.sleep(watch.late_seconds)
        await watcher.run({self.ids[film]: film for film in watch.films})

    async def _order(self, user: User, orders: Sequence[Order], began: float) -> None:
        for order in orders:
            await asyncio.sleep(began + order.at_seconds - time.monotonic())
            calls = 2 if order.is_doubled else 1
            await asyncio.gather(
                *(self._create(user, order.api + call, order.films) for call in range(calls))
            )

    async def _create(self, user: User, api: int, films: Sequence[Film]) -> None:
        inputs = [
            {
                "scenes": [{"script": script} for script in film.scripts],
                "quality": "LOW",
                "title": str(film.number),
                "idempotencyKey": f"film {film.number}",
            }
            for film in films
        ]
        payload = (await self._insist(user, api, CREATE_VIDEOS, inputs=inputs))["createVideos"]
        faults = [
            *payload["userErrors"],
            *(one for result in payload["results"] for one in result["userErrors"]),
        ]
        if faults:
            self.surprises.append(f"createVideos refused: {faults}")
            return
        for film, result in zip(films, payload["results"], strict=True):
            video = result["video"]
            if (
                video["title"] != str(film.number)
                or self.ids.setdefault(film.number, video["id"]) != video["id"]
            ):
                self.surprises.append(f"film {film.number} was made twice, or is another's: {video}")
            self._known[film.number].set()

    async def _insist(
        self, user: User | None, first_api: int, document: str, **variables: Any
    ) -> dict[str, Any]:
        """Ask one API after the other until one answers."""
        headers = {} if user is None else {"Authorization": f"Bearer {user.token}"}
        for attempt in itertools.count(first_api):
            url = self.stage.apis[attempt % len(self.stage.apis)].server.url
            try:
                async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
                    body = {"query": document, "variables": variables}
                    said = (await http.post(f"{url}/graphql", json=body, headers=headers)).json()
            except httpx.TransportError:
                # Nobody is there, or nobody any more.
                pass
            else:
                if "errors" not in said:
                    data: dict[str, Any] = said["data"]
                    return data
                self._note(said["errors"])
            self.repeated += 1
            await asyncio.sleep(_AGAIN_SECONDS)
        raise AssertionError("unreachable")

    def _note(self, errors: list[dict[str, Any]]) -> None:
        self.surprises += [str(error) for error in errors if error["extensions"]["code"] not in PASSING]
