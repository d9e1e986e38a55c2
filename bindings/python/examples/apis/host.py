"""What the APIs share: the store, its types, and who a request is from."""

from datetime import datetime, timedelta, timezone
from typing import Callable, Optional

import tokenstore

from .web import Refusal, Request

ACCESS_LIFETIME = timedelta(seconds=36_000)
GRANT_LIFETIME = timedelta(seconds=15)


def system_time() -> datetime:
    """The time of the system."""
    return datetime.now(timezone.utc)


class Host:
    """A store with the types that the APIs need. `now` is the store's clock."""

    def __init__(self, store: tokenstore.Store, now: Callable[[], datetime] = system_time) -> None:
        self.store = store
        self.now = now
        # People: who is signed in to a web page. It is no API's token.
        self.session = store.declare(
            "session", "ses", default_lifetime=timedelta(hours=12), by_name_only=True
        )
        # Clients: their secrets, bound to their ids, and the pairs that they get. Meister1's refresh without a secret,
        # so a refresh value of OAuth must be none of theirs.
        self.secret = store.declare("client_secret", "sec", by_name_only=True)
        self.access = store.declare("access", "acc", default_lifetime=ACCESS_LIFETIME, external=True)
        families = tokenstore.FamilyPolicy(
            access=ACCESS_LIFETIME, refresh=timedelta(days=30), family=timedelta(days=365)
        )
        self.refresh = store.declare("refresh", "ref", families=families)
        self.public_refresh = store.declare("public_refresh", "pub", families=families)
        self.grant = store.declare("grant", "grt", default_lifetime=GRANT_LIFETIME, uses=1, volatile=True)
        self.personal = store.declare("personal", "mgo")
        self.server = store.declare("server", "srv")
        self.device = store.declare("device", "dev")
        self._sessions = store.query(type=self.session, header=True)

    def sign_in(self, user: str) -> tokenstore.Secret:
        """A session of somebody whose password was right."""
        return self.store.create_token(self.session, user).value

    def register_client(self, client: str, owner: str) -> tokenstore.Secret:
        """A secret for a client, which signs in as the owner."""
        return self.store.create_token(self.secret, owner, binding=client).value

    def user(self, request: Request) -> bytes:
        """Who is signed in."""
        return self.owner(request, self._sessions)

    def owner(self, request: Request, asks: tokenstore.Query) -> bytes:
        """Whose token stands in the Authorization header."""
        owner = self.accepted(request.headers.get("Authorization", ""), asks)
        if owner is None:
            raise Refusal(401, "invalid_token", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return owner

    def accepted(self, value: str, asks: tokenstore.Query) -> Optional[bytes]:
        """The owner of a value, if it is accepted."""
        verdict = self.store.verify(value, asks)
        return self.store.owner(verdict) if verdict else None

    def client(self, client: str, secret: str) -> Optional[bytes]:
        """The owner whom a client signs in as, if it shows its secret."""
        if not 1 <= len(client.encode("utf-8", "replace")) <= 255:
            return None
        return self.accepted(secret, self.store.query(type=self.secret, binding=client))

    def issue(self, refresh_type: int, client: str, owner: bytes) -> tokenstore.Pair:
        """A pair for a client. Its id is also kept where `token_of` finds it."""
        return self.store.issue_pair(self.access, refresh_type, owner, client, app_data=client, by=client)

    def refreshed(self, refresh_type: int, client: str, value: str) -> Optional[tokenstore.Pair]:
        """The next pair of a client, if the value is one of this type that gets it."""
        if self.store.verify(value, type=refresh_type).type != refresh_type:
            return None
        return self.store.try_refresh(value, client).pair

    def own(self, id: str, owner: bytes, *types: int) -> str:
        """The id of somebody's token of one API: a person has others, too. NotFound says no more of others' tokens."""
        if self.store.get(id, if_owner=owner).type not in types:
            raise tokenstore.NotFound("no such token")
        return id

    def token_of(self, value: str) -> Optional[tokenstore.Token]:
        """The token with this value, in whatever state, if it is one of a pair."""
        id = self.store.verify(value, type=tokenstore.ANY).id
        try:
            token = None if id is None else self.store.get(id)
        except tokenstore.NotFound:
            # It was deleted in between, or is a ticket, which no list has.
            return None
        return token if token is not None and token.family is not None else None

    def seconds_left(self, pair: tokenstore.Pair) -> int:
        """How long an access value works: less for a pair that is handed out again. Rounded up, so that a new one is
        told its whole life, although a moment of it has passed."""
        left = -((self.now() - pair.access.expires) // timedelta(seconds=1))
        return max(min(left, int(ACCESS_LIFETIME.total_seconds())), 0)


def ms_of(time: datetime) -> int:
    """Milliseconds since the Unix epoch."""
    return (time - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


def time_in(given: object) -> Optional[datetime]:
    """A time out of RFC 3339, such as 2026-12-31T00:00:00Z; None for none."""
    if given is None:
        return None
    try:
        return datetime.fromisoformat(str(given).replace("Z", "+00:00"))
    except ValueError:
        raise Refusal(400, "a time is like 2026-12-31T00:00:00Z") from None
