"""Browser, page server and scripted documents are those of the functional tests."""

from tests.functional.web_page.page_fixtures import api, browser, context, server, visit

__all__ = ["api", "browser", "context", "server", "visit"]
