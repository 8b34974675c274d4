"""A site does not start with settings that show more than may be shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ckan.exceptions import CkanConfigurationException

from ckanext.govopen.logic import startup

SOUND: dict[str, Any] = {
    "debug": False,
    "ckan.site_url": "https://data.yz.example",
    "ckan.plugins": "govopen_review govopen_theme govopen activity datastore expire_api_token",
    "SECRET_KEY": "a" * 32,
    "WTF_CSRF_SECRET_KEY": "b" * 32,
    "api_token.jwt.encode.secret": "string:" + "c" * 32,
    "SESSION_TYPE": "redis",
    "PERMANENT_SESSION_LIFETIME": 28800,
    "SESSION_COOKIE_SECURE": True,
    "REMEMBER_COOKIE_SECURE": "true",
    "ckan.hide_version": True,
    "ckan.upload.user.mimetypes": ["image/png", "image/jpeg"],
    "ckan.upload.group.mimetypes": "image/png image/jpeg",
}


def test_sound_settings_are_let_through() -> None:
    assert startup.problems(SOUND) == []
    startup.require_settings(SOUND)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, True) for name in startup.OFF),
        *((name, "member") for name in startup.EMPTY),
        ("SECRET_KEY", "a" * 31),
        ("SECRET_KEY", None),
        ("WTF_CSRF_SECRET_KEY", "a" * 32),
        ("api_token.jwt.encode.secret", "string:" + "a" * 32),
        ("ckanext.govopen.rate_targets", "data_open_rate.headline=60"),
        ("ckanext.govopen.rate_targets", ["data_open_rate.everything=2020:60"]),
        ("SESSION_TYPE", "cookie"),
        ("SESSION_COOKIE_SECURE", False),
        ("REMEMBER_COOKIE_SECURE", None),
        ("PERMANENT_SESSION_LIFETIME", 31536000),
        ("PERMANENT_SESSION_LIFETIME", timedelta(days=365)),
        ("PERMANENT_SESSION_LIFETIME", None),
        ("ckan.hide_version", False),
        ("ckan.upload.group.mimetypes", "image/png image/svg+xml"),
        ("ckan.plugins", "govopen expire_api_token harvest"),
        ("ckan.plugins", "govopen"),
    ],
)
def test_one_unsound_setting_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(CkanConfigurationException) as refused:
        startup.require_settings({**SOUND, name: value})
    plugin = name == "ckan.plugins"
    assert ("plugin" if plugin else name) in str(refused.value)


def test_development_is_not_refused() -> None:
    startup.require_settings({"debug": True})


def test_a_refusal_holds_no_secret() -> None:
    with pytest.raises(CkanConfigurationException) as refused:
        startup.require_settings({**SOUND, "SECRET_KEY": "hunter2", "SESSION_TYPE": "cookie"})
    assert "hunter2" not in str(refused.value)
