"""A server's rules in words, a line over each menu; and what one person has set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.house import House
from bot.money import usd
from bot.texts import Tongue
from cogs._presenter._format import Models, fill, name_of

_NAMED = 8  # of a list in one line


def settings_lines(
    t: Tongue, house: House, models: Models, log_lacks: Sequence[str] | None
) -> Mapping[str, str]:
    """What every setting is now, by its name. `log_lacks` are permissions missing in the log
    channel, None where that channel is gone.
    """
    rules = house.rules
    allowed = rules.allowed_models
    names = None if allowed is None else [name_of(model, models) for model in sorted(allowed)]
    stage = rules.default_stage
    return {
        "title": t("settings.title"),
        "channels": t(
            "settings.channels", now=_listed(t, "<#{}>", rules.allowed_channels, "everywhere")
        ),
        "generate": t(
            "settings.generate", now=_listed(t, "<@&{}>", rules.who_may_generate, "everybody")
        ),
        "spend": t("settings.spend", now=_listed(t, "<@&{}>", rules.who_may_spend, "everybody")),
        "stage": t(
            "settings.stage",
            now=t(f"settings_stage.{stage}") if stage else t("settings.no_stage"),
        ),
        "models": t("settings.models", now=_listed(t, "{}", names, "all_models")),
        "log": _log(t, house, log_lacks),
        "amounts": t(
            "settings.amounts" if rules.just_go_micros else "settings.amounts_ask",
            just_go=usd(rules.just_go_micros),
            log_above=usd(rules.log_above_micros),
        ),
        "compare": t(
            "settings.compare",
            quorum=rules.quorum,
            hours=rules.vote_hours,
            steering=t("settings.steering_on" if rules.votes_steer else "settings.steering_off"),
        ),
    }


def own_settings(t: Tongue, house: House) -> str:
    """One person's threshold, and who decides the rest."""
    own = house.just_go_micros
    micros = house.rules.just_go_micros if own is None else own
    whose = t("settings.yours_server" if own is None else "settings.yours_own")
    key = "settings.yours" if micros else "settings.yours_none"
    return fill(t, [t(key, price=usd(micros), whose=whose), t("settings.rest")])


def _listed(
    t: Tongue, form: str, values: Collection[int] | Collection[str] | None, none: str
) -> str:
    if values is None:
        return t(f"settings.{none}")
    named = [form.format(value) for value in list(values)[:_NAMED]]
    left = len(values) - len(named)
    return ", ".join(named) + (f" {t('common.more', count=left)}" if left > 0 else "")


def _log(t: Tongue, house: House, lacks: Sequence[str] | None) -> str:
    channel_id = house.rules.log_channel_id
    now = f"<#{channel_id}>" if channel_id else t("settings.no_log")
    lines = [t("settings.log", now=now), t("settings.log_tells")]
    if channel_id and lacks is None:
        lines.append(t("settings.log_gone"))
    elif channel_id and lacks:
        names = ", ".join(f"**{name}**" for name in lacks)
        lines.append(t("settings.log_lacks", names=names))
    return "\n".join(lines)
