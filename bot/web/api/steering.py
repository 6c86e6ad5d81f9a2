"""What may be asked of the bot: it goes into the inbox, as a comment would, and is as durable."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["steering"])
