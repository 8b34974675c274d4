"""The WSGI application: CKAN with the settings that CKAN_INI names."""

import os

from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app

from ckanext.govopen.logic import startup

settings = CKANConfigLoader(os.environ["CKAN_INI"]).get_config()
application = make_app(settings)
startup.require_role(settings, model.Session)
model.Session.remove()
