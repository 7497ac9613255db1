"""The WebSocket half: HELLO, IDENTIFY, READY, heartbeats, RESUME with replay, compression.

A session outlives its socket: what is published while a client is away waits for its RESUME.
"""

import asyncio
import json
import secrets
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

from aiohttp import WSMsgType, web

from .changes import Changes
from .model import Guild, Json

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT = 0, 1, 2, 6, 7
MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11
NOT_AUTHENTICATED, WRONG_TOKEN, DISALLOWED_INTENTS = 4003, 4004, 4014
GOODBYES = frozenset({1000, 1001})
REPLAYED_EVENTS = 1000


class Intent(IntFlag):
    """What a session may ask to hear."""

    NONE = 0
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_REACTIONS = 1 << 10
    GUILD_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


Data = Json | Callable[[Intent], Json]
Compressor = Callable[[bytes], bytes]


@dataclass(eq=False, slots=True)
class Connection:
    """One open socket and the frames on their way to it."""

    socket: web.WebSocketResponse
    request: web.Request
    compress: Compressor | None
    outgoing: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)
    session: "Session | None" = None

    async def write(self) -> None:
        while True:
            frame = json.dumps(await self.outgoing.get(), separators=(",", ":"))
            if self.compress is None:
                await self.socket.send_str(frame)
            else:
                await self.socket.send_bytes(self.compress(frame.encode()))


@dataclass(eq=False, slots=True)
class Session:
    """What a RESUME returns to."""

    id: str
    intents: Intent
    shard: tuple[int, int]
    connection: Connection | None
    seq: int = 0
    backlog: deque[Json] = field(default_factory=lambda: deque(maxlen=REPLAYED_EVENTS))

    def dispatch(self, event: str, data: Json) -> None:
        self.seq += 1
        frame = {"op": DISPATCH, "s": self.seq, "t": event, "d": data}
        self.backlog.append(frame)
        if self.connection is not None:
            self.connection.outgoing.put_nowait(frame)

    def concerns(self, guild: Guild | None) -> bool:
        number, count = self.shard
        return number == ((guild.id >> 22) % count if guild else 0)


