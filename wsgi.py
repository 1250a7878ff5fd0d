"""The WSGI application, for servers such as gunicorn: ``gunicorn wsgi:app``."""

from bus_ops import create_app

app = create_app()
