"""Superusers, as the command line makes them."""

from uuid import uuid4

from heygen_graphql import accounts
from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from tests.api.serving import PASSWORD, Api

LOG_IN = """
mutation ($email: String!, $password: String!) {
  logIn(input: { email: $email, password: $password }) {
    session { accessToken refreshToken user { id email } }
    userErrors { code field message }
  }
}
"""


async def superuser(anyone: Api, settings: Settings) -> Api:
    database = Database(settings.resolved_database_url)
    email = f"{uuid4().hex}@example.com"
    await accounts.create_user(database, email=email, password=PASSWORD, is_superuser=True)
    await database.close()
    session = anyone(LOG_IN, email=email, password=PASSWORD).data["logIn"]["session"]
    return Api(anyone.http, session["accessToken"])
