"""The plugin `govopen_theme`: look, helpers for templates, headers and static files."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import csrf, mail
from ckanext.govopen.views import headers, helpers, register_fields, static


class GovopenThemePlugin(p.SingletonPlugin):
    """Templates over CKAN's own, one bundle of styles, and the headers of every page."""

    p.implements(p.IConfigurer)
    p.implements(p.ITemplateHelpers)
    p.implements(p.IFacets, inherit=True)
    p.implements(p.IMiddleware, inherit=True)
    p.implements(p.INotifier, inherit=True)

    # IConfigurer
    def update_config(self, config: Any) -> None:
        tk.add_template_directory(config, "templates")
        tk.add_resource("assets", "govopen")
        # no picture of a person is asked for at another host
        config["ckan.gravatar_default"] = "disabled"

    # ITemplateHelpers
    def get_helpers(self) -> dict[str, Any]:
        return {**helpers.all_helpers(), **register_fields.HELPERS}

    # IFacets
    def dataset_facets(self, facets_dict: dict[str, Any], package_type: str) -> dict[str, Any]:
        return helpers.facets(facets_dict)

    def organization_facets(
        self, facets_dict: dict[str, Any], organization_type: str, package_type: str | None
    ) -> dict[str, Any]:
        return helpers.facets(facets_dict)

    # IMiddleware
    def make_middleware(self, app: Any, config: Any) -> Any:
        csrf.install()
        mail.install()
        headers.install(app)
        static.install(app)
        return app

    # INotifier
    def notify_about_topic(
        self, already_notified: bool, topic: str, details: dict[str, Any] | None = None
    ) -> bool:
        return already_notified or mail.send_quietly(topic, details or {})
