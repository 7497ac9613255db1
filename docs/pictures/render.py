"""Draws the README's pictures of Discord: `python -m docs.pictures.render` from the checkout.

The bot runs as a process against the loopback Discord of the tests and a loopback vendor; what it
posts there is laid out like Discord's dark theme and photographed by a headless Chromium, which
must be installed. Nothing of this is needed by tests or by the product.
"""

from __future__ import annotations

import asyncio
import base64
import colorsys
import html
import io
import math
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import av
from aiohttp import web
from av.video.stream import VideoStream
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tests.bot.process import Bot
from tests.cogs.conftest import PATIENCE_S, press, until
from tests.cogs.steps import board_of, card_for, running, takes_in, thread_of
from tests.standin.discord import Attachment, Channel, Discord, Message, User
from tests.standin.openai import Gateway

HERE: Final = Path(__file__).parent
PROMPT: Final = "a paper boat crossing a puddle at dusk, low angle, slow push in"
SIZE: Final = (1280, 720)
MOST_BYTES: Final = 300_000
SLOW_S: Final = 300.0  # six clips are drawn, checked and posted
WIDTH: Final = 760  # of the page, in CSS pixels
Shots = dict[str, tuple[str, list[Message]]]


class Studio(Gateway):
    """A vendor whose every clip is another evening at the same puddle."""

    async def _content(self, request: web.Request) -> web.Response:
        number = list(self.jobs).index(request.match_info["id"])
        clip = await asyncio.to_thread(_clip, number)
        return web.Response(body=clip, content_type="video/mp4")


def _clip(number: int, seconds: int = 4, rate: int = 12) -> bytes:
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "clip.mp4")
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=rate)
            if not isinstance(stream, VideoStream):
                raise TypeError(stream)
            stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
            for index in range(seconds * rate):
                frame = _frame(number, index / (seconds * rate))
                container.mux(stream.encode(av.VideoFrame.from_image(frame)))
            container.mux(stream.encode())
        return path.read_bytes()


