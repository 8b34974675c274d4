"""gunicorn's settings for CKAN; what differs between installations comes as environment."""

import gc
import os

# what the application loads stays: the plugin lets the collector go on when all is there
gc.disable()

bind = os.environ["GOVOPEN_BIND"]
workers = int(os.environ.get("GOVOPEN_WEB_WORKERS", "2"))
worker_class = "gthread"
threads = 4
timeout = 120
graceful_timeout = 15
keepalive = 5
max_requests = 20000
max_requests_jitter = 2000
preload_app = True
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
accesslog = None
errorlog = "-"
limit_request_line = 8190
forwarded_allow_ips = os.environ.get("GOVOPEN_TRUSTED_PROXIES", "127.0.0.1")


def post_fork(server, worker):
    """Drop the database connections that the application opened before the fork."""
    import ckan.model as model

    from ckanext.datastore.backend import postgres

    for engine in (model.meta.engine, *postgres._engines.values()):
        if engine is not None:
            engine.dispose(close=False)
    model.Session.remove()
