"""Telling people: texts in both languages, an outbox that sends each message once, what is due."""