def _frame(number: int, share: float) -> Image.Image:
    """Sky, its reflection, ripples, and the boat a little further on."""
    width, height = SIZE
    hue = (0.58, 0.04, 0.75, 0.52, 0.1, 0.9)[number % 6]
    picture = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(picture)
    shore = int(height * 0.42)
    for y in range(height):
        near = abs(y - shore) / height
        tone = colorsys.hsv_to_rgb(hue + 0.06 * near, 0.35 + 0.5 * near, 0.95 - 1.15 * near)
        draw.line((0, y, width, y), tuple(int(255 * max(0.08, part)) for part in tone))
    _lamps(picture, shore, number)
    draw = ImageDraw.Draw(picture)
    for wave in range(26):
        y = shore + 14 + wave * wave * 0.55
        x = (wave * 227 + share * 160) % (width + 300) - 150
        reach = 60 + wave * 7
        draw.arc((x, y, x + reach, y + 10), 10, 170, (255, 255, 255), 1 + wave // 9)
    _boat(draw, width * (0.22 + 0.09 * (number % 4) + 0.2 * share), height * 0.66, share)
    return picture


def _lamps(picture: Image.Image, shore: int, number: int) -> None:
    glow = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(glow)
    for lamp in range(4):
        x, y = 160 + lamp * 310 + number * 37 % 140, shore - 120 + lamp % 2 * 36
        for at in (y, 2 * shore - y):
            draw.ellipse((x - 26, at - 26, x + 26, at + 26), (255, 214, 150))
    glow = glow.filter(ImageFilter.GaussianBlur(18))
    picture.paste(ImageChops.screen(picture, glow), (0, 0))


def _boat(draw: ImageDraw.ImageDraw, x: float, y: float, share: float) -> None:
    y += 8 * math.sin(share * 9)
    white, shade, dark = (246, 244, 238), (208, 206, 214), (150, 150, 168)
    draw.polygon([(x, y - 150), (x - 92, y), (x, y)], white)
    draw.polygon([(x, y - 150), (x + 92, y), (x, y)], shade)
    draw.polygon(
        [(x - 190, y - 44), (x + 190, y - 44), (x + 104, y + 58), (x - 104, y + 58)], white
    )
    draw.polygon([(x - 190, y - 44), (x, y + 4), (x + 190, y - 44), (x, y - 14)], dark)
    draw.polygon([(x, y + 4), (x + 190, y - 44), (x + 104, y + 58), (x, y + 58)], shade)
    draw.polygon([(x - 104, y + 62), (x + 104, y + 62), (x, y + 150)], dark)


async def _captured() -> tuple[Discord, Shots]:
    """What stands on the loopback Discord after a short session."""
    with tempfile.TemporaryDirectory() as name:
        async with Discord(validate=False) as server, Studio() as vendor:
            ann, channel = server.user("ann"), server.channel("shots")
            program = Bot(
                Path(name),
                DISCORD_TOKEN=server.token,
                DISCORD_API_URL=server.api_url,
                DISCORD_GATEWAY_URL=server.gateway_url,
                DISCORD_ALLOWED_GUILDS=str(server.home().id),
                GATEWAY_API_KEY=vendor.key,
                GATEWAY_BASE_URL=vendor.base_url,
                DAILY_USD="20",
            )
            async with running(program, server):
                return server, await _session(server, ann, channel)


async def _session(server: Discord, ann: User, channel: Channel) -> Shots:
    options = {"prompt": PROMPT, "model": "sora-2"}
    card = await card_for(server, ann, channel, **options)
    shown = still(card)
    await press(server, ann, card, "Go")
    (clip,) = await takes_in(server, channel, 1)
    thread = await thread_of(server, channel)
    asked = await press(server, ann, clip, "Several")
    menu = await asked.answered(PATIENCE_S)
    await server.select(ann, menu, menu.menus[0], ["6"])
    more = await server.message_where(thread, lambda m: "Go · $2.40" in m.buttons, PATIENCE_S)
    await press(server, ann, more, "Go")
    sheet = await server.message_where(thread, lambda m: "Pick 7" in m.buttons, SLOW_S)
    await press(server, ann, sheet, "Pick 4")
    board = await board_of(server, thread)
    await until(server, lambda: "**picked**" in board.text and "7 takes" in board.text)
    fourth = next(m for m in server.messages(thread) if "Take 4" in m.text and m.attachments)
    return {
        "card": ("shots", [shown]),
        "result": ("shots", [clip]),
        "thread": (f"shots › {thread.name}", [board, fourth]),
        "sheet": (f"shots › {thread.name}", [sheet]),
    }


def still(message: Message) -> Message:
    """The message as it is now, whatever becomes of it."""
    kept = Message(message.id, message.channel, message.author, message.created_at)
    kept.content, kept.components = message.content, list(message.components)
    kept.interaction, kept.attachments = message.interaction, list(message.attachments)
    return kept


def page_of(server: Discord, where: str, messages: Sequence[Message]) -> str:
    names = {user.id: user.name for user in server.world.users.values()}
    body = "".join(_message(message, names) for message in messages)
    return (
        f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style>"
        f"<header><b>#</b> {html.escape(where)}</header><main>{body}</main>"
    )


def _message(message: Message, names: dict[int, str]) -> str:
    words = "".join(_line(line, names) for line in message.text.split("\n"))
    files = "".join(_file(file) for file in message.attachments)
    rows = "".join(f"<div class=row>{_row(row)}</div>" for row in message.components)
    used = ""
    if message.interaction is not None:
        used = "<div class=used>@ann used <a>/generate</a></div>"
    head = "<div class=who>Dailies<span class=app>APP</span><span class=when>14:02</span></div>"
    body = f"{used}{head}{words}{files}{rows}"
    return f"<article><div class=face>D</div><div class=body>{body}</div></article>"


def _line(line: str, names: dict[int, str]) -> str:
    kind, text = "p", html.escape(line)
    if text.startswith("&gt; "):
        kind, text = "quote", text[5:]
    elif text.startswith("-# "):
        kind, text = "small", text[3:]
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    text = re.sub(r"\[(.+?)\]\(.+?\)", r"<a>\1</a>", text)
    text = re.sub(r"&lt;@(\d+)&gt;", lambda m: f"<i>@{names[int(m[1])]}</i>", text)
    text = re.sub(r"&lt;t:\d+:R&gt;", "in a day", text)
    text = re.sub(r"\\([*_~`|>])", r"\1", text)
    return f"<div class={kind}>{text}</div>"


def _row(row: dict[str, Any]) -> str:
    pieces: list[dict[str, Any]] = row.get("components", [row])
    return "".join(_piece(piece) for piece in pieces)


def _piece(piece: dict[str, Any]) -> str:
    if piece["type"] == 3:
        return f"<div class=menu>{html.escape(piece.get('placeholder', ''))}<s>⌄</s></div>"
    style = {1: "blue", 3: "green", 4: "red"}.get(piece["style"], "grey")
    return f"<button class={style}>{html.escape(piece['label'])}</button>"


def _file(file: Attachment) -> str:
    if not file.filename.endswith(".mp4"):
        return f"<img class=shown src='{_data(file.data, file.content_type)}'>"
    still, seconds = _poster(file.data)
    return (
        f"<div class=film><img src='{_data(still, 'image/jpeg')}'><div class=play>▶</div>"
        f"<div class=bar>0:00 / 0:{seconds:02}</div></div>"
    )


def _poster(clip: bytes) -> tuple[bytes, int]:
    target = io.BytesIO()
    with av.open(io.BytesIO(clip)) as container:
        stream = container.streams.video[0]
        seconds = round(float(stream.duration * stream.time_base))
        next(container.decode(stream)).to_image().save(target, "JPEG", quality=88)
    return target.getvalue(), seconds


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def photograph(page: str, to: Path) -> None:
    """A picture of the page, cut to what is on it and small enough for a README."""
    with tempfile.TemporaryDirectory() as name:
        source, shot = Path(name, "page.html"), Path(name, "page.png")
        source.write_text(page, encoding="utf-8")
        command = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars"]
        command += [f"--window-size={WIDTH},1700", "--force-device-scale-factor=2"]
        command += [f"--screenshot={shot}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        picture = _cut(Image.open(shot).convert("RGB"))
    for quality in (90, 84, 78, 70, 60):
        picture.save(to, "JPEG", quality=quality, optimize=True)
        if to.stat().st_size < MOST_BYTES:
            return
    raise ValueError(f"{to} has {to.stat().st_size} bytes")


def _cut(picture: Image.Image) -> Image.Image:
    """Without the empty rest below."""
    paper = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, paper).getbbox()
    bottom = picture.height if box is None else min(picture.height, box[3] + 32)
    return picture.crop((0, 0, picture.width, bottom))


_STYLE: Final = """
* { box-sizing: border-box; margin: 0 }
body { background: #313338; color: #dbdee1; font: 16px/1.375 'Noto Sans', 'Liberation Sans',
  'DejaVu Sans', sans-serif }
header { background: #313338; color: #f2f3f5; padding: 12px 16px; border-bottom: 1px solid #26282c;
  font-weight: 600 }
header b { color: #80848e; font-size: 20px; margin-right: 4px }
main { padding: 8px 0 0 }
article { display: flex; padding: 10px 16px }
.face { flex: none; width: 40px; height: 40px; border-radius: 50%; background: #5865f2; color: #fff;
  font-weight: 700; text-align: center; line-height: 40px; margin-right: 16px; margin-top: 2px }
.body { flex: 1; min-width: 0 }
.used { color: #b5bac1; font-size: 14px; margin-bottom: 2px }
.who { color: #f2f3f5; font-weight: 600 }
.app { background: #5865f2; color: #fff; font-size: 10px; border-radius: 4px; padding: 1px 5px;
  margin: 0 6px; vertical-align: 2px }
.when { color: #949ba4; font-size: 12px; font-weight: 400 }
.quote { border-left: 4px solid #4e5058; padding-left: 12px; margin: 2px 0 }
.small { color: #949ba4; font-size: 13px }
a { color: #00a8fc }
b { color: #f2f3f5 }
i { font-style: normal; background: #3c4270; color: #c9cdfb; border-radius: 3px; padding: 0 2px }
code { background: #1e1f22; border-radius: 4px; padding: 1px 4px; font-size: 14px;
  font-family: 'DejaVu Sans Mono', monospace }
.shown, .film { display: block; max-width: 550px; border-radius: 8px; margin-top: 6px }
.film { position: relative; overflow: hidden; width: 550px; height: 309px; background: #000 }
.film img { width: 100%; height: 100%; object-fit: contain }
.play { position: absolute; left: 243px; top: 122px; width: 64px; height: 64px;
  border-radius: 50%; background: rgba(0, 0, 0, .6); color: #fff; text-align: center;
  line-height: 62px; font-size: 26px; padding-left: 5px }
.bar { position: absolute; left: 10px; bottom: 8px; color: #fff; font-size: 13px;
  text-shadow: 0 0 4px #000 }
.row { display: flex; gap: 8px; margin-top: 8px; flex-wrap: wrap }
button { border: 0; border-radius: 8px; color: #fff; font: 600 14px 'Noto Sans', 'Liberation Sans',
  'DejaVu Sans', sans-serif; padding: 8px 16px; background: #4e5058 }
button.blue { background: #5865f2 } button.green { background: #248046 }
button.red { background: #da373c }
.menu { width: 400px; background: #1e1f22; border-radius: 8px; padding: 9px 12px; color: #949ba4 }
.menu s { float: right; text-decoration: none }
"""


def main() -> None:
    server, shots = asyncio.run(_captured())
    for name, (where, messages) in shots.items():
        photograph(page_of(server, where, messages), HERE / f"{name}.jpg")


if __name__ == "__main__":
    main()
