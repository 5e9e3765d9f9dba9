"""Browser, page server and scripted documents for every test here."""

from tests.functional.web_page.page_fixtures import api, browser, context, no_documents, server, visit

__all__ = ["api", "browser", "context", "no_documents", "server", "visit"]
