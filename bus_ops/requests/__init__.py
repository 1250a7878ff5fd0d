"""Requests for visits: asked on a public page, answered by a coordinator, followed by a link."""
