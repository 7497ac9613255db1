"""A loopback Discord: REST, gateway and CDN of one pretended world behind one port of 127.0.0.1."""

from .clock import Clock
from .faults import Fault, Trouble
from .gateway import Intent
from .interactions import Callback, Interaction, InteractionKind
from .model import (
    MANAGER_PERMISSIONS,
    MEMBER_PERMISSIONS,
    MIB,
    Attachment,
    Channel,
    ChannelKind,
    Guild,
    Message,
    MessageFlag,
    MessageKind,
    Permission,
    Role,
    Upload,
    User,
)
from .server import Discord

__all__ = [
    "MANAGER_PERMISSIONS",
    "MEMBER_PERMISSIONS",
    "MIB",
    "Attachment",
    "Callback",
    "Channel",
    "ChannelKind",
    "Clock",
    "Discord",
    "Fault",
    "Guild",
    "Intent",
    "Interaction",
    "InteractionKind",
    "Message",
    "MessageFlag",
    "MessageKind",
    "Permission",
    "Role",
    "Trouble",
    "Upload",
    "User",
]