@dataclass(eq=False, slots=True)
class Gateway:
    """All sessions. `ready` and `guilds` are asked for what a fresh session must be told."""

    changes: Changes
    token: str
    allowed: Callable[[], Intent]
    ready: Callable[[], Json]
    guilds: Callable[[], list[tuple[Guild, Json]]]
    members: Callable[[Json], Json]
    url: str = ""
    down: bool = False
    acknowledges_heartbeats: bool = True
    heartbeat_interval_ms: int = 41_250
    sessions: dict[str, Session] = field(default_factory=dict)
    identifies: int = 0
    resumes: int = 0
    heartbeats: int = 0
    compression: str | None = None

    @property
    def connected(self) -> bool:
        return any(session.connection for session in self.sessions.values())

    def publish(self, event: str, data: Data, guild: Guild | None, intent: Intent) -> None:
        """Sends an event to every session that listens, now or at its RESUME."""
        for session in self.sessions.values():
            if (intent and not session.intents & intent) or not session.concerns(guild):
                continue
            session.dispatch(event, data(session.intents) if callable(data) else data)
        self.changes.touch()

    async def drop(self, *, resumable: bool = True, code: int | None = None) -> None:
        """Loses every socket as a dead network does, or closes it; perhaps the sessions too."""
        connections = [s.connection for s in self.sessions.values() if s.connection]
        for session in self.sessions.values():
            session.connection = None
        if not resumable:
            self.sessions.clear()
        for connection in connections:
            if code is not None:
                await connection.socket.close(code=code)
            elif connection.request.transport is not None:
                connection.request.transport.abort()
        self.changes.touch()

    def ask_reconnect(self) -> None:
        """Opcode 7, as before a maintenance."""
        for session in self.sessions.values():
            if session.connection is not None:
                session.connection.outgoing.put_nowait({"op": RECONNECT, "d": None})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            return web.Response(status=503)
        self.compression = request.query.get("compress")
        socket = web.WebSocketResponse(max_msg_size=0, compress=False)
        compress = compressor(self.compression)
        await socket.prepare(request)
        connection = Connection(socket, request, compress)
        connection.outgoing.put_nowait(
            {"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_interval_ms}}
        )
        writer = asyncio.create_task(connection.write())
        try:
            await self._read(connection)
        finally:
            self._leave(connection)
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer
            self.changes.touch()
        return socket

    def _leave(self, connection: Connection) -> None:
        """Keeps the session for a RESUME, unless the client said goodbye."""
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection = None
        if connection.socket.close_code in GOODBYES:
            self.sessions.pop(session.id, None)

    async def _read(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            code = self._receive(connection, frame["op"], frame.get("d"))
            if code is not None:
                await connection.socket.close(code=code)
                return

    def _receive(self, connection: Connection, op: int, data: Any) -> int | None:
        """Acts on one frame; answers the code to close with, if any."""
        if op == HEARTBEAT:
            self.heartbeats += 1
            if self.acknowledges_heartbeats:
                connection.outgoing.put_nowait({"op": HEARTBEAT_ACK})
            return None
        if op == IDENTIFY:
            return self._identify(connection, data)
        if op == RESUME:
            return self._resume(connection, data)
        if connection.session is None:
            return NOT_AUTHENTICATED
        if op == MEMBERS:
            connection.session.dispatch("GUILD_MEMBERS_CHUNK", self.members(data))
        return None

    def _identify(self, connection: Connection, data: Json) -> int | None:
        self.identifies += 1
        if data["token"] != self.token:
            return WRONG_TOKEN
        intents = Intent(data["intents"])
        privileged = Intent.MESSAGE_CONTENT | Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES
        if intents & privileged & ~self.allowed():
            return DISALLOWED_INTENTS
        number, count = data.get("shard") or (0, 1)
        session = Session(secrets.token_hex(8), intents, (number, count), connection)
        connection.session = self.sessions[session.id] = session
        guilds = [(guild, data) for guild, data in self.guilds() if session.concerns(guild)]
        session.dispatch(
            "READY",
            self.ready()
            | {
                "session_id": session.id,
                "resume_gateway_url": f"{self.url}/resume",
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild, _ in guilds],
                "shard": [number, count],
            },
        )
        if intents & Intent.GUILDS:
            for _, payload in guilds:
                session.dispatch("GUILD_CREATE", payload)
        self.changes.touch()
        return None

    def _resume(self, connection: Connection, data: Json) -> int | None:
        session = self.sessions.get(data["session_id"])
        if data["token"] != self.token:
            return WRONG_TOKEN
        if session is None or data["seq"] > session.seq:
            connection.outgoing.put_nowait({"op": INVALID_SESSION, "d": False})
            return None
        self.resumes += 1
        connection.session, session.connection = session, connection
        for frame in session.backlog:
            if frame["s"] > data["seq"]:
                connection.outgoing.put_nowait(frame)
        session.dispatch("RESUMED", {"_trace": []})
        self.changes.touch()
        return None


def compressor(name: str | None) -> Compressor | None:
    """One context for the life of a socket, flushed after every frame."""
    if name is None:
        return None
    if name == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda data: deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
    if name == "zstd-stream":
        return _zstd()
    raise web.HTTPBadRequest(text=f"unknown compression {name}")


def _zstd() -> Compressor:
    """A client that asks for zstd has Python 3.14 or `zstandard`, hence so have we."""
    try:
        from compression import zstd  # pyright: ignore[reportMissingImports] # Python 3.14
    except ImportError:
        import zstandard  # pyright: ignore[reportMissingImports] # only where a client has it

        stream = zstandard.ZstdCompressor().compressobj()
        return lambda data: stream.compress(data) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    context = zstd.ZstdCompressor()
    return lambda data: context.compress(data, mode=context.FLUSH_BLOCK)
