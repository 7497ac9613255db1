"""Draws the local provider's clip: an animated storyboard card, or a camera move over a still.

Runs as a process of its own (`python -I` on this folder), so that a broken picture or a full
memory ends that process and not the bot. Knows the standard library, Pillow, PyAV, HarfBuzz and
python-bidi; nothing of `providers` and no network.
"""
