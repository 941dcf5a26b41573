"""Password hashes: bcrypt, in threads of their own, never more than a few at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import bcrypt

# 2^12 rounds, about 0.3 s: OWASP's Password Storage Cheat Sheet asks for at least 2^10.
_COST = 12
MIN_LENGTH = 8
# bcrypt reads no further; rather than cut in silence, longer ones are refused.
MAX_BYTES = 72
# bcrypt gives the interpreter's lock back while it works, but every hash fills a core.
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="bcrypt")
# The hash of a random password that nobody kept, at the same cost as everybody's.
_NOBODY = b"$2b$12$gbrT5n11hVRRfv9sKZp3DuKGsy1y0Lhpr6PHD.A1NTGO.jeKOdgi2"


async def hash_password(password: str) -> str:
    loop = asyncio.get_running_loop()
    hashed = await loop.run_in_executor(
        _POOL, lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST))
    )
    return hashed.decode()


async def is_correct(password: str, password_hash: str | None) -> bool:
    """Whether the password fits; takes as long when there is no such account (None) as when there is."""
    encoded = password.encode()
    if len(encoded) > MAX_BYTES:
        return False
    stored = _NOBODY if password_hash is None else password_hash.encode()
    try:
        fits = await asyncio.get_running_loop().run_in_executor(_POOL, bcrypt.checkpw, encoded, stored)
    except ValueError:
        # A damaged stored hash fits no password.
        return False
    return fits and password_hash is not None
