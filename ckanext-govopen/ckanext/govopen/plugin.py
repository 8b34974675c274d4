"""The plugin `govopen`: wires the features into CKAN and holds no behaviour of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.lib.plugins import DefaultTranslation

from ckanext.govopen.features import collect
from ckanext.govopen.logic import (
    audit,
    audit_events,
    choices,
    files,
    passwords,
    reset_keys,
    search,
    startup,
    stored_settings,
    tokens,
)
from ckanext.govopen.views import gate, responses, sign_in


def _actions() -> dict[str, Any]:
    return collect("logic.action")


def _auth_functions() -> dict[str, Any]:
    return collect("logic.auth")


def _blueprints() -> list[Any]:
    return list(collect("views").values())


@tk.blanket.actions(_actions)
@tk.blanket.auth_functions(_auth_functions)
@tk.blanket.blueprints(_blueprints)
@tk.blanket.cli
@tk.blanket.config_declarations
class GovopenPlugin(p.SingletonPlugin, DefaultTranslation):
    """Features of the platform: units, inventory, registers, review, rates."""

    p.implements(p.ITranslation)
    p.implements(p.IConfigurer)
    p.implements(p.IConfigurable)
    p.implements(p.IMiddleware, inherit=True)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.ITemplateHelpers)
    p.implements(p.IUploader)
    p.implements(p.IApiToken, inherit=True)
    p.implements(p.ISignal)
    p.implements(p.IAuthenticator, inherit=True)
    p.implements(p.IValidators)

    def update_config(self, _config: Any) -> None:
        search.install()
        audit.install()
        stored_settings.install()
        passwords.install()
        reset_keys.install()

    def configure(self, config: Any) -> None:
        startup.require_settings(config)

    def make_middleware(self, app: Any, _config: Any) -> Any:
        made = gate.install(responses.install(app))
        startup.loaded()
        return made

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        return search.prepare(pkg_dict)

    def get_signal_subscriptions(self) -> dict[Any, list[Any]]:
        return audit_events.subscriptions(failed=sign_in.failed, succeeded=sign_in.succeeded)

    def login(self) -> Any:
        return sign_in.refusal()

    def authenticate(self, identity: Mapping[str, Any]) -> None:
        """Leaves it to CKAN who signs in."""
        passwords.spend(identity)

    def get_validators(self) -> dict[str, Any]:
        return {"user_password_validator": passwords.user_password_validator}

    def get_helpers(self) -> dict[str, Any]:
        return {"govopen_choices": choices.of_field}

    def get_uploader(self, _upload_to: str, _old_filename: str | None) -> None:
        """Images of users and groups stay with CKAN's own uploader."""

    def get_resource_uploader(self, data_dict: dict[str, Any]) -> files.ResourceFile:
        return files.ResourceFile(data_dict)

    def create_api_token_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return tokens.with_scope(schema)

    def postprocess_api_token(
        self, data: dict[str, Any], _jti: str, data_dict: dict[str, Any]
    ) -> dict[str, Any]:
        return tokens.claims(data, data_dict)

    def preprocess_api_token(self, data: Any) -> Any:
        tokens.note(data)
        return data
