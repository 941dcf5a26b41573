"""GraphiQL's page. `build` makes what it loads from `graphiql/`, and this server serves it: no CDN."""

from pathlib import Path

from starlette.responses import HTMLResponse, Response

ASSETS_PATH = "/graphiql"
ASSETS = Path(__file__).parent / "static" / "graphiql"

_HEADERS = {
    # Monaco, the editor, sets styles from scripts.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>heygen_graphql</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{ASSETS_PATH}/main.css">
</head>
<body>
<div id="graphiql">Loading ...</div>
<script type="module" src="{ASSETS_PATH}/main.js"></script>
</body>
</html>
"""
_NOT_BUILT = "GraphiQL has not been built yet: run `make web`, or `python -m heygen_graphql.web.build`."


def response() -> Response:
    if not (ASSETS / "main.js").is_file():
        return Response(_NOT_BUILT, status_code=503, media_type="text/plain", headers=_HEADERS)
    return HTMLResponse(_PAGE, headers=_HEADERS)
