import asyncio
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from heygen_graphql.tables import Session, User, utc_now
from tests.jobs.serving import server


async def test_ended_sessions_that_somebody_is_removing_are_not_waited_for(
    settings: Settings, postgres_url: str
) -> None:
    """Each would hold rows that the other wants next."""
    database = Database(postgres_url)
    user = User(email="ada@example.com", email_key="ada@example.com", password_hash="-")
    ended = [
        Session(user_id=user.id, token_hash=str(number), expires_at=utc_now() - timedelta(days=1))
        for number in range(3)
    ]
    async with database.transaction() as session:
        session.add(user)
        await session.flush()
        session.add_all(ended)

    async def left() -> set[UUID]:
        async with database.reading() as session:
            return set(await session.scalars(select(col(Session.id))))

    # Given one that another transaction holds
    async with database.transaction() as holder:
        await holder.get_one(Session, ended[1].id, with_for_update=True)
        # When a worker removes those that have ended
        async with server(settings, database), asyncio.timeout(15):
            while len(await left()) > 1:
                # Then it does not wait; the other may stand still for five seconds
                await holder.get_one(Session, ended[1].id, with_for_update=True)
                await asyncio.sleep(0.05)
        assert await left() == {ended[1].id}
    await database.close()
