"""`python -m tests.standin.discord --port 0`: a Discord in its own process.

Prints its addresses as one line of JSON and serves until SIGTERM; `control` says how to drive it.
"""

import argparse
import asyncio
import json
import signal
import sys

from .control import CONTROL, ControlledDiscord


async def main(port: int, *, message_content: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_signal_handler(signal.SIGINT, stopped.set)
    async with ControlledDiscord(port=port, message_content=message_content) as discord:
        addresses = {
            "port": discord.port,
            "token": discord.token,
            "api_url": discord.api_url,
            "gateway_url": discord.gateway_url,
            "cdn_url": discord.cdn_url,
            "control_url": f"http://127.0.0.1:{discord.port}{CONTROL}",
        }
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--message-content", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.port, message_content=arguments.message_content))
